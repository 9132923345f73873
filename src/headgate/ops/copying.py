"""Copies: clone, contiguous, conversion to another element type, and writing one tensor into another.

Also the slots through which the engine clones, casts and fills gradients. Layouts of copies are PyTorch's: a dense
tensor keeps its strides, others get those of the same order of dims.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply1, first_requiring, record, requires, see_all, wrap
    from headgate.core.arrays import is_float, make_view, same_memory, same_shape, set_meta, shape_of
    from headgate.core.inplace import adopt, check_operands, follow_cut
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import Called
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.writes import check_allowed, check_writable, note_write

    ndarray = np.ndarray

    def fresh_like(x: np.ndarray) -> np.ndarray:
        return np.empty(x.shape, x.dtype)

    def narrowed(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return x.astype(np.float16)

    def widened(x: np.ndarray) -> np.ndarray:
        return x.astype(np.float32)

    def PyArray_IS_C_CONTIGUOUS(x: np.ndarray) -> bool:
        return x.flags.c_contiguous

from headgate import dtypes, errors
from headgate.core.declare import overload
from headgate.core.operators import fill_slot

CONTIGUOUS = True  # attrs of Clone; a tuple there is the strides in bytes, None keeps the layout


def order_of_dims(x: ndarray) -> list:
    """The dims from the widest stride to the narrowest, dims of doubtful place where they stand (PyTorch's order)."""
    strides = cython.cast(object, x).strides
    shape: tuple = shape_of(x)
    order: list = list(range(len(shape) - 1, -1, -1))
    i: cython.int
    place: cython.int
    k: cython.int
    for i in range(1, len(order)):
        place = i
        for k in range(i - 1, -1, -1):
            a, b = order[k], order[place]
            one, other = strides[a], strides[b]
            if one == 0 or other == 0 or one == other and shape[a] <= shape[b]:
                if one == 0 or other == 0 or shape[a] == shape[b]:
                    continue
                break
            if one < other:
                break
            order[k], order[place] = order[place], order[k]
            place = k
    order.reverse()
    return order


def is_dense(x: ndarray) -> bool:
    """Whether the elements fill a block of memory without gap or overlap, in whatever order of dims."""
    wanted: cython.Py_ssize_t = cython.cast(object, x).itemsize
    shape: tuple = shape_of(x)
    strides = cython.cast(object, x).strides
    for stride, length in sorted([(s, n) for s, n in zip(strides, shape) if n != 1]):
        if stride != wanted:
            return False
        wanted *= length
    return True


def like_layout(x: ndarray, kind: object) -> ndarray:
    """An uninitialised array of x's shape, with its strides if it is dense, else with its order of dims."""
    order: list
    back: list
    strides: list
    size: cython.Py_ssize_t
    shape: tuple = shape_of(x)
    if PyArray_IS_C_CONTIGUOUS(x) or x.ndim < 2 or cython.cast(object, x).size == 0:
        return np.empty(shape, kind)
    if is_dense(x):
        size = cython.cast(object, x).itemsize
        strides = [step // size * kind.itemsize for step in cython.cast(object, x).strides]
        return make_view(np.empty(shape, kind), shape, tuple(strides), 0)
    order = order_of_dims(x)
    back = [0] * len(order)
    for place, dim in enumerate(order):
        back[dim] = place
    return np.empty([shape[dim] for dim in order], kind).transpose(back)


def with_strides(x: ndarray, strides: tuple) -> ndarray:
    """A copy of `x` in memory of its own, laid out with the given strides (bytes)."""
    kind = cython.cast(object, x).dtype
    span = kind.itemsize
    for length, step in zip(shape_of(x), strides):
        if length == 0:
            return np.empty(shape_of(x), kind)
        span += (length - 1) * step
    block: ndarray = np.zeros((span + kind.itemsize - 1) // kind.itemsize, kind)
    copy: ndarray = make_view(block, shape_of(x), strides, 0)
    np.copyto(copy, x)
    return copy


@cython.cclass
class Clone(Op):
    """A copy with memory of its own. attrs: None (layout kept), True (contiguous) or strides in bytes."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        y: ndarray
        if isinstance(attrs, tuple):
            return with_strides(x, attrs)
        if attrs is None and not PyArray_IS_C_CONTIGUOUS(x):
            y = like_layout(x, cython.cast(object, x).dtype)
        else:
            y = fresh_like(x)
        np.copyto(y, x)
        return y

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
        y: ndarray
        if PyArray_IS_C_CONTIGUOUS(x) and not isinstance(attrs[1], tuple):
            y = cast(x, attrs[0])
            if y is not None:
                return y
        if isinstance(attrs[1], tuple):
            y = with_strides(np.empty(shape_of(x), attrs[0]), attrs[1])
        elif attrs[1] is None:
            y = like_layout(x, attrs[0])
        else:
            y = np.empty(shape_of(x), attrs[0])
        convert(y, x)
        return y

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g  # the engine casts it back

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        return apply1(self, x, (array_type(y), None))


def cast(x: ndarray, kind: object) -> ndarray:
    """float16 from float32 and back in one pass; None for other types."""
    if type_number(x) == 11 and kind.num == 23:
        return narrowed(x)
    if type_number(x) == 23 and kind.num == 11:
        return widened(x)
    return None


def array_type(number: cython.int) -> object:
    """The NumPy dtype with that number."""
    kind: dtypes.dtype
    for kind in dtypes.ALL:
        if kind.num == number:
            return kind.array_type()
    raise RuntimeError(f"no element type has the number {number}")


def convert(y: ndarray, x: ndarray):
    """Write the values of `x` into `y`, of any type; numbers that do not fit are cut as C does, without a word."""
    source: cython.int = type_number(x)
    target: cython.int = type_number(y)
    if source == target or not is_float(x) or source == 11 and target == 12:
        np.copyto(y, x, casting="unsafe")
    elif source == 11 and target == 23:
        np.copyto(y, narrowed(np.ascontiguousarray(x)))
    elif source == 23 and target == 11:
        np.copyto(y, widened(x))
    else:
        with np.errstate(all="ignore"):  # NumPy warns of overflow and NaN, which only these can meet
            np.copyto(y, x, casting="unsafe")


def type_number(x: ndarray) -> cython.int:
    """NumPy's number of the element type: 23 float16, 11 float32, 12 float64."""
    if not cython.compiled:
        return x.dtype.num
    return PyArray_TYPE(x)  # noqa: F821


@cython.cclass
class Copy(Op):
    """Writing a tensor into another, with broadcasting and conversion. Inputs: the written one, the value."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        z: ndarray = np.empty(x.shape, x.dtype)
        convert(z, y)
        return z

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
            note_write(x, "copy_")  # onto itself, also where it is expanded
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
        convert(x._array, y._array)
        note_write(x, "copy_")
        if n is not None:
            set_meta(n, x._array)
            adopt(x, n)
        elif not requires(x):
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
