"""Rounding to whole numbers or decimals, the fraction, and the replacement of NaN and infinities."""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.arrays import is_float
    from headgate.core.family import BOOLS, INTEGERS, SAME, Unary
    from headgate.core.records import Node, Tensor, X
    from headgate.kernels.reference import map1, map1p
    from headgate.ops.keep import zeros_of

    ndarray = np.ndarray

from headgate import dtypes
from headgate.core.declare import composite, declare, overload, set_loop
from headgate.core.family import exact, refuse
from headgate.kernels import make_loop

TO_TENTHS, TO_TENS = make_loop("round_down_to"), make_loop("round_up_to")


@cython.cclass
class Whole(Unary):
    """Rounded to a whole number; integers stay. The gradient is zero everywhere."""

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        if not is_float(x):
            return cython.cast(object, x).copy() if out is None else x
        return map1(self.loop, x, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return zeros_of(g)


@cython.cclass
class Decimals(Unary):
    """Rounded to a number of decimals (attrs: (10^|decimals|, negative))."""

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        return map1p(TO_TENS if attrs[1] else TO_TENTHS, x, (attrs[0],), out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return zeros_of(g)


@cython.cclass
class Frac(Unary):
    """x - trunc(x). Floats only."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g


ROUND, DECIMALS = Whole(), exact(Decimals())


def round(input: object, *, decimals: object = 0, out: object = None) -> object:
    """The nearest whole number, halves to even; with `decimals`, the nearest multiple of 10^-decimals."""
    if decimals == 0:
        return ROUND.call1(input, out)
    return DECIMALS.call1p(input, (10.0 ** abs(decimals), decimals < 0), out)


def special_round(input: object, *, decimals: object = 0, out: object = None) -> object:
    """The nearest multiple of 10^-decimals, halves to even. Floats only."""
    return DECIMALS.call1p(input, (10.0 ** abs(decimals), decimals < 0), out)


@cython.cclass
class NanToNum(Unary):
    """NaN and infinities replaced by numbers. attrs: (nan, positive, negative)."""

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        limits = dtypes.finfo(dtypes.of(x)) if is_float(x) else None
        nan, positive, negative = attrs
        if limits is None:
            return cython.cast(object, x).copy() if out is None else x
        return map1p(self.loop, x, (
            0.0 if nan is None else float(nan), float(limits.max) if positive is None else float(positive),
            float(limits.min) if negative is None else float(negative)), out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        return g * FINITE.call1(x, None)


@cython.cclass
class Finite(Unary):
    """Whether a number is finite."""


FINITE = Finite()
NAN_TO_NUM = exact(NanToNum())


def nan_to_num(
    input: object, nan: object = None, posinf: object = None, neginf: object = None, *, out: object = None,
) -> object:
    """NaN replaced by `nan` (0), infinities by `posinf` and `neginf` (the type's largest and smallest number)."""
    return NAN_TO_NUM.call1p(input, (nan, posinf, neginf), out)


for _name, _op, _aliases in (
    ("round", exact(ROUND), ()), ("floor", exact(Whole()), ()), ("ceil", exact(Whole()), ()),
    ("trunc", exact(Whole()), ("fix",)),
):
    refuse(_op, BOOLS, f"{_name}_vml_cpu")
    declare(_op, _name, loop=make_loop(_name), kind=SAME, smooth=False, dtypes="fi", aliases=_aliases,
            overload=0 if _name == "round" else None, function=round if _name == "round" else None, inplace=True,
            samples=(lambda make: [((make(3, 4),), {}), ((make(3, 4),), {"decimals": 2}),
                                   ((make(5, low=-300, high=300),), {"decimals": -2})]) if _name == "round" else None)
overload(DECIMALS, "round", 1)
set_loop(DECIMALS, make_loop("round"), SAME)
refuse(DECIMALS, BOOLS | INTEGERS, "round_cpu")
FRAC = exact(Frac())
refuse(FRAC, BOOLS | INTEGERS, "frac_cpu")
declare(FRAC, "frac", loop=make_loop("frac"), kind=SAME, smooth=False, dtypes="f")
overload(FINITE, "isfinite", 0)
set_loop(FINITE, make_loop("isfinite"), SAME)
declare(NAN_TO_NUM, "nan_to_num", loop=make_loop("nan_to_num"), kind=SAME, reads=[1 << 0], function=nan_to_num,
        inplace=True, smooth=False,
        samples=lambda make: [((make(3, 4),), {}), ((make(3, 4) / 0,), {"posinf": 7.0, "nan": 1.0})])
composite("special.round", special_round, method=False, out=True, dtypes="f", smooth=False,
          samples=lambda make: [((make(3, 4),), {}), ((make(3, 4),), {"decimals": 1})])
