# C types of ctc.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport OUT, Node, Op, Tensor
from headgate.kernels.recurrent cimport ctc_backward, ctc_forward
from headgate.ops.arguments cimport other

cdef class Ctc(Op):
    pass

cdef class CtcGradient(Op):
    pass

cdef Op CTC, CTC_GRADIENT
