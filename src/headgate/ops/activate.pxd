# C types of activate.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply, apply2
from headgate.core.arrays cimport is_float
from headgate.core.family cimport Unary
from headgate.core.inplace cimport write
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport Op, Tensor
from headgate.ops.activation cimport (
    CELU, CELU_INPLACE, ELU, ELU_INPLACE, GELU, HARDSHRINK, HARDSIGMOID, HARDSWISH, HARDTANH, LEAKY_RELU,
    LEAKY_RELU_INPLACE, LOG_SIGMOID, MISH, PRELU, RELU, RRELU, RRELU_INPLACE, RRELU_TRAINED, RRELU_TRAINED_INPLACE,
    SILU, SOFTPLUS, SOFTSHRINK, THRESHOLD,
)
from headgate.ops.arguments cimport number

cdef object call(Unary op, object x, object attrs, object inplace, object out=*)
