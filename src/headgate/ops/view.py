"""The family of views: ops that show the memory of their input in another shape, order or part.

Here are the ops themselves, arrays in and arrays out, and how a gradient passes them; the public functions, with
PyTorch's arguments and errors, are in `shape`. Knows nothing of indexing.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply1, wrap, wrap_over
    from headgate.core.arrays import (
        expand_view,
        insert_view,
        make_view,
        reshape_view,
        select_view,
        shape_of,
        slice_view,
        swap_view,
    )
    from headgate.core.modes import grad_state
    from headgate.core.operators import slots
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import contiguous, copy_into, reduce, zeros

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import overload
from headgate.core.operators import fill_slot

#: What a storage is lent to whose memory is a fresh matrix, and seen by one gradient alone: the transpose of it.
TURNED: cython.longlong = -1


@cython.cclass
class View(Op):
    """The family of ops that give a view. A view needs only `run1` (array to array over the same memory) and `pull`."""

    def __init__(self):
        super().__init__()
        self.view = True


@cython.cclass
class Placed(Op):
    """The gradient of a view of a part: the values put into zeros where the view lies. attrs: (its attrs, shape)."""

    def __init__(self, step: Op):
        super().__init__()
        self.step = step

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        whole: ndarray = zeros(attrs[1], cython.cast(object, x).dtype)
        copy_into(self.step.run1(whole, attrs[0], None), x)
        return whole

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(self.step, g, n.attrs[0])


@cython.cclass
class Part(View):
    """A view of some of the elements; its gradient is zero elsewhere."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(self.back, g, (n.attrs, n.shape(0)))


def part(op: Part, name: str) -> object:
    """Name a view of a part, and make the op of its gradient."""
    overload(op, name, None, shapes=1 << 0)
    op.back = overload(Placed(op), name + "_backward", None)
    return op


@cython.cclass
class Alias(View):
    """All of it: another tensor over the same memory."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return cython.cast(object, x).view()

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g


@cython.cclass
class Expand(View):
    """Repeat dims of length 1 (and new leading ones) without copying. attrs: the shape."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return expand_view(x, attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        # Summed here and not by the engine, because a view may follow its base through several steps at once.
        return g if shape_of(g._array) == n.shape(0) else apply1(SUM_TO, g, n.shape(0))

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        return apply1(self, x, y)


@cython.cclass
class SumTo(Op):
    """Sum over the dims along which a tensor of `shape` was broadcast. attrs: the shape."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        mine: tuple
        lead: cython.int
        i: cython.int
        axes: list
        if x.ndim == 2 and len(attrs) == 1 and attrs[0] == x.shape[1]:  # the gradient of a bias
            return reduce("sum", x, 0, False, None)
        mine = shape_of(x)
        lead = len(mine) - len(attrs)
        axes = list(range(lead))
        for i in range(len(attrs)):
            if attrs[i] == 1 and mine[lead + i] != 1:
                axes.append(lead + i)
        if not axes:
            return contiguous(x)
        whole = reduce("sum", x, tuple(axes), True, None)
        return whole if lead == 0 else cython.cast(object, whole).reshape(attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return slots.expand.call2(g, n.shape(0), None)

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        return apply1(self, x, y)


@cython.cclass
class Unsqueeze(View):
    """A new dim of length 1. attrs: where, in the result."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return insert_view(x, attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if grad_state() < 0:
            return wrap_over(select_view(g._array, n.attrs, 0), g)
        return apply1(SQUEEZE_DIM, g, (n.attrs,))

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        for axis in sorted(y):
            x = apply1(self, x, axis)
        return x


@cython.cclass
class Squeeze(View):
    """Without some dims of length 1. attrs: those dims, ascending."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        i: cython.int
        y: ndarray = x
        if len(attrs) == 0:
            return cython.cast(object, x).view()
        for i in range(len(attrs)):
            y = select_view(y, attrs[i] - i, 0)
        return y

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        y: ndarray
        axis: object
        if len(n.attrs) == 0:
            return g
        if grad_state() < 0:
            y = g._array
            for axis in n.attrs:
                y = insert_view(y, axis)
            return wrap_over(y, g)
        return slots.unsqueeze.call2(g, n.attrs, None)


@cython.cclass
class Transpose(View):
    """Two dims exchanged. attrs: the two."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return swap_view(x, attrs[0], attrs[1])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(TRANSPOSE, g, n.attrs)


@cython.cclass
class TransposeAll(View):
    """The transpose of a matrix; a vector or a number as it is."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return swap_view(x, 0, 1) if x.ndim == 2 else cython.cast(object, x).T.view()

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if grad_state() >= 0 or g._array.ndim != 2:
            return apply1(T, g, None)
        if g._storage.lent == TURNED:
            return wrap(g._storage.memory)
        return wrap_over(swap_view(g._array, 0, 1), g)


@cython.cclass
class Permute(View):
    """The dims in another order. attrs: which dim of the input each dim of the result is."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return cython.cast(object, x).transpose(attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        order: list = [0] * len(n.attrs)
        k: cython.int
        for k in range(len(n.attrs)):
            order[n.attrs[k]] = k
        return apply1(PERMUTE, g, tuple(order))


@cython.cclass
class Shaped(View):
    """The elements in another shape of the same size. attrs: the shape. RuntimeError if the strides do not allow it."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        y = reshape_view(x, attrs)
        if y is None:
            raise RuntimeError(errors.VIEW_STRIDE)
        return y

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return reshaped(g, n.shape(0))


@cython.cclass
class UnsafeShaped(Op):
    """The elements of a fresh copy in another shape; no view, since nobody else has the copy. attrs: the shape."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return reshape_view(x, attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return reshaped(g, n.shape(0))


def reshaped(x: Tensor, shape: tuple) -> Tensor:
    """A view in another shape where the strides allow it, else a copy."""
    if cython.cast(object, x._array).flags.c_contiguous:
        return apply1(VIEW, x, shape)
    if reshape_view(x._array, shape) is not None:
        return apply1(RESHAPE_ALIAS, x, shape)
    return apply1(UNSAFE_VIEW, slots.clone.call1(x, None), shape)


@cython.cclass
class Select(Part):
    """One index of a dim, which is gone. attrs: (dim, index), both counted from the front."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return select_view(x, attrs[0], attrs[1])


@cython.cclass
class Slice(Part):
    """Every `step`-th index of a dim from start to stop. attrs: (dim, start, stop, step), inside, step > 0."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        start: cython.Py_ssize_t = attrs[1]
        stop: cython.Py_ssize_t = attrs[2]
        step: cython.Py_ssize_t = attrs[3]
        return slice_view(x, attrs[0], start, (stop - start + step - 1) // step if stop > start else 0, step)


@cython.cclass
class Diagonal(Part):
    """The diagonal of two dims, as the last dim. attrs: (offset, dim1, dim2)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        offset: cython.Py_ssize_t = attrs[0]
        i, k = attrs[1], attrs[2]
        shape, strides = list(cython.cast(object, x).shape), list(cython.cast(object, x).strides)
        length = min(shape[i], shape[k] - offset) if offset >= 0 else min(shape[i] + offset, shape[k])
        start = 0 if length <= 0 else offset * strides[k] if offset >= 0 else -offset * strides[i]
        rest = [dim for dim in range(len(shape)) if dim != i and dim != k]
        return make_view(
            x,
            tuple([shape[dim] for dim in rest] + [max(length, 0)]),
            tuple([strides[dim] for dim in rest] + [strides[i] + strides[k]]),
            start,
        )


@cython.cclass
class Unfold(View):
    """Windows along a dim, as a new last dim. attrs: (dim, size, step)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        dim, size, step = attrs
        shape, strides = list(cython.cast(object, x).shape), list(cython.cast(object, x).strides)
        if not shape:
            return make_view(x, (size,), (cython.cast(object, x).itemsize,), 0)
        last = strides[dim]
        shape[dim] = (shape[dim] - size) // step + 1
        strides[dim] = last * step
        return make_view(x, tuple(shape) + (size,), tuple(strides) + (last,), 0)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(FOLD, g, (n.attrs, n.shape(0)))


@cython.cclass
class Fold(Op):
    """The gradient of `unfold`: every window added to where it lies. attrs: (unfold's attrs, shape)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        dim, size, step = attrs[0]
        whole: ndarray = zeros(attrs[1], cython.cast(object, x).dtype)
        i: cython.int
        if not attrs[1]:
            return cython.cast(object, x).sum(0, keepdims=False).reshape(()) if size else whole
        for i in range(size):  # the i-th elements of the windows: no two in one place
            target = slice_view(whole, dim, i, x.shape[dim], step)
            np.add(target, select_view(x, x.ndim - 1, i), out=target)
        return whole

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(UNFOLD, g, n.attrs[0])


ALIAS = overload(Alias(), "alias", None)
EXPAND = overload(Expand(), "expand", None, shapes=1 << 0)
UNSQUEEZE = overload(Unsqueeze(), "unsqueeze", 0)
SQUEEZE = overload(Squeeze(), "squeeze", 0)
SQUEEZE_DIM = overload(Squeeze(), "squeeze", 1)
SQUEEZE_DIMS = overload(Squeeze(), "squeeze", 2)
TRANSPOSE = overload(Transpose(), "transpose", 0)
T = overload(TransposeAll(), "t", 0)
PERMUTE = overload(Permute(), "permute", None)
VIEW = overload(Shaped(), "view", None, shapes=1 << 0)
RESHAPE_ALIAS = overload(Shaped(), "reshape_alias", None, shapes=1 << 0)
UNSAFE_VIEW = overload(UnsafeShaped(), "unsafe_view", None, shapes=1 << 0, node="UnsafeViewBackward")
SELECT = part(Select(), "select")
SLICE = part(Slice(), "slice")
DIAGONAL = part(Diagonal(), "diagonal")
UNFOLD = overload(Unfold(), "unfold", None, shapes=1 << 0)
FOLD = overload(Fold(), "unfold_backward", None)
SUM_TO = overload(SumTo(), "sum", 1, shapes=1 << 0)

fill_slot("sum_to", SUM_TO)
fill_slot("expand", EXPAND)
fill_slot("unsqueeze", UNSQUEEZE)
