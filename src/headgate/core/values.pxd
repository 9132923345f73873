# C types of values.py.
from numpy cimport import_array, ndarray, npy_intp, PyArray_BYTES
from headgate cimport dtypes
from headgate.core.arrays cimport count_of
from headgate.core.records cimport Tensor
from headgate.kernels.copying cimport converted
from headgate.kernels.memory cimport fresh

cdef class Scan:
    cdef tuple shape
    cdef int kinds, number
    cdef char *to
    cdef npy_intp[8] lengths
    cdef walk(self, object items, int dim)
    cdef fill(self, object items, int dim)
    cdef object array(self, object value, dtypes.dtype kind)

cdef bint filled(dtypes.dtype kind, int kinds) noexcept
cpdef object array_of_values(object value, object kind)
cdef collect(object value, list found)
