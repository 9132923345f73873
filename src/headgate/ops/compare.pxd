# C types of compare.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply2
from headgate.core.arrays cimport is_float
from headgate.core.family cimport ANSWER, COMPARISON, Binary, Unary
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.door cimport map1
from headgate.ops.keep cimport zeros_of

cdef Op ISCLOSE, EQUAL_TO
