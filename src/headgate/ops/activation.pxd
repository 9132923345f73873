# C types of activation.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply1, apply2
from headgate.core.arrays cimport is_float
from headgate.core.family cimport BOOLS, INTEGERS, SAME, TensorPair, Unary
from headgate.core.inplace cimport write
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport X, Y, OUT, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map1p, map2
from headgate.ops.explog cimport EXP
from headgate.ops.keep cimport Fused, keep, zeros_of

cdef Unary SIGMOID, LOG_SIGMOID, SILU, SOFTPLUS, MISH, GELU, ELU, ELU_INPLACE, CELU, CELU_INPLACE, RELU, THRESHOLD
cdef Unary HARDTANH, HARDSIGMOID, HARDSWISH, LEAKY_RELU, LEAKY_RELU_INPLACE, SOFTSHRINK, HARDSHRINK, RRELU, RRELU_INPLACE, RRELU_TRAINED
cdef Unary RRELU_TRAINED_INPLACE
cdef Op PRELU, RRELU_BACKWARD
cdef Loop PRELU_LOOP
cdef Fused SIGMOID_BACKWARD, LOG_SIGMOID_BACKWARD, SILU_BACKWARD, SOFTPLUS_BACKWARD, MISH_BACKWARD, GELU_BACKWARD
cdef Fused ELU_BACKWARD, ELU_BACKWARD_RESULT, RELU_BACKWARD, THRESHOLD_BACKWARD, HARDTANH_BACKWARD, LEAKY_RELU_BACKWARD
cdef Fused HARDSIGMOID_BACKWARD, HARDSWISH_BACKWARD, SHRINK_BACKWARD
