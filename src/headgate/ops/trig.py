"""Trigonometric and hyperbolic functions, their inverses, angles and sinc."""
import math

import cython

if not cython.compiled:
    import numpy as np

    from headgate.core.family import QUOTIENT, TensorPair, Unary
    from headgate.core.records import OUT, Node, Tensor, X, Y
    from headgate.ops.keep import Fused, keep

    ndarray = np.ndarray

from headgate.core.declare import declare
from headgate.kernels import make_loop
from headgate.ops.keep import fused


@cython.cclass
class Sin(Unary):
    """sin x, x in radians."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * COS.call1(n.read(X), None)


@cython.cclass
class Cos(Unary):
    """cos x, x in radians."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * -SIN.call1(n.read(X), None)


@cython.cclass
class Tan(Unary):
    """tan x, x in radians."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: object = n.read(OUT)
        return g * (y * y + 1)


@cython.cclass
class Asin(Unary):
    """The angle in [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1]."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: object = n.read(X)
        return g * (-x * x + 1).rsqrt()


@cython.cclass
class Acos(Unary):
    """The angle in [0, pi] whose cosine is x; NaN outside [-1, 1]."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: object = n.read(X)
        return g * -(-x * x + 1).rsqrt()


@cython.cclass
class Atan(Unary):
    """The angle in (-pi/2, pi/2) whose tangent is x."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: object = n.read(X)
        return g / (x * x + 1)


@cython.cclass
class Sinh(Unary):
    """The hyperbolic sine."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * COSH.call1(n.read(X), None)


@cython.cclass
class Cosh(Unary):
    """The hyperbolic cosine."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * SINH.call1(n.read(X), None)


@cython.cclass
class TanhBackward(Fused):
    """g (1 - y^2)."""

    @cython.cfunc
    def bend(self, n: Node, g: Tensor) -> object:
        return g * (n.read(Y) * n.read(X) * -2)


@cython.cclass
class Tanh(Unary):
    """The hyperbolic tangent."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return TANH_BACKWARD.call2(g, n.read(OUT), None)


@cython.cclass
class Asinh(Unary):
    """The inverse of sinh."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: object = n.read(X)
        return g * (x * x + 1).rsqrt()


@cython.cclass
class Acosh(Unary):
    """The inverse of cosh; NaN below 1."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: object = n.read(X)
        return g * (x * x - 1).rsqrt()


@cython.cclass
class Atanh(Unary):
    """The inverse of tanh; NaN outside [-1, 1]."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: object = n.read(X)
        return g * (1 / (1 - x * x))


@cython.cclass
class Atan2(TensorPair):
    """The angle of the point (y, x) in (-pi, pi]: atan2(input, other)."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: object = n.read(Y)  # first, as in PyTorch
        x: object = n.read(X)
        s: Tensor = x * x + y * y
        r: object = keep(s.reciprocal(), s != 0)
        return g * y * r if i == 0 else g * -x * r


@cython.cclass
class Deg2rad(Unary):
    """Degrees to radians: x pi / 180."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * (math.pi / 180)


@cython.cclass
class Rad2deg(Unary):
    """Radians to degrees: x 180 / pi."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * (180 / math.pi)


@cython.cclass
class Sinc(Unary):
    """sin(pi x) / (pi x), 1 at 0."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        angle: Tensor = x * math.pi
        square: Tensor = x * x * math.pi
        slope = g * ((angle * COS.call1(angle, None) - SIN.call1(angle, None)) / square)
        return keep(slope, square != 0)


SIN = Sin()
COS = Cos()
SINH = Sinh()
COSH = Cosh()
TANH_BACKWARD = fused(TanhBackward(), "tanh_backward", "TanhBackwardBackward", True)

declare(SIN, "sin", loop=make_loop("sin"), reads=[1 << 0])
declare(COS, "cos", loop=make_loop("cos"), reads=[1 << 0])
declare(Tan(), "tan", loop=make_loop("tan"), reads=[1 << OUT], domain=(-1.2, 1.2))
declare(Asin(), "asin", loop=make_loop("asin"), reads=[1 << 0], domain=(-0.9, 0.9), aliases=("arcsin",))
declare(Acos(), "acos", loop=make_loop("acos"), reads=[1 << 0], domain=(-0.9, 0.9), aliases=("arccos",))
declare(Atan(), "atan", loop=make_loop("atan"), reads=[1 << 0], aliases=("arctan",))
declare(SINH, "sinh", loop=make_loop("sinh"), reads=[1 << 0])
declare(COSH, "cosh", loop=make_loop("cosh"), reads=[1 << 0])
declare(Tanh(), "tanh", loop=make_loop("tanh"), reads=[1 << OUT], aliases=("nn.functional.tanh",))
declare(Asinh(), "asinh", loop=make_loop("asinh"), reads=[1 << 0], aliases=("arcsinh",))
declare(Acosh(), "acosh", loop=make_loop("acosh"), reads=[1 << 0], domain=(1.2, 4), aliases=("arccosh",))
declare(Atanh(), "atanh", loop=make_loop("atanh"), reads=[1 << 0], domain=(-0.9, 0.9), aliases=("arctanh",))
declare(Atan2(), "atan2", loop=make_loop("atan2"), kind=QUOTIENT, reads=[3, 3], aliases=("arctan2",))
declare(Deg2rad(), "deg2rad", loop=make_loop("deg2rad"), node="Deg2RadBackward")
declare(Rad2deg(), "rad2deg", loop=make_loop("rad2deg"), node="Rad2DegBackward")
declare(Sinc(), "sinc", loop=make_loop("sinc"), reads=[1 << 0], aliases=("special.sinc",))
