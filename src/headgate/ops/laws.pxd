# C types of laws.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply, wrap
from headgate.core.arrays cimport is_float
from headgate.core.records cimport OUT, Node, Op, Tensor
from headgate.ops.arguments cimport other

cdef class Sampled(Op):
    pass

cdef class Trials(Op):
    pass

cdef class Gamma(Op):
    pass

cdef class Dirichlet(Op):
    pass

cdef class Slope(Op):
    pass

cdef Tensor floats(object value, str name, str argument, str kernel)
cdef Op POISSON, BINOMIAL, GAMMA, DIRICHLET, GAMMA_SLOPE, DIRICHLET_SLOPE
