"""NumPy forms of reading and writing at positions, and of sorting, with PyTorch's errors and its order of NaN.

Arrays in, arrays out; nothing here knows tensors, gradients or modes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headgate.kernels.reference_shared import _INT64, Array, _axis_of, _fresh, _quiet

__all__ = ["count", "gather", "index_add", "linear", "pick", "scatter", "search", "sort", "take", "topk"]

# ------------------------------------------------------------------------------------------------------- indexing


def _first_outside(index: Array, size: int) -> int | None:
    """The first position that is negative or beyond the end, None if all are good."""
    outside = (index < 0) | (index >= size)
    return int(index[outside][0]) if outside.any() else None


def _refuse_outside(index: Array, size: int, axis: int) -> None:
    position = _first_outside(index, size)
    if position is not None:
        raise RuntimeError(f"index {position} is out of bounds for dimension {axis} with size {size}")


def linear(parts: tuple[Array, ...], sizes: tuple[int, ...]) -> Array | None:
    """Where elements lie in an array of these sizes, flattened, by a position for each of its dims.

    Positions are int64 arrays of one shape, from the end if negative. None if they are not, or if some are outside. A
    single array that counts from the front is returned itself.
    """
    flat = np.zeros(parts[0].shape, _INT64)
    for part, size in zip(parts, sizes):
        if part.dtype != _INT64 or part.shape != flat.shape or not part.flags.c_contiguous:
            return None
        if ((part < -size) | (part >= size)).any():
            return None
        flat = flat * size + np.where(part < 0, part + size, part)
    return parts[0] if len(parts) == 1 and not (parts[0] < 0).any() else flat


def take(x: Array, index: Array, axis: int | None) -> Array:
    """Rows of x along `axis`, index of any shape (index_select, embedding); negative positions are refused.

    With axis None: elements of flattened x, negative positions counted from the end (torch.take).
    """
    if axis is None:
        outside = (index < -x.size) | (index >= x.size)
        if outside.any():
            position = int(index[outside][0])
            raise IndexError(f"out of range: tried to access index {position} on a tensor of {x.size} elements.")
        return _fresh(x.reshape(-1)[index])
    axis = _axis_of(axis, x.ndim)
    line = x.reshape(1) if x.ndim == 0 else x
    if _first_outside(index, line.shape[axis]) is not None:
        raise IndexError("index out of range in self")
    result = np.take(line, index, axis=axis)
    return _fresh(result.reshape(()) if x.ndim == 0 and index.size == 1 else result)


def _where(index: Array, axis: int) -> tuple[Array, ...]:
    """Open index arrays that address, for each element of `index`, the position it names along `axis`."""
    grids: list[Array] = list(np.ogrid[tuple(slice(0, size) for size in index.shape)])
    grids[axis] = index
    return tuple(grids)


def gather(x: Array, axis: int, index: Array) -> Array:
    """out[i][j] = x[index[i][j]][j] for axis 0: shape of `index`, which may be smaller than x on the other axes."""
    axis = _axis_of(axis, x.ndim)
    shape = index.shape
    x, index = (array.reshape(1) if array.ndim == 0 else array for array in (x, index))
    if index.ndim != x.ndim and index.size:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    if not index.size:
        return np.empty(shape, dtype=x.dtype)
    for other in range(x.ndim):
        if other != axis and index.shape[other] > x.shape[other]:
            raise RuntimeError(
                f"Size does not match at dimension {other} expected index {list(index.shape)} "
                f"to be no larger than self {list(x.shape)} apart from dimension {axis}"
            )
    _refuse_outside(index, x.shape[axis], axis)
    return _fresh(x[_where(index, axis)].reshape(shape))


_COMBINE: dict[str, np.ufunc] = {"add": np.add, "multiply": np.multiply, "amax": np.maximum, "amin": np.minimum}


@_quiet
def scatter(x: Array, axis: int, index: Array, src: Any, mode: str = "set", include_self: bool = True) -> Array:
    """x[index[i][j]][j] (combined with) = src[i][j] for axis 0, in place; returns x.

    mode: set (the last of several wins), add, multiply, amax, amin, mean (integers round down). `src` is an array
    at least as large as `index`, or a scalar. With include_self False the old values of written places do not count.
    """
    axis = _axis_of(axis, x.ndim)
    if not index.size:
        return x
    view, index = (array.reshape(1) if array.ndim == 0 else array for array in (x, index))
    values = np.asarray(src, dtype=x.dtype)
    _refuse_shapes(view, axis, index, values)
    _refuse_outside(index, view.shape[axis], axis)
    if values.ndim:
        values = values[tuple(slice(0, size) for size in index.shape)]
    where = _where(index, axis)
    if mode == "set":
        view[where] = values
        return x
    if mode == "mean":
        _scatter_mean(view, where, values, include_self)
        return x
    if not include_self:
        view[where] = _identity(mode, x.dtype)
    _COMBINE[mode].at(view, where, values)
    return x


def scattered(x: Array, axis: int, index: Array, src: Any, mode: str = "set") -> Array:
    """`scatter` into a copy of x."""
    return scatter(np.array(x, order="C"), axis, index, src, mode)


def _refuse_shapes(x: Array, axis: int, index: Array, src: Array) -> None:
    if index.ndim != x.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as self tensor")
    if src.ndim and src.ndim != index.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    for other in range(x.ndim):
        if (other != axis and index.shape[other] > x.shape[other]) or (
            src.ndim and index.shape[other] > src.shape[other]
        ):
            also = f" and to be no larger than src {list(src.shape)}" if src.ndim else ""
            raise RuntimeError(
                f"Expected index {list(index.shape)} to be no larger than self {list(x.shape)} "
                f"apart from dimension {axis}{also}"
            )


def _identity(mode: str, dtype: np.dtype[Any]) -> Any:
    """The value that changes nothing when combined: what written places start from without their old value."""
    if mode == "add":
        return dtype.type(0)
    if mode == "multiply":
        return dtype.type(1)
    if dtype.kind == "b":
        return mode == "amin"
    if dtype.kind in "iu":
        return np.iinfo(dtype).min if mode == "amax" else np.iinfo(dtype).max
    return dtype.type(-np.inf if mode == "amax" else np.inf)


def _scatter_mean(view: Array, where: tuple[Array, ...], values: Array, include_self: bool) -> None:
    count = np.full(view.shape, 1 if include_self else 0, dtype=_INT64)
    if not include_self:
        view[where] = 0
    np.add.at(view, where, values)
    np.add.at(count, where, 1)
    np.maximum(count, 1, out=count)
    divide = np.floor_divide if view.dtype.kind in "iu" else np.true_divide
    view[...] = divide(view, count).astype(view.dtype, copy=False)


def index_add(x: Array, axis: int, index: Array, src: Array, alpha: float = 1) -> Array:
    """x[index[i]] += alpha * src[i] along `axis`, in place, repeated positions added in order; returns x."""
    axis = _axis_of(axis, x.ndim)
    view = x.reshape(1) if x.ndim == 0 else x
    source = src.reshape(1) if src.ndim == 0 else src
    position = _first_outside(index, view.shape[axis])
    if position is not None and view.ndim <= 1:
        raise IndexError("index out of range in self")
    if position is not None:
        raise RuntimeError(f"index {position} is out of bounds for dimension {axis} with size {view.shape[axis]}")
    if alpha != 1:
        source = source * x.dtype.type(alpha)
    np.add.at(np.moveaxis(view, axis, 0), index.reshape(-1), np.moveaxis(source, axis, 0))
    return x


# -------------------------------------------------------------------------------------------------------- sorting


def _key(x: Array) -> Array:
    """What NumPy can order: for bfloat16, whose NaN its sorts do not know, float32."""
    return x.astype(np.float32) if x.dtype.isbuiltin == 2 else x


def sort(x: Array, axis: int = -1, descending: bool = False, stable: bool = True) -> tuple[Array, Array]:
    """Values and int64 indices in order along `axis`. NaN counts as the largest; equal values keep their order."""
    axis = _axis_of(axis, x.ndim)
    if x.ndim == 0:
        return x.copy(), np.zeros((), dtype=_INT64)
    key = _key(x)
    if descending:
        backwards = np.flip(np.argsort(np.flip(key, axis), axis=axis, kind="stable"), axis)
        order = x.shape[axis] - 1 - backwards
    else:
        order = np.argsort(key, axis=axis, kind="stable")
    return _fresh(np.take_along_axis(x, order, axis)), _fresh(order, _INT64)


def topk(
    x: Array, k: int, axis: int = -1, largest: bool = True, sorted: bool = True
) -> tuple[Array, Array]:
    """The k largest (or smallest) values along `axis` and their int64 indices; NaN counts as the largest."""
    axis = _axis_of(axis, x.ndim)
    if not 0 <= k <= (x.shape[axis] if x.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if x.ndim == 0:
        return x.copy(), np.zeros((), dtype=_INT64)
    values, indices = sort(x, axis, largest)
    front = (slice(None),) * axis + (slice(0, k),)
    return _fresh(values[front]), _fresh(indices[front])


def pick(x: Array, k: int, axis: int = -1) -> tuple[Array, Array]:
    """The k-th smallest along `axis` (k from 1) and its position, the axis kept with length 1."""
    if x.ndim == 0:
        return x.copy(), np.zeros((), dtype=_INT64)
    values, indices = sort(x, axis)
    return _fresh(np.take(values, [k - 1], axis)), _fresh(np.take(indices, [k - 1], axis))


def search(edges: Array, values: Array, right: bool) -> Array:
    """The int64 place of each value among sorted edges (of one axis); NaN goes to the end."""
    places = np.searchsorted(_key(edges), _key(values), "right" if right else "left")
    return np.asarray(np.where(values != values, edges.size, places), _INT64)


def count(x: Array, least: int = 0) -> Array:
    """How often each of 0, 1, 2 ... occurs in integers that are not negative, in at least `least` numbers."""
    return np.asarray(np.bincount(x.reshape(-1), minlength=least), _INT64)


def select(x: Array, k: int) -> Any:
    """The k-th of all numbers in order, from 0; NaN goes last, as in a sort."""
    return np.partition(x.reshape(-1), k)[k]


def count_parts(x: Array, parts: int, low: float, high: float) -> Array:
    """How many floats lie in each of so many equal parts of [low, high]; the last includes its upper end."""
    kind = x.dtype.type
    inside = x[(x >= kind(low)) & (x <= kind(high))]
    if x.dtype.itemsize == 2:  # rounded at every step, as PyTorch does, unless that overflows
        with np.errstate(over="ignore", invalid="ignore"):
            width, product = kind(kind(high) - kind(low)), (inside - kind(low)) * kind(parts)
        wide = (inside.astype(np.float32) - np.float32(low)) * np.float32(parts) / np.float32(width)
        place = np.where(np.isfinite(product), product / width, wide).astype(np.int64)
    else:
        place = ((inside - kind(low)) * kind(parts / (high - low))).astype(np.int64)
    return count(np.minimum(place, parts - 1), parts)


def longest_runs(x: Array) -> Array:
    """Where the longest run of equal numbers ends in each line of the last axis, in order; the first of several."""
    lines = x.reshape(-1, x.shape[-1])
    places = np.empty(lines.shape[0], np.int64)
    for row, line in enumerate(lines):
        ends = np.append(np.flatnonzero(line[1:] != line[:-1]), line.size - 1)
        places[row] = ends[int(np.diff(ends, prepend=-1).argmax())]
    return places.reshape(x.shape[:-1])


def among(x: Array, tests: Array, invert: bool) -> Array:
    """Whether each element of x is (or with `invert` is not) one of `tests`; NaN is none."""
    return np.asarray(np.isin(x, tests, invert=invert))


def extent(x: Array) -> tuple[float, float]:
    """The smallest and the largest of some floats; NaN where there is one."""
    return float(x.min()), float(x.max())


def missing(x: Array) -> int:
    """How many NaN there are."""
    return int(np.isnan(x).sum())


def marked(x: Array, marks: Array) -> Array:
    """The elements of a vector where a mask of its length holds, in order."""
    return np.compress(marks, x)  # much faster than x[marks], where they are as many as not
