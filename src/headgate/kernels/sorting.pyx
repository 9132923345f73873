# sources: sorting_loops.c
"""Sorting along one axis, and the k largest or smallest: values and int64 positions.

Always stable and always sorted, which PyTorch's `stable` and `sorted` only ask for. NaN counts as the largest. Nothing
here knows tensors.
"""

import numpy as np

from headgate.kernels import reference_select as reference

cimport numpy as cnp
from numpy cimport ndarray, npy_intp

from headgate.kernels.memory cimport fresh
from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "sorting_loops.h" nogil:
    ctypedef long long i64
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    int hg_sort(int type, const void *x, void *values, i64 *places, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner,
                Py_ssize_t k, int descending, hg_splitter parallel)

cdef extern from "types.h" nogil:
    enum:
        HG_AXES
    int hg_type_of(int number)


cdef tuple first(ndarray x, Py_ssize_t axis, Py_ssize_t k, bint descending):
    """The first k along `axis` in order; k -1 stands for all."""
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
        dims[axis] = k
    if not cnp.PyArray_IS_C_CONTIGUOUS(x) or not cnp.PyArray_ISBEHAVED_RO(x):
        x = np.array(x, dtype=x.dtype.newbyteorder("="), order="C")
    values = fresh(rank, dims, cnp.PyArray_TYPE(x))
    places = fresh(rank, dims, cnp.NPY_INT64)
    with nogil:
        failed = hg_sort(kind, cnp.PyArray_DATA(x), cnp.PyArray_DATA(values), <i64 *> cnp.PyArray_DATA(places), outer, n,
                         inner, k, descending, <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory to sort in")
    return values, places


cpdef tuple sort(ndarray x, Py_ssize_t axis=-1, bint descending=False, bint stable=True):
    """Values and positions in order along `axis`; equal values keep their order."""
    if hg_type_of(cnp.PyArray_TYPE(x)) < 0:
        return reference.sort(x, axis, descending, stable)
    return first(x, axis, -1, descending)


cpdef tuple topk(ndarray x, Py_ssize_t k, Py_ssize_t axis=-1, bint largest=True, bint sorted=True):
    """The k largest (or smallest) along `axis`, in order, the earlier of equal ones first."""
    if hg_type_of(cnp.PyArray_TYPE(x)) < 0:
        return reference.topk(x, k, axis, largest, sorted)
    if k < 0:
        raise RuntimeError("selected index k out of range")
    return first(x, axis, k, largest)
