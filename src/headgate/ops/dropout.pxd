# C types of dropout.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply, wrap
from headgate.core.arrays cimport count_of, shape_of
from headgate.core.records cimport Node, Op, Tensor
from headgate.ops.arguments cimport given
from headgate.ops.creation cimport empty_as

cdef class NativeDropout(Op):
    pass

cdef Op NATIVE_DROPOUT
