# C types of distances.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply, apply1, wrap
from headgate.core.arrays cimport is_float, shape_of
from headgate.core.records cimport OUT, Node, Op, Tensor
from headgate.ops.arguments cimport given, other, place

cdef class Glu(Op):
    pass

cdef class Cdist(Op):
    pass

cdef Op GLU, CDIST
