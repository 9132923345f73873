# C types of bits.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.family cimport ANSWER, BITS, BOOLS, LOGICAL, REALS, SAME, Binary, TensorPair, Unary
from headgate.core.operators cimport Called
from headgate.core.records cimport Op, Tensor
from headgate.kernels.door cimport map1, map2

cdef Op BITWISE_NOT
