# C types of rules.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply
from headgate.core.family cimport Binary, Unary
from headgate.core.inplace cimport write
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport OUT, X, Node, Op, Tensor
from headgate.ops.reducing cimport write_results

cdef class Ruled(Op):
    cdef object compute
    cdef object gradient
    cdef tuple keys
    cdef long long mask

cdef class Formula(Unary):
    cdef object slope
    cdef public str doc
