# C types of attention.py.
from numpy cimport ndarray, PyArray_TYPE
from headgate cimport dtypes
from headgate.core.apply cimport apply, requires, wrap
from headgate.core.arrays cimport count_of, is_float, shape_of
from headgate.core.modes cimport grad_enabled
from headgate.core.operators cimport slots
from headgate.core.records cimport OUT, Node, Op, Tensor
from headgate.kernels.attention cimport backward as kernel_backward, forward as kernel_forward
from headgate.ops.arguments cimport number
from headgate.ops.through cimport through_ops

cdef class Attention(Op):
    pass

cdef Op ATTENTION
cdef object four(ndarray x)
cdef check_attention(Tensor q, Tensor k, Tensor v, Tensor mask)
cdef object added_mask(Tensor mask, Tensor q)
cdef bint straight(Tensor q, Tensor k, Tensor v) except -1
cdef object apart(Tensor q, Tensor k, Tensor v, Tensor mask, tuple attrs)
cdef object nothing(Tensor q, Tensor k, Tensor v)
cdef bint fits(Tensor q, Tensor k, Tensor v, Tensor mask) except -1
cdef Tensor argument(object x, str name, int position)
