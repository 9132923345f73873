# sources: sorting_loops.c counting_loops.c
"""Sorting along one axis, the k largest or smallest, the k-th: values and int64 positions. Searching and counting.

Always stable and always sorted, which PyTorch's `stable` and `sorted` only ask for. NaN counts as the largest. Nothing
here knows tensors.
"""

import numpy as np

from headgate.kernels import reference_select as reference

cimport numpy as cnp
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy
from numpy cimport ndarray, npy_intp

from headgate.kernels.memory cimport fresh
from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "sorting_loops.h" nogil:
    ctypedef long long i64
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    int hg_sort(int type, const void *x, void *values, i64 *places, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner,
                Py_ssize_t k, int descending, int alone, hg_splitter parallel)
    void hg_search(int type, const void *edges, Py_ssize_t count, const void *values, i64 *places, Py_ssize_t n,
                   int right, hg_splitter parallel)
    int hg_count(const i64 *x, Py_ssize_t n, i64 **table, Py_ssize_t *bins, hg_splitter parallel)
    int hg_select(int type, const void *x, Py_ssize_t n, Py_ssize_t k, void *value, hg_splitter parallel)
    ctypedef struct hg_parts:
        Py_ssize_t count
        double low, high, scale, parts, width
    Py_ssize_t hg_marked_pieces(Py_ssize_t n)
    Py_ssize_t hg_count_marked(const unsigned char *marks, Py_ssize_t n, i64 *ends, hg_splitter parallel)
    void hg_take_marked(const unsigned char *marks, const char *x, Py_ssize_t n, Py_ssize_t item, char *out,
                        const i64 *ends, hg_splitter parallel)
    int hg_count_parts(int type, const void *x, Py_ssize_t n, const hg_parts *parts, i64 *counts, hg_splitter parallel)
    void hg_longest_runs(int type, const void *x, Py_ssize_t lines, Py_ssize_t n, i64 *places, hg_splitter parallel)

cdef extern from "types.h" nogil:
    enum:
        HG_AXES, HG_I32, HG_I64, HG_F16, HG_F32, HG_F64
    int hg_type_of(int number)


ctypedef fused element:
    int
    i64
    float
    double

cdef Py_ssize_t FEW = 4096  # comparisons, or elements, that one plain loop does sooner than NumPy's passes


cdef tuple first(ndarray x, Py_ssize_t axis, Py_ssize_t k, bint descending, bint alone):
    """The first k along `axis` in order, or the k-th `alone`; k -1 stands for all."""
    cdef npy_intp[HG_AXES] dims
    cdef int rank = cnp.PyArray_NDIM(x), i, failed, kind = hg_type_of(cnp.PyArray_TYPE(x))
    cdef Py_ssize_t outer = 1, n = 1, inner = 1
    cdef ndarray values, places
    cdef int count = rank if rank else 1
    if axis < -count or axis >= count:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {axis})")
    if axis < 0:
        axis += count
    for i in range(rank):
        dims[i] = cnp.PyArray_DIMS(x)[i]
        if i < axis:
            outer *= dims[i]
        elif i == axis:
            n = dims[i]
        else:
            inner *= dims[i]
    if k > n or k < -1:
        raise RuntimeError("selected index k out of range")
    if k < 0:
        k = n
    if rank:
        dims[axis] = 1 if alone else k
    if not cnp.PyArray_IS_C_CONTIGUOUS(x) or not cnp.PyArray_ISBEHAVED_RO(x):
        x = np.array(x, dtype=x.dtype.newbyteorder("="), order="C")
    values = fresh(rank, dims, cnp.PyArray_TYPE(x))
    places = fresh(rank, dims, cnp.NPY_INT64)
    with nogil:
        failed = hg_sort(kind, cnp.PyArray_DATA(x), cnp.PyArray_DATA(values), <i64 *> cnp.PyArray_DATA(places), outer, n,
                         inner, k, descending, alone, <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory to sort in")
    return values, places


cdef object widened(ndarray x):
    """bfloat16 as float32, which has its order, for NumPy's own sort knows no NaN among these; None for others."""
    return x.astype(np.float32) if cnp.PyArray_ITEMSIZE(x) == 2 and cnp.PyArray_TYPE(x) >= 256 else None


cdef tuple narrowed(tuple found, ndarray x):
    """What was found in `widened`, in the type that was given."""
    return found[0].astype((<object> x).dtype), found[1]


cpdef tuple sort(ndarray x, Py_ssize_t axis=-1, bint descending=False, bint stable=True):
    """Values and positions in order along `axis`; equal values keep their order."""
    if hg_type_of(cnp.PyArray_TYPE(x)) < 0:
        wide = widened(x)
        if wide is not None:
            return narrowed(sort(wide, axis, descending, stable), x)
        return reference.sort(x, axis, descending, stable)
    return first(x, axis, -1, descending, False)


cpdef tuple topk(ndarray x, Py_ssize_t k, Py_ssize_t axis=-1, bint largest=True, bint sorted=True):
    """The k largest (or smallest) along `axis`, in order, the earlier of equal ones first."""
    if hg_type_of(cnp.PyArray_TYPE(x)) < 0:
        wide = widened(x)
        if wide is not None:
            return narrowed(topk(wide, k, axis, largest, sorted), x)
        return reference.topk(x, k, axis, largest, sorted)
    if k < 0:
        raise RuntimeError("selected index k out of range")
    return first(x, axis, k, largest, False)


cpdef tuple pick(ndarray x, Py_ssize_t k, Py_ssize_t axis=-1):
    """The k-th smallest along `axis` (k from 1) and its position, the axis kept with length 1."""
    if hg_type_of(cnp.PyArray_TYPE(x)) < 0:
        wide = widened(x)
        if wide is not None:
            return narrowed(pick(wide, k, axis), x)
        return reference.pick(x, k, axis)
    if k < 1:
        raise RuntimeError("selected index k out of range")
    return first(x, axis, k, False, True)


cpdef ndarray search(ndarray edges, ndarray values, bint right):
    """The int64 place of each value among sorted edges (of one axis); NaN goes to the end."""
    cdef ndarray places
    cdef bint alike = cnp.PyArray_TYPE(edges) == cnp.PyArray_TYPE(values)
    cdef object common = edges.dtype if alike else np.result_type(edges, values)
    cdef int kind = hg_type_of((<cnp.dtype> common).type_num)
    if kind == HG_F16 or common.isbuiltin == 2:  # bfloat16
        common, kind = np.dtype(np.float32), HG_F32
    elif 0 <= kind < HG_I32:
        common, kind = np.dtype(np.int32), HG_I32
    if kind < 0 or cnp.PyArray_NDIM(edges) != 1:
        return reference.search(edges, values, right)
    if common is not edges.dtype or not cnp.PyArray_ISCARRAY_RO(edges):
        edges = np.require(edges, common, ["C", "A"])
    if common is not values.dtype or not cnp.PyArray_ISCARRAY_RO(values):
        values = np.require(values, common, ["C", "A"])
    places = fresh(cnp.PyArray_NDIM(values), cnp.PyArray_DIMS(values), cnp.NPY_INT64)
    with nogil:
        hg_search(kind, cnp.PyArray_DATA(edges), cnp.PyArray_SIZE(edges), cnp.PyArray_DATA(values),
                  <i64 *> cnp.PyArray_DATA(places), cnp.PyArray_SIZE(values), right, <hg_splitter> parallel)
    return places


cpdef ndarray count(ndarray x, Py_ssize_t least=0):
    """How often each of 0, 1, 2 ... occurs in integers that are not negative, in at least `least` numbers."""
    cdef ndarray counts
    cdef i64 *table = NULL
    cdef Py_ssize_t bins = 0
    cdef npy_intp[1] dims
    cdef int failed
    if cnp.PyArray_TYPE(x) != cnp.NPY_INT64 or not cnp.PyArray_ISCARRAY_RO(x):
        x = np.require(x, np.int64, ["C", "A"])
    with nogil:
        failed = hg_count(<i64 *> cnp.PyArray_DATA(x), cnp.PyArray_SIZE(x), &table, &bins, <hg_splitter> parallel)
    if failed > 0:
        raise ValueError("only numbers that are not negative can be counted")
    if failed:
        raise MemoryError("no memory for the counts")
    dims[0] = max(bins, least)
    counts = fresh(1, dims, cnp.NPY_INT64)
    memcpy(cnp.PyArray_DATA(counts), table, bins * sizeof(i64))
    free(table)
    counts[bins:] = 0
    return counts


cpdef object select(ndarray x, Py_ssize_t k):
    """The k-th of all numbers in order, from 0; NaN goes last, as in a sort."""
    cdef int failed, kind = hg_type_of(cnp.PyArray_TYPE(x))
    cdef ndarray value
    if kind < HG_I32 or k < 0 or k >= cnp.PyArray_SIZE(x):
        return reference.select(x, k)
    if not cnp.PyArray_ISCARRAY_RO(x):
        x = np.require(x, requirements=["C", "A"])
    value = fresh(0, NULL, cnp.PyArray_TYPE(x))
    with nogil:
        failed = hg_select(kind, cnp.PyArray_DATA(x), cnp.PyArray_SIZE(x), k, cnp.PyArray_DATA(value),
                           <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory for the counts")
    return value


cpdef ndarray count_parts(ndarray x, Py_ssize_t parts, double low, double high):
    """How many floats lie in each of so many equal parts of [low, high]; the last includes its upper end."""
    cdef hg_parts p
    cdef npy_intp[1] dims
    cdef ndarray counts
    cdef int failed, kind = hg_type_of(cnp.PyArray_TYPE(x))
    cdef object rounded = (<object> x).dtype.type
    p.count, p.low, p.high, p.scale = parts, rounded(low), rounded(high), rounded(parts / (high - low))
    p.parts, p.width = rounded(parts), rounded(rounded(high) - rounded(low))
    if kind < HG_F16 or parts > 1 << 20 or not p.scale < float("inf"):
        return reference.count_parts(x, parts, low, high)
    if not cnp.PyArray_ISCARRAY_RO(x):
        x = np.require(x, requirements=["C", "A"])
    dims[0] = parts
    counts = fresh(1, dims, cnp.NPY_INT64)
    with nogil:
        failed = hg_count_parts(kind, cnp.PyArray_DATA(x), cnp.PyArray_SIZE(x), &p, <i64 *> cnp.PyArray_DATA(counts),
                                <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory for the counts")
    return counts


cpdef ndarray longest_runs(ndarray x):
    """Where the longest run of equal numbers ends in each line of the last axis, in order; the first of several."""
    cdef int kind = hg_type_of(cnp.PyArray_TYPE(x)), rank = cnp.PyArray_NDIM(x)
    cdef Py_ssize_t n = cnp.PyArray_DIMS(x)[rank - 1]
    cdef ndarray places
    if kind < 0 or n == 0:
        return reference.longest_runs(x)
    if not cnp.PyArray_ISCARRAY_RO(x):
        x = np.require(x, requirements=["C", "A"])
    places = fresh(rank - 1, cnp.PyArray_DIMS(x), cnp.NPY_INT64)
    with nogil:
        hg_longest_runs(kind, cnp.PyArray_DATA(x), cnp.PyArray_SIZE(x) // n, n, <i64 *> cnp.PyArray_DATA(places),
                        <hg_splitter> parallel)
    return places


cdef void compare_all(element *x, Py_ssize_t n, element *tests, Py_ssize_t count, bint invert,
                      unsigned char *found) noexcept nogil:
    """Each element beside each of the tests."""
    cdef Py_ssize_t i, k
    cdef bint seen
    for i in range(n):
        seen = False
        for k in range(count):
            seen |= x[i] == tests[k]
        found[i] = seen != invert


cpdef ndarray among(ndarray x, ndarray tests, bint invert):
    """Whether each element of x is (or with `invert` is not) one of `tests`; NaN is none."""
    cdef int kind = hg_type_of(cnp.PyArray_TYPE(x))
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x), count = cnp.PyArray_SIZE(tests)
    cdef ndarray found
    cdef unsigned char *marks
    if (kind < HG_I32 or kind == HG_F16 or cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(tests) or n > FEW or count > FEW
            or n * count > FEW or not cnp.PyArray_ISCARRAY_RO(x) or not cnp.PyArray_ISCARRAY_RO(tests)):
        return reference.among(x, tests, invert)
    found = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.NPY_BOOL)
    marks = <unsigned char *> cnp.PyArray_DATA(found)
    if kind == HG_I32:
        compare_all(<int *> cnp.PyArray_DATA(x), n, <int *> cnp.PyArray_DATA(tests), count, invert, marks)
    elif kind == HG_I64:
        compare_all(<i64 *> cnp.PyArray_DATA(x), n, <i64 *> cnp.PyArray_DATA(tests), count, invert, marks)
    elif kind == HG_F32:
        compare_all(<float *> cnp.PyArray_DATA(x), n, <float *> cnp.PyArray_DATA(tests), count, invert, marks)
    else:
        compare_all(<double *> cnp.PyArray_DATA(x), n, <double *> cnp.PyArray_DATA(tests), count, invert, marks)
    return found


cdef void widen_range(element *x, Py_ssize_t n, double *low, double *high) noexcept nogil:
    """The smallest and the largest of at least one number; NaN where there is one."""
    cdef Py_ssize_t i
    cdef double v, least = x[0], most = x[0]
    for i in range(n):
        v = x[i]
        if v < least or v != v:
            least = v
        if v > most or v != v:
            most = v
        if v != v:
            break
    low[0], high[0] = least, most


cpdef tuple extent(ndarray x):
    """The smallest and the largest of some floats; NaN where there is one."""
    cdef double low, high
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x)
    if 0 < n <= FEW and cnp.PyArray_ISCARRAY_RO(x):
        if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
            widen_range(<float *> cnp.PyArray_DATA(x), n, &low, &high)
            return low, high
        if cnp.PyArray_TYPE(x) == cnp.NPY_DOUBLE:
            widen_range(<double *> cnp.PyArray_DATA(x), n, &low, &high)
            return low, high
    return reference.extent(x)


cdef Py_ssize_t count_missing(element *x, Py_ssize_t n) noexcept nogil:
    """How many are not themselves."""
    cdef Py_ssize_t i, found = 0
    for i in range(n):
        found += x[i] != x[i]
    return found


cpdef Py_ssize_t missing(ndarray x):
    """How many NaN there are."""
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x)
    if n <= FEW and cnp.PyArray_ISCARRAY_RO(x):
        if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
            return count_missing(<float *> cnp.PyArray_DATA(x), n)
        if cnp.PyArray_TYPE(x) == cnp.NPY_DOUBLE:
            return count_missing(<double *> cnp.PyArray_DATA(x), n)
    return reference.missing(x)


cpdef ndarray marked(ndarray x, ndarray marks):
    """The elements of a vector where a mask of its length holds, in order."""
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x), item = cnp.PyArray_ITEMSIZE(x)
    cdef i64 *ends
    cdef npy_intp[1] dims
    cdef ndarray found
    if item not in (1, 2, 4, 8) or cnp.PyArray_SIZE(marks) != n or cnp.PyArray_TYPE(marks) != cnp.NPY_BOOL:
        return reference.marked(x, marks)
    if not cnp.PyArray_ISCARRAY_RO(x):
        x = np.require(x, requirements=["C", "A"])
    if not cnp.PyArray_ISCARRAY_RO(marks):
        marks = np.require(marks, requirements=["C", "A"])
    ends = <i64 *> malloc((hg_marked_pieces(n) + 1) * sizeof(i64))
    if ends is NULL:
        raise MemoryError("no memory for the counts")
    try:
        with nogil:
            dims[0] = hg_count_marked(<unsigned char *> cnp.PyArray_DATA(marks), n, ends, <hg_splitter> parallel)
        found = fresh(1, dims, cnp.PyArray_TYPE(x))
        with nogil:
            hg_take_marked(<unsigned char *> cnp.PyArray_DATA(marks), <char *> cnp.PyArray_DATA(x), n, item,
                           <char *> cnp.PyArray_DATA(found), ends, <hg_splitter> parallel)
    finally:
        free(ends)
    return found
