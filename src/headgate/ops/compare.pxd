# C types of compare.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply2
from headgate.core.arrays cimport is_float
from headgate.core.family cimport ANSWER, COMPARISON, Binary, Unary
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.door cimport Loop, map1, map2, map2s
from headgate.ops.keep cimport zeros_of

cdef Loop EQUAL, DIFFERENCE, SIZE, PRODUCT, SUM, AT_MOST, WHOLE, FINITE, EITHER
cdef ndarray near(ndarray x, ndarray y, object rtol, object atol)
cdef Op ISCLOSE, EQUAL_TO
