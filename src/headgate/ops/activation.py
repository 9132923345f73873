"""Activation functions, and their fused gradients as ops with gradients of their own."""
import math

import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply1, apply2
    from headgate.core.family import BOOLS, INTEGERS, SAME, TensorPair, Unary
    from headgate.core.records import OUT, Node, Op, Tensor, X, Y
    from headgate.kernels.reference import map1p, map2
    from headgate.ops.explog import EXP
    from headgate.ops.keep import Fused, keep, zeros_of

    ndarray = np.ndarray

from headgate.core.declare import declare, overload, set_loop
from headgate.core.family import refuse
from headgate.kernels import make_loop
from headgate.ops.keep import fused

PRELU_LOOP = make_loop("prelu")
SQRT_2_OVER_PI = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715
COMPLEX = 8  # beside BOOLS and INTEGERS
NO_CLAMP = "clamp is not supported for complex types"


# ---- sigmoid and what is built on it --------------------------------------------------------------------------------


@cython.cclass
class SigmoidBackward(Fused):
    """g y (1 - y)."""

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        return g * n.read(X) * (1 - n.read(Y) * 2)


@cython.cclass
class Sigmoid(Unary):
    """1 / (1 + e^-x)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return SIGMOID_BACKWARD.call2(g, n.read(OUT), None)


@cython.cclass
class LogSigmoidBackward(Fused):
    """g / (1 + e^x)."""

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        s: Tensor = SIGMOID.call1(n.read(Y), None)
        return g * n.read(X) * (s * (s - 1))


@cython.cclass
class LogSigmoid(Unary):
    """log(1 / (1 + e^-x)), without overflow."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return LOG_SIGMOID_BACKWARD.call2(g, n.read(X), None)


@cython.cclass
class SiluBackward(Fused):
    """g times the slope of x sigmoid(x)."""

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        x: Tensor = n.read(Y)
        s: Tensor = SIGMOID.call1(x, None)
        return g * n.read(X) * (s * (1 - s) * (x * (1 - s * 2) + 2))


@cython.cclass
class Silu(Unary):
    """x sigmoid(x)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return SILU_BACKWARD.call2(g, n.read(X), None)


@cython.cclass
class SoftplusBackward(Fused):
    """g times the slope of softplus. attrs: (beta, threshold)."""

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        beta, threshold = n.attrs
        x: Tensor = n.read(Y) * beta
        s: Tensor = SIGMOID.call1(x, None)
        return keep(g * n.read(X) * (s * (1 - s) * beta), x <= threshold)


@cython.cclass
class Softplus(Unary):
    """log(1 + e^(beta x)) / beta, and x itself where beta x > threshold. attrs: (beta, threshold)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(SOFTPLUS_BACKWARD, g, n.read(X), n.attrs)


@cython.cclass
class MishBackward(Fused):
    """g times the slope of mish."""

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        x: Tensor = n.read(Y)
        s: Tensor = SIGMOID.call1(x, None)
        t: Tensor = apply1(SOFTPLUS, x, (1.0, 20.0)).tanh()
        return g * n.read(X) * ((1 - t * t) * s * (x * (1 - s - t * s * 2) + 2))


@cython.cclass
class Mish(Unary):
    """x tanh(softplus(x))."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return MISH_BACKWARD.call2(g, n.read(X), None)


@cython.cclass
class GeluBackward(Fused):
    """g times the slope of gelu. attrs: (1 for the tanh form, else 0,)."""

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        x: Tensor = n.read(Y)
        square: Tensor = x * x
        if n.attrs[0] == 0:
            normal: Tensor = EXP.call1(square * -0.5, None) * (1 / math.sqrt(2 * math.pi))
            return g * n.read(X) * (normal * (2 - square))
        t: Tensor = (x * (square * GELU_CUBIC + 1) * SQRT_2_OVER_PI).tanh()
        slope: Tensor = (square * (3 * GELU_CUBIC) + 1) * SQRT_2_OVER_PI
        bend: Tensor = x * (6 * GELU_CUBIC * SQRT_2_OVER_PI)
        return g * n.read(X) * ((1 - t * t) * (slope + x * 0.5 * (bend - t * slope * slope * 2)))


@cython.cclass
class Gelu(Unary):
    """x times the normal distribution's area below x. attrs: (1 for the tanh form, else 0,)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(GELU_BACKWARD, g, n.read(X), n.attrs)


# ---- exponential units ----------------------------------------------------------------------------------------------


@cython.cclass
class EluBackward(Fused):
    """g times the slope of elu, from its input. attrs: (alpha, scale, input_scale)."""

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        alpha, scale, inner = n.attrs
        x: Tensor = n.read(Y)
        return keep(g * n.read(X) * (EXP.call1(x * inner, None) * (alpha * scale * inner * inner)), x <= 0)


@cython.cclass
class EluBackwardResult(Fused):
    """g times the slope of elu, from its output. attrs: (alpha, scale, input_scale)."""

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        return keep(g * n.read(X) * n.attrs[2], n.read(Y) <= 0)


@cython.cclass
class Elu(Unary):
    """x above 0, alpha (e^x - 1) below. attrs: (alpha, scale, input_scale)."""

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        return map1p(self.loop, x, attrs, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(ELU_BACKWARD, g, n.read(X), n.attrs)


def single_slope(attrs: object) -> tuple:
    """The options of celu's gradient: PyTorch's divides by an alpha rounded to single precision."""
    return attrs[0], attrs[1], 1.0 / float(np.float32(attrs[0]))


@cython.cclass
class Celu(Elu):
    """elu of x / alpha. attrs: (alpha, 1, 1 / alpha)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(ELU_BACKWARD, g, n.read(X), single_slope(n.attrs))


@cython.cclass
class EluInPlace(Elu):
    """elu over its own input: the gradient comes from the output."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if n.attrs[0] < 0:
            raise RuntimeError(
                "In-place elu backward calculation is triggered with a negative slope which is not supported. This is "
                "caused by calling in-place forward function with a negative slope, please call out-of-place version "
                "instead.")
        return apply2(ELU_BACKWARD_RESULT, g, n.read(OUT), single_slope(n.attrs) if n.attrs[2] != 1 else n.attrs)


# ---- piecewise linear -----------------------------------------------------------------------------------------------


@cython.cclass
class Relu(Unary):
    """x where it is positive, else 0."""

    @cython.cfunc
    def refusal(self, kind: dtypes.dtype) -> object:
        return NotImplementedError(NO_CLAMP) if kind.category == 3 else RuntimeError(
            "Boolean inputs not supported for relu")

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return RELU_BACKWARD.call2(g, n.read(OUT), None)


@cython.cclass
class Threshold(Unary):
    """x where it is above the threshold, else a value. attrs: (threshold, value)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(THRESHOLD_BACKWARD, g, n.read(X), (n.attrs[0],))


@cython.cclass
class Hardtanh(Unary):
    """x held between two numbers. attrs: (low, high)."""

    @cython.cfunc
    def refusal(self, kind: dtypes.dtype) -> object:
        return NotImplementedError(NO_CLAMP) if kind.category == 3 else RuntimeError(
            "Bool inputs not supported for hardtanh")

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(HARDTANH_BACKWARD, g, n.read(X), n.attrs)


@cython.cclass
class LeakyRelu(Unary):
    """x above 0, slope x below. attrs: (slope,)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(LEAKY_RELU_BACKWARD, g, n.read(X), n.attrs)


@cython.cclass
class RreluTrained(Unary):
    """x times slopes drawn for each element. attrs: the slopes, an array like x with 1 where x is above 0."""

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        return np.asarray(np.multiply(x, attrs, out=out))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(RRELU_BACKWARD, g, n.read(X), n.attrs)


@cython.cclass
class RreluTrainedInPlace(RreluTrained):
    """The same over its own input: what is kept is the output."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(RRELU_BACKWARD, g, n.read(OUT), n.attrs)


@cython.cclass
class RreluBackward(Op):
    """The gradient x times the slopes drawn; y goes along, so that it has a history, of zeros, as PyTorch's."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return np.asarray(x * attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(self, g, n.read(Y), n.attrs) if i == 0 else zeros_of(n.read(Y))


@cython.cclass
class LeakyReluInPlace(LeakyRelu):
    """leaky_relu over its own input: the gradient comes from the output."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if n.attrs[0] < 0:
            raise RuntimeError(
                "In-place leakyReLu backward calculation is triggered with a negative slope which is not supported. "
                "This is caused by calling in-place forward function with a negative slope, please call out-of-place "
                "version instead. File an issue at https://github.com/pytorch/pytorch if you do require supporting "
                "in-place leakRelu backward calculation with negative slope")
        return apply2(LEAKY_RELU_BACKWARD, g, n.read(OUT), n.attrs)


@cython.cclass
class Hardsigmoid(Unary):
    """clamp(x + 3, 0, 6) / 6."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return HARDSIGMOID_BACKWARD.call2(g, n.read(X), None)


@cython.cclass
class HardswishBackward(Fused):
    """g times the slope of hardswish."""

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        x: Tensor = n.read(Y)
        return keep(g * n.read(X) * (1.0 / 3.0), (x > -3) & (x < 3))


@cython.cclass
class Hardswish(Unary):
    """x clamp(x + 3, 0, 6) / 6."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return HARDSWISH_BACKWARD.call2(g, n.read(X), None)


@cython.cclass
class Shrink(Unary):
    """Numbers within lambd of 0 become 0; softshrink moves the others towards 0 by lambd. attrs: (lambd,)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(SHRINK_BACKWARD, g, n.read(X), n.attrs)


@cython.cclass
class Prelu(TensorPair):
    """x above 0, weight x below."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return map2(PRELU_LOOP, x, y)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        if i == 1:
            return keep(x * g, ~(x > 0))
        above: Tensor = x > 0
        return keep(g, above) + keep(g * n.read(Y), ~above)


# ---- the ops --------------------------------------------------------------------------------------------------------

SIGMOID, LOG_SIGMOID, SILU, SOFTPLUS, MISH, GELU = Sigmoid(), LogSigmoid(), Silu(), Softplus(), Mish(), Gelu()
ELU, ELU_INPLACE, CELU, CELU_INPLACE = Elu(), EluInPlace(), Celu(), EluInPlace()
RELU, THRESHOLD, HARDTANH, HARDSIGMOID, HARDSWISH = Relu(), Threshold(), Hardtanh(), Hardsigmoid(), Hardswish()
LEAKY_RELU, LEAKY_RELU_INPLACE, SOFTSHRINK, HARDSHRINK = LeakyRelu(), LeakyReluInPlace(), Shrink(), Shrink()
RRELU, RRELU_INPLACE = LeakyRelu(), LeakyReluInPlace()
RRELU_TRAINED, RRELU_TRAINED_INPLACE = RreluTrained(), RreluTrainedInPlace()
RRELU_BACKWARD = overload(RreluBackward(), "rrelu_with_noise_backward", 0, reads=[1 << 1, 1 << 1],
                          node="RreluWithNoiseBackwardBackward")
PRELU = Prelu()
SIGMOID_BACKWARD = fused(SigmoidBackward(), "sigmoid_backward", "SigmoidBackwardBackward", True)
LOG_SIGMOID_BACKWARD = fused(LogSigmoidBackward(), "log_sigmoid_backward", "LogSigmoidBackwardBackward", True)
SILU_BACKWARD = fused(SiluBackward(), "silu_backward", "SiluBackwardBackward", True)
SOFTPLUS_BACKWARD = fused(SoftplusBackward(), "softplus_backward", "SoftplusBackwardBackward", True)
MISH_BACKWARD = fused(MishBackward(), "mish_backward", "MishBackwardBackward", True)
GELU_BACKWARD = fused(GeluBackward(), "gelu_backward", "GeluBackwardBackward", True)
ELU_BACKWARD = fused(EluBackward(), "elu_backward", "EluBackwardBackward", True)
ELU_BACKWARD_RESULT = fused(EluBackwardResult(), "elu_backward_result", "EluBackwardBackward", True)
RELU_BACKWARD = fused(Fused(), "relu_backward", "ThresholdBackwardBackward", False)
THRESHOLD_BACKWARD = fused(Fused(), "threshold_backward", "ThresholdBackwardBackward", False)
HARDTANH_BACKWARD = fused(Fused(), "hardtanh_backward", "HardtanhBackwardBackward", False)
LEAKY_RELU_BACKWARD = fused(Fused(), "leaky_relu_backward", "LeakyReluBackwardBackward", False)
HARDSIGMOID_BACKWARD = fused(Fused(), "hardsigmoid_backward", "HardsigmoidBackwardBackward", False)
HARDSWISH_BACKWARD = fused(HardswishBackward(), "hardswish_backward", "HardswishBackwardBackward", True)
SHRINK_BACKWARD = fused(Fused(), "shrink_backward", "SoftshrinkBackwardBackward", False)


def describe_all() -> None:
    """Names, kernels and refused types of the ops behind the functions of `activate`."""
    rows = (
        (LOG_SIGMOID, "log_sigmoid", None, "LogSigmoidBackward", 1, "log_sigmoid_cpu"),
        (SILU, "silu", None, "", 1, "silu_cpu"), (SOFTPLUS, "softplus", None, "", 1, "softplus_cpu"),
        (MISH, "mish", None, "", 1, "mish_cpu"), (GELU, "gelu", None, "", 1, "GeluKernelImpl"),
        (ELU, "elu", 0, "", 1, "elu_cpu"), (ELU_INPLACE, "elu", 1, "", 1 << OUT, "elu_cpu"),
        (CELU, "celu", 0, "", 1, "elu_cpu"), (CELU_INPLACE, "celu", 1, "", 1 << OUT, "elu_cpu"),
        (THRESHOLD, "threshold", None, "", 1, ""), (HARDTANH, "hardtanh", None, "", 1, ""),
        (LEAKY_RELU, "leaky_relu", 0, "", 1, "leaky_relu_cpu"),
        (LEAKY_RELU_INPLACE, "leaky_relu", 1, "", 1 << OUT, "leaky_relu_cpu"),
        (RRELU, "leaky_relu", 0, "RreluWithNoiseBackward", 1, "leaky_relu_cpu"),
        (RRELU_INPLACE, "leaky_relu", 1, "RreluWithNoiseBackward", 1 << OUT, "leaky_relu_cpu"),
        (RRELU_TRAINED, "rrelu", 0, "RreluWithNoiseBackward", 1, "rrelu_with_noise_out_cpu"),
        (RRELU_TRAINED_INPLACE, "rrelu", 1, "RreluWithNoiseBackward", 1 << OUT, "rrelu_with_noise_out_cpu"),
        (HARDSIGMOID, "hardsigmoid", None, "", 1, "hardsigmoid_cpu"),
        (HARDSWISH, "hardswish", None, "", 1, "hardswish_cpu"),
        (SOFTSHRINK, "softshrink", None, "", 1, "softshrink_check"),
        (HARDSHRINK, "hardshrink", None, "", 1, "hardshrink_cpu"),
    )
    for op, name, number, node, reads, kernel in rows:
        overload(op, name, number or 0, reads=[reads], node=node)
        if number is None:
            op.type_name = op.node_name.removesuffix("0")
        set_loop(op, make_loop({"celu": "elu", "rrelu": "mul"}.get(name, name)), SAME)
        if kernel:
            refuse(op, BOOLS | INTEGERS | (0 if op is SILU else COMPLEX), kernel)
    refuse(THRESHOLD, BOOLS | COMPLEX, "threshold_cpu")
    refuse(HARDTANH, BOOLS | COMPLEX, "hardtanh")
    overload(PRELU, "prelu", 0, reads=[3, 3], looks=2, node="PreluKernelBackward")


describe_all()
declare(SIGMOID, "sigmoid", loop=make_loop("sigmoid"), reads=[1 << OUT],
        aliases=("special.expit", "nn.functional.sigmoid"))
refuse(RELU, BOOLS | COMPLEX, "relu")
declare(RELU, "relu", loop=make_loop("relu"), kind=SAME, reads=[1 << OUT], smooth=False, dtypes="fi")
