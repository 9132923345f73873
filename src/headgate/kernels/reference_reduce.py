"""NumPy forms of every kernel that is not elementwise: reductions, running sums, softmax, products, indexing, sorting.

They are complete and plain: the fallback of the compiled kernels and all there is in an uncompiled run. Arrays in,
arrays out; nothing here knows tensors, gradients or modes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = [
    "addmm",
    "arg_reduce",
    "cumulate",
    "gather",
    "get_num_threads",
    "index_add",
    "log_softmax",
    "log_softmax_backward",
    "logsumexp",
    "matmul",
    "norm",
    "reduce",
    "scatter",
    "set_num_threads",
    "softmax",
    "softmax_backward",
    "sort",
    "take",
    "topk",
    "variance",
]

Array = np.ndarray[Any, Any]

_BOOL = np.dtype(np.bool_)
_HALF = np.dtype(np.float16)
_SINGLE = np.dtype(np.float32)
_INT64 = np.dtype(np.int64)


# ---------------------------------------------------------------------------------------------------- shared helpers


def _axis_of(axis: int, ndim: int) -> int:
    """The axis as a number from 0; a 0-d array is treated as having one axis, as PyTorch does."""
    count = max(ndim, 1)
    if not -count <= axis < count:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {axis})"
        )
    return axis % count


def _axes_of(axes: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Sorted axes from 0; None and the empty tuple both mean all of them."""
    if axes is None:
        return tuple(range(ndim))
    listed = (axes,) if isinstance(axes, int) else tuple(axes)
    if not listed:
        return tuple(range(ndim))
    normal = sorted(_axis_of(axis, ndim) for axis in listed)
    for axis in normal:
        if normal.count(axis) > 1:
            raise RuntimeError(f"dim {axis} appears multiple times in the list of dims")
    return tuple(normal) if ndim else ()


def _is_narrow(dtype: np.dtype[Any]) -> bool:
    """Whether sums in this float type are accumulated in float32: float16, and bfloat16 (kind V)."""
    return dtype == _HALF or dtype.kind == "V"


def _wide(x: Array) -> Array:
    return x.astype(_SINGLE) if _is_narrow(x.dtype) else x


def _fresh(x: Any, dtype: np.dtype[Any] | None = None) -> Array:
    """A C-contiguous array (0-d ones too) of this dtype."""
    array = np.asarray(x, dtype=dtype)
    return array if array.flags.c_contiguous else np.array(array, order="C")


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's warnings about NaN and infinity off: these kernels produce them by design."""

    def silent(*arguments: Any, **keywords: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments, **keywords)

    silent.__name__ = function.__name__
    silent.__doc__ = function.__doc__
    return silent


def _refuse_empty(name: str, x: Array, axes: tuple[int, ...], everything: bool) -> None:
    """Extremes have no value over nothing: PyTorch's class and words."""
    if all(x.shape[axis] for axis in axes):
        return
    if everything:
        if name in ("argmax", "argmin"):
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
            "Specify the reduction dim with the 'dim' argument."
        )
    empty = next(axis for axis in axes if not x.shape[axis])
    raise IndexError(f"{name}(): Expected reduction dim {empty} to have non-zero size.")


# -------------------------------------------------------------------------------------------------------- reductions


def _sum_like(
    ufunc: np.ufunc, x: Array, axes: tuple[int, ...], keepdims: bool, dtype: np.dtype[Any]
) -> Array:
    """Sum or product in `dtype`; narrow floats accumulate in float32 and are rounded once."""
    if dtype == _BOOL:
        logical: np.ufunc = np.logical_or if ufunc is np.add else np.logical_and
        return _fresh(logical.reduce(x, axis=axes, keepdims=keepdims))
    inner = _SINGLE if _is_narrow(dtype) else dtype
    if x.dtype != inner:
        x = x.astype(dtype).astype(inner, copy=False)
    return _fresh(ufunc.reduce(x, axis=axes, keepdims=keepdims, dtype=inner), dtype)


@_quiet
def reduce(
    name: str,
    x: Array,
    axes: int | Sequence[int] | None = None,
    keepdims: bool = False,
    out_dtype: Any = None,
) -> Array:
    """sum, prod, max, min, any, all or mean over `axes` (None or (): all).

    sum and prod of integers and bool give int64; `out_dtype` casts before summing; max and min keep the dtype and
    propagate NaN; any and all give bool; mean wants floats. An extreme over nothing raises as in PyTorch.
    """
    normal = _axes_of(axes, x.ndim)
    everything = axes is None
    if name == "any":
        return _fresh(np.logical_or.reduce(x, axis=normal, keepdims=keepdims))
    if name == "all":
        return _fresh(np.logical_and.reduce(x, axis=normal, keepdims=keepdims))
    if name in ("max", "min"):
        _refuse_empty(name, x, normal, everything)
        ufunc = np.maximum if name == "max" else np.minimum
        return _fresh(ufunc.reduce(x, axis=normal, keepdims=keepdims))
    dtype = np.dtype(out_dtype) if out_dtype is not None else x.dtype
    if out_dtype is None and dtype.kind in "iub":
        dtype = _INT64
    if name == "prod":
        return _sum_like(np.multiply, x, normal, keepdims, dtype)
    if name == "sum":
        return _sum_like(np.add, x, normal, keepdims, dtype)
    if name != "mean":
        raise ValueError(f"unknown reduction {name!r}")
    inner = _SINGLE if _is_narrow(dtype) else dtype
    total = _sum_like(np.add, x.astype(dtype, copy=False).astype(inner, copy=False), normal, keepdims, inner)
    return _fresh(np.true_divide(total, inner.type(_count(x, normal))), dtype)


def _count(x: Array, axes: tuple[int, ...]) -> int:
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return count


@_quiet
def arg_reduce(name: str, x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """argmax or argmin: int64 positions of the first NaN, else of the first extreme."""
    find = np.argmax if name == "argmax" else np.argmin
    if axis is None:
        _refuse_empty(name, x, tuple(range(x.ndim)), True)
        flat = np.asarray(find(x), dtype=_INT64)
        return flat.reshape((1,) * x.ndim) if keepdims else flat
    normal = _axis_of(axis, x.ndim)
    if x.ndim == 0:
        return np.zeros((), dtype=_INT64)
    _refuse_empty(name, x, (normal,), False)
    return _fresh(find(x, axis=normal, keepdims=keepdims), _INT64)


@_quiet
def variance(
    x: Array, axes: int | Sequence[int] | None = None, correction: float = 1.0, keepdims: bool = False
) -> Array:
    """sum((x - mean)^2) / max(0, n - correction), two passes; NaN where there are too few elements."""
    normal = _axes_of(axes, x.ndim)
    wide = x.astype(np.float64) if x.dtype != np.float64 else x
    count = _count(x, normal)
    centre = np.true_divide(np.add.reduce(wide, axis=normal, keepdims=True), np.float64(count))
    spread = np.add.reduce(np.square(wide - centre), axis=normal, keepdims=keepdims)
    return _fresh(np.true_divide(spread, np.float64(max(0.0, count - correction))), x.dtype)


@_quiet
def logsumexp(x: Array, axes: int | Sequence[int] | None = None, keepdims: bool = False) -> Array:
    """log(sum(exp(x))), shifted by the maximum where that is finite; -inf over nothing."""
    normal = _axes_of(axes, x.ndim)
    wide = _wide(x)
    top = np.maximum.reduce(wide, axis=normal, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(top), top, wide.dtype.type(0))
    total = np.log(np.add.reduce(np.exp(wide - shift), axis=normal, keepdims=True)) + shift
    return _fresh(total if keepdims else np.squeeze(total, axis=normal), x.dtype)


@_quiet
def norm(
    x: Array, order: float = 2.0, axes: int | Sequence[int] | None = None, keepdims: bool = False
) -> Array:
    """The vector norm of any order: sum(|x|^p)^(1/p); 0 counts non-zeros, +-inf take the extreme magnitude.

    Negative and infinite orders over nothing raise, as in PyTorch; others give 0.
    """
    normal = _axes_of(axes, x.ndim)
    order = float(order)
    if order < 0 or order == np.inf:
        _refuse_empty_norm(x, order, normal, axes is None)
    wide = np.abs(_wide(x))
    if order == np.inf:
        result = np.maximum.reduce(wide, axis=normal, keepdims=keepdims)
    elif order == -np.inf:
        result = np.minimum.reduce(wide, axis=normal, keepdims=keepdims)
    elif order == 0:
        result = np.add.reduce(wide != 0, axis=normal, keepdims=keepdims, dtype=_INT64)
    elif order == 1:
        result = np.add.reduce(wide, axis=normal, keepdims=keepdims)
    elif order == 2:
        result = np.sqrt(np.add.reduce(np.square(wide), axis=normal, keepdims=keepdims))
    else:
        power = np.power(wide, wide.dtype.type(order))
        total = np.add.reduce(power, axis=normal, keepdims=keepdims)
        result = np.power(total, wide.dtype.type(1.0 / order))
    return _fresh(result, x.dtype)


def _refuse_empty_norm(x: Array, order: float, axes: tuple[int, ...], everything: bool) -> None:
    empty = [axis for axis in axes if not x.shape[axis]]
    if not empty:
        return
    shown = f"{order:g}"
    if everything or not x.ndim:
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {shown} norm on an empty tensor "
            "because the operation does not have an identity"
        )
    raise RuntimeError(
        f"linalg.vector_norm cannot compute the {shown} norm on the dimension {empty[0]}"
        "because this dimension is empty and the operation does not have an identity"
    )


# -------------------------------------------------------------------------------------------------- along one axis


@_quiet
def cumulate(name: str, x: Array, axis: int, out_dtype: Any = None) -> Any:
    """cumsum, cumprod and logcumsumexp give an array; cummax and cummin give (values, int64 indices).

    Integers and bool add up in int64. Extremes take the latest of equal positions, and NaN stays once met.
    """
    axis = _axis_of(axis, x.ndim)
    line = x.reshape(1) if x.ndim == 0 else x
    if name in ("cummax", "cummin"):
        values, indices = _running_extreme(np.maximum if name == "cummax" else np.minimum, line, axis)
        return _fresh(values.reshape(x.shape)), _fresh(indices.reshape(x.shape))
    dtype = np.dtype(out_dtype) if out_dtype is not None else x.dtype
    if out_dtype is None and dtype.kind in "iub" and name != "logcumsumexp":
        dtype = _INT64
    ufunc = {"cumsum": np.add, "cumprod": np.multiply, "logcumsumexp": np.logaddexp}[name]
    wide = _wide(line.astype(dtype, copy=False))
    if dtype == _SINGLE:
        wide = wide.astype(np.float64)  # as PyTorch, which rounds each running total once
    total = ufunc.accumulate(wide, axis=axis, dtype=wide.dtype)
    return _fresh(total.reshape(x.shape), dtype)


def _running_extreme(ufunc: np.ufunc, x: Array, axis: int) -> tuple[Array, Array]:
    values = ufunc.accumulate(x, axis=axis)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    position = np.arange(x.shape[axis], dtype=_INT64).reshape(shape)
    moved = x == values
    if x.dtype.kind in "fV":
        moved |= np.isnan(x)
    indices = np.maximum.accumulate(np.where(moved, position, 0), axis=axis)
    return values, indices


@_quiet
def softmax(x: Array, axis: int) -> Array:
    """exp(x - max) / sum(exp(x - max)) along one axis; a row of -inf gives NaN."""
    if x.size == 0:
        return np.empty(x.shape, dtype=x.dtype)
    wide = _wide(x.reshape(1) if x.ndim == 0 else x)
    axis = _axis_of(axis, x.ndim)
    power = np.exp(wide - np.maximum.reduce(wide, axis=axis, keepdims=True))
    power /= np.add.reduce(power, axis=axis, keepdims=True)
    return _fresh(power.reshape(x.shape), x.dtype)


@_quiet
def log_softmax(x: Array, axis: int) -> Array:
    """x - max - log(sum(exp(x - max))) along one axis."""
    if x.size == 0:
        return np.empty(x.shape, dtype=x.dtype)
    wide = _wide(x.reshape(1) if x.ndim == 0 else x)
    axis = _axis_of(axis, x.ndim)
    shifted = wide - np.maximum.reduce(wide, axis=axis, keepdims=True)
    shifted -= np.log(np.add.reduce(np.exp(shifted), axis=axis, keepdims=True))
    return _fresh(shifted.reshape(x.shape), x.dtype)


@_quiet
def softmax_backward(g: Array, y: Array, axis: int) -> Array:
    """y * (g - sum(g * y)): the gradient of softmax from its output."""
    axis = _axis_of(axis, y.ndim)
    if y.ndim == 0:
        return _fresh(softmax_backward(g.reshape(1), y.reshape(1), 0).reshape(()), y.dtype)
    gradient, output = _wide(g), _wide(y)
    total = np.add.reduce(gradient * output, axis=axis, keepdims=True)
    return _fresh(output * (gradient - total), y.dtype)


@_quiet
def log_softmax_backward(g: Array, y: Array, axis: int) -> Array:
    """g - exp(y) * sum(g): the gradient of log_softmax from its output."""
    axis = _axis_of(axis, y.ndim)
    if y.ndim == 0:
        return _fresh(log_softmax_backward(g.reshape(1), y.reshape(1), 0).reshape(()), y.dtype)
    gradient, output = _wide(g), _wide(y)
    total = np.add.reduce(gradient, axis=axis, keepdims=True)
    return _fresh(gradient - np.exp(output) * total, y.dtype)


# ------------------------------------------------------------------------------------------------------- products


@_quiet
def matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """NumPy's matmul: 1-D, 2-D and batched; narrow floats are multiplied in float32 and rounded once."""
    if _is_narrow(a.dtype):
        result = np.matmul(_wide(a), _wide(b))
    else:
        result = np.matmul(a, b)
    if out is not None:
        out[...] = result
        return out
    return _fresh(result, a.dtype)


@_quiet
def addmm(c: Array, a: Array, b: Array, beta: float, alpha: float) -> Array:
    """beta * c + alpha * (a @ b) with c broadcast; with beta 0, NaN and infinity in c do not count."""
    dtype = a.dtype
    product = np.matmul(_wide(a), _wide(b))
    kind = product.dtype.type
    if alpha != 1:
        product = product * kind(int(alpha) if dtype.kind in "iu" else alpha)
    if beta != 0:
        product = product + (_wide(c) if beta == 1 else _wide(c) * kind(int(beta) if dtype.kind in "iu" else beta))
    return _fresh(product, dtype)


# ------------------------------------------------------------------------------------------------------- indexing


def _first_outside(index: Array, size: int) -> int | None:
    """The first position that is negative or beyond the end, None if all are good."""
    outside = (index < 0) | (index >= size)
    return int(index[outside][0]) if outside.any() else None


def _refuse_outside(index: Array, size: int, axis: int) -> None:
    position = _first_outside(index, size)
    if position is not None:
        raise RuntimeError(f"index {position} is out of bounds for dimension {axis} with size {size}")


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


def sort(x: Array, axis: int = -1, descending: bool = False, stable: bool = True) -> tuple[Array, Array]:
    """Values and int64 indices in order along `axis`. NaN counts as the largest; equal values keep their order."""
    axis = _axis_of(axis, x.ndim)
    if x.ndim == 0:
        return x.copy(), np.zeros((), dtype=_INT64)
    if descending:
        backwards = np.flip(np.argsort(np.flip(x, axis), axis=axis, kind="stable"), axis)
        order = x.shape[axis] - 1 - backwards
    else:
        order = np.argsort(x, axis=axis, kind="stable")
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


# -------------------------------------------------------------------------------------------------------- threads


def get_num_threads() -> int:
    """How many threads kernels may use; uncompiled it is only remembered."""
    return _threads[0]


def set_num_threads(count: int) -> None:
    """Sets it; a count below 1 raises, as in PyTorch."""
    if count < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    _threads[0] = int(count)


_threads = [1]
