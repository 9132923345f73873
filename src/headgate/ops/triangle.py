"""Triangles and diagonals of matrices: tril, triu, diag, diag_embed, and writing into a part out of place.

`select_scatter` and its like are here because they are a copy with one view of it overwritten, as diag_embed is.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import apply1, apply2, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.inplace import write
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import contiguous, copied, copy_into, zeros
    from headgate.kernels.reference import triangle as side_of
    from headgate.ops.arguments import given, other, place, whole
    from headgate.ops.view import DIAGONAL, SELECT, SLICE, Part, reshaped

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, declare, overload

TWO_DIMS = "{name}: input tensor must have at least 2 dimensions"
DIAG_DIMS = "diag(): Supports 1D or 2D tensors. Got {dims}D"
SAME_DIMS = "diagonal dimensions cannot be identical {first}, {second}"
SCATTER_SIZE = "expected src to have a size equal to the slice of self. src size = {source}, slice size = {part}"


@cython.cclass
class Triangle(Op):
    """The elements on one side of a diagonal, zero beyond. attrs: (diagonal, keep the lower side)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if x.ndim < 2:  # here, because PyTorch finds out first that a view cannot follow its base
            raise RuntimeError(TWO_DIMS.format(name=self.name))
        return side_of(x, attrs[0], attrs[1])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(TRIL if n.attrs[1] else TRIU, g, n.attrs)


def triangle(op: Op, input: object, diagonal: object, lower: cython.bint, name: str, out: object) -> object:
    """tril and triu."""
    x: Tensor = given(input, name)
    offset: cython.Py_ssize_t = whole(diagonal, name, "diagonal", 2)
    if out is not None:
        return write(op, (x,), (offset, lower), out)
    return apply1(op, x, (offset, lower))


def tril(input: object, diagonal: object = 0, *, out: object = None) -> object:
    """The lower triangle of a matrix, or of each of a batch: elements on and below a diagonal, zero above it."""
    return triangle(TRIL, input, diagonal, True, "tril", out)


def triu(input: object, diagonal: object = 0, *, out: object = None) -> object:
    """The upper triangle of a matrix, or of each of a batch: elements on and above a diagonal, zero below it."""
    return triangle(TRIU, input, diagonal, False, "triu", out)


def triangle_places(
    rows: cython.Py_ssize_t, columns: cython.Py_ssize_t, offset: cython.Py_ssize_t, lower: bool,
) -> object:
    """The indices (2, count) of the elements on one side of a diagonal, row by row, in int64."""
    i: cython.Py_ssize_t
    j: cython.Py_ssize_t
    at: cython.Py_ssize_t = 0
    count: cython.Py_ssize_t = 0
    below: cython.bint = lower
    edge: cython.Py_ssize_t
    for i in range(rows):  # the edge: how many columns lie before the diagonal's end, or its beginning
        edge = min(max(i + offset + (1 if below else 0), 0), columns)
        count += edge if below else columns - edge
    found: ndarray = np.empty((2, count), np.int64)
    if not cython.compiled:
        return np.stack((np.tril_indices if lower else np.triu_indices)(rows, offset, columns), out=found)
    data: cython.p_longlong = cython.cast(cython.p_longlong, PyArray_DATA(found))  # noqa: F821
    for i in range(rows):
        edge = min(max(i + offset + (1 if below else 0), 0), columns)
        for j in range(0 if below else edge, edge if below else columns):
            data[at] = i
            data[at + count] = j
            at += 1
    return found


# ---- diagonals ------------------------------------------------------------------------------------------------------


@cython.cclass
class DiagEmbed(Op):
    """The last dim as a diagonal of two dims, zero elsewhere. attrs: (offset, dim1, dim2)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        shape: list = list(shape_of(x))
        length = shape.pop() + abs(attrs[0])
        for at in sorted(attrs[1:]):
            shape.insert(at, length)
        y: ndarray = zeros(tuple(shape), cython.cast(object, x).dtype)
        copy_into(DIAGONAL.run1(y, attrs, None), x)
        return y

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(DIAGONAL, g, n.attrs)


@cython.cclass
class PartCopy(Op):
    """A copy of a part. attrs: those of the view, which `step` is."""

    def __init__(self, step: Part):
        super().__init__()
        self.step = step

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return contiguous(self.step.run1(x, attrs, None))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(self.step.back, g, (n.attrs, n.shape(0)))


@cython.cclass
class PartScatter(Op):
    """A copy of the first input with a part overwritten by the second. attrs: those of the view, which `step` is."""

    def __init__(self, step: Op):
        super().__init__()
        self.step = step

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        z: ndarray = copied(x)
        copy_into(self.step.run1(z, attrs, None), y)
        return z

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 1:
            return apply1(self.step, g, n.attrs)
        part: ndarray = self.step.run1(g._array, n.attrs, None)
        return apply2(self, g, wrap(np.zeros(shape_of(part), cython.cast(object, part).dtype)), n.attrs)


def diag(input: object, diagonal: object = 0, *, out: object = None) -> object:
    """Of a vector: the square matrix with it on a diagonal. Of a matrix: a copy of a diagonal."""
    x: Tensor = given(input, "diag")
    offset: cython.Py_ssize_t = whole(diagonal, "diag", "diagonal", 1)
    op: Op = DIAG_EMBED if x._array.ndim == 1 else DIAGONAL_COPY
    if x._array.ndim != 1 and x._array.ndim != 2:
        raise RuntimeError(DIAG_DIMS.format(dims=x._array.ndim))
    if out is not None:
        return write(op, (x,), (offset, 0, 1), out)
    return apply1(op, x, (offset, 0, 1))


def diag_embed(input: object, offset: object = 0, dim1: object = -2, dim2: object = -1) -> object:
    """The last dim as a diagonal of the new dims dim1 and dim2, zero elsewhere."""
    x: Tensor = given(input, "diag_embed")
    count: cython.int = x._array.ndim + 1
    first: cython.int = place(dim1, count, "diag_embed", "dim1", 2)
    last: cython.int = place(dim2, count, "diag_embed", "dim2", 3)
    if first == last:
        raise RuntimeError(SAME_DIMS.format(first=dim1, second=dim2))
    return apply1(DIAG_EMBED, x, (whole(offset, "diag_embed", "offset", 1), first, last))


def diagflat(input: object, offset: object = 0) -> object:
    """The square matrix with all elements of the input on a diagonal."""
    x: Tensor = given(input, "diagflat")
    line: Tensor = reshaped(x, (cython.cast(object, x._array).size,))
    return apply1(DIAG_EMBED, line, (whole(offset, "diagflat", "offset", 1), 0, 1))


# ---- a copy with a part overwritten ---------------------------------------------------------------------------------


def scattered(op: PartScatter, x: Tensor, src: object, attrs: tuple, name: str) -> Tensor:
    """Overwrite the part that the view's attrs say, after checking the shape of what comes in."""
    y: Tensor = other(src, name, "src")
    wanted = shape_of(op.step.run1(x._array, attrs, None))
    if shape_of(y._array) != wanted:
        raise RuntimeError(SCATTER_SIZE.format(source=list(shape_of(y._array)), part=list(wanted)))
    return apply2(op, x, y, attrs)


def select_scatter(input: object, src: object, dim: object, index: object) -> object:
    """A copy of `input` with index `index` of a dim overwritten by `src`."""
    x: Tensor = given(input, "select_scatter")
    at: cython.int = place(dim, x._array.ndim, "select_scatter", "dim", 2)
    k: cython.Py_ssize_t = whole(index, "select_scatter", "index", 3)
    if x._array.ndim == 0:
        raise IndexError(errors.SELECT_ZERO_DIM)
    length: cython.Py_ssize_t = x._array.shape[at]
    if k < -length or k >= length:
        raise IndexError(errors.SELECT_RANGE.format(index=k, shape=list(shape_of(x._array)), dim=at))
    return scattered(SELECT_SCATTER, x, src, (at, k + length if k < 0 else k), "select_scatter")


def slice_scatter(
    input: object, src: object, dim: object = 0, start: object = None, end: object = None, step: object = 1,
) -> object:
    """A copy of `input` with a slice of a dim overwritten by `src`."""
    x: Tensor = given(input, "slice_scatter")
    at: cython.int = place(dim, x._array.ndim, "slice_scatter", "dim", 2)
    by: cython.Py_ssize_t = whole(step, "slice_scatter", "step", 5)
    if x._array.ndim == 0:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if by <= 0:
        raise RuntimeError("slice step must be positive")
    first, last, _ = slice(start, end).indices(x._array.shape[at])
    return scattered(SLICE_SCATTER, x, src, (at, first, max(first, last), by), "slice_scatter")


def diagonal_scatter(input: object, src: object, offset: object = 0, dim1: object = 0, dim2: object = 1) -> object:
    """A copy of `input` with a diagonal overwritten by `src`."""
    x: Tensor = given(input, "diagonal_scatter")
    first: cython.int = place(dim1, x._array.ndim, "diagonal_scatter", "dim1", 3)
    last: cython.int = place(dim2, x._array.ndim, "diagonal_scatter", "dim2", 4)
    return scattered(
        DIAGONAL_SCATTER, x, src, (whole(offset, "diagonal_scatter", "offset", 2), first, last), "diagonal_scatter"
    )


TRIL, TRIU, DIAG_EMBED = Triangle(), Triangle(), DiagEmbed()
DIAGONAL_COPY = overload(PartCopy(DIAGONAL), "diagonal", None, shapes=1 << 0)
DIAGONAL_COPY.node_name = DIAGONAL_COPY.type_name = "DiagonalBackward0_copy"
SELECT_SCATTER, SLICE_SCATTER = PartScatter(SELECT), PartScatter(SLICE)
DIAGONAL_SCATTER = PartScatter(DIAGONAL)
for _op, _name, _function in ((TRIL, "tril", tril), (TRIU, "triu", triu)):
    declare(_op, _name, function=_function, inplace=True, samples=lambda make: [
        ((make(3, 4),), {}), ((make(4, 3), -1), {}), ((make(2, 3, 3), 1), {}), ((make(3, 4), 9), {}),
    ])
composite("diag", diag, out=True, samples=lambda make: [
    ((make(3),), {}), ((make(3), -1), {}), ((make(3, 4),), {}), ((make(3, 4), 1), {}),
])
declare(DIAG_EMBED, "diag_embed", function=diag_embed, inplace=False, out=False, samples=lambda make: [
    ((make(2, 3),), {}), ((make(2, 3), 1, 0, 2), {}), ((make(3), -2), {}),
])
composite("diagflat", diagflat, samples=lambda make: [((make(2, 3),), {}), ((make(), 1), {})])
declare(SELECT_SCATTER, "select_scatter", function=select_scatter, inplace=False, out=False, samples=lambda make: [
    ((make(3, 4), make(3), 1, -1), {}),
])
declare(SLICE_SCATTER, "slice_scatter", function=slice_scatter, inplace=False, out=False, samples=lambda make: [
    ((make(3, 4), make(3, 2), 1, 0, 4, 2), {}), ((make(3, 4), make(2, 4)), {"start": -2}),
])
declare(DIAGONAL_SCATTER, "diagonal_scatter", function=diagonal_scatter, inplace=False, out=False,
        samples=lambda make: [((make(3, 4), make(3)), {}), ((make(3, 4), make(2), -1), {})])
