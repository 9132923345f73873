from cpython.ref cimport PyObject
from numpy cimport ndarray

cdef extern from "loops.h":
    ctypedef void (*hg_inner)(char **args, const Py_ssize_t *dims, const Py_ssize_t *steps, void *data) noexcept nogil
    ctypedef struct hg_call:
        double params[8]
        int error
        int inputs
        unsigned halves
        hg_inner inner
        void *inner_data

cdef struct Entry:
    hg_inner inner       # NULL: only the fallback is left
    void *data           # NULL: the call record
    hg_inner half_inner  # the float32 loop that `inner` converts for
    void *half_data
    unsigned halves
    int out              # type number of the output
    int cost             # about tenths of a nanosecond per element
    bint fails
    const char *rung

cdef class Loop:
    cdef readonly object name, ufunc, python
    cdef readonly int nin
    cdef Entry *entries[24]
    cdef bytes label
    cdef Entry *find(self, int typenum) except NULL

cpdef Loop make_loop(str name, object ufunc=*, object python=*)
cpdef ndarray map1(Loop loop, ndarray x, ndarray out=*)
cpdef ndarray map1p(Loop loop, ndarray x, tuple params, ndarray out=*)
cpdef ndarray map2(Loop loop, ndarray x, ndarray y, ndarray out=*)
cpdef ndarray map2p(Loop loop, ndarray x, ndarray y, tuple params, ndarray out=*)
cpdef ndarray map2s(Loop loop, ndarray x, object scalar, bint scalar_first, ndarray out=*)
cpdef ndarray map3(Loop loop, ndarray x, ndarray y, ndarray z, ndarray out=*)
cpdef ndarray map3p(Loop loop, ndarray x, ndarray y, ndarray z, tuple params, ndarray out=*)
cpdef str show_config()
