# C types of values.py.
from numpy cimport import_array
from headgate.core.arrays cimport count_of
from headgate.core.records cimport Tensor
from headgate.kernels.copying cimport converted

cdef class Scan:
    cdef tuple shape
    cdef int kinds
    cdef walk(self, object items, int dim)

cpdef object array_of_values(object value, object kind)
cdef collect(object value, list found)
