# The door for compiled callers: loops, their maps, and the kernels that it hands on.
from numpy cimport ndarray

from headgate.kernels.copying cimport contiguous, converted, copied, copy_into, fill, joined, like_layout, triangle, zeros
from headgate.kernels.gemm cimport addmm, matmul
from headgate.kernels.indexing cimport gather, index_add, scatter, take
from headgate.kernels.reduction cimport arg_reduce, norm, reduce, variance
from headgate.kernels.softmax cimport cumulate, log_softmax, log_softmax_backward, logsumexp, softmax, softmax_backward
from headgate.kernels.sorting cimport sort, topk

cdef class Loop:
    cdef readonly object name, ufunc, python
    cdef readonly int nin
    cdef void *entries[24]   # inner loops by type number, NULL until first used
    cdef bytes label
    cdef bint is_power, is_where

cpdef Loop make_loop(str name, object ufunc=*, object python=*)
cpdef ndarray map1(Loop loop, ndarray x, ndarray out=*)
cpdef ndarray map1p(Loop loop, ndarray x, tuple params, ndarray out=*)
cpdef ndarray map2(Loop loop, ndarray x, ndarray y, ndarray out=*)
cpdef bint over2(Loop loop, ndarray x, ndarray y) noexcept
cpdef ndarray map2p(Loop loop, ndarray x, ndarray y, tuple params, ndarray out=*)
cpdef ndarray map2s(Loop loop, ndarray x, object scalar, bint scalar_first, ndarray out=*)
cpdef ndarray map3(Loop loop, ndarray x, ndarray y, ndarray z, ndarray out=*)
cpdef ndarray map3p(Loop loop, ndarray x, ndarray y, ndarray z, tuple params, ndarray out=*)
cpdef str show_config()
