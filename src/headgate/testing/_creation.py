"""make_tensor: random tensors for tests."""

from __future__ import annotations

from typing import Any

from headgate.core.entry import PUBLIC
from headgate.core.typed import Tensor

#: The range of values by type; of every other (-9, 10).
RANGES = {"bool": (0, 2), "uint8": (0, 10)}


def make_tensor(
    *shape: Any, dtype: Any, device: Any = "cpu", low: float | None = None, high: float | None = None,
    requires_grad: bool = False, noncontiguous: bool = False, exclude_zero: bool = False, memory_format: Any = None,
) -> Tensor:
    """A tensor of uniform numbers in [low, high), by default [-9, 9) for floats, and ten small ones for integers.

    exclude_zero: zeros become ones. noncontiguous: every second element of a larger tensor. ValueError for an empty
    range, or gradients of whole numbers.
    """
    sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    floating = dtype.is_floating_point
    default = (-9, 9) if floating else RANGES.get(dtype.name, (-9, 10))
    low, high = default[0] if low is None else low, default[1] if high is None else high
    if not low < high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    if requires_grad and not floating:
        raise ValueError(f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}")
    drawn = (*sizes[:-1], 2 * sizes[-1]) if noncontiguous and sizes else sizes
    x = PUBLIC["empty"](drawn, dtype=dtype, device=device)
    if floating:
        x.uniform_(low, high)
    else:
        x.random_(int(low), int(high))
    if noncontiguous and sizes:
        x = x[..., ::2]
    if exclude_zero:
        x[x == 0] = 1
    if memory_format is not None:
        x = x.clone(memory_format=memory_format)
    return x.requires_grad_(requires_grad) if floating else x
