"""Exponentials, logarithms and roots. Everything they share with other elementwise ops is in their family."""
import math

import cython

if not cython.compiled:
    import numpy as np

    from headgate.core.family import BOOLS, INTEGERS, QUOTIENT, NumberFirst, NumberSecond, Overloaded, TensorPair, Unary
    from headgate.core.records import OUT, Node, Tensor, X, Y
    from headgate.ops.keep import keep

    ndarray = np.ndarray

from headgate.core.declare import declare, overload, set_loop
from headgate.core.family import refuse, set_overloads
from headgate.kernels import make_loop
from headgate.kernels.reference_special import xlog1py as xlog1py_form

LN2, LN10 = math.log(2.0), math.log(10.0)


@cython.cclass
class Exp(Unary):
    """e^x."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * n.read(OUT)


@cython.cclass
class Exp2(Unary):
    """2^x."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * n.read(OUT) * LN2


@cython.cclass
class Expm1(Unary):
    """e^x - 1, exact for small x."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * (n.read(OUT) + 1)


@cython.cclass
class Log(Unary):
    """The natural logarithm."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g / n.read(X)


@cython.cclass
class Log2(Unary):
    """The logarithm to base 2."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g / (n.read(X) * LN2)


@cython.cclass
class Log10(Unary):
    """The logarithm to base 10."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g / (n.read(X) * LN10)


@cython.cclass
class Log1p(Unary):
    """log(1 + x), exact for small x."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g / (n.read(X) + 1)


@cython.cclass
class Sqrt(Unary):
    """The square root."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g / (n.read(OUT) * 2)


@cython.cclass
class Rsqrt(Unary):
    """1 / sqrt(x)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: object = n.read(OUT)
        return g * -0.5 * y.pow(3)  # as PyTorch writes it: what the gradient's own node saves is y


@cython.cclass
class Logaddexp(TensorPair):
    """log(e^x + e^y). Floats only."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        y: Tensor = n.read(Y)
        return g / (EXP.call1(y - x if i == 0 else x - y, None) + 1)


@cython.cclass
class Logaddexp2(TensorPair):
    """log2(2^x + 2^y). Floats only."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        y: Tensor = n.read(Y)
        return g / (EXP2.call1(y - x if i == 0 else x - y, None) + 1)


@cython.cclass
class Xlogy(Overloaded):
    """x log(y); 0 where x is 0, whatever log(y) is, unless y is NaN."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        y: Tensor = n.read(Y)
        if i == 1:
            return g * x / y
        return keep(XLOGY.call2(g, y, None), ~((x == 0) & (y <= 0)))


@cython.cclass
class XlogyBy(NumberSecond):
    """x log(number)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        result: Tensor = XLOGY.call2(g, n.attrs, None)
        if n.attrs > 0:
            return result
        return keep(result, n.read(X) != 0)


@cython.cclass
class XlogyOf(NumberFirst):
    """number log(x)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * n.attrs / n.read(X)


@cython.cclass
class Xlog1py(Overloaded):
    """x log(1 + y); 0 where x is 0, whatever the logarithm is, unless y is NaN."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        y: Tensor = n.read(Y)
        if i == 1:
            return g * x / (y + 1)
        return keep(XLOG1PY.call2(g, y, None), ~((x == 0) & (y <= -1)))


@cython.cclass
class Xlog1pyBy(NumberSecond):
    """x log(1 + number)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        result: Tensor = XLOG1PY.call2(g, n.attrs, None)
        if n.attrs > -1:
            return result
        return keep(result, n.read(X) != 0)


@cython.cclass
class Xlog1pyOf(NumberFirst):
    """number log(1 + x)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * n.attrs / (n.read(X) + 1)


EXP = Exp()
EXP2 = Exp2()
LOG = Log()
XLOGY = Xlogy()
XLOGY_BY = XlogyBy()
XLOGY_OF = XlogyOf()
XLOG1PY = Xlog1py()
XLOG1PY_BY = Xlog1pyBy()
XLOG1PY_OF = Xlog1pyOf()

declare(EXP, "exp", loop=make_loop("exp"), reads=[1 << OUT])
declare(EXP2, "exp2", loop=make_loop("exp2"), reads=[1 << OUT], aliases=("special.exp2",))
declare(Expm1(), "expm1", loop=make_loop("expm1"), reads=[1 << OUT], aliases=("special.expm1",))
declare(LOG, "log", loop=make_loop("log"), reads=[1 << 0], domain=(0.2, 5))
declare(Log2(), "log2", loop=make_loop("log2"), reads=[1 << 0], domain=(0.2, 5))
declare(Log10(), "log10", loop=make_loop("log10"), reads=[1 << 0], domain=(0.2, 5))
declare(Log1p(), "log1p", loop=make_loop("log1p"), reads=[1 << 0], domain=(-0.7, 4), node="Log1PBackward",
        aliases=("special.log1p",))
declare(Sqrt(), "sqrt", loop=make_loop("sqrt"), reads=[1 << OUT], domain=(0.2, 5))
declare(Rsqrt(), "rsqrt", loop=make_loop("rsqrt"), reads=[1 << OUT], domain=(0.2, 5))
for _name, _op in (("logaddexp", Logaddexp()), ("logaddexp2", Logaddexp2())):
    refuse(_op, BOOLS | INTEGERS, f"{_name}_cpu")
    declare(_op, _name, loop=make_loop(_name), reads=[3, 3], dtypes="f", inplace=False)
declare(XLOGY, "xlogy", loop=make_loop("xlogy"), kind=QUOTIENT, reads=[3, 3], overload=0, domain=(0.2, 4),
        aliases=("special.xlogy",),
        samples=lambda make: [((make(3, 4), make(3, 4, low=0.2, high=3)), {}),
                              ((make(3), make(2, 1, low=1, high=2)), {}),
                              ((make(3), 2.5), {}), ((1.5, make(3, low=0.5, high=3)), {}), ((make(0), make(0)), {})])
overload(XLOGY_BY, "xlogy", 2, reads=[1 << 0], looks=1 << 0)
overload(XLOGY_OF, "xlogy", 1, reads=[1 << 0])
set_loop(XLOGY_BY, make_loop("xlogy"), QUOTIENT)
set_loop(XLOGY_OF, make_loop("xlogy"), QUOTIENT)
set_overloads(XLOGY, XLOGY_OF, XLOGY_BY)
declare(XLOG1PY, "special.xlog1py", loop=make_loop("xlog1py", python=xlog1py_form), kind=QUOTIENT, reads=[3, 3],
        overload=0, method=False, inplace=False, node="SpecialXlog1PyBackward",
        samples=lambda make: [((make(3, 4), make(3, 4, low=-0.8, high=3)), {}),
                              ((make(3), make(2, 1, low=1, high=2)), {}),
                              ((make(3), 2.5), {}), ((1.5, make(3, low=0.5, high=3)), {}), ((make(0), make(0)), {})])
overload(XLOG1PY_BY, "special.xlog1py", 2, reads=[1 << 0], looks=1 << 0, node="SpecialXlog1PyBackward")
overload(XLOG1PY_OF, "special.xlog1py", 1, reads=[1 << 0], node="SpecialXlog1PyBackward")
set_loop(XLOG1PY_BY, make_loop("xlog1py", python=xlog1py_form), QUOTIENT)
set_loop(XLOG1PY_OF, make_loop("xlog1py", python=xlog1py_form), QUOTIENT)
set_overloads(XLOG1PY, XLOG1PY_OF, XLOG1PY_BY)
