"""as_strided: memory seen with any shape, strides and offset, and its gradient in general.

The gradient goes through the memory: what the view's elements got is added up where they lie, and each element of the
input gets what lies at its place (divided, where several of its elements share a place). PyTorch does the same.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import apply1
    from headgate.core.arrays import high_address, low_address, make_view, shape_of
    from headgate.core.records import Node, Op, Tensor
    from headgate.ops.arguments import given, ints, whole
    from headgate.ops.view import View

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, overload
from headgate.core.views import set_by_strides

NEGATIVE_STRIDES = "as_strided: Negative strides are not supported at the moment, got strides: {strides}"


@cython.cclass
class AsStrided(View):
    """attrs: (size, strides, offset in elements from the input's first element, the input's size and strides)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        size, strides, offset, _, _ = attrs
        item: cython.Py_ssize_t = cython.cast(object, x).itemsize
        check_inside(x, size, strides, offset, item)
        return make_view(x, size, tuple([step * item for step in strides]), offset * item)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(SPREAD, g, n.attrs)


@cython.cclass
class Spread(Op):
    """From the view's gradient to the input's. attrs as of AsStrided."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        size, strides, offset, shape, steps = attrs
        source, target, count = places_of(size, strides, offset, shape, steps)
        block = np.zeros(count, cython.cast(object, x).dtype)
        np.add.at(block, source, x)
        return np.asarray(shared(block, target, count)[target])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(GATHERED, g, n.attrs)


@cython.cclass
class Gathered(Op):
    """The gradient of Spread: from something of the input's shape to the view's. attrs as of AsStrided."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        size, strides, offset, shape, steps = attrs
        source, target, count = places_of(size, strides, offset, shape, steps)
        block = np.zeros(count, cython.cast(object, x).dtype)
        np.add.at(block, target, x)
        return np.asarray(shared(block, target, count)[source])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(SPREAD, g, n.attrs)


def positions(size: tuple, strides: tuple, offset: object) -> object:
    """Where each element lies, in elements from the start."""
    where = np.full(size, offset, np.int64)
    for dim, step in enumerate(strides):
        where += (np.arange(size[dim]) * step).reshape((-1,) + (1,) * (len(size) - dim - 1))
    return where


def places_of(size: tuple, strides: tuple, offset: object, shape: tuple, steps: tuple) -> tuple:
    """Positions of the view's elements and of the input's in one block of memory, and the block's length."""
    source = positions(size, strides, max(offset, 0))
    target = positions(shape, steps, max(-offset, 0))
    count = max([int(one.max()) + 1 for one in (source, target) if one.size] or [0])
    return source, target, count


def shared(block: object, target: object, count: object) -> object:
    """The block with places that several elements of the input share divided among them."""
    many = np.bincount(target.ravel(), minlength=count) if target.size else np.zeros(count, np.int64)
    if count and many.max() > 1:
        block = (block / np.maximum(many, 1)).astype(block.dtype)
    return block


def owner_of(x: ndarray) -> ndarray:
    """The array whose memory an array lies in."""
    owner: ndarray = x
    base: object = cython.cast(object, x).base
    while True:
        if not cython.compiled:
            base = getattr(base, "owner", base)  # a view's base is an interface that names its owner
        if not isinstance(base, ndarray):
            return owner
        owner = base
        base = cython.cast(object, owner).base


def check_inside(x: ndarray, size: tuple, strides: tuple, offset: cython.Py_ssize_t, item: cython.Py_ssize_t):
    """RuntimeError if the view would leave the memory that `x` lies in."""
    owner: ndarray
    low: cython.Py_ssize_t = start_of(x) + offset * item
    high: cython.Py_ssize_t = low + item
    d: cython.Py_ssize_t
    length: cython.Py_ssize_t
    step: cython.Py_ssize_t
    for d in range(len(size)):
        length = size[d]
        step = strides[d]
        if length == 0:
            return
        high += (length - 1) * step * item
    owner = owner_of(x)
    if low < low_address(owner) or high > high_address(owner):
        raise RuntimeError(
            errors.AS_STRIDED.format(
                sizes=list(size), strides=list(strides), offset=(low - low_address(owner)) // item, itemsize=item,
                required=high - low_address(owner), size=high_address(owner) - low_address(owner)))


def start_of(x: ndarray) -> cython.Py_ssize_t:
    """The address of the first element (strides are never negative)."""
    return low_address(x)


def first_element(x: Tensor) -> cython.Py_ssize_t:
    """The number of elements before a tensor's first in its storage."""
    return (start_of(x._array) - low_address(x._storage.memory)) // cython.cast(object, x._array).itemsize


AS_STRIDED = overload(AsStrided(), "as_strided", 0)
SPREAD = overload(Spread(), "as_strided_backward", None)
GATHERED = overload(Gathered(), "as_strided_backward_backward", None)


def as_strided(input: object, size: object, stride: object, storage_offset: object = None) -> object:
    """The tensor's memory seen with the given size, strides and offset (in elements); a view.

    RuntimeError if that leaves the memory, or size and stride differ in length. Elements may share memory.
    """
    x: Tensor = given(input, "as_strided")
    shape: tuple = ints((size,), None, "as_strided", "size")
    steps: tuple = ints((stride,), None, "as_strided", "stride")
    before: cython.Py_ssize_t = first_element(x)
    start = before if storage_offset is None else whole(storage_offset, "as_strided", "storage_offset", 3)
    if len(shape) != len(steps):
        raise RuntimeError("mismatch in length of strides and shape")
    for one in shape:
        if one < 0:
            raise RuntimeError(errors.NEGATIVE_DIMENSION.format(size=one, shape=list(shape)))
    for one in steps:
        if one < 0:
            raise RuntimeError(NEGATIVE_STRIDES.format(strides=list(steps)))
    if start < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {start}")
    return from_root(apply1(AS_STRIDED, x, (shape, steps, start - before, shape_of(x._array), steps_of(x))), x, start)


def steps_of(x: Tensor) -> tuple:
    """The strides in elements."""
    item = cython.cast(object, x._array).itemsize
    return tuple([step // item for step in cython.cast(object, x._array).strides])


def from_root(y: Tensor, x: Tensor, start: cython.Py_ssize_t) -> Tensor:
    """Let the way to `y` lead straight from the root: it may show what lies outside of the view `x`."""
    r: Tensor = x._root
    if r is not None:
        y._before = None
        y._step_attrs = (y._step_attrs[0], y._step_attrs[1], start - first_element(r), shape_of(r._array), steps_of(r))
    return y


def by_strides(view: Tensor) -> tuple:
    """The step from a view's root to it by its place in memory, as PyTorch finds it."""
    r: Tensor = view._root
    offset = first_element(view) - first_element(r)
    return AS_STRIDED, (shape_of(view._array), steps_of(view), offset, shape_of(r._array), steps_of(r))


set_by_strides(by_strides)
composite("as_strided", as_strided, samples=lambda make: [
    ((make(3, 4).contiguous(), (2, 2), (1, 2)), {}), ((make(3, 4).contiguous(), (2, 3), (1, 1), 2), {}),
    ((make(6).contiguous(), (4, 3), (1, 1)), {}), ((make(6).contiguous(), (), (), 3), {}),
])
