# C types of storage.py.
cimport cython
from numpy cimport ndarray


cdef class Site:
    cdef object _code
    cdef int _lasti


@cython.no_gc
@cython.freelist(64)
cdef class Version:
    cdef long long count
    cdef long long serial


@cython.no_gc
cdef class Storage(Version):
    cdef ndarray memory
    cdef long long writes
    cdef list ring
    cdef object shield
    cdef bint foreign
    cdef long long lent


cdef class Write(Site):
    cdef Py_ssize_t low, high
    cdef long long serial
    cdef str what
    cdef int flags
    cdef long long number
    cdef bint quiet


cdef class Cut(Site):
    cdef str kind
    cdef str what
