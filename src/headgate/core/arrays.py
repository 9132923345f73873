# built for speed
"""Questions about NumPy arrays that the core asks often: addresses, shapes, overlaps, and what a node's outputs were.

Each has a C form when compiled and a NumPy form otherwise. Nothing here computes.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)
else:
    from headgate.core.records import Node

    ndarray = np.ndarray

    def fresh_like(x: np.ndarray) -> np.ndarray:
        return np.empty(x.shape, x.dtype)

HALF, SINGLE, DOUBLE = 23, 11, 12  # NumPy's type numbers


def is_float(a: ndarray) -> bool:
    """Whether gradients can exist for values of this array's type."""
    number: cython.int
    if cython.compiled:
        number = PyArray_TYPE(a)  # noqa: F821
    else:
        number = a.dtype.num
    return number == 11 or number == 12 or number == 23 or number >= 256 or number == 14 or number == 15


def low_address(a: ndarray) -> cython.Py_ssize_t:
    """The address of the first byte that the array can touch."""
    low: cython.Py_ssize_t = 0
    high: cython.Py_ssize_t = 0
    if not cython.compiled:
        return np.lib.array_utils.byte_bounds(a)[0] if a.size else a.__array_interface__["data"][0]
    hg_span(a, cython.address(low), cython.address(high))  # noqa: F821  (C, from span.h)
    return low


def high_address(a: ndarray) -> cython.Py_ssize_t:
    """The address after the last byte that the array can touch (the first one, if it has no elements)."""
    low: cython.Py_ssize_t = 0
    high: cython.Py_ssize_t = 0
    if not cython.compiled:
        return np.lib.array_utils.byte_bounds(a)[1] if a.size else a.__array_interface__["data"][0]
    hg_span(a, cython.address(low), cython.address(high))  # noqa: F821
    return high


def same_shape(a: ndarray, b: ndarray) -> bool:
    """Whether two arrays have the same shape."""
    i: cython.int
    if not cython.compiled:
        return a.shape == b.shape
    if PyArray_NDIM(a) != PyArray_NDIM(b):  # noqa: F821
        return False
    for i in range(PyArray_NDIM(a)):  # noqa: F821
        if PyArray_DIMS(a)[i] != PyArray_DIMS(b)[i]:  # noqa: F821
            return False
    return True


def covers(a: ndarray, b: ndarray) -> bool:
    """Whether `b` broadcasts to the shape of `a` as it is."""
    i: cython.int
    lead: cython.int
    if not cython.compiled:
        return b.ndim <= a.ndim and all([n in (1, m) for n, m in zip(b.shape[::-1], a.shape[::-1])])
    lead = PyArray_NDIM(a) - PyArray_NDIM(b)  # noqa: F821
    if lead < 0:
        return False
    for i in range(PyArray_NDIM(b)):  # noqa: F821
        if PyArray_DIMS(b)[i] != 1 and PyArray_DIMS(b)[i] != PyArray_DIMS(a)[lead + i]:  # noqa: F821
            return False
    return True


def same_type(a: ndarray, b: ndarray) -> bool:
    """Whether two arrays have the same element type."""
    if not cython.compiled:
        return a.dtype.num == b.dtype.num
    return PyArray_TYPE(a) == PyArray_TYPE(b)  # noqa: F821


def is_contiguous(a: ndarray) -> bool:
    """Whether the elements lie in C order without gaps."""
    if not cython.compiled:
        return a.flags.c_contiguous
    return PyArray_IS_C_CONTIGUOUS(a)  # noqa: F821


def same_memory(a: ndarray, b: ndarray) -> bool:
    """Whether two arrays are the same view of the same bytes."""
    return (
        low_address(a) == low_address(b)
        and cython.cast(object, a).strides == cython.cast(object, b).strides
        and same_shape(a, b)
        and cython.cast(object, a).dtype == cython.cast(object, b).dtype
    )


def overlaps_itself(a: ndarray) -> bool:
    """Whether two elements of the array surely share a byte (an expanded dimension), as PyTorch asks it."""
    i: cython.int
    if not cython.compiled:
        return a.size > 0 and 0 in [stride for stride, length in zip(a.strides, a.shape) if length > 1]
    if PyArray_IS_C_CONTIGUOUS(a) or PyArray_SIZE(a) == 0:  # noqa: F821
        return False
    for i in range(PyArray_NDIM(a)):  # noqa: F821
        if PyArray_STRIDES(a)[i] == 0 and PyArray_DIMS(a)[i] > 1:  # noqa: F821
            return True
    return False


def partly_overlap(a: ndarray, b: ndarray) -> bool:
    """Whether two arrays share bytes without being the same view, as PyTorch asks it: of arrays without gaps only."""
    if low_address(a) >= high_address(b) or low_address(b) >= high_address(a):
        return False
    if not without_gaps(a) or not without_gaps(b):
        return False
    one, two = cython.cast(object, a).strides, cython.cast(object, b).strides
    return low_address(a) != low_address(b) or high_address(a) != high_address(b) or one != two


def long_dims(a: ndarray) -> tuple:
    """(number of dims, (length, stride) of those longer than 1)."""
    shape, strides = cython.cast(object, a).shape, cython.cast(object, a).strides
    return (len(shape), [(length, stride) for length, stride in zip(shape, strides) if length > 1])


def without_gaps(a: ndarray) -> bool:
    """Whether the elements fill the bytes from the lowest to the highest, each once, in some order of the dims."""
    step: object = cython.cast(object, a).itemsize
    for stride, length in sorted([(stride, length) for length, stride in long_dims(a)[1]]):
        if stride != step:
            return False
        step = step * length
    return True


def shape_of(a: ndarray) -> tuple:
    """The shape as a plain tuple."""
    return cython.cast(tuple, cython.cast(object, a).shape)


def count_of(a: ndarray) -> cython.Py_ssize_t:
    """The number of elements. (`a.size` needs NumPy's C interface imported in the module that asks.)"""
    if not cython.compiled:
        return a.size
    return PyArray_SIZE(a)  # noqa: F821


def ones_like(a: ndarray) -> ndarray:
    """Ones in the shape and type of `a` (floats only)."""
    i: cython.Py_ssize_t
    out: ndarray
    if not cython.compiled:
        return np.ones(a.shape, a.dtype)
    if PyArray_TYPE(a) != 11 or not PyArray_IS_C_CONTIGUOUS(a):  # noqa: F821
        return np.ones(cython.cast(object, a).shape, cython.cast(object, a).dtype)
    out = fresh_like(a)
    for i in range(PyArray_SIZE(a)):  # noqa: F821
        cython.cast(cython.p_float, PyArray_DATA(out))[i] = 1.0  # noqa: F821
    return out


def set_meta(n: Node, a: ndarray):
    """Note in a node the shape and element type of its only output."""
    count: cython.int
    if not cython.compiled:
        n.ndim, n.typenum, n.metas = a.ndim, a.dtype.num, a.shape
        return
    count = PyArray_NDIM(a)  # noqa: F821
    n.ndim = count
    n.typenum = PyArray_TYPE(a)  # noqa: F821
    if count > 4:
        n.metas = cython.cast(object, a).shape
        return
    if count > 0:
        n.dim0 = PyArray_DIMS(a)[0]  # noqa: F821
    if count > 1:
        n.dim1 = PyArray_DIMS(a)[1]  # noqa: F821
    if count > 2:
        n.dim2 = PyArray_DIMS(a)[2]  # noqa: F821
    if count > 3:
        n.dim3 = PyArray_DIMS(a)[3]  # noqa: F821


def meta_matches(n: Node, nr: cython.int, a: ndarray) -> bool:
    """Whether an array has the shape and type that output `nr` of the node had."""
    count: cython.int
    if n.outputs != 1:
        return n.metas[nr] == (cython.cast(object, a).shape, cython.cast(object, a).dtype.num)
    if not cython.compiled:
        return n.typenum == a.dtype.num and n.metas == a.shape
    count = PyArray_NDIM(a)  # noqa: F821
    if n.ndim != count or n.typenum != PyArray_TYPE(a):  # noqa: F821
        return False
    if count > 4:
        return n.metas == cython.cast(object, a).shape
    if count > 0 and n.dim0 != PyArray_DIMS(a)[0]:  # noqa: F821
        return False
    if count > 1 and n.dim1 != PyArray_DIMS(a)[1]:  # noqa: F821
        return False
    if count > 2 and n.dim2 != PyArray_DIMS(a)[2]:  # noqa: F821
        return False
    return not (count > 3 and n.dim3 != PyArray_DIMS(a)[3])  # noqa: F821


def meta_shape(n: Node, nr: cython.int) -> tuple:
    """The shape that output `nr` of the node had."""
    if n.outputs != 1:
        return cython.cast(tuple, n.metas[nr][0])
    if not cython.compiled or n.ndim > 4:
        return cython.cast(tuple, n.metas)
    return (n.dim0, n.dim1, n.dim2, n.dim3)[: n.ndim]


def meta_type(n: Node, nr: cython.int) -> cython.int:
    """NumPy's type number of output `nr` of the node."""
    if n.outputs != 1:
        return n.metas[nr][1]
    return n.typenum


class _Interface:
    """Lets NumPy see memory by an interface dictionary, and keeps its owner alive."""

    def __init__(self, interface: dict, owner: object) -> None:
        self.__array_interface__ = interface
        self.owner = owner


def make_view(x: ndarray, shape: tuple, strides: tuple, offset: cython.Py_ssize_t) -> ndarray:
    """The memory of `x` seen with other shape and strides (bytes), starting `offset` bytes after its start.

    Nothing is checked: the caller knows that the view stays inside.
    """
    if not cython.compiled:
        interface = dict(x.__array_interface__)
        interface["data"] = (interface["data"][0] + offset, interface["data"][1])
        interface["shape"], interface["strides"] = shape, strides
        return np.asarray(_Interface(interface, x)).view(x.dtype)
    return hg_view(x, shape, strides, offset)  # noqa: F821  (C, from arrays.h)


def select_view(x: ndarray, dim: cython.int, index: cython.Py_ssize_t) -> ndarray:
    """One index (from the front, inside) of a dimension; the dimension is gone."""
    if not cython.compiled:
        shape, strides = x.shape, x.strides
        return make_view(x, shape[:dim] + shape[dim + 1:], strides[:dim] + strides[dim + 1:], index * strides[dim])
    return hg_select(x, dim, index)  # noqa: F821


def slice_view(
    x: ndarray, dim: cython.int, start: cython.Py_ssize_t, length: cython.Py_ssize_t, step: cython.Py_ssize_t
) -> ndarray:
    """`length` indices of a dimension from `start` on, every `step`-th."""
    if not cython.compiled:
        shape, strides = list(x.shape), list(x.strides)
        offset = start * strides[dim]
        shape[dim] = length
        strides[dim] *= step
        return make_view(x, tuple(shape), tuple(strides), offset)
    return hg_slice(x, dim, start, length, step)  # noqa: F821


def swap_view(x: ndarray, first: cython.int, second: cython.int) -> ndarray:
    """Two dimensions exchanged."""
    if not cython.compiled:
        return x.swapaxes(first, second) if x.ndim else x.view()
    return hg_swap(x, first, second)  # noqa: F821


def insert_view(x: ndarray, dim: cython.int) -> ndarray:
    """A dimension of length 1 put in before dimension `dim`, with the stride that PyTorch gives it."""
    if not cython.compiled:
        shape, strides = x.shape, x.strides
        step = shape[dim] * strides[dim] if dim < len(shape) else x.itemsize
        return make_view(x, shape[:dim] + (1,) + shape[dim:], strides[:dim] + (step,) + strides[dim:], 0)
    return hg_insert(x, dim)  # noqa: F821


def expand_view(x: ndarray, shape: tuple) -> ndarray:
    """Dims of length 1, and new leading ones, repeated without copying. The caller knows that the shapes fit."""
    if not cython.compiled:
        lead = len(shape) - x.ndim
        strides = [step if mine == want else 0 for step, mine, want in zip(x.strides, x.shape, shape[lead:])]
        for dim in range(lead - 1, -1, -1):  # as PyTorch
            strides.insert(0, shape[dim + 1] * strides[0] if shape[dim] == 1 and x.ndim else 0)
        return make_view(x, shape, tuple(strides), 0)
    return hg_expand(x, shape)  # noqa: F821


def _view_steps(x: ndarray, shape: tuple) -> object:
    """The strides with which the memory of `x` is seen as `shape`, by PyTorch's rule; None if there are none."""
    steps = [x.itemsize] * len(shape)
    if x.ndim == 0 or x.size == 0:
        for i in range(len(shape) - 2, -1, -1):
            steps[i] = steps[i + 1] * max(shape[i + 1], 1)
        return tuple(steps)
    k = len(shape) - 1
    base, have, made = x.strides[x.ndim - 1], 1, 1
    for i in range(x.ndim - 1, -1, -1):
        have *= x.shape[i]
        if i > 0 and (x.shape[i - 1] == 1 or x.strides[i - 1] == have * base):
            continue
        while k >= 0 and (made < have or shape[k] == 1):
            steps[k] = made * base
            made *= shape[k]
            k -= 1
        if made != have:
            return None
        if i > 0:
            base, have, made = x.strides[i - 1], 1, 1
    return tuple(steps) if k == -1 else None


def reshape_view(x: ndarray, shape: tuple) -> object:
    """The same elements in another shape of the same size; None if the strides do not allow it."""
    if not cython.compiled:
        steps = _view_steps(x, shape)
        return None if steps is None else make_view(x, shape, steps, 0)
    return hg_reshape(x, shape)  # noqa: F821
