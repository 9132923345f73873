# C types of shuffle.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply1
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.copying cimport contiguous
from headgate.ops.arguments cimport given, whole

cdef Op SHUFFLE, UNSHUFFLE, CHANNELS
