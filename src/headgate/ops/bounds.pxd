# C types of bounds.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply2
from headgate.core.arrays cimport is_float
from headgate.core.family cimport (
    BOOLS, INTEGERS, QUOTIENT, SAME, Binary, NumberSecond, Overloaded, Ternary, TensorPair, Unary, as_type, operand,
)
from headgate.core.inplace cimport write
from headgate.core.modes cimport grad_enabled
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport X, Y, Z, OUT, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map1p, map2, map3
from headgate.ops.explog cimport EXP2
from headgate.ops.keep cimport Fused, keep, zeros_of

cdef object NO_LOW, NO_HIGH
cdef object fitted(object bound, dtypes.dtype kind)
cdef Loop CLAMP3, MAXIMUM, MINIMUM, LERP
cdef Unary CLAMP, CLAMP_LOW, CLAMP_HIGH
cdef Fused CLAMP_BACKWARD
cdef Op CLAMP_TENSORS, CLAMP_MIN, CLAMP_MAX, LERP_TENSOR, LERP_NUMBER
cdef Ternary ADDCMUL, ADDCDIV
cdef object clamp_numbers(Unary op, Tensor x, object low, object high, object out)
cdef ndarray blend(ndarray x, ndarray y, ndarray w)
cdef check_lerp(ndarray x, ndarray y, str name)
cdef object three(Ternary op, str name, tuple inputs, object value, object out)
