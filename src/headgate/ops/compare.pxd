# C types of compare.py.
from numpy cimport ndarray, PyArray_DATA
from headgate cimport dtypes
from headgate.core.apply cimport apply2
from headgate.core.arrays cimport count_of, is_float, same_shape, same_type
from headgate.core.family cimport ANSWER, COMPARISON, Binary, Unary
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.door cimport Loop, map1, map2, map2s
from headgate.ops.keep cimport zeros_of

cdef extern from "<string.h>":
    void *memchr(const void *data, int byte, size_t count) nogil

cdef Loop EQUAL, DIFFERENCE, SIZE, PRODUCT, SUM, AT_MOST, WHOLE, FINITE, EITHER
cdef ndarray near(ndarray x, ndarray y, object rtol, object atol)
cdef Op ISCLOSE, EQUAL_TO
