# C types of chains.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply1, apply2, wrap
from headgate.core.arrays cimport is_float, shape_of
from headgate.core.operators cimport slots
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.copying cimport contiguous
from headgate.kernels.door cimport Loop, map2
from headgate.kernels.reduction cimport reduce
from headgate.ops.linalg cimport MM
from headgate.ops.reducing cimport given, one_dim, write_results
from headgate.ops.view cimport UNSQUEEZE, reshaped

cdef Tensor chain_of(list tensors, dict splits, object i, object k)
cdef Loop PRODUCT, DIFFERENCE
cdef Op TRACE, CROSS
