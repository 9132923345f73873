"""Pickling and shallow copies of tensors: memory, type, strides, the requires_grad flag and attributes.

History is not kept, as in PyTorch. Pickles hold NumPy arrays and name this module's functions only.
"""
import cython

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import requires, wrap
    from headgate.core.records import Tensor
    from headgate.core.surface import bare, take_over

from headgate.core.declare import install_method
from headgate.core.surface import attributes


def rebuild(kind: object, array: object, order: object, requires_grad: object, state: object) -> object:
    """A tensor from what a pickle holds: a contiguous array and the order of its dimensions."""
    x: Tensor = bare(kind)
    if order is not None:
        array = array.transpose(order)
    take_over(x, wrap(array))
    x._wants = bool(requires_grad)
    if state:
        vars(x).update(state)
    return x


def reduce_ex(self: object, protocol: object) -> object:
    """What pickle writes for a tensor."""
    return reduced(self, True)


def reduce_in_place(self: object) -> object:
    """The same over the tensor's own memory where that has no gaps: for pickles that are written at once."""
    return reduced(self, False)


def reduced(x: Tensor, copy: cython.bint) -> object:
    """A tensor as `rebuild` and its arguments."""
    array: object = x._array
    order: object = None
    if not array.flags.c_contiguous and array.size:
        order = sorted(range(array.ndim), key=lambda axis: (-abs(array.strides[axis]), axis))
        array = array.transpose(order)
        order = tuple([order.index(axis) for axis in range(array.ndim)])
    if copy or not array.flags.c_contiguous:
        array = array.copy(order="C")
    return rebuild, (type(x), array, order, requires(x), attributes(x) or None)


def shallow(self: object) -> object:
    """What copy.copy gives: another tensor over the same memory, without history, with the same attributes."""
    x: Tensor = bare(type(self))
    t: Tensor = Tensor.detach.__wrapped__(self)
    take_over(x, t)
    x._wants = requires(self)
    vars(x).update(attributes(self))
    return x


install_method("__reduce_ex__", reduce_ex)
install_method("__copy__", shallow)
