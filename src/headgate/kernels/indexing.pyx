# sources: indexing_loops.c
"""Reading and writing at positions: linear, take, gather, scatter, index_add.

Positions are checked before anything is written, so a refused call changes nothing. Repeated positions are combined in
order, whatever the number of threads. Nothing here knows tensors.
"""

import numpy as np

from headgate.kernels import reference_select as reference

cimport numpy as cnp
from libc.string cimport memset
from numpy cimport ndarray, npy_intp

from headgate.kernels.copying cimport contiguous
from headgate.kernels.memory cimport fresh
from headgate.kernels.pool cimport get_num_threads, parallel

cnp.import_array()

cdef extern from "indexing_loops.h" nogil:
    ctypedef long long i64
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    enum:
        HG_DIMS, HG_SET, HG_ADD, HG_MULTIPLY, HG_AMAX, HG_AMIN
    ctypedef struct hg_walk:
        int rank, axis, type, item, mode, threads
        Py_ssize_t limit
        Py_ssize_t shape[64]
        Py_ssize_t index_step[64]
        Py_ssize_t far_step[64]
        Py_ssize_t near_step[64]
        Py_ssize_t along
        double alpha
    int hg_index_outside(const i64 *index, Py_ssize_t n, Py_ssize_t limit, i64 *bad, hg_splitter parallel)
    int hg_index_linear(const i64 *const *parts, const Py_ssize_t *sizes, int count, Py_ssize_t n, i64 *out,
                        hg_splitter parallel)
    int hg_gather(const hg_walk *w, const char *far, char *near, const char *index, hg_splitter parallel)
    void hg_scatter(const hg_walk *w, char *far, const char *near, const char *index, hg_splitter parallel)
    int hg_scattered(const hg_walk *w, const char *origin, char *far, const char *near, const char *index,
                     hg_splitter parallel)
    void hg_take(const char *x, char *out, const i64 *index, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t count,
                 Py_ssize_t bytes, hg_splitter parallel)

cdef extern from "types.h" nogil:
    enum:
        HG_I64
    int hg_type_of(int number)

cdef Py_ssize_t HELD = 2048      # elements below which letting go of the interpreter costs more than it gives


cdef int axis_number(Py_ssize_t axis, int rank) except -1:
    """The axis from 0; a 0-d array counts as having one."""
    cdef int count = rank if rank else 1
    if axis < -count or axis >= count:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {axis})")
    return <int> (axis + count if axis < 0 else axis)


cdef inline bint usable(ndarray x) noexcept:
    return hg_type_of(cnp.PyArray_TYPE(x)) >= 0 and cnp.PyArray_ISBEHAVED_RO(x)


cdef ndarray positions(ndarray index):
    """The index as a contiguous int64 array."""
    if (hg_type_of(cnp.PyArray_TYPE(index)) == HG_I64 and cnp.PyArray_IS_C_CONTIGUOUS(index)
            and cnp.PyArray_ISBEHAVED_RO(index)):
        return index
    return np.array(index, dtype=np.int64, order="C")


cdef ndarray each_once(ndarray index):
    """The positions of an index that is expanded along some dims, those dims cut to 1."""
    return positions(index[tuple([slice(0, 1) if step == 0 else slice(None) for step in (<object> index).strides])])


cdef bint outside(ndarray index, Py_ssize_t limit, i64 *bad) noexcept:
    cdef Py_ssize_t n = cnp.PyArray_SIZE(index)
    cdef const i64 *data = <const i64 *> cnp.PyArray_DATA(index)
    cdef int found
    if n <= HELD:
        return hg_index_outside(data, n, limit, bad, <hg_splitter> parallel)
    with nogil:
        found = hg_index_outside(data, n, limit, bad, <hg_splitter> parallel)
    return found


cpdef ndarray linear(tuple parts, tuple sizes):
    """Where elements lie in an array of these sizes, flattened, by a position for each of its dims.

    Positions are int64 arrays of one shape, from the end if negative. None if they are not, or if some are outside. A
    single array that counts from the front is returned itself.
    """
    cdef const i64 *data[64]
    cdef Py_ssize_t limits[64]
    cdef int count = <int> len(parts), k, i, good
    cdef i64 bad
    cdef Py_ssize_t n
    cdef ndarray first = parts[0], part, out
    if count > 64:
        return None
    for k in range(count):
        part, limits[k] = parts[k], sizes[k]
        if (hg_type_of(cnp.PyArray_TYPE(part)) != HG_I64 or not cnp.PyArray_IS_C_CONTIGUOUS(part)
                or not cnp.PyArray_ISBEHAVED_RO(part) or cnp.PyArray_NDIM(part) != cnp.PyArray_NDIM(first)):
            return None
        for i in range(cnp.PyArray_NDIM(first)):
            if cnp.PyArray_DIMS(part)[i] != cnp.PyArray_DIMS(first)[i]:
                return None
        data[k] = <const i64 *> cnp.PyArray_DATA(part)
    if count == 1 and not outside(first, limits[0], &bad):
        return first
    n = cnp.PyArray_SIZE(first)
    out = fresh(cnp.PyArray_NDIM(first), cnp.PyArray_DIMS(first), cnp.PyArray_TYPE(first))
    if n <= HELD:
        good = hg_index_linear(data, limits, count, n, <i64 *> cnp.PyArray_DATA(out), <hg_splitter> parallel)
    else:
        with nogil:
            good = hg_index_linear(data, limits, count, n, <i64 *> cnp.PyArray_DATA(out), <hg_splitter> parallel)
    return out if good else None


cpdef ndarray take(ndarray x, ndarray index, object axis):
    """Rows of x along `axis`, index of any shape; negative positions are refused. Axis None: see the NumPy form."""
    cdef int at, rank = cnp.PyArray_NDIM(x), i, k, count = 0
    cdef Py_ssize_t outer = 1, n = 1, bytes = cnp.PyArray_ITEMSIZE(x), total
    cdef npy_intp[128] dims
    cdef i64 bad
    cdef ndarray out
    if axis is None or not usable(x) or rank == 0 or rank + cnp.PyArray_NDIM(index) > 64:
        return reference.take(x, index, axis)
    at = axis_number(axis, rank)
    index = positions(index)
    if outside(index, cnp.PyArray_DIMS(x)[at], &bad):
        raise IndexError("index out of range in self")
    if not cnp.PyArray_IS_C_CONTIGUOUS(x):
        x = np.ascontiguousarray(x)
    for i in range(rank):
        if i == at:
            n = cnp.PyArray_DIMS(x)[i]
            for k in range(cnp.PyArray_NDIM(index)):
                dims[count] = cnp.PyArray_DIMS(index)[k]
                count += 1
            continue
        dims[count] = cnp.PyArray_DIMS(x)[i]
        count += 1
        if i < at:
            outer *= cnp.PyArray_DIMS(x)[i]
        else:
            bytes *= cnp.PyArray_DIMS(x)[i]
    out = fresh(count, dims, cnp.PyArray_TYPE(x))
    total = cnp.PyArray_SIZE(index)
    with nogil:
        hg_take(<char *> cnp.PyArray_DATA(x), <char *> cnp.PyArray_DATA(out), <i64 *> cnp.PyArray_DATA(index), outer, n,
                total, bytes, <hg_splitter> parallel)
    return out


cdef int start_walk(hg_walk *w, ndarray index, ndarray far, int axis) except -1:
    """Shape and steps of the index and of the indexed operand; 0-d arrays count as having one axis."""
    cdef int i
    w.rank = cnp.PyArray_NDIM(index)
    w.axis, w.alpha, w.mode, w.threads = axis, 1, HG_SET, get_num_threads()
    w.type, w.item = hg_type_of(cnp.PyArray_TYPE(far)), <int> cnp.PyArray_ITEMSIZE(far)
    w.along = w.item
    w.limit = 1
    for i in range(w.rank):
        w.shape[i] = cnp.PyArray_DIMS(index)[i]
        w.index_step[i] = cnp.PyArray_STRIDES(index)[i]
        w.far_step[i] = 0
        if cnp.PyArray_NDIM(far) and i != axis:
            w.far_step[i] = cnp.PyArray_STRIDES(far)[i]
    if cnp.PyArray_NDIM(far):
        w.limit, w.along = cnp.PyArray_DIMS(far)[axis], cnp.PyArray_STRIDES(far)[axis]
    if w.rank == 0:
        w.rank, w.shape[0], w.index_step[0], w.far_step[0], w.near_step[0] = 1, 1, 0, 0, 0
    return 0


cdef int refuse_outside(ndarray index, hg_walk *w) except -1:
    cdef i64 bad
    if outside(index, w.limit, &bad):
        raise RuntimeError(f"index {bad} is out of bounds for dimension {w.axis} with size {w.limit}")
    return 0


cpdef ndarray gather(ndarray x, Py_ssize_t axis, ndarray index):
    """out[i][j] = x[index[i][j]][j] for axis 0, in the shape of `index`."""
    cdef hg_walk w
    cdef ndarray out
    cdef int at = axis_number(axis, cnp.PyArray_NDIM(x)), i, good
    if not usable(x) or cnp.PyArray_SIZE(index) == 0 or cnp.PyArray_NDIM(index) != cnp.PyArray_NDIM(x):
        return reference.gather(x, axis, index)
    for i in range(cnp.PyArray_NDIM(x)):
        if i != at and cnp.PyArray_DIMS(index)[i] > cnp.PyArray_DIMS(x)[i]:
            return reference.gather(x, axis, index)
    index = positions(index)
    start_walk(&w, index, x, at)
    out = fresh(cnp.PyArray_NDIM(index), cnp.PyArray_DIMS(index), cnp.PyArray_TYPE(x))
    for i in range(cnp.PyArray_NDIM(out)):
        w.near_step[i] = cnp.PyArray_STRIDES(out)[i]
    if cnp.PyArray_SIZE(out) <= HELD:
        good = hg_gather(&w, <char *> cnp.PyArray_DATA(x), <char *> cnp.PyArray_DATA(out),
                         <char *> cnp.PyArray_DATA(index), <hg_splitter> parallel)
    else:
        with nogil:
            good = hg_gather(&w, <char *> cnp.PyArray_DATA(x), <char *> cnp.PyArray_DATA(out),
                             <char *> cnp.PyArray_DATA(index), <hg_splitter> parallel)
    if not good:
        refuse_outside(index, &w)
    return out


cdef int write(hg_walk *w, ndarray x, ndarray src, ndarray index) noexcept:
    if cnp.PyArray_SIZE(index) <= HELD:
        hg_scatter(w, <char *> cnp.PyArray_DATA(x), <char *> cnp.PyArray_DATA(src), <char *> cnp.PyArray_DATA(index),
                   <hg_splitter> parallel)
        return 0
    with nogil:
        hg_scatter(w, <char *> cnp.PyArray_DATA(x), <char *> cnp.PyArray_DATA(src), <char *> cnp.PyArray_DATA(index),
                   <hg_splitter> parallel)
    return 0


cdef dict MODES = {"set": HG_SET, "add": HG_ADD, "multiply": HG_MULTIPLY, "amax": HG_AMAX, "amin": HG_AMIN, "mean": 100}


cdef int mode_named(str mode) except -1:
    """The loop's number, 100 for no loop of its own; an unknown name raises."""
    cdef object number = MODES.get(mode)
    if number is None:
        raise ValueError(f"unknown scatter mode {mode!r}")
    return number


cdef bint covered(ndarray x, int axis, ndarray index, ndarray values) noexcept:
    """Whether an index is nowhere longer than the values, nor, but for its axis, than what they go to."""
    cdef int i
    if cnp.PyArray_NDIM(values) != cnp.PyArray_NDIM(index):
        return False
    for i in range(cnp.PyArray_NDIM(index)):
        if cnp.PyArray_DIMS(index)[i] > cnp.PyArray_DIMS(values)[i]:
            return False
        if i != axis and cnp.PyArray_DIMS(index)[i] > cnp.PyArray_DIMS(x)[i]:
            return False
    return True


cdef bint apart(ndarray x, ndarray y) noexcept:
    """Whether two arrays without gaps lie side by side in memory."""
    cdef const char *a = <const char *> cnp.PyArray_DATA(x)
    cdef const char *b = <const char *> cnp.PyArray_DATA(y)
    if not cnp.PyArray_IS_C_CONTIGUOUS(x) or not cnp.PyArray_IS_C_CONTIGUOUS(y):
        return False
    return a + cnp.PyArray_NBYTES(x) <= b or b + cnp.PyArray_NBYTES(y) <= a


cpdef ndarray scatter(ndarray x, Py_ssize_t axis, ndarray index, object src, str mode="set", bint include_self=True):
    """x[index[i][j]][j] (combined with) = src[i][j] for axis 0, in place; see the NumPy form. Returns x."""
    cdef hg_walk w
    cdef int at = axis_number(axis, cnp.PyArray_NDIM(x)), number = mode_named(mode), i
    cdef ndarray values
    if not usable(x) or number == 100 or not include_self or cnp.PyArray_NDIM(index) != cnp.PyArray_NDIM(x):
        return reference.scatter(x, axis, index, src, mode, include_self)
    if cnp.PyArray_SIZE(index) == 0:
        return x
    if isinstance(src, ndarray) and cnp.PyArray_TYPE(src) == cnp.PyArray_TYPE(x):
        values = src
    else:
        values = np.asarray(src, dtype=x.dtype)
    if not covered(x, at, index, values):
        reference._refuse_shapes(x, at, index, values)
    if hg_type_of(cnp.PyArray_TYPE(index)) != HG_I64 or not cnp.PyArray_ISBEHAVED_RO(index):
        index = positions(index)
    start_walk(&w, index, x, at)
    w.mode = number
    refuse_outside(index if cnp.PyArray_IS_C_CONTIGUOUS(index) else each_once(index), &w)
    if not cnp.PyArray_ISBEHAVED_RO(values) or not apart(x, values) and np.may_share_memory(x, values):
        values = np.array(values, order="C")
    for i in range(cnp.PyArray_NDIM(index)):
        w.near_step[i] = cnp.PyArray_STRIDES(values)[i] if cnp.PyArray_NDIM(values) else 0
    write(&w, x, values, index)
    return x


cdef bint by_lines(ndarray x, int axis, ndarray index, ndarray values) noexcept:
    """Whether positions run along the last axis, in every line of x, and all operands lie without gaps."""
    cdef int i, rank = cnp.PyArray_NDIM(x)
    if rank < 2 or axis != rank - 1 or cnp.PyArray_NDIM(index) != rank or cnp.PyArray_DIMS(index)[axis] < 2:
        return False
    for i in range(rank - 1):
        if cnp.PyArray_DIMS(index)[i] != cnp.PyArray_DIMS(x)[i]:
            return False
    return (usable(x) and cnp.PyArray_IS_C_CONTIGUOUS(x) and cnp.PyArray_ISCARRAY_RO(index)
            and hg_type_of(cnp.PyArray_TYPE(index)) == HG_I64 and cnp.PyArray_TYPE(values) == cnp.PyArray_TYPE(x)
            and cnp.PyArray_ISBEHAVED_RO(values) and covered(x, axis, index, values))


cpdef ndarray scattered(ndarray x, Py_ssize_t axis, ndarray index, object src, str mode="set"):
    """`scatter` into a copy of x; lines are copied and written to in turn, while they are in the cache."""
    cdef hg_walk w
    cdef ndarray out
    cdef int at = axis_number(axis, cnp.PyArray_NDIM(x)), number = mode_named(mode), i, good
    if (cnp.PyArray_SIZE(index) <= HELD or number == 100 or not isinstance(src, ndarray)
            or not by_lines(x, at, index, src)):
        return scatter(contiguous(x), axis, index, src, mode)
    out = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x))
    start_walk(&w, index, out, at)
    w.mode = number
    for i in range(w.rank):
        w.near_step[i] = cnp.PyArray_STRIDES(<ndarray> src)[i]
    with nogil:
        good = hg_scattered(&w, <char *> cnp.PyArray_DATA(x), <char *> cnp.PyArray_DATA(out),
                            <char *> cnp.PyArray_DATA(<ndarray> src), <char *> cnp.PyArray_DATA(index),
                            <hg_splitter> parallel)
    if not good:
        refuse_outside(index, &w)
    return out


cpdef ndarray index_add(ndarray x, Py_ssize_t axis, ndarray index, ndarray src, object alpha=1):
    """x[index[i]] += alpha * src[i] along `axis`, in place, repeated positions in order. Returns x."""
    cdef hg_walk w
    cdef int at = axis_number(axis, cnp.PyArray_NDIM(x)), i
    cdef i64 bad
    if (not usable(x) or cnp.PyArray_NDIM(x) == 0 or cnp.PyArray_NDIM(src) != cnp.PyArray_NDIM(x)
            or cnp.PyArray_TYPE(src) != cnp.PyArray_TYPE(x) or cnp.PyArray_NDIM(index) > 1):
        return reference.index_add(x, axis, index, src, alpha)
    index = positions(index)
    if outside(index, cnp.PyArray_DIMS(x)[at], &bad):
        return reference.index_add(x, axis, index, src, alpha)
    if not cnp.PyArray_ISBEHAVED_RO(src) or np.may_share_memory(x, src):
        src = np.array(src, order="C")
    check_rows(x, src, at, cnp.PyArray_SIZE(index))
    start_walk(&w, src, x, at)
    w.mode = HG_ADD
    w.alpha = alpha
    for i in range(w.rank):
        w.near_step[i] = cnp.PyArray_STRIDES(src)[i]
        w.index_step[i] = sizeof(i64) if i == at else 0
    if cnp.PyArray_SIZE(src):
        write(&w, x, src, index)
    return x


cdef int check_rows(ndarray x, ndarray src, int axis, Py_ssize_t count) except -1:
    """src has x's shape but for the indexed axis, which has one row for each position."""
    cdef int i
    for i in range(cnp.PyArray_NDIM(x)):
        if cnp.PyArray_DIMS(src)[i] != (count if i == axis else cnp.PyArray_DIMS(x)[i]):
            raise RuntimeError(f"source tensor shape must match self tensor shape, excluding the specified dimension. "
                               f"Got self.shape = {list((<object> x).shape)} source.shape = {list((<object> src).shape)}")
    return 0
