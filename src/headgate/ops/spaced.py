"""Tensors of evenly spaced numbers and the identity: arange, linspace, logspace, eye.

Values are computed in float64 (linspace in the type itself) and rounded once. Nothing here has a gradient.
"""
import math
import warnings

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.records import Tensor
    from headgate.kernels.reference import ramp, zeros
    from headgate.ops.creation import given, number_of

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.entry import publish
from headgate.core.inplace import resize_out
from headgate.core.options import check_options, kind_of, no_combination


def eye(
    n: object, m: object = None, *, out: object = None, dtype: object = None, layout: object = None,
    device: object = None, pin_memory: object = False, requires_grad: object = False,
) -> object:
    """The matrix of n rows and m (default n) columns with 1 on the diagonal and 0 elsewhere."""
    check_options("eye", layout, device, pin_memory)
    shape: list = []
    for position, value in enumerate((n, n if m is None else m)):
        if isinstance(value, (bool, float, str)) or not hasattr(value, "__index__"):
            raise TypeError(errors.ARGUMENT.format(
                function="eye", name="nm"[position], position=position + 1, expected="int", type=type(value).__name__))
        if value < 0:
            raise RuntimeError(f"{'nm'[position]} must be greater or equal to 0, got {value}")
        shape.append(int(value))
    kind = dtypes.of(cython.cast(Tensor, out)._array) if isinstance(out, Tensor) else kind_of(dtype, "eye")
    found: ndarray = zeros((shape[0], shape[1]), kind.numpy)
    cython.cast(object, found).reshape(-1)[:shape[1] * shape[1]:shape[1] + 1] = 1
    return given("eye", found, out, dtype, requires_grad)


def arange(
    *args: object, start: object = None, end: object = None, step: object = None, out: object = None,
    dtype: object = None, layout: object = None, device: object = None, pin_memory: object = False,
    requires_grad: object = False,
) -> object:
    """The numbers start, start + step ... below end (`arange(end)`, `arange(start, end)`, `arange(start, end, step)`).

    int64 if all are integers, else the default float; ceil((end - start) / step) elements. RuntimeError for a step of
    0 or of the wrong sign, and for bounds that are not finite.
    """
    check_options("arange", layout, device, pin_memory)
    first, last, stride = bounds("arange", args, start, end, step)
    span = (last - first) / stride if isinstance(stride, float) else None
    count = math.ceil((last - first) / stride) if span is None and isinstance(last - first, float) else (
        -((first - last) // stride) if span is None else math.ceil(span))
    array = spaced(count, first, stride, spaced_kind("arange", (first, last, stride), out, dtype))
    if isinstance(out, Tensor) and out.numel() not in (0, count):
        warnings.warn(
            f"The number of elements in the out tensor of shape {list(out.shape)} is {out.numel()} which does not "
            f"match the computed number of elements {count}. Note that this may occur as a result of rounding "
            f"error. The out tensor will be resized to a tensor of shape ({count},).", UserWarning, stacklevel=2)
        resize_out(out, array)
    return given("arange", array, out, dtype, requires_grad)


def spaced(count: int, first: object, stride: object, kind: object) -> object:
    """first + i * stride, computed in int64 or float64 and rounded once."""
    if kind.category == 1:
        return ramp(count, int(first), None, int(stride), np.dtype(np.int64), kind.numpy)
    return ramp(count, float(first), None, float(stride), np.dtype(np.float64), kind.numpy)


def bounds(name: str, args: tuple, start: object, end: object, step: object) -> tuple:
    """(start, end, step) as Python numbers, checked."""
    if len(args) == 1 and end is None:
        end = args[0]
    elif args:
        if len(args) > 3 or start is not None or (len(args) > 1 and end is not None):
            raise no_combination(name, args)
        start = args[0]
        end = args[1] if len(args) > 1 else end
        step = args[2] if len(args) > 2 else step
    if end is None:
        raise no_combination(name, args)
    first = 0 if start is None else number_of(start, name, "start", 1)
    last = number_of(end, name, "end", 1 if len(args) < 2 else 2)
    stride = 1 if step is None else number_of(step, name, "step", 3)
    if stride == 0:
        raise RuntimeError(errors.ARANGE_STEP)
    if not (math.isfinite(first) and math.isfinite(last)):
        raise RuntimeError(f"unsupported range: {float(first):g} -> {float(last):g}")
    if (stride > 0) != (last >= first) and last != first:
        raise RuntimeError(errors.ARANGE_SIGN)
    return first, last, stride


def spaced_kind(name: str, numbers: tuple, out: object, dtype: object) -> object:
    """The type of a range."""
    if dtype is not None:
        kind = kind_of(dtype, name)
    elif isinstance(out, Tensor):
        kind = dtypes.of(cython.cast(Tensor, out)._array)
    elif any([isinstance(one, float) for one in numbers]):
        kind = dtypes.default_dtype()
    else:
        kind = dtypes.by_name("int64")
    if kind.category == 0:
        raise NotImplementedError(errors.NOT_FOR_DTYPE.format(kernel=f"{name}_cpu", dtype="Bool"))
    return kind


def range_(
    start: object = 0, end: object = None, step: object = 1, *, out: object = None, dtype: object = None,
    layout: object = None, device: object = None, pin_memory: object = False, requires_grad: object = False,
) -> object:
    """Deprecated, as in PyTorch: like `arange` but with the end included, and always floats."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning, stacklevel=2)
    check_options("range", layout, device, pin_memory)
    if end is None:
        start, end = 0, start
    first, last, stride = bounds("range", (start, end, step), None, None, None)
    kind = kind_of(dtype, "range")
    array = spaced(math.floor((last - first) / stride) + 1, first, stride, kind)
    return given("range", array, out, dtype, requires_grad)


def steps_of(name: str, start: object, end: object, steps: object) -> tuple:
    """The bounds and the count of linspace and logspace, checked."""
    if isinstance(steps, (bool, float, str)) or not hasattr(steps, "__index__"):
        raise no_combination(name, (start, end) if steps is None else (start, end, steps))
    if steps < 0:
        raise RuntimeError(errors.STEPS)
    return number_of(start, name, "start", 1), number_of(end, name, "end", 2), int(steps)


def line(first: object, last: object, count: int, kind: object, wanted: object) -> object:
    """`count` numbers from first to last as `wanted`, worked out for `kind`: each half counted from its own end."""
    place = np.dtype(np.float64 if kind.category == 1 or kind.itemsize == 8 else np.float32)
    low, high = place.type(first), place.type(last)
    step = (high - low) / place.type(max(count - 1, 1))
    return ramp(count, low, None if count == 1 else high, step, place, wanted)


def refuse_bool(name: str, count: int, kind: object) -> None:
    """Several evenly spaced bools are nothing."""
    if count > 1 and kind is dtypes.by_name("bool"):
        raise NotImplementedError(errors.NOT_FOR_DTYPE.format(kernel=f"{name}_cpu", dtype="Bool"))


def linspace(
    start: object, end: object, steps: object = None, *, out: object = None, dtype: object = None,
    layout: object = None, device: object = None, pin_memory: object = False, requires_grad: object = False,
) -> object:
    """`steps` numbers from start to end, both included. RuntimeError for a negative count."""
    check_options("linspace", layout, device, pin_memory)
    first, last, count = steps_of("linspace", start, end, steps)
    kind = dtypes.of(cython.cast(Tensor, out)._array) if isinstance(out, Tensor) else kind_of(dtype, "linspace")
    refuse_bool("linspace", count, kind)
    return given("linspace", line(first, last, count, kind, kind.numpy), out, dtype, requires_grad)


def logspace(
    start: object, end: object, steps: object = None, base: object = 10.0, *, out: object = None, dtype: object = None,
    layout: object = None, device: object = None, pin_memory: object = False, requires_grad: object = False,
) -> object:
    """base ** x for `steps` numbers x from start to end, both included."""
    check_options("logspace", layout, device, pin_memory)
    first, last, count = steps_of("logspace", start, end, steps)
    kind = dtypes.of(cython.cast(Tensor, out)._array) if isinstance(out, Tensor) else kind_of(dtype, "logspace")
    refuse_bool("logspace", count, kind)
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.power(float(base), line(first, last, count, kind, np.dtype(np.float64))).astype(kind.numpy)
    return given("logspace", array, out, dtype, requires_grad)


for _function in (eye, arange, linspace, logspace):
    publish(_function.__name__, _function)
publish("range", range_)
