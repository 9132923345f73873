# C types of sampling.py.
from numpy cimport import_array, ndarray
from headgate.core.apply cimport apply, cut_here, requires, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.inplace cimport write
from headgate.core.records cimport Node, Op, Tensor
from headgate.core.reports cimport cut_of
from headgate.ops.creation cimport check_tensor, target
from headgate.core.writes cimport note_write

cdef class Sample(Op):
    pass

cdef class NormalOf(Sample):
    pass

cdef class BernoulliOf(Sample):
    pass
