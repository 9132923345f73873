"""Functions of two tensors that are no arithmetic: hypot, copysign, heaviside, ldexp and nextafter."""
import math

import cython

if not cython.compiled:
    import numpy as np

    from headgate import dtypes
    from headgate.core.family import BOOLS, INTEGERS, QUOTIENT, NumberSecond, Overloaded, TensorPair
    from headgate.core.records import OUT, Node, Tensor, X, Y
    from headgate.ops.explog import EXP2
    from headgate.ops.keep import keep, zeros_of

    ndarray = np.ndarray

from headgate.core.declare import declare, overload, set_loop
from headgate.core.family import refuse, set_overloads
from headgate.kernels import make_loop


@cython.cclass
class Hypot(TensorPair):
    """sqrt(x^2 + y^2) without overflow. Floats only."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * n.read(X if i == 0 else Y) / n.read(OUT)


@cython.cclass
class Copysign(Overloaded):
    """The magnitude of x with the sign of y."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 1:
            return zeros_of(g)
        x: Tensor = n.read(X)
        return g * keep(n.read(OUT) / x, x != 0)


@cython.cclass
class CopysignNumber(NumberSecond):
    """The magnitude of x with the sign of a Python number."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        return g * keep(n.read(OUT) / x, x != 0)


@cython.cclass
class Heaviside(TensorPair):
    """0 where x < 0, 1 where x > 0, y where x is 0. No gradient, as in PyTorch."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        raise RuntimeError(f"derivative for aten::{self.name} is not implemented")

    @cython.cfunc
    def result_kind(self, x: object, y: object) -> dtypes.dtype:
        kind: dtypes.dtype = dtypes.of(x)
        if dtypes.of(y) is kind:
            return kind
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")


@cython.cclass
class Ldexp(TensorPair):
    """x 2^y."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return g * EXP2.call1(n.read(Y), None)
        return g * n.read(OUT) * math.log(2.0)


@cython.cclass
class Nextafter(TensorPair):
    """The next number after x towards y. The gradient passes to x where x is not y."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 1:
            return zeros_of(g)
        x: Tensor = n.read(X)
        return keep(g, x != n.read(Y))


HYPOT, COPYSIGN, COPYSIGN_NUMBER, HEAVISIDE, NEXTAFTER = Hypot(), Copysign(), CopysignNumber(), Heaviside(), Nextafter()
refuse(HYPOT, BOOLS | INTEGERS, "hypot_cpu")
refuse(NEXTAFTER, BOOLS | INTEGERS, "nextafter_cpu")
declare(HYPOT, "hypot", loop=make_loop("hypot"), reads=[1 << 0 | 1 << OUT, 1 << 1 | 1 << OUT], looks=1 << 1,
        dtypes="f")
declare(COPYSIGN, "copysign", loop=make_loop("copysign"), kind=QUOTIENT, reads=[1 | 1 << OUT, 1 << OUT],
        looks=1 | 1 << OUT,
        overload=0, smooth=False)
overload(COPYSIGN_NUMBER, "copysign", 1, reads=[1 | 1 << OUT])
set_loop(COPYSIGN_NUMBER, make_loop("copysign"), QUOTIENT)
set_overloads(COPYSIGN, None, COPYSIGN_NUMBER)
declare(Ldexp(), "ldexp", loop=make_loop("ldexp"), kind=QUOTIENT, reads=[2 | 1 << OUT, 1 << OUT], looks=2 | 1 << OUT)
declare(HEAVISIDE, "heaviside", loop=make_loop("heaviside"), smooth=False)
HEAVISIDE.node_name, HEAVISIDE.type_name = "torch::autograd::NotImplemented", "NotImplemented"
declare(NEXTAFTER, "nextafter", loop=make_loop("nextafter"), reads=[3, 0], smooth=False, dtypes="f")
