"""The dims of a tensor in another order, and dims of length 1 coming and going; also in place, as PyTorch has them.

The public functions, with PyTorch's arguments and errors, over the ops of `view`.
"""
import warnings

import cython

if not cython.compiled:
    from headgate.core.apply import apply1, record, requires
    from headgate.core.arrays import set_meta, shape_of
    from headgate.core.modes import grad_enabled
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.views import MOVED
    from headgate.core.writes import check_allowed, note_write
    from headgate.ops.arguments import given, ints, place, places
    from headgate.ops.view import (
        ALIAS,
        PERMUTE,
        SQUEEZE,
        SQUEEZE_DIM,
        SQUEEZE_DIMS,
        TRANSPOSE,
        UNSQUEEZE,
        Squeeze,
        T,
        Transpose,
        TransposeAll,
        Unsqueeze,
    )

from headgate import errors
from headgate.core.apply import last_order
from headgate.core.declare import composite, install_method, install_property, overload
from headgate.core.hooks import Hooks

H_DIMS = "tensor.H is only supported on matrices (2-D tensors). Got {dims}-D tensor."
ADJOINT_DIMS = "tensor.adjoint() is only supported on matrices or batches of matrices. Got {dims}-D tensor."
ZERO_DIM = "{name} is deprecated on 0-D tensors. This function is the identity in these cases."
T_WARNING = (
    "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an "
    "error in a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim "
    "- 1, -1, -1))` to reverse the dimensions of a tensor."
)

# ---- the dims in another order --------------------------------------------------------------------------------------


def transpose(input: object, dim0: object, dim1: object) -> object:
    """Two dims exchanged; a view. IndexError for a dim that is not there."""
    x: Tensor = given(input, "transpose")
    count: cython.int = x._array.ndim
    first: cython.int = place(dim0, count, "transpose", "dim0", 1)
    return apply1(TRANSPOSE, x, (first, place(dim1, count, "transpose", "dim1", 2)))


def swapaxes(input: object, axis0: object, axis1: object) -> object:
    """`transpose` under NumPy's name."""
    return transpose(input, axis0, axis1)


def swapdims(input: object, dim0: object, dim1: object) -> object:
    """`transpose` under another name."""
    return transpose(input, dim0, dim1)


def t(input: object) -> object:
    """The transpose of a matrix; a tensor of fewer dims as it is. RuntimeError for more than two dims."""
    x: Tensor = given(input, "t")
    if x._array.ndim > 2:
        raise RuntimeError(errors.T_DIMS.format(dims=x._array.ndim))
    return apply1(T, x, None)


def permute(input: object, *dims: object, **named: object) -> object:
    """The dims in the given order; a view. RuntimeError if they are not each of the tensor's dims once."""
    x: Tensor = given(input, "permute")
    order: tuple = ints(dims, named.get("dims"), "permute", "dims")
    if len(order) != x._array.ndim:
        raise RuntimeError(errors.PERMUTE_COUNT.format(dims=x._array.ndim, given=len(order)))
    order = places(order, x._array.ndim, "permute", "dims")
    if len(set(order)) != len(order):
        raise RuntimeError(errors.PERMUTE_TWICE)
    return apply1(PERMUTE, x, order)


def movedim(input: object, source: object, destination: object) -> object:
    """The dims `source` (one or several) at the places `destination`, the others in their order around them; a view.

    RuntimeError for different counts and for a dim given twice.
    """
    x: Tensor = given(input, "movedim")
    count: cython.int = x._array.ndim
    if type(source) is int and type(destination) is int and count:
        come_from: cython.int = place(source, count, "movedim", "source", 2)
        rest: list = list(range(count))
        rest.insert(place(destination, count, "movedim", "destination", 3), rest.pop(come_from))
        return apply1(PERMUTE, x, tuple(rest))
    if not isinstance(source, (int, tuple, list)) or not isinstance(destination, (int, tuple, list)):
        raise TypeError("movedim() received an invalid combination of arguments - got "
                        f"({type(source).__name__}, {type(destination).__name__})")
    come = [source] if isinstance(source, int) else list(source)
    go = [destination] if isinstance(destination, int) else list(destination)
    if len(come) != len(go):
        raise RuntimeError(errors.MOVEDIM.format(source=come, destination=go))
    start, end = list(places(come, count, "movedim", "source")), list(places(go, count, "movedim", "destination"))
    if len(set(start)) != len(start):
        raise RuntimeError(f"movedim: repeated dim in `source` ({come})")
    if len(set(end)) != len(end):
        raise RuntimeError(f"movedim: repeated dim in `destination` ({go})")
    if count == 0:
        return apply1(ALIAS, x, None)
    order: list = [-1] * count
    for a, b in zip(start, end):
        order[b] = a
    others = iter([dim for dim in range(count) if dim not in start])
    return apply1(PERMUTE, x, tuple([next(others) if dim < 0 else dim for dim in order]))


def adjoint(input: object) -> object:
    """The last two dims exchanged (tensors are real). RuntimeError for fewer than two."""
    x: Tensor = given(input, "adjoint")
    return swap_last(x, ADJOINT_DIMS)


def swap_last(x: Tensor, text: str) -> Tensor:
    """The last two dims exchanged; RuntimeError with `text` if there are none."""
    count: cython.int = x._array.ndim
    if count == 0:
        warnings.warn(ZERO_DIM.format(name="Tensor.mT"), UserWarning, stacklevel=2)
        return x
    if count < 2:
        raise RuntimeError(text.format(dims=count))
    return apply1(TRANSPOSE, x, (count - 2, count - 1))


def reversed_dims(input: object) -> object:
    """The dims in reverse order: the transpose of a matrix. A view."""
    x: Tensor = given(input, "numpy_T")
    if x._array.ndim == 0:
        warnings.warn(ZERO_DIM.format(name="Tensor.T"), UserWarning, stacklevel=2)
    elif x._array.ndim != 2:
        warnings.warn(T_WARNING, UserWarning, stacklevel=2)
    return apply1(PERMUTE, x, tuple(range(x._array.ndim - 1, -1, -1)))


def matrix_transpose(input: object) -> object:
    """The last two dims exchanged: the transposes of a batch of matrices. RuntimeError for fewer than two dims."""
    return swap_last(given(input, "mT"), errors.MT_DIMS)


def conjugate_transpose(input: object) -> object:
    """The transpose of a matrix (tensors are real). RuntimeError for other than two dims."""
    x: Tensor = given(input, "H")
    if x._array.ndim == 0:
        return swap_last(x, H_DIMS)
    if x._array.ndim != 2:
        raise RuntimeError(H_DIMS.format(dims=x._array.ndim))
    return apply1(TRANSPOSE, x, (0, 1))


# ---- dims of length 1 -----------------------------------------------------------------------------------------------


def unsqueeze(input: object, dim: object) -> object:
    """A new dim of length 1 before dim `dim` of the input (or last); a view. IndexError outside."""
    x: Tensor = given(input, "unsqueeze")
    return apply1(UNSQUEEZE, x, place(dim, x._array.ndim + 1, "unsqueeze", "dim", 1))


def squeeze(input: object, dim: object = None) -> object:
    """Without its dims of length 1: all of them, or those among `dim` (one or several). A view."""
    x: Tensor = given(input, "squeeze")
    axis: cython.int
    if type(dim) is int and x._array.ndim > 0:
        axis = place(dim, x._array.ndim, "squeeze", "dim", 1)
        return apply1(SQUEEZE_DIM, x, (axis,) if x._array.shape[axis] == 1 else ())
    op, axes = squeezed(x, dim)
    return apply1(op, x, axes)


def squeezed(x: Tensor, dim: object) -> tuple:
    """Which of the three squeezes is meant, and the dims that go."""
    shape: tuple = shape_of(x._array)
    if dim is None:
        return SQUEEZE, tuple([at for at, length in enumerate(shape) if length == 1])
    if not isinstance(dim, (int, tuple, list, Tensor)):
        raise TypeError(f"squeeze() received an invalid combination of arguments - got ({type(dim).__name__})")
    wanted: tuple = places(dim, len(shape), "squeeze", "dim")
    if len(set(wanted)) != len(wanted):
        raise RuntimeError(errors.DIM_TWICE.format(dim=max(wanted, key=wanted.count)))
    axes = tuple([at for at in sorted(wanted) if shape and shape[at] == 1])
    return SQUEEZE_DIMS if isinstance(dim, (tuple, list)) else SQUEEZE_DIM, axes


# ---- in place: the memory stays, the tensor sees it otherwise -------------------------------------------------------

TRANSPOSE_ = overload(Transpose(), "transpose", 1)
T_ = overload(TransposeAll(), "t", 1)
UNSQUEEZE_ = overload(Unsqueeze(), "unsqueeze", 1)
SQUEEZE_ = overload(Squeeze(), "squeeze", 3)
SQUEEZE_DIM_ = overload(Squeeze(), "squeeze", 4)
SQUEEZE_DIMS_ = overload(Squeeze(), "squeeze", 5)


def check_seen(x: Tensor) -> None:
    """Refuse what PyTorch refuses to see otherwise in place; expanded dims are no reason, no element is written."""
    recording: cython.bint = grad_enabled() and requires(x)
    check_allowed(x, recording)


def keep_kind(x: Tensor) -> None:
    """Nodes of before give a leaf gradients of the shape that it had."""
    if x._hooks is None:
        x._hooks = Hooks()
    if x._hooks.moved is None:
        x._hooks.moved = (last_order(), shape_of(x._array), cython.cast(object, x._array).dtype.num)


def new_place(x: Tensor, dim: object, count: cython.int, function: str, name: str, position: cython.int) -> int:
    """`place` for a dim of what is seen otherwise; that it may not be is told before a dim out of range."""
    try:
        return place(dim, count, function, name, position)
    except IndexError:
        check_seen(x)
        raise


def seen_otherwise(x: Tensor, op: Op, attrs: object) -> Tensor:
    """Make `x` the view of itself that an op gives. It counts as a write, as in PyTorch: saved values notice it."""
    recording: cython.bint = grad_enabled() and requires(x)
    n: Node = None
    check_seen(x)
    array = op.run1(x._array, attrs, None)
    if recording:
        n = record(op, (x,), attrs)
        if op.shapes:
            n.shapes = (shape_of(x._array),)
    note_write(x, op.written)
    if n is None and x._node is None:
        keep_kind(x)
    x._array = array
    if x._root is None:
        x._flags |= MOVED
    else:
        x._before = (x._before, x._step, x._step_attrs)
        x._step, x._step_attrs = op, attrs
    if n is not None:
        set_meta(n, array)
        x._node, x._output = n, 0  # what it retains stays with the old node, as in PyTorch
        x._history, x._history_writes = x._counter.count, x._storage.writes
    return x


def transpose_(self: object, dim0: object, dim1: object) -> object:
    """`transpose` in place: the tensor itself sees its memory with two dims exchanged."""
    x: Tensor = given(self, "transpose_")
    count: cython.int = x._array.ndim
    first: cython.int = new_place(x, dim0, count, "transpose_", "dim0", 1)
    return seen_otherwise(x, TRANSPOSE_, (first, new_place(x, dim1, count, "transpose_", "dim1", 2)))


def t_(self: object) -> object:
    """`t` in place."""
    x: Tensor = given(self, "t_")
    if x._array.ndim > 2:
        check_seen(x)
        raise RuntimeError(errors.T_DIMS.format(dims=x._array.ndim).replace("t()", "t_()"))
    return seen_otherwise(x, T_, None)


def unsqueeze_(self: object, dim: object) -> object:
    """`unsqueeze` in place."""
    x: Tensor = given(self, "unsqueeze_")
    return seen_otherwise(x, UNSQUEEZE_, new_place(x, dim, x._array.ndim + 1, "unsqueeze_", "dim", 1))


def squeeze_(self: object, dim: object = None) -> object:
    """`squeeze` in place."""
    x: Tensor = given(self, "squeeze_")
    try:
        op, axes = squeezed(x, dim)
    except (IndexError, RuntimeError):
        check_seen(x)
        raise
    return seen_otherwise(x, SQUEEZE_ if op is SQUEEZE else SQUEEZE_DIM_ if op is SQUEEZE_DIM else SQUEEZE_DIMS_, axes)


# ---- the table ------------------------------------------------------------------------------------------------------

composite("transpose", transpose, samples=lambda make: [
    ((make(3, 4), 0, 1), {}), ((make(2, 3, 4), -1, 0), {}), ((make(), 0, -1), {}), ((make(3, 0), 0, 1), {}),
])
composite("swapaxes", swapaxes, samples=lambda make: [((make(2, 3, 4), 0, 2), {})])
composite("swapdims", swapdims, samples=lambda make: [((make(2, 3, 4), 1, 2), {})])
composite("t", t, samples=lambda make: [((make(3, 4),), {}), ((make(3),), {}), ((make(),), {})])
composite("permute", permute, samples=lambda make: [
    ((make(2, 3, 4), (2, 0, 1)), {}), ((make(2, 3), (-1, 0)), {}), ((make(), ()), {}),
])
composite("movedim", movedim, aliases=("moveaxis",), samples=lambda make: [
    ((make(2, 3, 4), 0, 2), {}), ((make(2, 3, 4), (0, 1), (1, -1)), {}), ((make(), 0, 0), {}),
])
composite("adjoint", adjoint, samples=lambda make: [((make(3, 4),), {}), ((make(2, 3, 4),), {})])
composite("unsqueeze", unsqueeze, samples=lambda make: [
    ((make(3, 4), 0), {}), ((make(3, 4), -1), {}), ((make(), 0), {}), ((make(3, 4),), {"dim": 1}),
])
composite("squeeze", squeeze, samples=lambda make: [
    ((make(1, 3, 1),), {}), ((make(1, 3, 1), 0), {}), ((make(1, 3, 1), 1), {}), ((make(1, 3, 1), (0, 2)), {}),
    ((make(),), {}), ((make(3, 4),), {}),
])
for _name, _function in (
    ("transpose_", transpose_), ("swapaxes_", transpose_), ("swapdims_", transpose_), ("t_", t_),
    ("unsqueeze_", unsqueeze_), ("squeeze_", squeeze_),
):
    install_method(_name, _function)
install_property("T", reversed_dims)
install_property("mT", matrix_transpose)
install_property("mH", matrix_transpose)
install_property("H", conjugate_transpose)
