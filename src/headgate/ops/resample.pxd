# C types of resample.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply1
from headgate.core.arrays cimport is_contiguous, shape_of
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.indexing cimport take
from headgate.ops.arguments cimport given

cdef class Resample(Op):
    pass

cdef Op TURNED
