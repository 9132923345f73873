# sources: attention_loops.c
"""Scaled dot-product attention, forward and backward, without a matrix of scores. Odd dtypes go to the NumPy form.

Arrays are (batch, heads, rows, width) in any layout whose last axis is adjacent; others are copied. A result
lies as the queries do, so that joining heads that were split needs no copy. Nothing here knows tensors.
"""

import numpy as np

from headgate.kernels import reference_attention as reference

cimport numpy as cnp
from numpy cimport ndarray, npy_intp

from headgate.kernels.memory cimport fresh
from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "types.h" nogil:
    enum:
        HG_F32, HG_F64
    int hg_type_of(int number)

cdef extern from "attention_loops.h" nogil:
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    ctypedef struct hg_heads:
        char *data
        Py_ssize_t batch, head, row
    ctypedef struct hg_attention:
        int type, causal
        Py_ssize_t batch, heads, queries, keys, width, wide
        double scale
        hg_heads q, k, v, out, mask, g, dq, dk, dv
        Py_ssize_t mask_column
        char *logs
    int hg_attention_forward(const hg_attention *a, hg_splitter parallel)
    int hg_attention_backward(const hg_attention *a, hg_splitter parallel)


cdef ndarray adjacent(ndarray x):
    """The array itself if its last axis is adjacent and it can be walked in whole elements, else a copy."""
    cdef int i
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(x)
    cdef bint good = cnp.PyArray_ISBEHAVED_RO(x)
    for i in range(4):
        good = good and cnp.PyArray_STRIDES(x)[i] % item == 0
    if good and (cnp.PyArray_STRIDES(x)[3] == item or cnp.PyArray_DIMS(x)[3] <= 1):
        return x
    return np.array(x, dtype=x.dtype.newbyteorder("="), order="C")


cdef void point(hg_heads *h, ndarray x) noexcept:
    """Where an array's elements are."""
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(x)
    h.data = <char *> cnp.PyArray_DATA(x)
    h.batch, h.head = cnp.PyArray_STRIDES(x)[0] // item, cnp.PyArray_STRIDES(x)[1] // item
    h.row = cnp.PyArray_STRIDES(x)[2] // item


cdef ndarray laid_like(ndarray like, Py_ssize_t rows, Py_ssize_t width):
    """An uninitialised result (batch, heads, rows, width) whose first axes lie in the order of another array's."""
    cdef npy_intp[4] dims
    cdef npy_intp[4] sizes
    cdef int[3] order
    cdef int i, k, one
    cdef npy_intp *steps = cnp.PyArray_STRIDES(like)
    cdef ndarray out
    sizes[0], sizes[1], sizes[2] = cnp.PyArray_DIMS(like)[0], cnp.PyArray_DIMS(like)[1], rows
    for i in range(3):                    # sorted by falling stride
        k = i
        while k > 0 and steps[order[k - 1]] < steps[i]:
            order[k] = order[k - 1]
            k -= 1
        order[k] = i
    for i in range(3):
        dims[i] = sizes[order[i]]
    dims[3] = width
    out = fresh(4, dims, cnp.PyArray_TYPE(like))
    if order[0] == 0 and order[1] == 1:
        return out
    back = [0, 0, 0, 3]
    for i in range(3):
        back[order[i]] = i
    return (<object> out).transpose(back)


cdef ndarray describe(hg_attention *a, ndarray q, ndarray k, ndarray v, object mask, bint causal, double scale):
    """Fill what forward and backward have in common; the mask as it must be kept alive."""
    cdef ndarray spread = None
    a.type, a.causal, a.scale = hg_type_of(cnp.PyArray_TYPE(q)), causal, scale
    a.batch, a.heads, a.queries, a.width = (cnp.PyArray_DIMS(q)[0], cnp.PyArray_DIMS(q)[1], cnp.PyArray_DIMS(q)[2],
                                            cnp.PyArray_DIMS(q)[3])
    a.keys, a.wide = cnp.PyArray_DIMS(k)[2], cnp.PyArray_DIMS(v)[3]
    point(&a.q, q)
    point(&a.k, k)
    point(&a.v, v)
    a.mask.data = NULL
    a.mask_column = 0
    if mask is not None:
        spread = np.broadcast_to(np.require(mask, requirements="A"), (a.batch, a.heads, a.queries, a.keys))
        point(&a.mask, spread)
        a.mask_column = cnp.PyArray_STRIDES(spread)[3] // cnp.PyArray_ITEMSIZE(spread)
    return spread


cdef inline bint is_fast(ndarray x):
    cdef int kind = hg_type_of(cnp.PyArray_TYPE(x))
    return kind == HG_F32 or kind == HG_F64


cpdef tuple forward(ndarray q, ndarray k, ndarray v, object mask, bint causal, double scale):
    """(softmax(q k^T scale + mask) v, the logarithm of each row's sum of exponentials).

    q (B, H, L, D), k (B, H, S, D), v (B, H, S, E), mask (broadcasts to B, H, L, S; the same type) or None; with `causal`
    query i sees keys up to i. A row that sees nothing gives 0.
    """
    cdef hg_attention a
    cdef ndarray out, logs, kept
    cdef npy_intp[3] dims
    cdef int failed
    if not is_fast(q):
        return reference.forward(q, k, v, mask, causal, scale)
    q, k, v = adjacent(q), adjacent(k), adjacent(v)
    kept = describe(&a, q, k, v, mask, causal, scale)
    out = laid_like(q, a.queries, a.wide)
    dims[0], dims[1], dims[2] = a.batch, a.heads, a.queries
    logs = fresh(3, dims, cnp.PyArray_TYPE(q))
    point(&a.out, out)
    a.logs = <char *> cnp.PyArray_DATA(logs)
    with nogil:
        failed = hg_attention_forward(&a, <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory for the scores of an attention")
    return out, logs


cpdef list backward(ndarray g, ndarray q, ndarray k, ndarray v, object mask, ndarray out, ndarray logs, bint causal,
                    double scale):
    """The gradients of (q, k, v) from that of the result, with what forward gave."""
    cdef hg_attention a
    cdef ndarray dq, dk, dv, kept
    cdef int failed
    if not is_fast(q):
        return reference.backward(g, q, k, v, mask, out, logs, causal, scale)
    q, k, v, g, out = adjacent(q), adjacent(k), adjacent(v), adjacent(g), adjacent(out)
    kept = describe(&a, q, k, v, mask, causal, scale)
    dq, dk, dv = laid_like(q, a.queries, a.width), laid_like(k, a.keys, a.width), laid_like(v, a.keys, a.wide)
    cnp.PyArray_FILLWBYTE(dk, 0)
    cnp.PyArray_FILLWBYTE(dv, 0)
    point(&a.g, g)
    point(&a.out, out)
    point(&a.dq, dq)
    point(&a.dk, dk)
    point(&a.dv, dv)
    a.logs = <char *> cnp.PyArray_DATA(logs)
    with nogil:
        failed = hg_attention_backward(&a, <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory for the scores of an attention")
    return [dq, dk, dv]
