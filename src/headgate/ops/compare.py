"""Comparisons and tests of numbers: they give bools and have no gradient."""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply2
    from headgate.core.arrays import count_of, is_float, same_shape, same_type
    from headgate.core.family import ANSWER, COMPARISON, Binary, Unary
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import map1, map2, map2s
    from headgate.ops.keep import zeros_of

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, declare, operand_error
from headgate.core.family import exact
from headgate.kernels import make_loop


@cython.cclass
class Compare(Binary):
    """A comparison, with broadcasting; the second operand may be a Python number. Bool."""

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        if not isinstance(x, Tensor):
            return NotImplemented
        return Binary.call2(self, x, y, out)

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        if isinstance(x, ndarray) and x.itemsize == 2 and isinstance(y, (float, int)):
            if dtypes.of(x).category == 2:  # a number is rounded to the type it is compared in
                with np.errstate(over="ignore"):
                    y = float(x.dtype.type(y))
        return Binary.run2(self, x, y, attrs, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return zeros_of(g)  # of the in-place form, whose result is a float again


@cython.cclass
class Test(Unary):
    """A question about each number. Bool."""

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        return map1(self.loop, x, None)


@cython.cclass
class Signbit(Unary):
    """Whether the sign is negative (-0.0 and negative NaN included). Bool."""

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        return map1(self.loop, x, None) if is_float(x) else np.asarray(cython.cast(object, x) < 0)


@cython.cclass
class IsReal(Unary):
    """True for every real number. Bool."""

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        return np.ones(cython.cast(object, x).shape, np.bool_)


@cython.cclass
class Infinite(Unary):
    """Whether a number is the infinity of one sign. Bool."""

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        if not is_float(x):
            return np.zeros(cython.cast(object, x).shape, np.bool_)
        return map2s(EQUAL, x, np.inf if self.name == "isposinf" else -np.inf, False)


@cython.cclass
class IsClose(Op):
    """Whether |x - y| <= atol + rtol |y|. attrs: (rtol, atol, equal_nan)."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        rtol, atol, equal_nan = attrs
        with np.errstate(all="ignore"):
            if x.shape == y.shape and is_float(x) and x.dtype == y.dtype and rtol + atol > 0 and not equal_nan:
                return near(x, y, rtol, atol)
            close = x == y
            if equal_nan:
                close = close | ((x != x) & (y != y))
            if rtol == 0 and atol == 0:
                return np.asarray(close)
            wide = y if is_float(y) else y.astype(dtypes.default_dtype().numpy)
            distance = np.abs(x - y if is_float(y) else x.astype(np.int64) - y)
            allowed = atol + np.abs(wide * wide.dtype.type(rtol))
            return np.asarray(close | (np.isfinite(distance) & (distance <= allowed)))


EQUAL, DIFFERENCE, SIZE, PRODUCT, SUM, AT_MOST, WHOLE, FINITE, EITHER = [make_loop(_name) for _name in (
    "eq", "sub", "abs", "mul", "add", "le", "logical_and", "isfinite", "logical_or")]


def near(x: ndarray, y: ndarray, rtol: object, atol: object) -> ndarray:
    """isclose of floats of one type and shape, loop by loop."""
    distance: ndarray = map2(DIFFERENCE, x, y)
    allowed: ndarray = map2s(PRODUCT, y, rtol, False)
    map1(SIZE, distance, distance)
    map1(SIZE, allowed, allowed)
    map2s(SUM, allowed, atol, False, allowed)
    inside: ndarray = map2(WHOLE, map1(FINITE, distance), map2(AT_MOST, distance, allowed))
    return map2(EITHER, map2(EQUAL, x, y), inside)


ISCLOSE = IsClose()
EQUAL_TO = Compare()


def check_pair(function: str, x: object, y: object) -> None:
    """Refuse what is no pair of tensors."""
    if not isinstance(x, Tensor) or not isinstance(y, Tensor):
        raise TypeError(operand_error(function, x, y))


def isclose(
    input: object, other: object, rtol: object = 1e-05, atol: object = 1e-08, equal_nan: object = False,
) -> object:
    """Whether |input - other| <= atol + rtol |other|, element by element. RuntimeError for two different types."""
    check_pair("isclose", input, other)
    first, second = dtypes.of(cython.cast(Tensor, input)._array), dtypes.of(cython.cast(Tensor, other)._array)
    if first is not second:
        raise RuntimeError(f"{errors.TYPE_NAMES[first.name]} did not match {errors.TYPE_NAMES[second.name]}")
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value}")
    if first.category < 2 and equal_nan and first.category == 0:
        equal_nan = False
    try:
        return apply2(ISCLOSE, input, other, (rtol, atol, equal_nan))
    except ValueError:
        return EQUAL_TO.call2(input, other, None)  # raises PyTorch's text


def allclose(
    input: object, other: object, rtol: object = 1e-05, atol: object = 1e-08, equal_nan: object = False,
) -> object:
    """Whether all elements are close (see `isclose`); a Python bool."""
    result: Tensor = isclose(input, other, rtol, atol, equal_nan)
    return bool(cython.cast(object, result._array).all())


def equal(input: object, other: object) -> object:
    """Whether two tensors have the same shape and the same elements; a Python bool. NaN equals nothing."""
    check_pair("equal", input, other)
    x: ndarray = cython.cast(Tensor, input)._array
    y: ndarray = cython.cast(Tensor, other)._array
    if not same_shape(x, y):
        return False
    if not same_type(x, y) or not cython.compiled:
        return bool(np.array_equal(x, y))
    found: ndarray = map2(EQUAL, x, y)  # fresh bytes without gaps, in whatever order
    return memchr(PyArray_DATA(found), 0, count_of(found)) is cython.NULL  # noqa: F821


NAMES = (("eq", "equal to", ()), ("ne", "not equal to", ("not_equal",)), ("lt", "less than", ("less",)),
         ("le", "at most", ("less_equal",)), ("gt", "greater than", ("greater",)),
         ("ge", "at least", ("greater_equal",)))
for _name, _words, _aliases in NAMES:
    declare(EQUAL_TO if _name == "eq" else Compare(), _name, loop=make_loop(_name), kind=COMPARISON, operator=_name,
            aliases=_aliases, overload=1, smooth=False,
            samples=lambda make: [((make(3, 4), make(3, 4)), {}), ((make(3, 4), make(4)), {}), ((make(3), 1), {}),
                                  ((make(3), 0.5), {}), ((make(), make(0)), {})])
for _name in ("isnan", "isinf", "isfinite"):
    declare(Test(), _name, loop=make_loop(_name), kind=ANSWER, differentiable=False, inplace=False, out=False)
declare(exact(Signbit()), "signbit", loop=make_loop("signbit"), kind=ANSWER, differentiable=False, inplace=False)
declare(IsReal(), "isreal", loop=make_loop("isfinite"), kind=ANSWER, differentiable=False, inplace=False, out=False)
for _name in ("isposinf", "isneginf"):
    declare(exact(Infinite()), _name, loop=make_loop("isinf"), kind=ANSWER, differentiable=False, inplace=False)
declare(ISCLOSE, "isclose", function=isclose, inplace=False, out=False, differentiable=False,
        samples=lambda make: [((make(3, 4), make(4)), {}), ((make(3), make(3)), {"atol": 2.0})])
composite("allclose", allclose, differentiable=False, samples=lambda make: [((make(3), make(3)), {})])
composite("equal", equal, differentiable=False,
          samples=lambda make: [((make(3), make(3)), {}), ((make(3), make(2)), {})])
