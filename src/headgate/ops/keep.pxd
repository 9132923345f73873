# C types of keep.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply2, wrap
from headgate.core.family cimport Binary
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.door cimport Loop, map3

cdef class Fused(Binary):
    cdef object bend(self, Node n, Tensor g)

cdef Loop WHERE
cdef Op KEEP, FILLED
cdef Tensor keep(Tensor g, Tensor mask)
cdef Tensor filled(Tensor g, Tensor mask)
cdef Tensor zeros_of(Tensor g)
