# C types of losses.py.
from numpy cimport ndarray, PyArray_DATA, PyArray_TYPE
from headgate cimport dtypes
from headgate.core.apply cimport apply, requires, wrap
from headgate.core.arrays cimport count_of, is_contiguous, is_float, shape_of
from headgate.core.modes cimport grad_enabled
from headgate.core.records cimport X, Y, Z, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map2
from headgate.ops.arguments cimport number
from headgate.ops.loss cimport reduce_values, reduction_of
from headgate.ops.loss_checks cimport other_type, second
from headgate.ops.reducing cimport given

cdef Tensor share(Tensor g, Tensor x, object code)
cdef Loop BCE_OF, BCE_LOSSES
cdef Op BCE, BCE_LOGITS
