"""Arithmetic: add, sub, mul, div and their relatives, element by element."""
import cython

if not cython.compiled:
    from headgate.core.family import ARITHMETIC, QUOTIENT, SAME, Binary, Unary
    from headgate.core.records import OUT, X, Y, Node, Tensor

from headgate.core.declare import declare
from headgate.kernels import make_loop


@cython.cclass
class Add(Binary):
    """x + y, with broadcasting."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g


@cython.cclass
class Mul(Binary):
    """x * y, with broadcasting."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * n.read(Y if i == 0 else X)


add = declare(Add(), "add", loop=make_loop("add"), operator="add")
mul = declare(Mul(), "mul", loop=make_loop("mul"), reads=[1 << 1, 1 << 0], operator="mul", aliases=("multiply",))
