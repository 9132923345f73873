"""Copies: clone, contiguous, conversion to another element type, and writing one tensor into another.

Also the slots through which the engine clones, casts and fills gradients. Which bytes go where is the kernels' matter;
layouts of copies are PyTorch's: a dense tensor keeps its strides, others get those of the same order of dims.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply1, first_requiring, record, see_all, wrap
    from headgate.core.arrays import is_float, make_view, same_memory, same_shape, set_meta, shape_of
    from headgate.core.inplace import adopt, check_operands, follow_cut
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import Called
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.writes import check_allowed, check_writable, note_own_write, note_write
    from headgate.kernels.reference import contiguous, converted, copied, copy_into

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import overload
from headgate.core.operators import fill_slot

CONTIGUOUS = True  # attrs of Clone; a tuple there is the strides in bytes, None keeps the layout


def with_strides(x: ndarray, kind: object, strides: tuple) -> ndarray:
    """A copy of `x` as that dtype in memory of its own, laid out with the given strides (bytes)."""
    span = kind.itemsize
    for length, step in zip(shape_of(x), strides):
        if length == 0:
            return np.empty(shape_of(x), kind)
        span += (length - 1) * step
    block: ndarray = np.zeros((span + kind.itemsize - 1) // kind.itemsize, kind)
    copy: ndarray = make_view(block, shape_of(x), strides, 0)
    return copy_into(copy, x)


@cython.cclass
class Clone(Op):
    """A copy with memory of its own. attrs: None (layout kept), True (contiguous) or strides in bytes."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if isinstance(attrs, tuple):
            return with_strides(x, cython.cast(object, x).dtype, attrs)
        return copied(x) if attrs is None else contiguous(x)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g

    @cython.cfunc
    def call1(self, x: object, out: object) -> object:
        return apply1(self, x, CONTIGUOUS)

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        return apply1(self, x, y)


@cython.cclass
class ToCopy(Op):
    """The values in another element type. attrs: (NumPy dtype, as attrs of Clone)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if isinstance(attrs[1], tuple):
            return with_strides(x, attrs[0], attrs[1])
        return converted(x, attrs[0], attrs[1] is None)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g  # the engine casts it back

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        return apply1(self, x, (array_type(y), None))


def array_type(number: cython.int) -> object:
    """The NumPy dtype with that number."""
    kind: dtypes.dtype
    for kind in dtypes.ALL:
        if kind.num == number:
            return kind.array_type()
    raise RuntimeError(f"no element type has the number {number}")


@cython.cclass
class Copy(Op):
    """Writing a tensor into another, with broadcasting and conversion. Inputs: the written one, the value."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return copy_into(np.empty(x.shape, x.dtype), y)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return wrap(np.zeros(shape_of(g._array), cython.cast(object, g._array).dtype))
        return g

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        t: Tensor
        if not isinstance(x, Tensor):
            raise TypeError(errors.ARGUMENT.format(
                function="copy_", name="input", position=1, expected="Tensor", type=type(x).__name__))
        t = cython.cast(Tensor, x)
        if isinstance(y, Tensor):
            return self.write_tensor(t, cython.cast(Tensor, y))
        if not isinstance(y, (int, float, complex, np.generic)):
            raise TypeError(errors.ARGUMENT.format(
                function="copy_", name="other", position=1, expected="Tensor", type=type(y).__name__))
        return self.write_tensor(t, wrap(np.asarray(y)))

    @cython.cfunc
    def write_tensor(self, x: Tensor, y: Tensor) -> Tensor:
        inputs: tuple = (x, y)
        n: Node = None
        recording: cython.bint = grad_enabled() and first_requiring(inputs) is not None
        onto_itself: cython.bint = x._storage is y._storage and same_memory(x._array, y._array)
        if not recording and x._storage.shield is None and onto_itself:
            note_own_write(x, "copy_")  # also where it is expanded
            return x
        if onto_itself:
            check_allowed(x, recording)
        else:
            check_writable(x, recording)
        see_all(self, inputs)
        check_operands(x, inputs)
        if not same_shape(x._array, y._array):
            check_broadcast(x._array, y._array)
        if recording and is_float(x._array):
            n = record(self, inputs, None)
        copy_into(x._array, y._array)
        if onto_itself:
            note_own_write(x, "copy_")
        else:
            note_write(x, "copy_")
        if n is not None:
            set_meta(n, x._array)
            adopt(x, n)
        elif not x.requires_grad:  # asked without a look at a view, whose history would be that of now
            follow_cut(x, inputs, self)
        return x


def check_broadcast(x: ndarray, y: ndarray):
    """RuntimeError unless `y` broadcasts to the shape of `x`."""
    mine: list = list(shape_of(x))
    other: list = list(shape_of(y))
    together: list = list(other)
    count: cython.int = max(len(mine), len(other))
    k: cython.int
    a = [1] * (count - len(mine)) + mine
    b = [1] * (count - len(other)) + other
    for k in range(count - 1, -1, -1):
        if a[k] != b[k] and a[k] != 1 and b[k] != 1:
            raise RuntimeError(errors.BROADCAST.format(a=a[k], b=b[k], dim=k))
    together = [q if p == 1 else p for p, q in zip(a, b)]
    if together != mine:
        raise RuntimeError(errors.INPLACE_SHAPE.format(output=mine, shape=together))


@cython.cclass
class OnesLike(Called):
    """Slot: a tensor of ones, of the shape and type of another, contiguous, without history."""

    @cython.cfunc
    def call1(self, x: object, out: object) -> object:
        a = cython.cast(Tensor, x)._array
        return wrap(np.ones(shape_of(a), cython.cast(object, a).dtype))


CLONE = overload(Clone(), "clone", None)
TO_COPY = overload(ToCopy(), "to_copy", None)
COPY = overload(Copy(), "copy_", 0, node="CopyBackwards")
COPY.node_name = "torch::autograd::CopyBackwards"
COPY.type_name = "CopyBackwards"

fill_slot("clone", CLONE)
fill_slot("cast", TO_COPY)
fill_slot("copy", COPY)
fill_slot("ones_like", OnesLike())
