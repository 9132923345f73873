# C types of extreme.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply1, wrap
from headgate.core.arrays cimport count_of, shape_of
from headgate.core.records cimport OUT, X, Node, Op, Tensor
from headgate.kernels.indexing cimport gather
from headgate.kernels.reduction cimport arg_reduce, reduce
from headgate.ops.keep cimport keep
from headgate.ops.reducing cimport PLACE, called, dims_of, expand_reduced, flag, given, is_index, one_dim, restored, write_results

cdef Tensor shared(Tensor x, Tensor y, Tensor g, object axes, bint keepdim, bint evenly)
cdef check_extent(ndarray x, object axes, str name)
cdef object extreme(str name, Op whole, Op along, object result, object input, object dim, object keepdim, object out)
cdef object place(Op op, object input, object dim, object keepdim, object out, str name)
cdef Op MAX_ALL, MIN_ALL, MAX, MIN, AMAX, AMIN, AMINMAX, ARGMAX, ARGMIN
