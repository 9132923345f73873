# C types of special.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply1, apply2
from headgate.core.family cimport BOOLS, FLOATS, QUOTIENT, NumberFirst, NumberSecond, Overloaded, Unary
from headgate.core.inplace cimport write
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport X, Y, OUT, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map1, map1p, map2, map2s
from headgate.ops.explog cimport EXP, LOG
from headgate.ops.keep cimport Fused, keep

cdef Unary ERF, ERFC, ERFINV, DIGAMMA, LGAMMA, LOGIT, POLYGAMMA, I0_OP, I1, NDTR_HALF, MVLGAMMA
cdef Op ZETA, ZETA_BY, ZETA_OF
cdef Op LOGIT_BACKWARD
cdef Loop TIMES, PLUS, TAKE_OFF, FIRST_DERIVATIVE
