# C types of ctc.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport OUT, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map2
from headgate.ops.arguments cimport other

cdef class Ctc(Op):
    pass

cdef class CtcGradient(Op):
    pass

cdef Loop ADD_LOGS, SUM
cdef Op CTC, CTC_GRADIENT
