# sources: pooling_loops.c resampling_loops.c
"""Pooling by tables of windows: largest elements and their places, averages, and the ways back, as arrays; resampling by
tables of taps, and sliding blocks.

float32 and float64 run in the loops of the C files, 16-bit floats through float32, integers in the NumPy form.
Nothing here knows tensors, nor how windows come about.
"""

import numpy as np

from headgate.kernels import reference_pooling as reference

cimport numpy as cnp
from numpy cimport ndarray, npy_intp

from headgate.kernels.memory cimport fresh
from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "types.h" nogil:
    enum:
        HG_AXES, HG_F32, HG_F64
    int hg_type_of(int number)

cdef extern from "pooling_loops.h" nogil:
    ctypedef long long i64
    ctypedef const i64 *hg_table
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    ctypedef struct hg_pool:
        int type, successive
        Py_ssize_t planes
        Py_ssize_t[3] in_ "in"
        Py_ssize_t[3] out, step
        hg_table[3] start, end, count
    void hg_pool_max(const hg_pool *p, const void *x, void *values, i64 *indices, hg_splitter parallel)
    void hg_pool_average(const hg_pool *p, const void *x, void *y, hg_splitter parallel)
    void hg_pool_average_back(const hg_pool *p, const void *g, void *x, hg_splitter parallel)
    void hg_pool_put(int type, Py_ssize_t planes, Py_ssize_t n, Py_ssize_t out, const void *g, const i64 *indices, void *x,
                     hg_splitter parallel)
    void hg_pool_take(int type, Py_ssize_t planes, Py_ssize_t n, Py_ssize_t out, const void *x, const i64 *indices,
                      void *y, hg_splitter parallel)

cdef extern from "resampling_loops.h" nogil:
    ctypedef struct hg_taps:
        Py_ssize_t from_ "from"
        Py_ssize_t to, count
        const i64 *places
        const void *weights
    ctypedef struct hg_resampling:
        int type, failed
        Py_ssize_t planes
        hg_taps rows, columns
    ctypedef struct hg_blocks:
        int type
        Py_ssize_t planes
        Py_ssize_t[2] size, kernel, dilation, padding, stride, count
    void hg_resample(hg_resampling *r, const void *x, void *y, hg_splitter parallel)
    void hg_unfold(const hg_blocks *b, const void *x, void *columns, hg_splitter parallel)
    void hg_fold(const hg_blocks *b, const void *columns, void *x, hg_splitter parallel)


cdef inline ndarray straight(ndarray x):
    """x itself if it is contiguous, aligned and in native order, else such a copy."""
    if cnp.PyArray_IS_C_CONTIGUOUS(x) and cnp.PyArray_ISBEHAVED_RO(x):
        return x
    return np.array(x, dtype=x.dtype.newbyteorder("="), order="C")


cdef inline bint in_loops(ndarray x) noexcept:
    cdef int kind = hg_type_of(cnp.PyArray_TYPE(x))
    return (kind == HG_F32 or kind == HG_F64) and cnp.PyArray_SIZE(x) > 0


cdef inline bint is_short(ndarray x):
    """Whether these are floats of 16 bits, which are computed as float32."""
    return cnp.PyArray_ITEMSIZE(x) == 2 and x.dtype.kind not in "iub"


cdef int describe(hg_pool *p, ndarray x, object windows) except -1:
    """What Windows.pack says: how many dims are pooled is returned."""
    cdef ndarray packed = windows.packed
    cdef const i64 *table = <const i64 *> cnp.PyArray_DATA(packed)
    cdef int dims = <int> table[0], i
    p.type, p.successive, p.planes = hg_type_of(cnp.PyArray_TYPE(x)), <int> table[1], 1
    for i in range(cnp.PyArray_NDIM(x) - dims):
        p.planes *= cnp.PyArray_DIMS(x)[i]
    for i in range(3):
        p.in_[i], p.out[i], p.step[i] = table[2 + i], table[5 + i], table[8 + i]
    table += 11
    for i in range(3):
        p.start[i] = table
        table += p.out[i]
    for i in range(3):
        p.end[i] = table
        table += p.out[i]
    for i in range(3):
        p.count[i] = table
        table += p.out[i]
    return dims


cdef inline bint empty(hg_pool *p) noexcept:
    return p.out[0] == 0 or p.out[1] == 0 or p.out[2] == 0


cdef ndarray planes_of(ndarray x, int dims, const Py_ssize_t *sizes, int number):
    """A fresh array with x's leading dims and the last `dims` of three sizes."""
    cdef npy_intp[HG_AXES] shape
    cdef int i, lead = cnp.PyArray_NDIM(x) - dims
    for i in range(lead):
        shape[i] = cnp.PyArray_DIMS(x)[i]
    for i in range(dims):
        shape[lead + i] = sizes[3 - dims + i]
    return fresh(lead + dims, shape, number)


cdef ndarray made(ndarray x, int dims, tuple sizes, int number):
    """A fresh array with x's leading dims and other last ones."""
    cdef Py_ssize_t[3] last
    cdef int i
    for i in range(dims):
        last[3 - dims + i] = sizes[i]
    return planes_of(x, dims, last, number)


cpdef tuple max_pool(ndarray x, object windows):
    """(the largest element of every window, its place in the flattened plane): the last NaN, or the first of equals."""
    cdef hg_pool p
    cdef ndarray values, indices
    cdef int dims
    if is_short(x):
        values, indices = max_pool(x.astype("f4"), windows)
        return values.astype(x.dtype), indices
    dims = describe(&p, x, windows)
    if not in_loops(x) or empty(&p):
        return reference.max_pool(x, windows)
    x = straight(x)
    values = planes_of(x, dims, p.out, cnp.PyArray_TYPE(x))
    indices = planes_of(x, dims, p.out, cnp.NPY_INT64)
    with nogil:
        hg_pool_max(&p, cnp.PyArray_DATA(x), cnp.PyArray_DATA(values), <i64 *> cnp.PyArray_DATA(indices),
                    <hg_splitter> parallel)
    return values, indices


cpdef ndarray average_pool(ndarray x, object windows):
    """The sum of every window over its divisor."""
    cdef hg_pool p
    cdef ndarray y
    cdef int dims = describe(&p, x, windows)
    if not in_loops(x) or empty(&p):
        return reference.average_pool(x, windows)
    x = straight(x)
    y = planes_of(x, dims, p.out, cnp.PyArray_TYPE(x))
    with nogil:
        hg_pool_average(&p, cnp.PyArray_DATA(x), cnp.PyArray_DATA(y), <hg_splitter> parallel)
    return y


cpdef ndarray average_back(ndarray g, object windows):
    """The gradient of `average_pool`: every result's share goes to its window."""
    cdef hg_pool p
    cdef ndarray x
    cdef int dims = describe(&p, g, windows)
    if not in_loops(g):
        return reference.average_back(g, windows)
    g = straight(g)
    x = planes_of(g, dims, p.in_, cnp.PyArray_TYPE(g))
    with nogil:
        hg_pool_average_back(&p, cnp.PyArray_DATA(g), cnp.PyArray_DATA(x), <hg_splitter> parallel)
    return x


cdef Py_ssize_t plane_of(object sizes) except -1:
    cdef Py_ssize_t n = 1
    for one in sizes:
        n *= one
    return n


cpdef ndarray put(ndarray g, ndarray indices, tuple sizes):
    """Zeros of the given last sizes to which every element is added at its place of the flattened plane."""
    cdef ndarray x
    cdef Py_ssize_t out, inside, planes
    cdef int kind = hg_type_of(cnp.PyArray_TYPE(g))
    if not in_loops(g):
        return reference.put(g, indices, sizes)
    g, indices = straight(g), straight(indices)
    x = made(g, len(sizes), sizes, cnp.PyArray_TYPE(g))
    inside, out = plane_of(sizes), plane_of((<object> g).shape[g.ndim - len(sizes):])
    planes = cnp.PyArray_SIZE(g) // out
    with nogil:
        hg_pool_put(kind, planes, inside, out, cnp.PyArray_DATA(g), <const i64 *> cnp.PyArray_DATA(indices),
                    cnp.PyArray_DATA(x), <hg_splitter> parallel)
    return x


cpdef ndarray take(ndarray x, ndarray indices, int count):
    """The elements at places of the flattened plane of the last `count` dims, in the indices' shape."""
    cdef ndarray y
    cdef Py_ssize_t out, inside, planes
    cdef int kind = hg_type_of(cnp.PyArray_TYPE(x))
    if not in_loops(x) or not cnp.PyArray_SIZE(indices):
        return reference.take(x, indices, count)
    x, indices = straight(x), straight(indices)
    y = fresh(cnp.PyArray_NDIM(indices), cnp.PyArray_DIMS(indices), cnp.PyArray_TYPE(x))
    inside, out = plane_of((<object> x).shape[x.ndim - count:]), plane_of((<object> indices).shape[x.ndim - count:])
    planes = cnp.PyArray_SIZE(x) // inside
    with nogil:
        hg_pool_take(kind, planes, inside, out, cnp.PyArray_DATA(x), <const i64 *> cnp.PyArray_DATA(indices),
                     cnp.PyArray_DATA(y), <hg_splitter> parallel)
    return y


# ---- resampling -----------------------------------------------------------------------------------------------------


cdef int put_taps(hg_taps *t, Py_ssize_t size, object taps, ndarray x) except -1:
    """The taps of an axis of `size` elements; None leaves it as it is."""
    cdef ndarray places, weights
    t.from_, t.to, t.count, t.places, t.weights = size, size, 1, NULL, NULL
    if taps is None:
        return 0
    places = taps[0]
    if cnp.PyArray_TYPE(places) != cnp.NPY_INT64 or not cnp.PyArray_ISCARRAY_RO(places):
        raise TypeError("places of taps must be a contiguous array of int64")
    t.to, t.count = cnp.PyArray_DIMS(places)[0], cnp.PyArray_DIMS(places)[1]
    t.places = <const i64 *> cnp.PyArray_DATA(places)
    if taps[1] is None:
        return 0
    weights = taps[1]
    if cnp.PyArray_TYPE(weights) != cnp.PyArray_TYPE(x) or not cnp.PyArray_ISCARRAY_RO(weights):
        raise TypeError("weights of taps must be a contiguous array of the type of what is resampled")
    t.weights = cnp.PyArray_DATA(weights)
    return 0


cpdef ndarray resample(ndarray x, object rows, object columns):
    """The taps (places, weights or None), or None for none, read along the last but one and along the last dim."""
    cdef hg_resampling r
    cdef ndarray y
    cdef npy_intp[HG_AXES] shape
    cdef int rank = cnp.PyArray_NDIM(x), i
    if not in_loops(x):
        return reference.resample(x, rows, columns)
    x = straight(x)
    r.type, r.failed, r.planes = hg_type_of(cnp.PyArray_TYPE(x)), 0, 1
    put_taps(&r.rows, cnp.PyArray_DIMS(x)[rank - 2], rows, x)
    put_taps(&r.columns, cnp.PyArray_DIMS(x)[rank - 1], columns, x)
    for i in range(rank - 2):
        shape[i] = cnp.PyArray_DIMS(x)[i]
        r.planes *= shape[i]
    shape[rank - 2], shape[rank - 1] = r.rows.to, r.columns.to
    y = fresh(rank, shape, cnp.PyArray_TYPE(x))
    with nogil:
        hg_resample(&r, cnp.PyArray_DATA(x), cnp.PyArray_DATA(y), <hg_splitter> parallel)
    if r.failed:
        raise MemoryError("no memory for a row that is resampled")
    return y


cdef int put_blocks(hg_blocks *b, ndarray x, tuple kernel, tuple dilation, tuple padding, tuple stride, tuple size) \
        except -1:
    cdef int i
    b.type, b.planes = hg_type_of(cnp.PyArray_TYPE(x)), 1
    for i in range(2):
        b.size[i], b.kernel[i], b.dilation[i] = size[i], kernel[i], dilation[i]
        b.padding[i], b.stride[i] = padding[i], stride[i]
        b.count[i] = (b.size[i] + 2 * b.padding[i] - b.dilation[i] * (b.kernel[i] - 1) - 1) // b.stride[i] + 1
    return 0


cpdef ndarray unfold(ndarray x, tuple kernel, tuple dilation, tuple padding, tuple stride, tuple size):
    """The blocks of (N, C, H, W) as columns (N, C * K * L, blocks); without N too."""
    cdef hg_blocks b
    cdef ndarray y
    cdef npy_intp[3] shape
    cdef int rank = cnp.PyArray_NDIM(x)
    if not in_loops(x):
        return reference.unfold(x, kernel, dilation, padding, stride, size)
    x = straight(x)
    put_blocks(&b, x, kernel, dilation, padding, stride, size)
    shape[0] = cnp.PyArray_DIMS(x)[0]
    b.planes = cnp.PyArray_DIMS(x)[rank - 3] * (shape[0] if rank == 4 else 1)
    shape[rank - 3] = cnp.PyArray_DIMS(x)[rank - 3] * b.kernel[0] * b.kernel[1]
    shape[rank - 2] = b.count[0] * b.count[1]
    y = fresh(rank - 1, shape, cnp.PyArray_TYPE(x))
    with nogil:
        hg_unfold(&b, cnp.PyArray_DATA(x), cnp.PyArray_DATA(y), <hg_splitter> parallel)
    return y


cpdef ndarray fold(ndarray x, tuple kernel, tuple dilation, tuple padding, tuple stride, tuple size):
    """Columns (N, C * K * L, blocks) added up into (N, C, H, W); without N too."""
    cdef hg_blocks b
    cdef ndarray y
    cdef npy_intp[4] shape
    cdef int rank = cnp.PyArray_NDIM(x)
    if not in_loops(x):
        return reference.fold(x, kernel, dilation, padding, stride, size)
    x = straight(x)
    put_blocks(&b, x, kernel, dilation, padding, stride, size)
    shape[0] = cnp.PyArray_DIMS(x)[0]
    shape[rank - 2] = cnp.PyArray_DIMS(x)[rank - 2] // (b.kernel[0] * b.kernel[1])
    b.planes = shape[rank - 2] * (shape[0] if rank == 3 else 1)
    shape[rank - 1], shape[rank] = b.size[0], b.size[1]
    y = fresh(rank + 1, shape, cnp.PyArray_TYPE(x))
    with nogil:
        hg_fold(&b, cnp.PyArray_DATA(x), cnp.PyArray_DATA(y), <hg_splitter> parallel)
    return y
