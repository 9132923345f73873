"""Parts of a tensor as views: one index, a range, a diagonal, windows, arbitrary strides.

The public functions, with PyTorch's arguments and errors, over the ops of `view` and `strided`.
"""
import cython

if not cython.compiled:
    from headgate.core.apply import apply1
    from headgate.core.arrays import shape_of
    from headgate.core.records import Tensor
    from headgate.ops.arguments import given, place, whole
    from headgate.ops.view import DIAGONAL, SELECT, SLICE, UNFOLD

from headgate import errors
from headgate.core.declare import composite

UNFOLD_STEP = "step is {step} but must be > 0"

# ---- parts ----------------------------------------------------------------------------------------------------------


def select(input: object, dim: object, index: object) -> object:
    """Index `index` of dim `dim`, which is gone; a view. IndexError outside."""
    x: Tensor = given(input, "select")
    if x._array.ndim == 0:
        raise IndexError(errors.SELECT_ZERO_DIM)
    at: cython.int = place(dim, x._array.ndim, "select", "dim", 1)
    k: cython.Py_ssize_t = whole(index, "select", "index", 2)
    length: cython.Py_ssize_t = x._array.shape[at]
    if k < -length or k >= length:
        raise IndexError(errors.SELECT_RANGE.format(index=k, shape=list(shape_of(x._array)), dim=at))
    return apply1(SELECT, x, (at, k + length if k < 0 else k))


def narrow(input: object, dim: object, start: object, length: object) -> object:
    """`length` indices of dim `dim` from `start` on; a view. IndexError, RuntimeError outside."""
    x: Tensor = given(input, "narrow")
    if x._array.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    at: cython.int = place(dim, x._array.ndim, "narrow", "dim", 1)
    first: cython.Py_ssize_t = whole(start, "narrow", "start", 2)
    many: cython.Py_ssize_t = whole(length, "narrow", "length", 3)
    size: cython.Py_ssize_t = x._array.shape[at]
    if many < 0:
        raise RuntimeError(errors.NARROW_LENGTH)
    if first < -size or first > size:
        raise IndexError(errors.NARROW_START.format(low=-size, high=size, start=first))
    if first < 0:
        first += size
    if first > size - many:
        raise RuntimeError(errors.NARROW.format(start=first, length=many, size=size))
    return apply1(SLICE, x, (at, first, first + many, 1))


def diagonal(input: object, offset: object = 0, dim1: object = 0, dim2: object = 1) -> object:
    """The diagonal of two dims, as the last dim; offset > 0 above the main one, < 0 below. A view."""
    x: Tensor = given(input, "diagonal")
    first: cython.int = place(dim1, x._array.ndim, "diagonal", "dim1", 2)
    last: cython.int = place(dim2, x._array.ndim, "diagonal", "dim2", 3)
    if first == last:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return apply1(DIAGONAL, x, (whole(offset, "diagonal", "offset", 1), first, last))


def unfold(input: object, dimension: object, size: object, step: object) -> object:
    """Windows of `size` indices along a dim, every `step`: a new last dim; a view.

    RuntimeError for a size that is larger than the dim, or a step below 1. Windows overlap where step < size.
    """
    x: Tensor = given(input, "unfold")
    at: cython.int = place(dimension, x._array.ndim, "unfold", "dimension", 1)
    wide: cython.Py_ssize_t = whole(size, "unfold", "size", 2)
    by: cython.Py_ssize_t = whole(step, "unfold", "step", 3)
    longest: cython.Py_ssize_t = x._array.shape[at] if x._array.ndim > 0 else 1
    if wide < 0:
        raise RuntimeError(f"size is {wide} but must be >= 0")
    if wide > longest:
        raise RuntimeError(errors.UNFOLD.format(dim=at, size=longest, wanted=wide))
    if by <= 0:
        raise RuntimeError(UNFOLD_STEP.format(step=by))
    return apply1(UNFOLD, x, (at, wide, by))


# ---- the table ------------------------------------------------------------------------------------------------------

composite("select", select, samples=lambda make: [
    ((make(3, 4), 0, 1), {}), ((make(3, 4), 1, -1), {}), ((make(2, 3, 4), -2, 0), {}),
])
composite("narrow", narrow, samples=lambda make: [
    ((make(3, 4), 0, 1, 2), {}), ((make(3, 4), -1, -2, 1), {}), ((make(3, 4), 1, 4, 0), {}),
])
composite("diagonal", diagonal, samples=lambda make: [
    ((make(3, 4),), {}), ((make(3, 4), 1), {}), ((make(2, 3, 4), -1, 2, 0), {}), ((make(3, 4), 9), {}),
])
composite("Tensor.unfold", unfold, samples=lambda make: [
    ((make(5), 0, 3, 1), {}), ((make(3, 5), 1, 2, 2), {}), ((make(3, 5), 0, 2, 1), {}), ((make(), 0, 1, 1), {}),
])
