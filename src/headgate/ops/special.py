"""Special functions: the error function and its inverse, gamma functions, Bessel functions, logit and entropy."""
import math

import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply1, apply2
    from headgate.core.family import BOOLS, QUOTIENT, NumberFirst, NumberSecond, Overloaded, Unary
    from headgate.core.inplace import write
    from headgate.core.operators import INPLACE
    from headgate.core.records import OUT, Node, Tensor, X, Y
    from headgate.kernels.reference import map1, map1p, map2, map2s
    from headgate.ops.explog import EXP, LOG
    from headgate.ops.keep import Fused, keep

    ndarray = np.ndarray

from headgate.core.declare import composite, declare, install_method, overload, set_loop
from headgate.core.family import refuse, set_overloads
from headgate.kernels import make_loop
from headgate.kernels.reference_polynomials import zeta as zeta_form
from headgate.kernels.reference_special import polygamma as polygamma_form
from headgate.ops.keep import fused

ZETA_OF_X = "the derivative for 'zeta' is not implemented."
TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)


@cython.cclass
class Erf(Unary):
    """The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: object = n.read(X)
        return EXP.call1(-(x * x), None) * TWO_OVER_SQRT_PI * g


@cython.cclass
class Erfc(Unary):
    """1 - erf(x), exact for large x."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: object = n.read(X)
        return EXP.call1(-(x * x), None) * -TWO_OVER_SQRT_PI * g


@cython.cclass
class Erfinv(Unary):
    """The inverse of erf; infinite at -1 and 1, NaN outside."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: object = ERFINV.call1(n.read(X), None)
        return EXP.call1(y * y, None) * (1 / TWO_OVER_SQRT_PI) * g


@cython.cclass
class Lgamma(Unary):
    """log |gamma(x)|; infinite at 0, -1, -2 ..."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * DIGAMMA.call1(n.read(X), None)


@cython.cclass
class Digamma(Unary):
    """The derivative of log gamma(x)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * apply1(POLYGAMMA, n.read(X), (1.0,))


@cython.cclass
class Polygamma(Unary):
    """The n-th derivative of digamma(x). attrs: (n,); the first has a loop of its own, for lgamma's second gradient."""

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        if attrs[0] == 1:
            return map1(FIRST_DERIVATIVE, x, out)
        return map1p(self.loop, x, attrs, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * apply1(POLYGAMMA, n.read(X), (n.attrs[0] + 1.0,))


@cython.cclass
class I0(Unary):
    """The modified Bessel function of the first kind, order 0."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * I1.call1(n.read(X), None)


@cython.cclass
class I1Function(Unary):
    """The modified Bessel function of the first kind, order 1."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        far: Tensor = abs(x) > 2.2e-16
        near: Tensor = ~far
        safe: Tensor = keep(x, far) + near
        slope: Tensor = I0_OP.call1(keep(x, far), None) - keep(n.read(OUT), far) / safe
        return g * (keep(slope, far) + near * 0.5)


@cython.cclass
class LogitBackward(Fused):
    """g / (x (1 - x))."""

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        x: Tensor = n.read(Y)
        eps: object = n.attrs[0]
        curve: Tensor = x * (1 - x)
        bent: Tensor = g * n.read(X) * (2 * x - 1) / (curve * curve)
        return bent if eps < 0 else keep(bent, (x >= eps) & (x <= 1 - eps))


@cython.cclass
class Logit(Unary):
    """log(x / (1 - x)), with `eps` x is first held between eps and 1 - eps."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply2(LOGIT_BACKWARD, g, n.read(X), n.attrs)


@cython.cclass
class Mvlgamma(Unary):
    """log of the multivariate gamma function. attrs: (its dimension,)."""

    @cython.cfunc
    def refusal(self, kind: dtypes.dtype) -> object:
        return RuntimeError("The input tensor may not be a boolean tensor.")

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        order: object = int(attrs[0])
        total: object = np.full(cython.cast(object, x).shape, 0.25 * math.log(math.pi) * order * (order - 1), x.dtype)
        for k in range(order):
            map2(PLUS, total, map1(self.loop, map2s(TAKE_OFF, x, 0.5 * k, False)), total)
        if out is None:
            return total
        np.copyto(out, total)
        return out

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        total: object = DIGAMMA.call1(x, None)
        for k in range(1, int(n.attrs[0])):
            total = total + DIGAMMA.call1(x - 0.5 * k, None)
        return g * total


@cython.cclass
class Entr(Unary):
    """-x log(x); 0 at 0, -inf below."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        return g * (-LOG.call1(x, None) - 1)


@cython.cclass
class Half(Unary):
    """x / 2."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * 0.5

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return map2s(TIMES, x, 0.5, False)


@cython.cclass
class LogNdtr(Unary):
    """The logarithm of the normal distribution's area below x."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        return g * EXP.call1(x * x * -0.5 - n.read(OUT), None) * (1 / math.sqrt(2 * math.pi))


@cython.cclass
class Zeta(Overloaded):
    """The Hurwitz zeta function, the sum of (k + y)^-x over k >= 0. Only y gets a gradient, as in PyTorch."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            raise NotImplementedError(ZETA_OF_X)
        x: Tensor = n.read(X)
        return g * -x * ZETA.call2(x + 1.0, n.read(Y), None)


@cython.cclass
class ZetaBy(NumberSecond):
    """The zeta function for a number y."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        raise NotImplementedError(ZETA_OF_X)


@cython.cclass
class ZetaOf(NumberFirst):
    """The zeta function for a number x."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * -n.attrs * ZETA.call2(n.attrs + 1.0, n.read(X), None)


TIMES, PLUS, TAKE_OFF = make_loop("mul"), make_loop("add"), make_loop("sub")
FIRST_DERIVATIVE = make_loop("trigamma")
ERF, ERFC, ERFINV, DIGAMMA, LGAMMA, LOGIT, POLYGAMMA = (
    Erf(), Erfc(), Erfinv(), Digamma(), Lgamma(), Logit(), Polygamma())
I0_OP, I1, MVLGAMMA = I0(), I1Function(), Mvlgamma()
NDTR_HALF = overload(Half(), "mul", 1)
ZETA, ZETA_BY, ZETA_OF = Zeta(), ZetaBy(), ZetaOf()
LOGIT_BACKWARD = fused(LogitBackward(), "logit_backward", "LogitBackwardBackward", True)


def logit(input: object, eps: object = None, *, out: object = None) -> object:
    """log(x / (1 - x)); with `eps`, x is first held between eps and 1 - eps."""
    return LOGIT.call1p(input, (-1.0 if eps is None else float(eps),), out)


def polygamma(n: object, input: object, *, out: object = None) -> object:
    """The n-th derivative of digamma at `input` (n = 0: digamma)."""
    if isinstance(n, Tensor):
        n, input = input, n
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return POLYGAMMA.call1p(input, (float(n),), out)


def polygamma_method(self: object, n: object) -> object:
    """The n-th derivative of digamma at this tensor."""
    return polygamma(n, self)


def polygamma_inplace(self: object, n: object) -> object:
    """In-place form of `polygamma`: writes the result into this tensor and returns it."""
    return polygamma(n, self, out=INPLACE)


def ndtr(input: object, *, out: object = None) -> object:
    """The normal distribution's area below x."""
    if out is not None:
        return write(NDTR_HALF, (ERFC.call1(input * -math.sqrt(0.5), None),), None, out)
    return apply1(NDTR_HALF, ERFC.call1(input * -math.sqrt(0.5), None), None)


def multigammaln(input: object, p: object, *, out: object = None) -> object:
    """log of the multivariate gamma function of dimension p."""
    return MVLGAMMA.call1p(input, (float(p),), out)


declare(ERF, "erf", loop=make_loop("erf"), reads=[1 << 0], aliases=("special.erf",))
declare(ERFC, "erfc", loop=make_loop("erfc"), reads=[1 << 0], aliases=("special.erfc",))
declare(ERFINV, "erfinv", loop=make_loop("erfinv"), reads=[1 << 0], domain=(-0.9, 0.9), aliases=("special.erfinv",))
declare(LGAMMA, "lgamma", loop=make_loop("lgamma"), reads=[1 << 0], domain=(0.2, 5), aliases=("special.gammaln",))
declare(DIGAMMA, "digamma", loop=make_loop("digamma"), reads=[1 << 0], domain=(0.2, 5),
        aliases=("special.digamma", "special.psi"))
declare(POLYGAMMA, "polygamma", loop=make_loop("polygamma", python=polygamma_form), reads=[1 << 0], function=polygamma,
        method=False, inplace=False, domain=(0.3, 4), aliases=("special.polygamma",),
        samples=lambda make: [((1, make(3, 4, low=0.3, high=4)), {}), ((2, make(3, low=0.3, high=4)), {}),
                              ((0, make(3, low=0.3, high=4)), {})])
install_method("polygamma", polygamma_method)
install_method("polygamma_", polygamma_inplace)
declare(I0_OP, "i0", loop=make_loop("i0"), reads=[1 << 0], aliases=("special.i0",))
declare(I1, "special.i1", loop=make_loop("i1"), reads=[1 << 0 | 1 << OUT], method=False,
        inplace=False, node="SpecialI1Backward")
declare(LOGIT, "logit", loop=make_loop("logit"), reads=[1 << 0], function=logit, inplace=True, domain=(0.1, 0.9),
        aliases=("special.logit",), dtypes="fib",
        samples=lambda make: [((make(3, 4, low=0.1, high=0.9),), {}), ((make(3, low=-0.2, high=1.2), 0.1), {}),
                              ((make(0),), {})])
declare(Entr(), "special.entr", loop=make_loop("entr"), reads=[1 << 0], method=False,
        inplace=False, domain=(0.2, 3), node="SpecialEntrBackward")
declare(LogNdtr(), "special.log_ndtr", loop=make_loop("log_ndtr"), reads=[1 << 0 | 1 << OUT],
        method=False, inplace=False, node="SpecialLogNdtrBackward")
composite("special.ndtr", ndtr, method=False, out=True, samples=lambda make: [((make(3, 4),), {}), ((make(0),), {})])
refuse(MVLGAMMA, BOOLS, "mvlgamma")
declare(MVLGAMMA, "mvlgamma", loop=make_loop("lgamma"), reads=[1 << 0], function=multigammaln, inplace=True, out=False,
        aliases=("special.multigammaln",), samples=lambda make: [((make(3, low=3, high=5), 2), {})], dtypes="f")
declare(ZETA, "special.zeta", loop=make_loop("zeta", python=zeta_form), kind=QUOTIENT, reads=[0, 3], overload=0,
        method=False, inplace=False, node="SpecialZetaBackward",
        samples=lambda make: [((1.5, make(3, 4, low=0.3, high=4)), {}), ((3, make(3, low=0.5, high=3)), {}),
                              ((2.5, make(0)), {})])
overload(ZETA_BY, "special.zeta", 2, node="SpecialZetaBackward")
overload(ZETA_OF, "special.zeta", 1, reads=[1 << 0], node="SpecialZetaBackward")
set_loop(ZETA_BY, make_loop("zeta", python=zeta_form), QUOTIENT)
set_loop(ZETA_OF, make_loop("zeta", python=zeta_form), QUOTIENT)
set_overloads(ZETA, ZETA_OF, ZETA_BY)
