# C types of resample.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply1
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport Node, Op, Tensor
from headgate.ops.arguments cimport given

cdef class Resample(Op):
    pass

cdef Op TURNED
