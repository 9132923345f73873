"""Places in tensors as numbers: the indices of triangles, and flat places taken apart into one index for each dim."""

from __future__ import annotations

import math
from typing import Any

from headgate.core.apply import wrap
from headgate.core.entry import PUBLIC, publish
from headgate.core.options import check_options
from headgate.ops.margins import tensor
from headgate.ops.triangle import triangle_places


def triangle(name: str, lower: bool, row: int, col: int, offset: int, options: tuple[Any, ...]) -> Any:
    """The indices (2, count) of a triangle, row by row."""
    dtype, layout, device, pin_memory = options
    for what, size in (("row", row), ("col", col)):
        if size < 0:
            raise RuntimeError(f"{what} must be non-negative, got{size}")
    check_options(name, layout, device, pin_memory)
    found = wrap(triangle_places(row, col, offset, lower))
    return found if dtype is None else found.to(dtype)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: Any = None,
) -> Any:
    """The indices (2, count) of the elements on and below a diagonal of a matrix, row by row; int64 by default."""
    return triangle("tril_indices", True, row, col, offset, (dtype, layout, device, pin_memory))


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, layout: Any = None, device: Any = None,
    pin_memory: Any = None,
) -> Any:
    """The indices (2, count) of the elements on and above a diagonal of a matrix, row by row; int64 by default."""
    return triangle("triu_indices", False, row, col, offset, (dtype, layout, device, pin_memory))


def unravel_index(indices: Any, shape: Any) -> Any:
    """For each dim of a shape the indices that flat places stand for: a tuple of tensors like `indices`."""
    x = tensor(indices, "unravel_index", "indices")
    if x.dtype.is_floating_point or x.dtype.name == "bool":
        raise TypeError("expected 'indices' to be integer dtype, but got " + str(x.dtype))
    sizes = (shape,) if isinstance(shape, int) else tuple(int(one) for one in shape)
    if any(one < 0 for one in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    steps = [math.prod(sizes[dim + 1:]) for dim in range(len(sizes))]
    divide = PUBLIC["div"]
    return tuple(divide(x, step, rounding_mode="floor") % size for step, size in zip(steps, sizes))


for _function in (tril_indices, triu_indices, unravel_index):
    publish(_function.__name__, _function)
