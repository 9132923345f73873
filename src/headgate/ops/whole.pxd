# C types of whole.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply
from headgate.core.records cimport OUT, Node, Op, Tensor
from headgate.core.saved cimport detached_copy

cdef class Whole(Op):
    cdef public bint copies
    cdef public bint keeps_result
