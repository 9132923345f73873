# built for speed
"""Python's operators, through a closed table of slots that the op families fill.

This is how `x * y` reaches an op without the core importing one. Nothing here knows what a tensor holds.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.storage import Site, plain_fields

    ndarray = np.ndarray


@cython.cclass
class Called:
    """What an operator slot holds: something called with one, two or three operands and where the result goes."""

    def __init__(self):
        self.name = ""

    @cython.cfunc
    def call1(self, x: object, out: object) -> object:
        raise RuntimeError(f"{self.name or 'this operator'} is not available")

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        raise RuntimeError(f"{self.name or 'this operator'} is not available")

    @cython.cfunc
    def call3(self, x: object, y: object, z: object, out: object) -> object:
        raise RuntimeError(f"{self.name or 'this operator'} is not available")


@cython.cclass
class Slots:
    """The ops that Python's operators and the engine use. `declare(..., operator=...)` fills them; each starts as an
    op that raises."""

    def __init__(self):
        missing = Called()
        for name in SLOT_NAMES:
            setattr(self, name, missing)


SLOT_NAMES = (
    "add sub mul div floor_divide remainder pow matmul neg abs invert positive bit_and bit_or bit_xor left_shift "
    "right_shift eq ne lt le gt ge getitem setitem sum_to expand unsqueeze cast clone copy ones_like"
).split()

slots = Slots()


def fill_slot(name: str, op: Called) -> None:
    """Make `op` the one that operator `name` calls."""
    if name not in SLOT_NAMES:
        raise ValueError(f"no operator slot is called {name!r}")
    setattr(slots, name, op)


class InPlace:
    """The marker passed as `out` when an op is to write into its first input."""

    def __repr__(self) -> str:
        return "INPLACE"


INPLACE = InPlace()


_tensor_of: object = None


def set_tensor_of(function: object) -> None:
    """Fill the slot that makes a tensor with a copy of an array, for operators between arrays and tensors."""
    global _tensor_of
    _tensor_of = function


def _nobody(op: Called, x: object, y: object, out: object) -> object:
    return NotImplemented


_answer: object = _nobody


def set_answer(function: object) -> None:
    """Fill the slot that is asked about operands which an operator does not know."""
    global _answer
    _answer = function


@cython.cfunc
def binary(op: Called, x: object, y: object, out: object) -> object:
    """An operator whose left operand is the tensor."""
    result = op.call2(x, y, out)
    if result is NotImplemented:
        return _answer(op, x, y, out)
    return result


def reflected(op: Called, x: object, y: object) -> object:
    """An operator whose right operand is the tensor. NumPy leaves operators of arrays and tensors to the tensor."""
    result = op.call2(x, y, None)
    if result is NotImplemented:
        return op.call2(_tensor_of(x), y, None) if isinstance(x, ndarray) else _answer(op, x, y, None)
    return result


def compared(op: Called, x: object, y: object) -> object:
    """A comparison, whose other operand may be an array."""
    result = op.call2(x, y, None)
    if result is NotImplemented:
        return op.call2(x, _tensor_of(y), None) if isinstance(y, ndarray) else _answer(op, x, y, None)
    return result


@cython.cclass
class Vertex(Site):
    """What a backward pass visits: a node or a leaf tensor. `_claim` is the number of the
    pass that claimed it, and what follows is that pass's (see `engine`)."""


@cython.cclass
class Operand(Vertex):
    """A vertex that answers Python's operators."""

    def __add__(self, other):
        return binary(slots.add, self, other, None)

    def __radd__(self, other):
        if isinstance(other, (float, int)):  # the tensor is the first input, as in PyTorch
            return binary(slots.add, self, other, None)
        return reflected(slots.add, other, self)

    def __iadd__(self, other):
        return binary(slots.add, self, other, INPLACE)

    def __sub__(self, other):
        return binary(slots.sub, self, other, None)

    def __rsub__(self, other):
        return reflected(slots.sub, other, self)

    def __isub__(self, other):
        return binary(slots.sub, self, other, INPLACE)

    def __mul__(self, other):
        return binary(slots.mul, self, other, None)

    def __rmul__(self, other):
        if isinstance(other, (float, int)):
            return binary(slots.mul, self, other, None)
        return reflected(slots.mul, other, self)

    def __imul__(self, other):
        return binary(slots.mul, self, other, INPLACE)

    def __truediv__(self, other):
        return binary(slots.div, self, other, None)

    def __rtruediv__(self, other):
        return reflected(slots.div, other, self)

    def __itruediv__(self, other):
        return binary(slots.div, self, other, INPLACE)

    def __floordiv__(self, other):
        return binary(slots.floor_divide, self, other, None)

    def __rfloordiv__(self, other):
        return reflected(slots.floor_divide, other, self)

    def __ifloordiv__(self, other):
        return binary(slots.floor_divide, self, other, INPLACE)

    def __mod__(self, other):
        return binary(slots.remainder, self, other, None)

    def __rmod__(self, other):
        return reflected(slots.remainder, other, self)

    def __imod__(self, other):
        return binary(slots.remainder, self, other, INPLACE)

    def __pow__(self, other, modulo=None):
        return binary(slots.pow, self, other, None)

    def __rpow__(self, other, modulo=None):
        return reflected(slots.pow, other, self)

    def __ipow__(self, other):  # type: ignore[misc]
        return binary(slots.pow, self, other, INPLACE)

    def __matmul__(self, other):
        return binary(slots.matmul, self, other, None)

    def __rmatmul__(self, other):
        return reflected(slots.matmul, other, self)

    def __and__(self, other):
        return binary(slots.bit_and, self, other, None)

    def __rand__(self, other):
        return reflected(slots.bit_and, other, self)

    def __iand__(self, other):
        return binary(slots.bit_and, self, other, INPLACE)

    def __or__(self, other):
        return binary(slots.bit_or, self, other, None)

    def __ror__(self, other):
        return reflected(slots.bit_or, other, self)

    def __ior__(self, other):
        return binary(slots.bit_or, self, other, INPLACE)

    def __xor__(self, other):
        return binary(slots.bit_xor, self, other, None)

    def __rxor__(self, other):
        return reflected(slots.bit_xor, other, self)

    def __ixor__(self, other):
        return binary(slots.bit_xor, self, other, INPLACE)

    def __lshift__(self, other):
        return binary(slots.left_shift, self, other, None)

    def __rlshift__(self, other):
        return reflected(slots.left_shift, other, self)

    def __ilshift__(self, other):
        return binary(slots.left_shift, self, other, INPLACE)

    def __rshift__(self, other):
        return binary(slots.right_shift, self, other, None)

    def __rrshift__(self, other):
        return reflected(slots.right_shift, other, self)

    def __irshift__(self, other):
        return binary(slots.right_shift, self, other, INPLACE)

    def __eq__(self, other):
        return compared(slots.eq, self, other)

    def __ne__(self, other):
        return compared(slots.ne, self, other)

    def __lt__(self, other):
        return compared(slots.lt, self, other)

    def __le__(self, other):
        return compared(slots.le, self, other)

    def __gt__(self, other):
        return compared(slots.gt, self, other)

    def __ge__(self, other):
        return compared(slots.ge, self, other)

    def __hash__(self):
        address = cython.cast(cython.Py_ssize_t, cython.cast(cython.p_void, self)) if cython.compiled else id(self)
        return address >> 4

    def __neg__(self):
        return slots.neg.call1(self, None)

    def __pos__(self):
        return slots.positive.call1(self, None)

    def __abs__(self):
        return slots.abs.call1(self, None)

    def __invert__(self):
        return slots.invert.call1(self, None)

    def __getitem__(self, index):
        return slots.getitem.call2(self, index, None)

    def __setitem__(self, index, value):
        slots.setitem.call3(self, index, value, None)


if not cython.compiled:
    plain_fields(Vertex, _order=0, _claim=0, _pending=0, _owned=False, _useful=False, _arrived=None)
