from numpy cimport ndarray

cdef class Loop:
    cdef readonly object name, ufunc, python
    cdef readonly int nin
    cdef void *entries[24]   # inner loops by type number, NULL until first used
    cdef bytes label

cpdef Loop make_loop(str name, object ufunc=*, object python=*)
cpdef ndarray map1(Loop loop, ndarray x, ndarray out=*)
cpdef ndarray map1p(Loop loop, ndarray x, tuple params, ndarray out=*)
cpdef ndarray map2(Loop loop, ndarray x, ndarray y, ndarray out=*)
cpdef ndarray map2p(Loop loop, ndarray x, ndarray y, tuple params, ndarray out=*)
cpdef ndarray map2s(Loop loop, ndarray x, object scalar, bint scalar_first, ndarray out=*)
cpdef ndarray map3(Loop loop, ndarray x, ndarray y, ndarray z, ndarray out=*)
cpdef ndarray map3p(Loop loop, ndarray x, ndarray y, ndarray z, tuple params, ndarray out=*)
cpdef str show_config()
