"""Index arrays: from lists and masks to positions, the elements there, and writing or adding there.

Arrays only; which part of `x[...]` is one, and how a gradient passes, is told in `index`. A place is what NumPy takes
as an index: a tuple of slices and integer arrays, or one mask over the leading dims.
"""
import warnings

import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.arrays import expand_view, is_contiguous, make_view, reshape_view, shape_of
    from headgate.core.records import Tensor
    from headgate.kernels.reference import contiguous, copy_into, index_add, linear, marked, scatter, take

    ndarray = np.ndarray

from headgate import errors
from headgate.kernels.reference_copy import in_order

MASK_UINT8 = "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead."
SEQUENCE_INDEX = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use "
    "x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], "
    "which will result either in an error or a different result"
)


# ---- what a sequence in an index means ------------------------------------------------------------------------------


def is_sequence(value: object) -> bool:
    """Whether Python calls it a sequence: lists, ranges, arrays, strings; no dict, no NumPy number."""
    if isinstance(value, (list, tuple, range, np.ndarray, str)):
        return True
    return hasattr(type(value), "__getitem__") and not isinstance(value, (dict, np.generic))


def means_tuple(index: object) -> bool:
    """Whether a sequence that is no tuple stands for several parts: NumPy's old rule, kept by PyTorch."""
    if isinstance(index, (Tensor, np.ndarray)) or not is_sequence(index):
        return False
    try:
        if len(index) >= 32:
            return False
        items = list(index)
    except TypeError:
        return False
    for item in items:
        if item is None or item is Ellipsis or isinstance(item, (Tensor, slice)) or is_sequence(item):
            warnings.warn(SEQUENCE_INDEX, UserWarning, stacklevel=2)
            return True
    return False


def plain(value: object) -> object:
    """Nested lists of numbers, tensors among them read out."""
    if isinstance(value, Tensor):
        return cython.cast(Tensor, value)._array
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def from_sequence(value: object) -> ndarray:
    """The index array that a sequence stands for: bool and uint8 stay masks, everything else becomes int64."""
    array: object
    if isinstance(value, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(value).__name__}'")
    try:
        array = np.asarray(plain(value))
    except ValueError:
        raise ValueError(ragged(value)) from None
    if array.dtype.char in "?B":
        return array
    if array.dtype.kind not in "iuf":
        inner = array.reshape(-1)[0] if array.size else array
        raise TypeError(f"new(): invalid data type '{type(inner).__name__}'")
    return array.astype(np.int64)


def ragged(value: object) -> str:
    """PyTorch's text for rows of different lengths."""
    dim: cython.int = 0
    rows: list = [value]
    while True:
        lengths = [len(row) if isinstance(row, (list, tuple)) else -1 for row in rows]
        for length in lengths:
            if length != lengths[0]:
                return errors.RAGGED.format(expected=lengths[0], dim=dim, got=max(length, 0))
        if lengths[0] < 1:
            return errors.RAGGED.format(expected=0, dim=dim, got=0)
        rows = [item for row in rows for item in row]
        dim += 1


# ---- from index arrays to a place -----------------------------------------------------------------------------------


def checked(array: ndarray) -> None:
    """IndexError unless the array's type can be an index."""
    if cython.cast(object, array).dtype.char not in "lq?Bi":
        raise IndexError(errors.INDEX_DTYPE)


def is_mask(array: ndarray) -> bool:
    """Whether an index array says yes or no per element instead of naming positions."""
    return cython.cast(object, array).dtype.char in "?B"


def check_mask(x: ndarray, mask: ndarray, dim: cython.int) -> None:
    """IndexError unless a mask has the lengths of the dims it stands at."""
    mine: tuple = shape_of(x)
    other: tuple = shape_of(mask)
    j: cython.int
    for j in range(len(other)):
        if dim + j >= len(mine):
            raise IndexError(errors.INDEX_MANY.format(dims=len(mine)))
        if mine[dim + j] != other[j]:
            head, _, tail = errors.MASK_SHAPE.rpartition("{dim}")
            raise IndexError(head.format(mask=list(other), dim=j, tensor=list(mine)) + f"{dim + j}{tail}")


def resolve(x: ndarray, arrays: tuple, dims: tuple) -> object:
    """The place in `x` that index arrays and masks at those dims mean."""
    place: list = []
    i: cython.int
    dim: cython.int
    array: ndarray
    if len(arrays) == 1 and dims[0] == 0 and cython.cast(object, arrays[0]).dtype.char == "?" and arrays[0].ndim > 0:
        check_mask(x, arrays[0], 0)
        return arrays[0]
    for i in range(len(arrays)):
        array = arrays[i]
        dim = dims[i]
        while len(place) < dim:
            place.append(EVERYTHING)
        if not is_mask(array):
            checked(array)
            place.append(array)
            continue
        if cython.cast(object, array).dtype.char == "B":
            warnings.warn(MASK_UINT8, UserWarning, stacklevel=2)
        check_mask(x, array, dim)
        place.extend(cython.cast(object, array).nonzero() if array.ndim else (np.zeros(int(array.item()), np.int64),))
    if len(place) > x.ndim:
        raise IndexError(errors.INDEX_MANY.format(dims=x.ndim) + f" (got {len(place)})")
    return tuple(place)


EVERYTHING = slice(None)


def together(place: tuple) -> tuple:
    """The shape to which the index arrays of a place broadcast; IndexError if they do not."""
    arrays = [part for part in place if part is not EVERYTHING]
    if len(arrays) == 1:
        return shape_of(arrays[0])
    try:
        return np.broadcast_shapes(*[part.shape for part in arrays])
    except ValueError:
        raise IndexError(errors.INDEX_BROADCAST.format(
            shapes=", ".join([str(list(part.shape)) for part in arrays]))) from None


def outside(x: ndarray, place: tuple) -> None:
    """Raise the error for the first position outside `x`."""
    dim: cython.int
    ordinal: cython.int = 0
    shape: tuple = shape_of(x)
    for dim in range(len(place)):
        part = place[dim]
        if part is EVERYTHING:
            continue
        size = shape[dim]
        if part.size and not size:
            raise IndexError("index is out of bounds for dimension with size 0")
        bad = part[(part < -size) | (part >= size)]
        if bad.size:
            raise IndexError(errors.INDEX_RANGE.format(index=int(bad.reshape(-1)[0]), dim=ordinal, size=size))
        ordinal += 1


def check_inside(x: ndarray, place: tuple, shape: tuple) -> None:
    """IndexError for a position outside `x`, unless nothing is asked for (`shape` is empty)."""
    if 0 not in shape:
        outside(x, place)


def only_dim(place: tuple) -> cython.int:
    """The dim of the only index array of a place; -1 if there are several."""
    dim: cython.int
    found: cython.int = -1
    for dim in range(len(place)):
        if place[dim] is not EVERYTHING:
            if found >= 0:
                return -1
            found = dim
    return found


def from_front(x: ndarray, index: ndarray, dim: cython.int) -> ndarray:
    """Checked positions along a dim, counted from the front."""
    place = (EVERYTHING,) * dim + (index,)
    outside(x, place)
    positions: object = index
    if positions.size == 0:
        return index
    return np.where(positions < 0, positions + shape_of(x)[dim], positions) if (positions < 0).any() else index


def flattened(x: ndarray, place: object) -> tuple:
    """The array, one index array and its dim that mean the same as several for dims side by side; None if none do.

    Only for a contiguous array and index arrays of one shape that stay inside: others keep NumPy's way, and its errors.
    """
    dim: cython.int
    last: cython.int = -1
    first: cython.int = -1
    whole: cython.Py_ssize_t = 1
    shape: tuple
    if isinstance(place, ndarray) or not is_contiguous(x) or x.size == 0:
        return None
    shape = shape_of(x)
    for dim in range(len(place)):
        if place[dim] is EVERYTHING:
            continue
        if first < 0:
            first = dim
        elif last != dim - 1:
            return None
        last = dim
        whole *= shape[dim]
    if first < 0:
        return None
    index = linear(place[first:last + 1], shape[first:last + 1])
    if index is None:
        return None
    return reshape_view(x, shape[:first] + (whole,) + shape[last + 1:]), index, first


# ---- reading, writing and adding at a place -------------------------------------------------------------------------


def pick(x: ndarray, place: object) -> ndarray:
    """The elements at a place, in a new array laid out as PyTorch does it."""
    found: ndarray = gathered(x, place)
    return found if is_usual(x, place) else in_order(found, as_operands(x, place))


def is_usual(x: ndarray, place: object) -> cython.bint:
    """Whether the strides surely leave the dims of what is picked in their usual order.

    A dim of length 1 can move the others: PyTorch compares its stride with theirs.
    """
    dim: cython.int
    if not is_contiguous(x):
        return False
    if isinstance(place, ndarray):
        return place.ndim == x.ndim or 1 not in shape_of(x)[place.ndim:]
    for dim in range(x.ndim):
        if dim < len(place) and place[dim] is not EVERYTHING:
            if not is_contiguous(place[dim]):
                return False
        elif x.shape[dim] == 1:
            return False
    return True


def as_operands(x: ndarray, place: object) -> list:
    """`x` and the index arrays as PyTorch's loop sees them, each over all dims of the result; their strides order it.

    Along the dims that are indexed `x` does not move; they come first if they are apart.
    """
    parts: list
    dims: list
    shape, strides = cython.cast(object, x).shape, cython.cast(object, x).strides
    if isinstance(place, ndarray):  # a mask: its rows of positions
        dims, parts = list(range(place.ndim)), [np.arange(np.count_nonzero(place))]
    else:
        dims = [dim for dim in range(len(place)) if place[dim] is not EVERYTHING]
        parts = list(np.broadcast_arrays(*[place[dim] for dim in dims])) if dims else []
    if not dims:
        return [x]
    before: object = dims[0] if dims[len(dims) - 1] - dims[0] == len(dims) - 1 else 0
    rest = [dim for dim in range(x.ndim) if dim not in dims]
    after = x.ndim - len(dims) - before
    middle: tuple = parts[0].shape
    lengths = [shape[dim] for dim in rest]
    steps = [strides[dim] for dim in rest]
    lengths[before:before] = middle
    steps[before:before] = (0,) * len(middle)
    found = [make_view(x, tuple(lengths), tuple(steps), 0)]
    for part in parts:
        found.append(reshape_view(part, (1,) * before + middle + (1,) * after))
    return found


def gathered(x: ndarray, place: object) -> ndarray:
    """The elements at a place, in a new contiguous array."""
    dim: cython.int
    if isinstance(place, ndarray):
        if place.dtype == np.bool_ and shape_of(place) == shape_of(x) and x.ndim:
            return marked(cython.cast(object, x).reshape(-1), place.reshape(-1))
        return cython.cast(object, x)[place]
    if len(place) == 0:
        return contiguous(x)
    dim = only_dim(place)
    if dim >= 0:
        try:
            return take(x, place[dim], dim)
        except IndexError:
            return take(x, from_front(x, place[dim], dim), dim)
    flat: tuple = flattened(x, place)
    if flat is not None:
        return take(flat[0], flat[1], flat[2])
    try:
        return np.asarray(cython.cast(object, x)[place], order="C")
    except IndexError:
        shape = shape_at(x, place)
        check_inside(x, place, shape)
        return np.empty(shape, cython.cast(object, x).dtype)


def shape_at(x: ndarray, place: object) -> tuple:
    """The shape of what is at a place."""
    shape: tuple = shape_of(x)
    rest: list = []
    dim: cython.int
    at: cython.int = -1
    last: cython.int = -1
    apart: cython.bint = False
    middle: tuple
    if isinstance(place, ndarray):
        return (int(np.count_nonzero(place)),) + shape[place.ndim:]
    middle = together(place)
    for dim in range(len(place)):
        if place[dim] is not EVERYTHING and shape[dim] == 0 and 0 not in middle:
            raise IndexError("index is out of bounds for dimension with size 0")
    for dim in range(len(shape)):
        if dim >= len(place) or place[dim] is EVERYTHING:
            rest.append(shape[dim])
            continue
        apart = apart or (last >= 0 and last != dim - 1)
        at = len(rest) if at < 0 else at
        last = dim
    if at < 0:
        return shape
    if apart:
        at = 0
    return tuple(rest[:at]) + middle + tuple(rest[at:])


def fitting(x: ndarray, place: object, values: ndarray, inside: cython.bint) -> tuple:
    """The shape of what is at a place; RuntimeError unless the values broadcast to it.

    inside: the positions are known to be; else IndexError for one that is not.
    """
    shape: tuple = shape_at(x, place)
    have: tuple = shape_of(values)
    k: cython.int
    lead: cython.int = len(shape) - len(have)
    fits: cython.bint = lead >= 0
    if fits:
        for k in range(len(have)):
            if have[k] != 1 and have[k] != shape[lead + k]:
                fits = False
    if not fits:
        raise RuntimeError(errors.INDEX_VALUE.format(value=list(have), result=list(shape)))
    if not inside and not isinstance(place, ndarray):
        check_inside(x, place, shape)
    return shape


def spread(values: ndarray, shape: tuple) -> object:
    """Values over a shape that they are known to fit."""
    return values if shape_of(values) == shape else expand_view(values, shape)


def put_at(x: ndarray, place: object, values: ndarray) -> None:
    """Write values at a place, after all checks; of several for one element, one wins."""
    whole: object = x
    if values.ndim == 0 and (isinstance(place, ndarray) or len(place)):
        try:
            whole[place] = values  # NumPy looks at every position before it writes
            return
        except IndexError:
            pass
    flat: tuple = flattened(x, place)
    if 0 in fitting(x, place, values, flat is not None):
        return
    if flat is not None and cython.cast(object, flat[0]).ndim == 1:
        index: object = flat[1]
        scatter(flat[0], 0, index.reshape(-1), spread(values, index.shape).reshape(-1))
    elif isinstance(place, ndarray) or len(place):
        whole[place] = values
    else:
        copy_into(x, values)


def add_at(x: ndarray, place: object, values: ndarray) -> None:
    """Add values at a place, every one of several for one element (bools: or)."""
    dim: cython.int
    shape: tuple
    whole: object = x
    shape = fitting(x, place, values, False)
    if 0 in shape:
        return
    if isinstance(place, ndarray):
        whole[place] += values
        return
    if len(place) == 0:
        np.add(x, values, out=x)
        return
    dim = only_dim(place)
    if dim >= 0 and x.ndim > 0:
        index = from_front(x, place[dim], dim)
        mine = shape_of(x)
        values = spread(values, shape).reshape(mine[:dim] + (index.size,) + mine[dim + 1:])
        index_add(x, dim, cython.cast(object, index).reshape(-1), values, 1)
        return
    flat: tuple = flattened(x, place)
    if flat is None:
        np.add.at(x, place, values)
        return
    mine, index = shape_of(flat[0]), flat[1]
    dim = flat[2]
    values = spread(values, shape).reshape(mine[:dim] + (index.size,) + mine[dim + 1:])
    index_add(flat[0], dim, cython.cast(object, index).reshape(-1), values, 1)
