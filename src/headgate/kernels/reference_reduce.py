"""NumPy forms of reductions, running sums, softmax and products; indexing and sorting come from reference_select.

They are complete and plain: the fallback of the compiled kernels and all there is in an uncompiled run. Arrays in,
arrays out; nothing here knows tensors, gradients or modes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headgate.kernels.reference_copy import cast
from headgate.kernels.reference_select import gather, index_add, linear, scatter, scattered, sort, take, topk
from headgate.kernels.reference_shared import (
    _BOOL,
    _INT64,
    _SINGLE,
    Array,
    _axes_of,
    _axis_of,
    _fresh,
    _is_narrow,
    _quiet,
    _wide,
)

__all__ = [
    "addmm",
    "arg_reduce",
    "cumulate",
    "gather",
    "get_num_threads",
    "index_add",
    "linear",
    "log_softmax",
    "log_softmax_backward",
    "logsumexp",
    "matmul",
    "norm",
    "reduce",
    "scatter",
    "scattered",
    "set_num_threads",
    "softmax",
    "softmax_backward",
    "sort",
    "take",
    "topk",
    "variance",
]


# NumPy's stubs want keepdims as a literal, so its ufuncs go untyped here.
_ADD: Any = np.add
_MAXIMUM: Any = np.maximum
_MINIMUM: Any = np.minimum


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
    ufunc: Any, x: Array, axes: tuple[int, ...], keepdims: bool, dtype: np.dtype[Any]
) -> Array:
    """Sum or product in `dtype`; narrow floats accumulate in float32 and are rounded once."""
    if dtype == _BOOL:
        logical: Any = np.logical_or if ufunc is np.add else np.logical_and
        return _fresh(logical.reduce(x, axis=axes, keepdims=keepdims))
    inner = _SINGLE if _is_narrow(dtype) else dtype
    if x.dtype != inner:
        x = cast(x, dtype).astype(inner, copy=False)
    return _fresh(ufunc.reduce(x, axis=axes, keepdims=keepdims, dtype=inner), dtype)


@_quiet
def reduce(
    name: str,
    x: Array,
    axes: int | Sequence[int] | None = None,
    keepdims: bool = False,
    out_dtype: Any = None,
) -> Array:
    """sum, prod, max, min, any, all, nansum (NaN left out) or mean over `axes` (None or (): all).

    sum and prod of integers and bool give int64; `out_dtype` casts before summing; max and min keep the dtype and
    propagate NaN; any and all give bool; mean wants floats. An extreme over nothing raises as in PyTorch.
    """
    normal = _axes_of(axes, x.ndim)
    everything = axes is None
    if name == "nansum":
        return reduce("sum", np.where(x == x, x, x.dtype.type(0)), axes, keepdims, out_dtype)
    if name == "any":
        return _sum_like(np.add, x, normal, keepdims, _BOOL)
    if name == "all":
        return _sum_like(np.multiply, x, normal, keepdims, _BOOL)
    if name in ("max", "min"):
        _refuse_empty(name, x, normal, everything)
        ufunc = _MAXIMUM if name == "max" else _MINIMUM
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
    total = _sum_like(np.add, cast(x, dtype).astype(inner, copy=False), normal, keepdims, inner)
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
    centre = np.true_divide(_ADD.reduce(wide, axis=normal, keepdims=True), np.float64(count))
    spread = _ADD.reduce(np.square(wide - centre), axis=normal, keepdims=keepdims)
    return _fresh(np.true_divide(spread, np.float64(max(0.0, count - correction))), x.dtype)


@_quiet
def logsumexp(x: Array, axes: int | Sequence[int] | None = None, keepdims: bool = False) -> Array:
    """log(sum(exp(x))), shifted by the maximum where that is finite; -inf over nothing."""
    normal = _axes_of(axes, x.ndim)
    wide = _wide(x)
    top = _MAXIMUM.reduce(wide, axis=normal, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(top), top, wide.dtype.type(0))
    total = np.log(_ADD.reduce(np.exp(wide - shift), axis=normal, keepdims=True)) + shift
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
        result = _MAXIMUM.reduce(wide, axis=normal, keepdims=keepdims)
    elif order == -np.inf:
        result = _MINIMUM.reduce(wide, axis=normal, keepdims=keepdims)
    elif order == 0:
        result = _ADD.reduce(wide != 0, axis=normal, keepdims=keepdims, dtype=_INT64)
    elif order == 1:
        result = _ADD.reduce(wide, axis=normal, keepdims=keepdims)
    elif order == 2:
        result = np.sqrt(_ADD.reduce(np.square(wide), axis=normal, keepdims=keepdims))
    else:
        power = np.power(wide, wide.dtype.type(order))
        total = _ADD.reduce(power, axis=normal, keepdims=keepdims)
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
    wide = _wide(cast(line, dtype))
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
    power = np.exp(wide - _MAXIMUM.reduce(wide, axis=axis, keepdims=True))
    power /= _ADD.reduce(power, axis=axis, keepdims=True)
    return _fresh(power.reshape(x.shape), x.dtype)


@_quiet
def log_softmax(x: Array, axis: int) -> Array:
    """x - max - log(sum(exp(x - max))) along one axis."""
    if x.size == 0:
        return np.empty(x.shape, dtype=x.dtype)
    wide = _wide(x.reshape(1) if x.ndim == 0 else x)
    axis = _axis_of(axis, x.ndim)
    shifted = wide - _MAXIMUM.reduce(wide, axis=axis, keepdims=True)
    shifted -= np.log(_ADD.reduce(np.exp(shifted), axis=axis, keepdims=True))
    return _fresh(shifted.reshape(x.shape), x.dtype)


@_quiet
def softmax_backward(g: Array, y: Array, axis: int) -> Array:
    """y * (g - sum(g * y)): the gradient of softmax from its output."""
    axis = _axis_of(axis, y.ndim)
    if y.ndim == 0:
        return _fresh(softmax_backward(g.reshape(1), y.reshape(1), 0).reshape(()), y.dtype)
    gradient, output = _wide(g), _wide(y)
    total = _ADD.reduce(gradient * output, axis=axis, keepdims=True)
    return _fresh(output * (gradient - total), y.dtype)


@_quiet
def log_softmax_backward(g: Array, y: Array, axis: int) -> Array:
    """g - exp(y) * sum(g): the gradient of log_softmax from its output."""
    axis = _axis_of(axis, y.ndim)
    if y.ndim == 0:
        return _fresh(log_softmax_backward(g.reshape(1), y.reshape(1), 0).reshape(()), y.dtype)
    gradient, output = _wide(g), _wide(y)
    total = _ADD.reduce(gradient, axis=axis, keepdims=True)
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
