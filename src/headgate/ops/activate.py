"""The functions of `nn.functional` (some are under `torch` too) over the ops of `activation`."""
import math

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply2
    from headgate.core.arrays import is_float
    from headgate.core.family import Unary
    from headgate.core.inplace import write
    from headgate.core.operators import INPLACE
    from headgate.core.records import Tensor
    from headgate.ops.activation import (
        CELU,
        CELU_INPLACE,
        ELU,
        ELU_INPLACE,
        GELU,
        HARDSHRINK,
        HARDSIGMOID,
        HARDSWISH,
        HARDTANH,
        LEAKY_RELU,
        LEAKY_RELU_INPLACE,
        LOG_SIGMOID,
        MISH,
        PRELU,
        RELU,
        RRELU,
        RRELU_INPLACE,
        RRELU_TRAINED,
        RRELU_TRAINED_INPLACE,
        SILU,
        SOFTPLUS,
        SOFTSHRINK,
        THRESHOLD,
    )
    from headgate.ops.arguments import number

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite
from headgate.core.entry import publish
from headgate.core.generator import default_generator

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def call(op: Unary, x: object, attrs: object, inplace: object, out: object = None) -> object:
    """Call an activation, over its input or into `out` if asked."""
    if isinstance(x, Tensor) and not is_float(cython.cast(Tensor, x)._array) and inplace:
        return write(op, (x,), attrs, INPLACE)
    return op.call1p(x, attrs, INPLACE if inplace else out)


def relu(input: object, inplace: object = False) -> object:
    """max(x, 0)."""
    return call(RELU, input, None, inplace)


def relu6(input: object, inplace: object = False) -> object:
    """x held between 0 and 6."""
    return call(HARDTANH, input, (0.0, 6.0), inplace)


def hardtanh(input: object, min_val: object = -1.0, max_val: object = 1.0, inplace: object = False) -> object:
    """x held between `min_val` and `max_val`. ValueError if min_val > max_val."""
    low, high = number(min_val, "hardtanh", "min_val", 2), number(max_val, "hardtanh", "max_val", 3)
    if low > high:
        raise ValueError("min_val cannot be greater than max_val")
    if isinstance(input, Tensor) and cython.cast(Tensor, input)._array.dtype == np.uint8 and int(min_val) < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
    return call(HARDTANH, input, (low, high), inplace)


def softplus(input: object, beta: object = 1, threshold: object = 20, *, out: object = None) -> object:
    """log(1 + e^(beta x)) / beta, and x itself where beta x > threshold."""
    options = (number(beta, "softplus", "beta", 2), number(threshold, "softplus", "threshold", 3))
    return call(SOFTPLUS, input, options, False, out)


def gelu(input: object, *, approximate: object = "none", out: object = None) -> object:
    """x times the normal distribution's area below x; approximate "tanh": by the tanh formula."""
    if not isinstance(approximate, str):
        raise TypeError(f"gelu(): argument 'approximate' must be str, not {type(approximate).__name__}")
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return call(GELU, input, (1.0 if approximate == "tanh" else 0.0,), False, out)


def silu(input: object, inplace: object = False) -> object:
    """x sigmoid(x)."""
    return call(SILU, input, None, inplace)


def mish(input: object, inplace: object = False) -> object:
    """x tanh(softplus(x))."""
    return call(MISH, input, None, inplace)


def elu(input: object, alpha: object = 1.0, inplace: object = False) -> object:
    """x above 0, alpha (e^x - 1) below."""
    return call(ELU_INPLACE if inplace else ELU, input, (number(alpha, "elu", "alpha", 2), 1.0, 1.0), inplace)


def selu(input: object, inplace: object = False) -> object:
    """elu with the scales that keep a deep network's activations normal."""
    return call(ELU_INPLACE if inplace else ELU, input, (SELU_ALPHA, SELU_SCALE, 1.0), inplace)


def celu(input: object, alpha: object = 1.0, inplace: object = False) -> object:
    """x above 0, alpha (e^(x / alpha) - 1) below. RuntimeError for alpha 0."""
    scale = number(alpha, "celu", "alpha", 2)
    if scale == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return call(CELU_INPLACE if inplace else CELU, input, (scale, 1.0, 1.0 / scale), inplace)


def leaky_relu(input: object, negative_slope: object = 0.01, inplace: object = False) -> object:
    """x above 0, negative_slope x below."""
    slope = number(negative_slope, "leaky_relu", "negative_slope", 2)
    return call(LEAKY_RELU_INPLACE if inplace else LEAKY_RELU, input, (slope,), inplace)


def hardsigmoid(input: object, inplace: object = False) -> object:
    """clamp(x + 3, 0, 6) / 6."""
    return call(HARDSIGMOID, input, None, inplace)


def hardswish(input: object, inplace: object = False) -> object:
    """x clamp(x + 3, 0, 6) / 6."""
    return call(HARDSWISH, input, None, inplace)


def softsign(input: object) -> object:
    """x / (1 + |x|)."""
    return input / (abs(input) + 1)


def tanhshrink(input: object) -> object:
    """x - tanh(x)."""
    return input - input.tanh()


def logsigmoid(input: object, *, out: object = None) -> object:
    """log(1 / (1 + e^-x))."""
    return call(LOG_SIGMOID, input, None, False, out)


def softshrink(input: object, lambd: object = 0.5, *, out: object = None) -> object:
    """x moved towards 0 by lambd, 0 within. RuntimeError for lambd < 0."""
    width = number(lambd, "softshrink", "lambd", 2)
    if isinstance(input, Tensor):  # the type is refused first
        SOFTSHRINK.cast(cython.cast(Tensor, input)._array)
    if width < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {width:g}.")
    return call(SOFTSHRINK, input, (width,), False, out)


def hardshrink(input: object, lambd: object = 0.5, *, out: object = None) -> object:
    """0 where |x| <= lambd, else x."""
    return call(HARDSHRINK, input, (number(lambd, "hardshrink", "lambd", 2),), False, out)


def threshold(input: object, threshold: object, value: object, inplace: object = False) -> object:
    """x where it is above `threshold`, else `value`."""
    low, other = number(threshold, "threshold", "threshold", 2), number(value, "threshold", "value", 3)
    if isinstance(input, Tensor) and not is_float(cython.cast(Tensor, input)._array):
        low = int(low)
        if low < 0 and cython.cast(Tensor, input)._array.dtype == np.uint8:
            low += 256  # wraps, as in PyTorch
    return call(THRESHOLD, input, (float(low), other), inplace)


def prelu(input: object, weight: object) -> object:
    """x above 0, weight x below; one weight, or one per channel (dim 1)."""
    if not isinstance(input, Tensor) or not isinstance(weight, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function="prelu", name="weight", position=2, expected="Tensor", type=type(weight).__name__))
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    count = math.prod(weight.shape)
    if count != 1:
        if input.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input.shape[1] if input.ndim > 1 else 1
        if channels != count:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {count} and channel "
                f"size = {channels}.")
    if input.ndim > 1 or (input.ndim == 1 and weight.ndim != 1):
        weight = weight.reshape([1, count] + [1] * (input.ndim - 2) if input.ndim > 1 else [1])
    elif input.ndim == 0:
        weight = weight.reshape([])
    if input.dtype is not weight.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {errors.TYPE_NAMES[input.dtype.name]} and "
            f"{errors.TYPE_NAMES[weight.dtype.name]}")
    return apply2(PRELU, input, weight, None)


def rrelu(
    input: object, lower: object = 1.0 / 8, upper: object = 1.0 / 3, training: object = False, inplace: object = False,
) -> object:
    """leaky_relu; its slope is the middle of lower and upper, in training drawn between them for each element."""
    low, high = number(lower, "rrelu", "lower", 2), number(upper, "rrelu", "upper", 3)
    if low > high:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound, but got {low:g} > {high:g}")
    if training:
        op = RRELU_TRAINED_INPLACE if inplace else RRELU_TRAINED
        return call(op, input, slopes(input, low, high), inplace)
    return call(RRELU_INPLACE if inplace else RRELU, input, ((low + high) / 2,), inplace)


def slopes(input: object, lower: object, upper: object) -> ndarray:
    """1 where x is above 0, else numbers of [lower, upper), drawn as double precision in the order of the elements."""
    if not isinstance(input, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function="rrelu", name="input", position=1, expected="Tensor", type=type(input).__name__))
    x: object = cython.cast(Tensor, input)._array
    below = x <= 0
    drawn = np.empty(int(below.sum()))
    default_generator.uniform(drawn, lower, upper)
    result = np.ones(x.shape, x.dtype)
    result[below] = drawn
    return result


def one(make: object) -> object:
    """One tensor around zero."""
    return [((make(3, 4),), {}), ((make(5, low=-8, high=8),), {}), ((make(),), {}), ((make(0, 2),), {})]


def with_inplace(name: str, function: object) -> object:
    """`name_`: the function over its input."""

    def form(input: object, *args: object, **options: object) -> object:
        return function(input, *args, **options, inplace=True)

    form.__name__ = form.__qualname__ = name + "_"
    form.__doc__ = f"In-place form of `{name}`."
    return form


def extra(*rows: object) -> object:
    """`one`, and the same tensors with arguments."""
    return lambda make: one(make) + [((make(3, 4),) + args, kwargs) for args, kwargs in rows]


def publish_all() -> None:
    """Enter every function into nn.functional, and under torch what is there."""
    rows = (
        (relu, extra(), True), (relu6, extra(), False), (hardtanh, extra(((-0.5, 1.5), {})), True),
        (softplus, extra(((2.0, 1.0), {})), False), (gelu, extra(((), {"approximate": "tanh"})), False),
        (silu, extra(), False), (mish, extra(), False), (elu, extra(((0.7,), {})), True), (selu, extra(), True),
        (celu, extra(((0.5,), {})), True), (leaky_relu, extra(((0.3,), {})), True), (hardsigmoid, extra(), False),
        (hardswish, extra(), False), (softsign, extra(), False), (tanhshrink, extra(), False),
        (logsigmoid, extra(), False), (softshrink, extra(((1.0,), {})), False),
        (hardshrink, extra(((1.0,), {})), False), (threshold, extra_threshold, True), (rrelu, extra(), True),
        (prelu, prelus, False),
    )
    smooth = ("softplus", "gelu", "silu", "mish", "logsigmoid", "tanhshrink")
    into = ("softplus", "gelu", "logsigmoid", "softshrink", "hardshrink")  # those that take out=
    for function, samples, over in rows:
        name = function.__name__
        composite(f"nn.functional.{name}", function, method=False, samples=samples, dtypes="f", smooth=name in smooth,
                  out=name in into)
        if over:
            publish(f"nn.functional.{name}_", with_inplace(name, function))
    for function in (selu, celu, rrelu, threshold):
        composite(function.__name__, function, method=False, dtypes="f", smooth=False,
                  samples=extra_threshold if function is threshold else extra())
        publish(f"{function.__name__}_", with_inplace(function.__name__, function))
    publish("relu_", with_inplace("relu", relu))
    composite("prelu", prelu, samples=prelus, dtypes="f", smooth=False)
    composite("hardshrink", hardshrink, samples=extra(((1.0,), {})), dtypes="f", smooth=False, out=True)


def extra_threshold(make: object) -> object:
    """Thresholds and values."""
    return [((make(3, 4), 0.1, 0.5), {}), ((make(3), -1, 2.0), {}), ((make(0), 0, 0), {})]


def prelus(make: object) -> object:
    """One weight, and one per channel."""
    return [((make(3, 4), make(1)), {}), ((make(2, 3, 4), make(3)), {}), ((make(5), make(1)), {})]


publish_all()
