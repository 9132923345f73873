"""Remainders of a division: remainder (the sign of the divisor) and fmod (the sign of the dividend)."""
import cython

if not cython.compiled:
    from headgate.core.family import BOOLS, NumberFirst, NumberSecond, Overloaded
    from headgate.core.records import Node, Tensor, X, Y
    from headgate.ops.arith import DIV_FLOOR, DIV_TRUNC

from headgate.core.declare import declare, overload, set_loop
from headgate.core.family import refuse, set_overloads
from headgate.kernels import make_loop
from headgate.ops.arith import not_implemented, quotients


@cython.cclass
class Remainder(Overloaded):
    """x - y floor(x / y): the sign of y. RuntimeError for an integer division by zero."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return g
        return -g * DIV_FLOOR.call2(n.read(X), n.read(Y), None)


@cython.cclass
class Fmod(Overloaded):
    """x - y trunc(x / y): the sign of x. RuntimeError for an integer division by zero."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return g
        return -g * DIV_TRUNC.call2(n.read(X), n.read(Y), None)


@cython.cclass
class RestOfNumber(NumberSecond):
    """The remainder by a Python number."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g


@cython.cclass
class NumberRest(NumberFirst):
    """The remainder of a Python number. No gradient, as in PyTorch."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        raise RuntimeError(f"derivative for aten::{self.name} is not implemented")


REMAINDER, REMAINDER_OF, REMAINDER_BY = Remainder(), NumberRest(), RestOfNumber()
FMOD, FMOD_BY = Fmod(), RestOfNumber()
for _name, _op, _first, _second in (
    ("remainder", REMAINDER, REMAINDER_OF, REMAINDER_BY), ("fmod", FMOD, None, FMOD_BY),
):
    declare(_op, _name, loop=make_loop(_name), overload=1, reads=[0, 3], smooth=False, samples=quotients, dtypes="fi",
            operator="remainder" if _name == "remainder" else "")
    overload(_second, _name, 0)
    set_overloads(_op, _first, _second)
    for _one in (_op, _first, _second):
        if _one is not None:
            set_loop(_one, make_loop(_name), None)
            refuse(_one, BOOLS, f"{_name}_cpu")
overload(REMAINDER_OF, "remainder", 0)
not_implemented(REMAINDER_OF)
