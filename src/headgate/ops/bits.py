"""Logic and bits: logical and bitwise operations, shifts, and the greatest divisor and least multiple. No gradients."""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.family import ANSWER, BITS, BOOLS, LOGICAL, REALS, SAME, Binary, TensorPair, Unary
    from headgate.core.operators import Called
    from headgate.core.records import Tensor
    from headgate.kernels.reference import map1

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import declare
from headgate.core.family import exact, refuse
from headgate.core.operators import fill_slot
from headgate.kernels import make_loop


@cython.cclass
class Bits(Binary):
    """A bitwise operation of integers or bools, with broadcasting; either may be a Python number."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.promote_and_run(x, y, out)  # never the floats' short road


@cython.cclass
class Shift(Binary):
    """A shift of the bits of integers. As in PyTorch, a count below 0 or beyond the width shifts all bits out."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.promote_and_run(x, y, out)


@cython.cclass
class Logical(TensorPair):
    """A logical operation of truth values (not zero). Bool."""


@cython.cclass
class Divisors(TensorPair):
    """The greatest common divisor or least common multiple of integers."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.promote_and_run(x, y, out)


@cython.cclass
class LogicalNot(Unary):
    """True where x is zero. Bool."""

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        return map1(self.loop, x, None)


@cython.cclass
class BitwiseNot(Unary):
    """Every bit inverted; for bools, logical not."""


@cython.cclass
class Invert(Called):
    """The operator ~."""

    @cython.cfunc
    def call1(self, x: object, out: object) -> object:
        if dtypes.of(cython.cast(Tensor, x)._array).category > 1:
            raise TypeError(errors.INVERT_FLOAT)
        return BITWISE_NOT.call1(x, out)


BITWISE_NOT = exact(BitwiseNot())


def whole_pairs(make: object) -> object:
    """Pairs of integer tensors, and numbers."""
    x, y = make(3, 4, low=0, high=9, dtype="int64"), make(4, low=0, high=5, dtype="int64")
    return [((x, y), {}), ((x, x), {}), ((y, 3), {}), ((make(0, dtype="int64"), 1), {})]


def whole_tensors(make: object) -> object:
    """Pairs of integer tensors."""
    x, y = make(3, 4, low=0, high=90, dtype="int64"), make(4, low=0, high=5, dtype="int64")
    return [((x, y), {}), ((x, x), {})]


for _name, _slot in (("bitwise_and", "bit_and"), ("bitwise_or", "bit_or"), ("bitwise_xor", "bit_xor")):
    declare(Bits(), _name, loop=make_loop(_name), kind=BITS, operator=_slot, differentiable=False, dtypes="ib",
            samples=whole_pairs)
for _name, _slot, _kernel in (("bitwise_left_shift", "left_shift", "lshift_cpu"),
                              ("bitwise_right_shift", "right_shift", "rshift_cpu")):
    _op = Shift()
    refuse(_op, BOOLS, _kernel)
    declare(_op, _name, loop=make_loop(_slot), kind=BITS, operator=_slot, differentiable=False, dtypes="i",
            samples=whole_pairs)
for _name in ("logical_and", "logical_or", "logical_xor"):
    declare(Logical(), _name, loop=make_loop(_name), kind=LOGICAL, differentiable=False)
for _name in ("gcd", "lcm"):
    _divisors = Divisors()
    refuse(_divisors, BOOLS, f"{_name}_cpu")
    declare(_divisors, _name, loop=make_loop(_name), kind=BITS, differentiable=False, dtypes="i", samples=whole_tensors)
declare(LogicalNot(), "logical_not", loop=make_loop("logical_not"), kind=ANSWER, differentiable=False)
refuse(BITWISE_NOT, REALS, "bitwise_not_cpu")
declare(BITWISE_NOT, "bitwise_not", loop=make_loop("bitwise_not"), kind=SAME, differentiable=False, dtypes="ib")
fill_slot("invert", Invert())
