# C types of distances.py.
from libc.math cimport fabs, sqrt
from numpy cimport PyArray_DATA, PyArray_DIMS, PyArray_TYPE, ndarray
from headgate.core.apply cimport apply, apply1, wrap
from headgate.core.arrays cimport is_contiguous, is_float, shape_of, slice_view
from headgate.core.records cimport OUT, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map1, map2
from headgate.ops.arguments cimport given, other, place

cdef class Glu(Op):
    pass

cdef class Cdist(Op):
    pass

cdef ndarray few_distances(ndarray x, ndarray y, double p)

cdef Loop SIGMOID, PRODUCT
cdef Op GLU, CDIST
