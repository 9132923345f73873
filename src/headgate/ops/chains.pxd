# C types of chains.py.
from numpy cimport ndarray, PyArray_DATA, PyArray_TYPE
from headgate cimport dtypes
from headgate.core.apply cimport apply1, apply2, wrap
from headgate.core.arrays cimport count_of, is_contiguous, is_float, shape_of, swap_view
from headgate.core.operators cimport slots
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.copying cimport contiguous
from headgate.kernels.memory cimport fresh_like
from headgate.kernels.door cimport Loop, map2
from headgate.kernels.reduction cimport reduce
from headgate.ops.linalg cimport MM
from headgate.ops.reducing cimport given, one_dim, write_results
from headgate.ops.view cimport UNSQUEEZE, reshaped

cdef Tensor chain_of(list tensors, dict splits, object i, object k)
cdef ndarray crossed(ndarray x, ndarray y)
cdef Loop PRODUCT, DIFFERENCE
cdef Op TRACE, CROSS
