"""Splitting a tensor into views of its parts: split, chunk, unbind, tensor_split and their relatives.

split, split_with_sizes and unbind give sibling views in one call, which PyTorch does not let be written in place;
tensor_split and its forms give slices that are views of their own.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply, apply1, wrap
    from headgate.core.arrays import select_view, slice_view
    from headgate.core.records import Node, Tensor
    from headgate.ops.arguments import given, ints, place, whole
    from headgate.ops.join import CAT, STACK
    from headgate.ops.view import SELECT, SLICE, View

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import composite, overload

ZERO_DIM = "{name} expects at least a 1-dimensional tensor"
SPLIT_ZERO = "split_size can only be 0 if dimension size is 0, but got dimension size of {size}"
NEGATIVE_SIZES = "split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={sizes}"
TOO_FEW_DIMS = (
    "torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {dims} dimensions!"
)
NOT_DIVISIBLE = (
    "torch.{name} attempted to split along dimension {dim}, but the size of the dimension {size} is not divisible by "
    "the split_size {parts}!"
)


@cython.cclass
class Split(View):
    """Consecutive parts of a dim. attrs: (their lengths, dim)."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        start: cython.Py_ssize_t = 0
        parts: list = []
        for length in attrs[0]:
            parts.append(slice_view(x, attrs[1], start, length, 1))
            start += length
        return tuple(parts)

    @cython.cfunc
    def part(self, attrs: object, k: cython.int) -> tuple:
        start = sum(attrs[0][:k])
        return SLICE, (attrs[1], start, start + attrs[0][k], 1)

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        return [apply(CAT, filled(n, grads), n.attrs[1])]


@cython.cclass
class Unbind(View):
    """Each index of a dim, which is gone. attrs: the dim."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return tuple([select_view(x, attrs, k) for k in range(x.shape[attrs])])

    @cython.cfunc
    def part(self, attrs: object, k: cython.int) -> tuple:
        return SELECT, (attrs, k)

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        return [apply(STACK, filled(n, grads), n.attrs)]


def filled(n: Node, grads: list) -> tuple:
    """The gradients, zeros where none arrived."""
    if len(grads) == 1:
        return tuple(grads)
    like: Tensor = [g for g in grads if g is not None][0]
    kind = cython.cast(object, like._array).dtype
    return tuple([wrap(np.zeros(meta[0], kind)) if g is None else g for g, meta in zip(grads, n.metas)])


SPLIT = overload(Split(), "split", None)
SPLIT_SIZES = overload(Split(), "split_with_sizes", None)
UNBIND = overload(Unbind(), "unbind", None)


def split(tensor: object, split_size_or_sections: object, dim: object = 0) -> object:
    """Consecutive parts of a dim, of a given length (the last may be shorter) or a list of lengths: a tuple of views.

    RuntimeError for a negative length and for lengths that do not sum to the dim's.
    """
    x: Tensor = given(tensor, "split")
    if isinstance(split_size_or_sections, (tuple, list)):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    if not isinstance(split_size_or_sections, (int, Tensor)):
        raise TypeError(errors.ARGUMENT.format(
            function="split_with_sizes", name="split_sizes", position=2, expected="tuple of ints",
            type=type(split_size_or_sections).__name__))
    return split_evenly(x, whole(split_size_or_sections, "split", "split_size", 1), dim, "split")


def split_evenly(x: Tensor, length: cython.Py_ssize_t, dim: object, name: str) -> object:
    """Parts of `length` and a last one of what remains."""
    count: cython.Py_ssize_t
    if x._array.ndim == 0:
        raise RuntimeError(ZERO_DIM.format(name=name))
    at: cython.int = place(dim, x._array.ndim, "split", "dim", 2)
    size: cython.Py_ssize_t = x._array.shape[at]
    if length < 0:
        raise RuntimeError(errors.SPLIT_NEGATIVE.format(size=length))
    if length == 0:
        if size != 0:
            raise RuntimeError(SPLIT_ZERO.format(size=size))
        return apply(SPLIT, (x,), ((0,), at))
    count = max((size + length - 1) // length, 1)
    return apply(SPLIT, (x,), ((length,) * (count - 1) + (size - length * (count - 1),), at))


def split_with_sizes(input: object, split_sizes: object, dim: object = 0) -> object:
    """Consecutive parts of a dim, of the given lengths: a tuple of views. RuntimeError if they do not sum to it."""
    x: Tensor = given(input, "split_with_sizes")
    sizes: tuple = ints((split_sizes,), None, "split_with_sizes", "split_sizes")
    if x._array.ndim == 0:
        raise RuntimeError(ZERO_DIM.format(name="split"))
    at: cython.int = place(dim, x._array.ndim, "split_with_sizes", "dim", 2)
    for one in sizes:
        if one < 0:
            raise RuntimeError(NEGATIVE_SIZES.format(sizes=list(sizes)))
    if sum(sizes) != x._array.shape[at]:
        raise RuntimeError(errors.SPLIT_SUM.format(size=x._array.shape[at], dim=at, sizes=list(sizes)))
    return apply(SPLIT_SIZES, (x,), (sizes, at))


def chunk(input: object, chunks: object, dim: object = 0) -> object:
    """At most `chunks` consecutive parts of a dim, all of one length but the last: a tuple of views."""
    x: Tensor = given(input, "chunk")
    many: cython.Py_ssize_t = whole(chunks, "chunk", "chunks", 1)
    if x._array.ndim == 0:
        raise RuntimeError(ZERO_DIM.format(name="chunk"))
    if many <= 0:
        raise RuntimeError(errors.CHUNKS.format(chunks=many))
    at: cython.int = place(dim, x._array.ndim, "chunk", "dim", 2)
    size: cython.Py_ssize_t = x._array.shape[at]
    if size == 0:
        return apply(SPLIT_SIZES, (x,), ((0,) * many, at))
    return split_evenly(x, (size + many - 1) // many, dim, "chunk")


def unbind(input: object, dim: object = 0) -> object:
    """Each index of a dim as a view without that dim: a tuple. IndexError for a dim that is not there."""
    x: Tensor = given(input, "unbind")
    if x._array.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return apply(UNBIND, (x,), place(dim, x._array.ndim, "unbind", "dim", 1))


def tensor_split(input: object, indices_or_sections: object, dim: object = 0, **named: object) -> object:
    """Parts of a dim: that many of nearly one length, or cut before the given indices. A tuple of views.

    RuntimeError for fewer than one part. Indices may lie outside; a tensor gives either form.
    """
    x: Tensor = given(input, "tensor_split")
    if x._array.ndim == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    at: cython.int = place(dim, x._array.ndim, "tensor_split", "dim", 2)
    how: object = indices_or_sections
    if isinstance(how, Tensor):
        how = from_tensor(cython.cast(Tensor, how))
    if isinstance(how, (tuple, list)):
        return cut_before(x, at, [whole(one, "tensor_split", "indices", 1) for one in how])
    if not isinstance(how, int) or isinstance(how, bool):
        raise TypeError(f"tensor_split() received an invalid combination of arguments - got ({type(how).__name__})")
    return in_sections(x, at, how)


def from_tensor(t: Tensor) -> object:
    """The indices or the number of sections that a tensor holds."""
    if dtypes.of(t._array).name != "int64":
        name = errors.TYPE_NAMES[dtypes.of(t._array).name]
        raise RuntimeError(f"tensor_split expected tensor_indices_or_sections to have dtype of long, but got {name}")
    if t._array.ndim > 1:
        raise RuntimeError("tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                           f"one-dimensional tensor, but got a tensor with {t._array.ndim} dims")
    return cython.cast(object, t._array).tolist()


def in_sections(x: Tensor, at: cython.int, many: cython.Py_ssize_t) -> object:
    """That many slices, the first ones longer by one where the length does not divide."""
    size: cython.Py_ssize_t = x._array.shape[at]
    start: cython.Py_ssize_t = 0
    stop: cython.Py_ssize_t
    k: cython.Py_ssize_t
    parts: list = []
    if many <= 0:
        raise RuntimeError(f"number of sections must be larger than 0, got {many}")
    for k in range(many):
        stop = start + size // many + (1 if k < size % many else 0)
        parts.append(apply1(SLICE, x, (at, start, stop, 1)))
        start = stop
    return tuple(parts)


def cut_before(x: Tensor, at: cython.int, indices: list) -> object:
    """Slices between the indices, which are read as those of a Python slice."""
    size: cython.Py_ssize_t = x._array.shape[at]
    parts: list = []
    previous: object = 0
    for index in indices + [size]:
        start, stop, _ = slice(previous, index).indices(size)
        parts.append(apply1(SLICE, x, (at, start, max(start, stop), 1)))
        previous = index
    return tuple(parts)


def split_along(input: object, how: object, name: str, dim: cython.int, least: cython.int) -> object:
    """hsplit, vsplit and dsplit: equal parts, or cut before indices."""
    x: Tensor = given(input, name)
    if x._array.ndim < least:
        raise RuntimeError(TOO_FEW_DIMS.format(name=name, least=least, dims=x._array.ndim))
    if isinstance(how, (tuple, list)):
        return cut_before(x, dim, [whole(one, name, "indices", 1) for one in how])
    many: cython.Py_ssize_t = whole(how, name, "sections", 1)
    size: cython.Py_ssize_t = x._array.shape[dim]
    if many == 0 or size % many:
        raise RuntimeError(NOT_DIVISIBLE.format(name=name, dim=dim, size=size, parts=many))
    return in_sections(x, dim, many)


def hsplit(input: object, indices_or_sections: object) -> object:
    """`tensor_split` along dim 1 (dim 0 of a vector), into equal parts or before indices."""
    return split_along(input, indices_or_sections, "hsplit", 0 if given(input, "hsplit")._array.ndim == 1 else 1, 1)


def vsplit(input: object, indices_or_sections: object) -> object:
    """`tensor_split` along dim 0 of a tensor with at least two dims."""
    return split_along(input, indices_or_sections, "vsplit", 0, 2)


def dsplit(input: object, indices_or_sections: object) -> object:
    """`tensor_split` along dim 2 of a tensor with at least three dims."""
    return split_along(input, indices_or_sections, "dsplit", 2, 3)


composite("split", split, samples=lambda make: [
    ((make(5, 2), 2), {}), ((make(2, 6), [1, 2, 3], 1), {}), ((make(3, 4), 5), {"dim": -1}), ((make(0, 3), 0), {}),
])
composite("split_with_sizes", split_with_sizes, samples=lambda make: [((make(5, 2), [1, 4]), {})])
composite("chunk", chunk, samples=lambda make: [((make(10), 4), {}), ((make(3, 4), 2, 1), {}), ((make(0), 3), {})])
composite("unbind", unbind, samples=lambda make: [
    ((make(3, 4),), {}), ((make(3, 4), 1), {}), ((make(2, 3, 4), -1), {}),
])
composite("tensor_split", tensor_split, samples=lambda make: [
    ((make(7, 2), 3), {}), ((make(3, 7), (1, -2), 1), {}), ((make(3, 4), 5), {}),
])
composite("hsplit", hsplit, samples=lambda make: [((make(3, 4), 2), {}), ((make(4), (1,)), {})])
composite("vsplit", vsplit, samples=lambda make: [((make(4, 3), 2), {}), ((make(4, 3), (1, 2)), {})])
composite("dsplit", dsplit, samples=lambda make: [((make(2, 3, 4), 2), {})])
