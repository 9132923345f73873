"""Powers: pow in its three overloads, float_power and square."""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.arrays import is_float
    from headgate.core.family import BOOLS, Binary, NumberFirst, NumberSecond, Overloaded, operand
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import INPLACE, slots
    from headgate.core.records import OUT, Node, Tensor, X, Y
    from headgate.kernels.reference import map1
    from headgate.ops.explog import LOG
    from headgate.ops.keep import keep, zeros_of

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, declare, operand_error, overload, set_loop
from headgate.core.family import refuse, set_overloads
from headgate.kernels import make_loop

SQUARE, SQRT, RSQRT, RECIPROCAL = [make_loop(name) for name in ("square", "sqrt", "rsqrt", "reciprocal")]
CUBE, TWO_TO = make_loop("cube"), make_loop("exp2")


@cython.cclass
class Pow(Overloaded):
    """x to the power y, with broadcasting; either may be a Python number.

    Integers stay integers; RuntimeError for an integer tensor to a negative Python integer.
    """

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: Tensor = n.read(Y)  # first, as in PyTorch
        x: Tensor = n.read(X)
        if i == 0:
            return keep(g * (y * POW.call2(x, y - 1, None)), y != 0)
        return g * keep(n.read(OUT) * LOG.call1(x, None), ~((x == 0) & (y >= 0)))


@cython.cclass
class PowNumber(NumberSecond):
    """x to the power of a Python number. The common ones have loops of their own."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        result: object = None
        if is_float(x):
            result = special_power(x, attrs)
        elif isinstance(attrs, int) and attrs < 0:
            raise RuntimeError(errors.INTEGER_POWER)
        elif isinstance(attrs, bool) and dtypes.of(x).category == 0:
            return x | (not attrs)
        return Binary.run2(self, x, attrs, None, out) if result is None else result

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        power: object = n.attrs
        x: Tensor = n.read(X)  # always: PyTorch looks at what it saved before it looks at the power
        if power == 0:
            return zeros_of(g)
        if power == 1 and not grad_enabled():
            return g
        if power == 2:
            return g * (TWICE.call2(x, power, None) if grad_enabled() else x * power)
        return g * (POW_NUMBER.call2(x, power - 1, None) * power)

    @cython.cfunc
    def write_fast(self, x: Tensor, y: object) -> object:
        return None


@cython.cclass
class Twice(NumberSecond):
    """2 x in the slope of x ** 2. PyTorch takes it from x ** 1, whose node looks at x; no gradient needs that."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if grad_enabled():  # the slope of x ** 1 as PyTorch takes it, which has x ** 0 for its history
            return g * (POW_NUMBER.call2(n.read(X), 0, None) * n.attrs)
        return g * n.attrs


@cython.cclass
class NumberPow(NumberFirst):
    """A Python number to the power x."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if attrs == 2 and is_float(x):
            return map1(TWO_TO, x)
        return Binary.run2(self, attrs, x, None, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        base: object = n.attrs
        result: Tensor
        if base == 0:
            return g * keep(n.tensor(OUT) * -np.inf, ~(n.tensor(X) >= 0))
        with np.errstate(all="ignore"):
            factor = float(np.log(np.float64(base)))
        result = n.read(OUT)
        return g * (result * factor)


def special_power(x: ndarray, power: object) -> object:
    """The powers that have loops of their own, as PyTorch rounds them; None for the others."""
    if power == 2:
        return map1(SQUARE, x)
    if power == 0.5:
        return map1(SQRT, x)
    if power == 3:
        return map1(CUBE, x)
    if power == -1:
        return map1(RECIPROCAL, x)
    if power == -0.5:
        return map1(RSQRT, x)
    if power == -2 and x.itemsize > 2:
        return map1(RECIPROCAL, map1(SQUARE, x))
    return None


POW = Pow()
POW_NUMBER = PowNumber()
NUMBER_POW = NumberPow()
TWICE = Twice()


def square(input: object, *, out: object = None) -> object:
    """x * x, as pow(x, 2)."""
    if not isinstance(input, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function="square", name="input", position=1, expected="Tensor", type=type(input).__name__))
    return POW_NUMBER.call2(input, 2, out)


def float_power(input: object, exponent: object, *, out: object = None) -> object:
    """input to the power exponent, computed and given in float64."""
    base = as_double(input)
    power = as_double(exponent)
    result = NotImplemented if base is NotImplemented or power is NotImplemented else POW.call2(base, power, None)
    if result is NotImplemented:
        raise TypeError(operand_error("float_power", input, exponent))
    if out is None:
        return result
    if out is INPLACE:
        if not isinstance(input, Tensor):
            raise TypeError(operand_error("float_power_", input, exponent))
        if dtypes.of(cython.cast(Tensor, input)._array) is not dtypes.FLOAT64:
            kind = errors.TYPE_NAMES[dtypes.of(cython.cast(Tensor, input)._array).name]
            raise RuntimeError(
                f"the base given to float_power_ has dtype {kind} but the operation's result requires dtype Double")
        return POW.call2(input, power, INPLACE)
    if isinstance(out, Tensor) and dtypes.of(cython.cast(Tensor, out)._array) is not dtypes.FLOAT64:
        kind = errors.TYPE_NAMES[dtypes.of(cython.cast(Tensor, out)._array).name]
        raise RuntimeError(
            f"the output given to float_power has dtype {kind} but the operation's result requires dtype Double")
    return POW.call2(base, power, out)


def as_double(value: object) -> object:
    """A tensor in float64, or a Python number as a float."""
    if isinstance(value, Tensor):
        if dtypes.of(cython.cast(Tensor, value)._array) is dtypes.FLOAT64:
            return value
        return slots.cast.call2(value, dtypes.FLOAT64.num, None)
    value = operand(value, "float_power")
    return value if value is NotImplemented else float(value)


def powers(make: object) -> object:
    """Bases and exponents where the power is defined."""
    base = make(3, 4, low=0.3, high=2)
    return [((base, make(3, 4)), {}), ((base, make(4)), {}), ((base, 2), {}), ((base, 2.5), {}), ((base, -1), {}),
            ((base, 0), {}), ((base, 0.5), {}), ((base, 3), {}), ((base, -2), {}), ((2.0, make(3)), {}),
            ((1.7, make(2, 3)), {}), ((make(0), 2), {}), ((make(low=1, high=2), make(2)), {})]


for _op in (POW, NUMBER_POW):
    refuse(_op, BOOLS, "pow")
declare(POW, "pow", loop=make_loop("pow"), overload=1, reads=[3 | 1 << OUT] * 2, looks=3 | 1 << OUT, operator="pow",
        samples=powers, dtypes="fi", aliases=())
overload(POW_NUMBER, "pow", 0, reads=[1 << 0])
overload(NUMBER_POW, "pow", 2, reads=[1 << 0 | 1 << OUT], looks=1 << 0)
set_loop(POW_NUMBER, make_loop("pow"), None)
overload(TWICE, "mul", 0, reads=[1 << X], looks=1 << X)
set_loop(TWICE, make_loop("mul"), None)
set_loop(NUMBER_POW, make_loop("pow"), None)
set_overloads(POW, NUMBER_POW, POW_NUMBER)
composite("square", square, inplace=True, out=True, samples=lambda make: [((make(3, 4),), {}), ((make(0),), {})])
composite("float_power", float_power, inplace=True, out=True, samples=powers)
