# C types of trig.py.
from numpy cimport ndarray
from headgate.core.family cimport QUOTIENT, TensorPair, Unary
from headgate.core.records cimport X, Y, OUT, Node, Op, Tensor
from headgate.ops.keep cimport Fused, keep

cdef Op SIN, COS, SINH, COSH, TANH_BACKWARD
