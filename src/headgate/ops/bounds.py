"""Bounds and blends: clamp, maximum and minimum, lerp, addcmul and addcdiv."""

import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply, apply2
    from headgate.core.arrays import is_float
    from headgate.core.family import (
        BOOLS,
        INTEGERS,
        SAME,
        TensorPair,
        Ternary,
        Unary,
        as_type,
        operand,
    )
    from headgate.core.inplace import write
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import INPLACE
    from headgate.core.records import Node, Op, Tensor, X, Y, Z
    from headgate.kernels.reference import map1p, map2, map3
    from headgate.ops.keep import Fused, keep

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import declare, operand_error, overload
from headgate.core.family import broadcast_error, mismatch, refuse, refused_error
from headgate.kernels import make_loop
from headgate.ops.keep import fused

ADDCDIV_INTEGERS = (
    "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true "
    "division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc("
    "tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float "
    "inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), for "
    "all dtypes."
)
# No bound: these objects themselves, so that an infinity that the caller gives still makes the result a float.
NO_LOW, NO_HIGH = float("-inf"), float("inf")
CLAMP3, MAXIMUM, MINIMUM, LERP = [make_loop(name) for name in ("clamp3", "maximum", "minimum", "lerp")]


# ---- clamp ----------------------------------------------------------------------------------------------------------


@cython.cclass
class Clamp(Unary):
    """x held between two Python numbers. attrs: (low, high), infinities where there is no bound."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        kind: dtypes.dtype = dtypes.of(x)
        low, high = attrs
        if kind.category < 2:
            for bound in attrs:
                if bound is not NO_LOW and bound is not NO_HIGH:
                    kind = dtypes.result_pair(kind, x.ndim, dtypes.scalar_dtype(bound), -1)
            if kind.category == 0:
                raise refused_error(f"{self.name}_scalar_cpu", kind)
            if kind.category == 1:
                return map1p(self.loop, as_type(x, kind), (fitted(low, kind), fitted(high, kind)))
        elif low != low or high != high:
            return np.full(cython.cast(object, x).shape, np.nan, kind.numpy)
        return map1p(self.loop, as_type(x, kind), attrs)

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        if attrs[0] != attrs[0] or attrs[1] != attrs[1]:
            cython.cast(object, out).fill(np.nan)
            return out
        return map1p(self.loop, x, attrs, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        if grad_enabled():  # the mask is a constant of the next order
            return keep(g, (x >= n.attrs[0]) & (x <= n.attrs[1]))
        return apply2(CLAMP_BACKWARD, g, x, n.attrs)


@cython.cclass
class ClampTensors(Op):
    """x held between tensors, of which one may be missing. NaN in any gives NaN; the upper bound wins."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        x, low, high = inputs
        kind: dtypes.dtype = dtypes.result_type([(dtypes.of(a), a.ndim) for a in inputs if a is not None])
        if kind.category == 0 and low is not None and high is not None:
            raise refused_error("clamp_cpu", kind)
        x = as_type(x, kind)
        try:
            if high is None:
                return map2(MAXIMUM, x, as_type(low, kind))
            if low is None:
                return map2(MINIMUM, x, as_type(high, kind))
            return map3(CLAMP3, x, as_type(low, kind), as_type(high, kind))
        except ValueError:
            both: cython.bint = low is not None and high is not None
            pair: tuple = mismatch(x, low, high) if both else (x, high if low is None else low)
            raise RuntimeError(broadcast_error(*pair)) from None

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return 7

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        bounds: cython.int = n.attrs
        if i == 0:
            if bounds == 1:
                return keep(g, x >= n.read(Y))
            if bounds == 2:
                return keep(g, x <= n.read(Z))
            return keep(g, (x >= n.read(Y)) & (x <= n.read(Z)))
        if i == 1:
            low: Tensor = n.read(Y)
            return keep(g, x < low) if bounds == 1 else keep(g, (low < n.read(Z)) & (x < low))
        high: Tensor = n.read(Z)
        return keep(g, x > high) if bounds == 2 else keep(g, (x > high) | (high < n.read(Y)))


@cython.cclass
class ClampOne(Op):
    """x held above (or below) a tensor."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        kind: dtypes.dtype = dtypes.result_pair(dtypes.of(x), x.ndim, dtypes.of(y), y.ndim)
        try:
            return map2(MAXIMUM if attrs else MINIMUM, as_type(x, kind), as_type(y, kind))
        except ValueError:
            raise RuntimeError(broadcast_error(x, y)) from None

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: Tensor = n.read(Y)  # first, as in PyTorch
        x: Tensor = n.read(X)
        if n.attrs:
            return keep(g, x >= y if i == 0 else x < y)
        return keep(g, x <= y if i == 0 else x > y)


def fitted(bound: object, kind: dtypes.dtype) -> object:
    """A bound as an integer type holds it: negative ones wrap in unsigned types, as in PyTorch."""
    if bound is NO_LOW or bound is NO_HIGH:
        return bound
    bound = int(bound)
    limits = np.iinfo(kind.numpy)
    if bound > limits.max or bound < (limits.min or -int(limits.max)):
        name = f"{kind.name}_t" if kind.category == 1 else kind.name
        raise RuntimeError(errors.OVERFLOW.format(type=name))
    return bound + int(limits.max) + 1 if bound < limits.min else bound


CLAMP, CLAMP_LOW, CLAMP_HIGH = Clamp(), Clamp(), Clamp()
CLAMP_BACKWARD = fused(Fused(), "clamp_backward", "WhereBackward", False)
CLAMP_TENSORS, CLAMP_MIN, CLAMP_MAX = ClampTensors(), ClampOne(), ClampOne()


def clamp(input: object, min: object = None, max: object = None, *, out: object = None) -> object:
    """input held between `min` and `max`: two Python numbers or two tensors, of which one may be None.

    Where min > max the result is max. RuntimeError without any bound.
    """
    if not isinstance(input, Tensor):
        raise TypeError(operand_error("clamp", input, None))
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        if not isinstance(min, (Tensor, type(None))) or not isinstance(max, (Tensor, type(None))):
            raise TypeError(
                f"clamp() received an invalid combination of arguments - got (Tensor, {type(min).__name__}, "
                f"{type(max).__name__})")
        bounds = (min is not None) + 2 * (max is not None)
        if out is not None:
            return write(CLAMP_TENSORS, (input, min, max), bounds, out)
        return apply(CLAMP_TENSORS, (input, min, max), bounds)
    if min is None and max is None:
        raise RuntimeError(errors.CLAMP_NONE)
    return clamp_numbers(CLAMP, input, min, max, out)


def clamp_numbers(op: Unary, x: Tensor, low: object, high: object, out: object) -> object:
    """Clamp between Python numbers."""
    low = NO_LOW if low is None else operand(low, "clamp")
    high = NO_HIGH if high is None else operand(high, "clamp")
    if low is NotImplemented or high is NotImplemented:
        raise TypeError("clamp() received an invalid combination of arguments")
    if out is INPLACE and not is_float(x._array):
        return write(op, (x,), (low, high), out)
    return op.call1p(x, (low, high), out)


def clamp_min(input: object, min: object, *, out: object = None) -> object:
    """input, but at least `min`, a Python number or a tensor."""
    if not isinstance(input, Tensor):
        raise TypeError(operand_error("clamp_min", input, min))
    if isinstance(min, Tensor):
        return write(CLAMP_MIN, (input, min), True, out) if out is not None else apply(CLAMP_MIN, (input, min), True)
    return clamp_numbers(CLAMP_LOW, input, min, None, out)


def clamp_max(input: object, max: object, *, out: object = None) -> object:
    """input, but at most `max`, a Python number or a tensor."""
    if not isinstance(input, Tensor):
        raise TypeError(operand_error("clamp_max", input, max))
    if isinstance(max, Tensor):
        return write(CLAMP_MAX, (input, max), False, out) if out is not None else apply(CLAMP_MAX, (input, max), False)
    return clamp_numbers(CLAMP_HIGH, input, None, max, out)


def bounds(make: object) -> object:
    """Bounds as numbers and tensors."""
    x = make(3, 4)
    return [((x, -1, 1), {}), ((x,), {"min": 0.5}), ((x,), {"max": 0.25}), ((x, 2, -2), {}),
            ((x, make(4, high=0), make(3, 1, low=0)), {}), ((x,), {"min": make(4)}), ((x,), {"max": make(4)}),
            ((make(0), 0, 1), {}), ((make(), -0.5), {})]


declare(CLAMP, "clamp", loop=make_loop("clamp"), kind=SAME, overload=1, reads=[1 << 0], function=clamp, inplace=True,
        aliases=("clip",), smooth=False, samples=bounds, dtypes="fi")
overload(CLAMP_TENSORS, "clamp", 0)
declare(CLAMP_LOW, "clamp_min", loop=make_loop("clamp"), kind=SAME, overload=0, reads=[1 << 0], function=clamp_min,
        inplace=True, smooth=False, dtypes="fi",
        samples=lambda make: [((make(3, 4), 0.5), {}), ((make(3, 4), make(4)), {}), ((make(2), 1), {})])
declare(CLAMP_HIGH, "clamp_max", loop=make_loop("clamp"), kind=SAME, overload=0, reads=[1 << 0], function=clamp_max,
        inplace=True, smooth=False, dtypes="fi",
        samples=lambda make: [((make(3, 4), 0.5), {}), ((make(3, 4), make(4)), {}), ((make(2), 1), {})])
overload(CLAMP_MIN, "clamp_min", 1, reads=[3, 3])
overload(CLAMP_MAX, "clamp_max", 1, reads=[3, 3])


# ---- the larger and the smaller -------------------------------------------------------------------------------------


@cython.cclass
class Maximum(TensorPair):
    """The larger of x and y; NaN if one is NaN. At a tie each gets half of the gradient."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: Tensor = n.read(Y)  # first, as in PyTorch
        x: Tensor = n.read(X)
        share: Tensor = g - keep(g * 0.5, x == y)
        return keep(share, ~(x < y) if i == 0 else ~(y < x))


@cython.cclass
class Minimum(TensorPair):
    """The smaller of x and y; NaN if one is NaN. At a tie each gets half of the gradient."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: Tensor = n.read(Y)  # first, as in PyTorch
        x: Tensor = n.read(X)
        share: Tensor = g - keep(g * 0.5, x == y)
        return keep(share, ~(x > y) if i == 0 else ~(y > x))


@cython.cclass
class Fmax(TensorPair):
    """The larger of x and y; the other one if one is NaN. At a tie the gradient goes to x."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: Tensor = n.read(Y)  # first, as in PyTorch
        x: Tensor = n.read(X)
        first: Tensor = (x >= y) | (y != y)
        return keep(g, first if i == 0 else ~first)


@cython.cclass
class Fmin(TensorPair):
    """The smaller of x and y; the other one if one is NaN. At a tie the gradient goes to x."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: Tensor = n.read(Y)  # first, as in PyTorch
        x: Tensor = n.read(X)
        first: Tensor = (x <= y) | (y != y)
        return keep(g, first if i == 0 else ~first)


for _name, _op in (("maximum", Maximum()), ("minimum", Minimum()), ("fmax", Fmax()), ("fmin", Fmin())):
    declare(_op, _name, loop=make_loop(_name), reads=[3, 3], smooth=False, inplace=False)


# ---- three tensors --------------------------------------------------------------------------------------------------


@cython.cclass
class Addcmul(Ternary):
    """x + value y z. attrs: (value,)."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        x, y, z = inputs
        if attrs[0] < 0 and x.dtype == np.uint8 and y.dtype == np.uint8 and z.dtype == np.uint8:
            attrs = (attrs[0] % 256,)
        return Ternary.run(self, inputs, attrs, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return g
        return g * (n.tensor(Z if i == 1 else Y) * n.attrs[0])


@cython.cclass
class Addcdiv(Ternary):
    """x + value y / z. attrs: (value,)."""

    @cython.cfunc
    def refusal(self, kind: dtypes.dtype) -> object:
        return RuntimeError(ADDCDIV_INTEGERS)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return g
        z: Tensor = n.read(Z)
        if i == 1:
            return g * (n.attrs[0] / z)
        return -g * (n.read(Y) * n.attrs[0] / (z * z))


@cython.cclass
class LerpTensor(Op):
    """start + weight (end - start), all three tensors of one type."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        x, y, w = inputs
        check_lerp(x, y, "end")
        if w.ndim == 0 and is_float(w) and is_float(x):
            w = as_type(w, dtypes.of(x))
        check_lerp(x, w, "weight")
        if not is_float(x):
            raise refused_error("lerp_kernel_tensor", dtypes.of(x))
        return blend(x, y, w)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 2:
            return g * (n.read(Y) - n.read(X))
        weight: Tensor = n.read(Z)
        return g * (1 - weight) if i == 0 else g * weight


@cython.cclass
class LerpNumber(Op):
    """start + weight (end - start). attrs: the weight."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        check_lerp(x, y, "end")
        if not is_float(x):
            raise refused_error("lerp_kernel_scalar", dtypes.of(x))
        return blend(x, y, np.asarray(attrs, x.dtype))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * (1 - n.attrs if i == 0 else n.attrs)


def blend(x: ndarray, y: ndarray, w: ndarray) -> ndarray:
    """The loop of both forms of lerp."""
    try:
        return map3(LERP, x, y, w)
    except ValueError:
        raise RuntimeError(broadcast_error(x, y)) from None


def check_lerp(x: ndarray, y: ndarray, name: str):
    """Refuse an operand of another type."""
    first, second = dtypes.of(x), dtypes.of(y)
    if first is not second:
        raise RuntimeError(
            f"expected dtype {errors.C_NAMES[first.name]} for `{name}` but got dtype {errors.C_NAMES[second.name]}")


ADDCMUL, ADDCDIV, LERP_TENSOR, LERP_NUMBER = Addcmul(), Addcdiv(), LerpTensor(), LerpNumber()


def three(op: Ternary, name: str, inputs: tuple, value: object, out: object) -> object:
    """Call addcmul or addcdiv."""
    for position in range(3):
        if not isinstance(inputs[position], Tensor):
            raise TypeError(errors.ARGUMENT.format(
                function=name, name=("input", "tensor1", "tensor2")[position], position=position + 1,
                expected="Tensor", type=type(inputs[position]).__name__))
    if isinstance(value, Tensor):
        number: object = value
        if number.dim() == 0 and not number.requires_grad:  # which would get no gradient
            value = number.item()
    if not isinstance(value, (int, float, complex, np.generic)):
        raise TypeError(f"{name}(): argument 'value' must be Number, not {type(value).__name__}")
    if out is INPLACE and op.write_fast(inputs[0], inputs[1], inputs[2], (value,)):
        return inputs[0]
    if out is not None:
        return write(op, inputs, (value,), out)
    return apply(op, inputs, (value,))


def addcmul(input: object, tensor1: object, tensor2: object, *, value: object = 1, out: object = None) -> object:
    """input + value tensor1 tensor2, with broadcasting."""
    return three(ADDCMUL, "addcmul", (input, tensor1, tensor2), value, out)


def addcdiv(input: object, tensor1: object, tensor2: object, *, value: object = 1, out: object = None) -> object:
    """input + value tensor1 / tensor2, with broadcasting. Floats only."""
    return three(ADDCDIV, "addcdiv", (input, tensor1, tensor2), value, out)


def lerp(input: object, end: object, weight: object, *, out: object = None) -> object:
    """input + weight (end - input); the weight is a number or a tensor. Floats of one type only."""
    if not isinstance(input, Tensor) or not isinstance(end, Tensor):
        raise TypeError(operand_error("lerp", input, end))
    if isinstance(weight, Tensor):
        inputs = (input, end, weight)
        return apply(LERP_TENSOR, inputs, None) if out is None else write(LERP_TENSOR, inputs, None, out)
    weight = operand(weight, "lerp")
    if weight is NotImplemented:
        raise TypeError("lerp() received an invalid combination of arguments")
    if out is None:
        return apply(LERP_NUMBER, (input, end), weight)
    return write(LERP_NUMBER, (input, end), weight, out)


def triples(make: object) -> object:
    """Three tensors, and a value."""
    return [((make(3, 4), make(3, 4), make(3, 4, low=0.5, high=2)), {}),
            ((make(3, 4), make(4), make(3, 1, low=0.5, high=2)), {"value": 2.5}),
            ((make(), make(2), make(2, low=1, high=2)), {"value": -1}), ((make(0, 2), make(2), make(2)), {})]


refuse(ADDCMUL, BOOLS, "addcmul_cpu_out")
refuse(ADDCDIV, BOOLS | INTEGERS, "addcdiv_cpu_out")
declare(ADDCMUL, "addcmul", loop=make_loop("addcmul"), reads=[0, 4, 2], looks=2, function=addcmul, inplace=True,
        samples=triples, dtypes="fi")
declare(ADDCDIV, "addcdiv", loop=make_loop("addcdiv"), reads=[4, 4, 6], looks=6, function=addcdiv, inplace=True,
        samples=triples, dtypes="f")
declare(LERP_TENSOR, "lerp", overload=1, reads=[4, 4, 7], looks=4, function=lerp, inplace=True, dtypes="f",
        samples=lambda make: [((make(3, 4), make(3, 4), 0.3), {}), ((make(3, 4), make(4), 0.7), {}),
                              ((make(3, 4), make(4), make(3, 1, low=0, high=1)), {}), ((make(0), make(0), 0.5), {})])
overload(LERP_NUMBER, "lerp", 0)
