# C types of reduce.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply1
from headgate.core.arrays cimport count_of, is_float, shape_of
from headgate.core.records cimport OUT, X, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map1, map2s
from headgate.kernels.reduction cimport reduce
from headgate.kernels.softmax cimport logsumexp as log_sum_exp
from headgate.ops.cumulative cimport CUMPROD, SHIFT
from headgate.ops.explog cimport EXP
from headgate.ops.keep cimport keep
from headgate.ops.reducing cimport array_kind, called, count_over, dims_of, expand_reduced, flag, floating, given, one_dim, restored, write_results
from headgate.ops.view cimport reshaped

cdef Loop WITHOUT_NAN, NOT_EQUAL
cdef tuple ALL
cdef check_mean(dtypes.dtype kind, str text)
cdef Tensor others(Tensor x, int axis)
cdef object reduced(Op op, object input, object dim, object keepdim, object dtype, object out, str name)
cdef object result_kind(object dtype, object out, str name)
cdef object truth(Op op, object input, object dim, object keepdim, object out, str name)
cdef Op SUM, SUM_OVER, MEAN, MEAN_OVER, PROD, PROD_OVER, NANSUM, LOGSUMEXP, ANY, EVERY, COUNT
