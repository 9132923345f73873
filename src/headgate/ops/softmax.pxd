# C types of softmax.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply1, apply2
from headgate.core.arrays cimport count_of, is_float
from headgate.core.inplace cimport write
from headgate.core.operators cimport slots
from headgate.core.records cimport OUT, X, Y, Node, Op, Tensor
from headgate.kernels.softmax cimport log_softmax as log_soft, log_softmax_backward, softmax as soft, softmax_backward
from headgate.ops.explog cimport EXP
from headgate.ops.reducing cimport given, one_dim

cdef str kernel_name(str name, ndarray x, int axis)
cdef object along(Op op, object input, object dim, object dtype, object out, str name)
cdef object implicit(object input, object dim, str name)
cdef Op SOFTMAX, LOG_SOFTMAX, SOFTMAX_GRADIENT, LOG_SOFTMAX_GRADIENT
