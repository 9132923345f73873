# C types of gammas.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply2, wrap
from headgate.core.arrays cimport is_float
from headgate.core.records cimport X, Y, Node, Op, Tensor
from headgate.ops.arguments cimport other
from headgate.ops.reducing cimport given, write_results

cdef object lower_gamma(object a, object x, bint upper)
cdef object called(Op op, object input, object other_, object out, bint upper)
cdef Op P, Q
