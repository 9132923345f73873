# built for speed
"""Cutting the flow of gradients: detach, detach_, .data and the requires_grad flag.

All of them leave a record of where they cut, so that a later error can name the line.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import current_node, cut_here, requires
    from headgate.core.arrays import is_float, same_memory
    from headgate.core.modes import inference_enabled
    from headgate.core.operators import Called
    from headgate.core.records import CUT_HERE, DATA, DETACHED, INFERENCE, Node, Tensor
    from headgate.core.reports import cut_of
    from headgate.core.site import mark
    from headgate.core.storage import Version
    from headgate.core.views import MOVED
    from headgate.ops.arguments import given

from headgate import errors
from headgate.core.apply import last_order
from headgate.core.declare import install_method, install_property
from headgate.core.entry import PUBLIC, quicken
from headgate.core.hooks import Hooks


def alias(x: Tensor, flag: cython.int) -> Tensor:
    """Another tensor over the same memory and counter, without history, marked as DETACHED or DATA."""
    t: Tensor = Tensor.__new__(Tensor)
    t._array = x._array
    t._storage = x._storage
    t._counter = x._counter
    t._flags = x._flags & INFERENCE | flag
    if t._flags & INFERENCE:  # its aliases count writes, unless made under inference_mode, and are marked DATA for it
        t._flags = INFERENCE | (DETACHED if inference_enabled() else DATA)
        if t._flags & DATA and not x._flags & DATA:
            t._counter = Version.__new__(Version)
    # `requires` would bring a view's history up to date, which PyTorch leaves to whoever asks for it.
    if x._wants or x._node is not None or (
        x._root is not None and (x._root._wants or x._root._node is not None)
    ):
        t._flags |= CUT_HERE
        mark(t)
    else:
        t._cut = cut_of(x)
    return t


@cython.cclass
class Detach(Called):
    """`detach` of a tensor, without packing arguments."""

    @cython.cfunc
    def call1(self, x: object, out: object) -> object:
        return alias(x, DETACHED) if isinstance(x, Tensor) else NotImplemented


def detach(input: object) -> object:
    """A tensor cut out of the graph: the same memory and version counter, `requires_grad` False, no history.

    A write in place through either is seen, and counted, by both: if the old value is needed for backward, backward
    raises instead of computing a wrong gradient.
    """
    if not isinstance(input, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function="detach", name="input", position=1, expected="Tensor", type=type(input).__name__))
    return alias(input, DETACHED)


def detach_(input: object) -> object:
    """Cut the tensor itself: it becomes a leaf without history and stops requiring grad; returns it.

    Results computed from it before keep their history. RuntimeError for a view, as in PyTorch.
    """
    if not isinstance(input, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function="detach_", name="input", position=1, expected="Tensor", type=type(input).__name__))
    x: Tensor = input
    n: Node = x._node
    if inference_enabled():
        return x  # as in PyTorch, which leaves the graph alone there
    if x._root is not None:
        raise RuntimeError(errors.DETACH_VIEW)
    if requires(x):
        x._cut = cut_here("detach_", "detach_")
    if n is not None:
        n.detached |= cython.cast(cython.longlong, 1) << x._output
    x._node = None
    x._output = 0
    x._wants = False
    return x


def get_data(self: object) -> object:
    """The same memory with a version counter of its own: writes through it are not seen by the in-place check.

    Headgate reports such a write when a gradient depends on it (`set_write_guard`); prefer `detach()`. Assigning
    gives the tensor another memory; a tensor that was saved for backward is then read with its new value.
    """
    t: Tensor = alias(self, DATA)
    t._counter = Version.__new__(Version)
    return t


def set_data(self: object, value: object) -> None:
    x: Tensor = self
    y: Tensor
    if not isinstance(value, Tensor):
        raise TypeError(errors.DATA_TYPE.format(type=type(value).__name__))
    y = value
    old: object = x._array
    new: object = y._array
    if not is_float(y._array) and requires(x):
        raise RuntimeError(errors.DATA_DTYPE)
    if y._storage is x._storage and same_memory(x._array, y._array):
        return  # nothing was given
    # The counter stays, shared with views and detach() aliases. It may be the old storage, which then keeps its memory.
    if x._node is not None:
        x._cut = cut_here("data", "data")
    elif x._wants and (new.shape != old.shape or new.dtype != old.dtype):
        if x._hooks is None:
            x._hooks = Hooks()
        x._hooks.moved = (last_order(), old.shape, old.dtype.num)
    # To the guards, a tensor with history that is given what it held already is as it was.
    kept: bool = x._node is not None and x._history_writes == x._storage.writes and np.array_equal(x._array, y._array)
    x._array = y._array
    x._storage = y._storage
    x._flags |= MOVED
    x._history_writes = x._storage.writes if kept else -1


def remove_data(self: object) -> None:
    """Refused, as in PyTorch."""
    raise RuntimeError("Deleting tensor data is not allowed. Delete tensor instead!")


def requires_grad_(self: object, requires_grad: object = True) -> object:
    """Set whether gradients are computed for this leaf; returns it.

    RuntimeError for integers, and for False on a tensor with history.
    """
    x: Tensor = given(self, "requires_grad_")
    if not isinstance(requires_grad, bool):
        raise TypeError(errors.ARGUMENT.format(
            function="requires_grad_", name="requires_grad", position=1, expected="bool",
            type=type(requires_grad).__name__))
    if requires_grad and not is_float(x._array):
        raise RuntimeError(errors.INTEGER_REQUIRES_GRAD_)
    if not requires_grad or x._node is None:
        x.requires_grad = requires_grad
    return self


def is_leaf(self: object) -> object:
    """Whether the tensor has no history: it was made by the user, or requires no gradient."""
    return current_node(self) is None


PUBLIC["detach"] = install_method("detach", detach)
quicken(PUBLIC["detach"], Detach(), 1)
PUBLIC["detach_"] = install_method("detach_", detach_)
install_method("requires_grad_", requires_grad_)
install_property("data", get_data, set_data, remove=remove_data)
install_property("is_leaf", is_leaf)
