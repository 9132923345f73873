# C types of arith.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply1, requires
from headgate.core.arrays cimport is_float
from headgate.core.family cimport (
    BOOLS, QUOTIENT, SAME, Binary, NumberFirst, NumberSecond, Overloaded, Unary, as_type, fits, operand,
)
from headgate.core.modes cimport grad_enabled
from headgate.core.writes cimport check_writable, note_write
from headgate.core.inplace cimport write
from headgate.core.operators cimport INPLACE, Called
from headgate.core.records cimport X, Y, OUT, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map2, map2s, map3p
from headgate.ops.keep cimport zeros_of

cdef class Add(Binary):
    cdef object sign(self, object alpha)
    cdef object run_scaled(self, object x, object y, object attrs)

cdef dict ONES
cdef Loop ADDCMUL, PRODUCT
cdef Add ADD, SUB, RSUB
cdef Op SUB_FROM, MUL, DIV, RECIPROCAL, DIV_FLOOR, DIV_TRUNC, FLOOR_DIVIDE, SGN, NEG, ABS
cdef Called POSITIVE
cdef refuse_bools(object x, object y)
cdef check_alpha(dtypes.dtype kind, object alpha)
cdef object scaled(Op op, object x, object y, object alpha, object out)
cdef bint add_scaled(Add op, object x, object y, object alpha)
cdef object checked(object result, str name, object x, object y)
cdef Op rounding(object mode)
