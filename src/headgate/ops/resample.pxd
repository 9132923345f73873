# C types of resample.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply1
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.copying cimport converted
from headgate.kernels.indexing cimport take
from headgate.kernels.pooling cimport resample
from headgate.ops.arguments cimport given

cdef class Resample(Op):
    pass

cdef ndarray by_planes(ndarray x, tuple taps)

cdef Op TURNED
