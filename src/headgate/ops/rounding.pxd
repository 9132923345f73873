# C types of rounding.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.arrays cimport is_float
from headgate.core.family cimport BOOLS, INTEGERS, SAME, Unary
from headgate.core.records cimport X, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map1, map1p
from headgate.ops.keep cimport zeros_of

cdef Loop TO_TENTHS, TO_TENS
cdef Unary ROUND, DECIMALS, FINITE, NAN_TO_NUM, FRAC
