"""NumPy forms of copies, joins and triangles: the names and meanings of the compiled ones.

Arrays in, arrays out; nothing here knows tensors, gradients or modes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headgate.kernels.reference_shared import Array

__all__ = [
    "cast", "clear", "contiguous", "converted", "copied", "copy_into", "fill", "joined", "laid_out", "like_layout",
    "ramp", "repeated", "triangle", "zeros",
]  # fmt: skip


def copy_into(target: Array, source: Array) -> Array:
    """target[...] = source, broadcast and converted as C converts, without a warning. Returns target.

    Halves are made of single precision, from float64 too: PyTorch rounds twice there.
    """
    with np.errstate(all="ignore"):
        if target.dtype == np.float16 and source.dtype == np.float64:
            source = source.astype(np.float32)
        np.copyto(target, source, casting="unsafe")
    return target


fill = copy_into


def clear(target: Array) -> bool:
    """target[...] = 0, if it has no gaps; False, and nothing written, where it has some or may not be written."""
    if not (target.flags.c_contiguous and target.flags.writeable):
        return False
    target.fill(0)
    return True


def contiguous(x: Array) -> Array:
    """A C-contiguous copy."""
    return np.array(x, order="C")


def copied(x: Array) -> Array:
    """A copy in the layout of x (see `like_layout`)."""
    return copy_into(like_layout(x, x.dtype), x)


def converted(x: Array, kind: Any, keep_layout: bool = True) -> Array:
    """A copy in another dtype, C-contiguous or in the layout of x; numbers that do not fit are cut as C does."""
    return copy_into(like_layout(x, kind) if keep_layout else np.empty(x.shape, kind), x)


def cast(x: Array, kind: Any) -> Array:
    """x itself if it has that dtype, else `converted`."""
    return x if x.dtype == kind else converted(x, kind)


def zeros(shape: tuple[int, ...], kind: Any) -> Array:
    """A C-contiguous array of zeros."""
    return np.zeros(shape, kind)


def repeated(shape: tuple[int, ...], value: Array) -> Array:
    """A C-contiguous array of which every element is `value`, an array of no dims."""
    return np.full(shape, value, value.dtype)


def ramp(n: int, first: Any, last: Any, step: Any, working: Any, kind: Any) -> Array:
    """n numbers first + step * i, worked out in the dtype `working` (int64 or a float) and converted to `kind`.

    Unless `last` is None, those of the upper half are counted down from it: last - step * (n - 1 - i).
    """
    index = np.arange(n).astype(working)
    first, step = working.type(first), working.type(step)
    half = n if last is None else n // 2
    with np.errstate(all="ignore"):
        line = index * step + first
        if last is not None:
            line[half:] = working.type(last) - step * index[: n - half][::-1]
    return converted(line, kind)


def is_usual(x: Array) -> bool:
    """Whether x has the strides of a fresh array, along dims of one element too: PyTorch keeps and compares those."""
    wanted = x.itemsize
    for stride, length in zip(reversed(x.strides), reversed(x.shape)):
        if stride != wanted:
            return False
        wanted *= length
    return True


def _is_dense(x: Array) -> bool:
    """Whether the elements fill a block of memory without gap or overlap, in whatever order of dims."""
    wanted = x.itemsize
    for stride, length in sorted((s, n) for s, n in zip(x.strides, x.shape, strict=True) if n != 1):
        if stride != wanted:
            return False
        wanted *= length
    return True


def _order_of_dims(x: Array) -> list[int]:
    """The dims from the widest stride to the narrowest, dims of doubtful place where they stand (PyTorch's order)."""
    order = list(range(x.ndim - 1, -1, -1))
    for i in range(1, x.ndim):
        place = i
        for k in range(i - 1, -1, -1):
            one, other = x.strides[order[k]], x.strides[order[place]]
            length, other_length = x.shape[order[k]], x.shape[order[place]]
            if one == 0 or other == 0 or one == other and length == other_length:
                continue
            if (one, length) < (other, other_length):
                break
            order[k], order[place] = order[place], order[k]
            place = k
    return order[::-1]


def like_layout(x: Array, kind: Any) -> Array:
    """An uninitialised array of x's shape: with its strides if it is dense, else with its order of dims."""
    kind = np.dtype(kind)
    if is_usual(x) or x.size == 0:
        return np.empty(x.shape, kind)
    if _is_dense(x):
        steps = tuple(step // x.itemsize * kind.itemsize for step in x.strides)
        return np.ndarray(x.shape, kind, np.empty(x.shape, kind), strides=steps)
    order = _order_of_dims(x)
    return np.empty([x.shape[dim] for dim in order], kind).transpose(np.argsort(order))


def _outside(arrays: Sequence[Array], shape: tuple[int, ...], one: int, two: int) -> int:
    """Whether dim `one` of a result must go outside of `two`: 1, inside: -1, or the operands do not say: 0."""
    for array in arrays:
        first, second = (_step(array, shape, dim) for dim in (one, two))
        if 0 in (first, second) or first == second and shape[one] <= shape[two]:
            continue
        return -1 if first < second else 1
    return 0


def _step(array: Array, shape: tuple[int, ...], dim: int) -> int:
    """The stride of an operand along a dim of the result; 0 where it is broadcast."""
    mine = dim - (len(shape) - array.ndim)
    return 0 if mine < 0 or (array.shape[mine] == 1 and shape[dim] != 1) else int(array.strides[mine])


def laid_out(result: Array, operands: Sequence[Array]) -> Array:
    """A result in the layout that PyTorch gives it: its dims in the order of the operands' strides."""
    if result.size == 0 or all(one.flags.c_contiguous and one.shape == result.shape for one in operands):
        return np.asarray(result, order="C")
    return in_order(result, operands)


def in_order(result: Array, operands: Sequence[Array]) -> Array:
    """`laid_out` for operands of which PyTorch asks the strides in any case, those of dims of length 1 too."""
    order = list(range(result.ndim - 1, -1, -1))
    for i in range(1, result.ndim):
        place = i
        for k in range(i - 1, -1, -1):
            sign = _outside(operands, result.shape, order[k], order[place])
            if sign < 0:
                break
            if sign:
                order[k], order[place] = order[place], order[k]
                place = k
    order.reverse()
    if order == sorted(order):
        return np.asarray(result, order="C")
    fresh = np.empty([result.shape[dim] for dim in order], result.dtype).transpose(np.argsort(order))
    return copy_into(fresh, result)


def joined(arrays: Sequence[Array], axis: int, kind: Any = None, stacked: bool = False) -> Array:
    """The arrays one after another along an axis, or along a new one (`stacked`), C-contiguous; `kind`: a dtype."""
    parts = [np.expand_dims(one, axis) for one in arrays] if stacked else arrays
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(np.concatenate(parts, axis, dtype=kind, casting="unsafe"))


def triangle(x: Array, diagonal: int, lower: bool) -> Array:
    """The elements on and below (`lower`) or on and above a diagonal of each matrix, zero beyond; C-contiguous."""
    edges = np.arange(x.shape[-2])[:, None] + diagonal
    columns = np.arange(x.shape[-1])
    keep = columns <= edges if lower else columns >= edges
    return np.ascontiguousarray(np.where(keep, x, np.zeros((), x.dtype)))
