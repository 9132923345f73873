# C types of moments.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply
from headgate.core.arrays cimport is_float, shape_of
from headgate.core.records cimport OUT, X, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map1
from headgate.kernels.reduction cimport reduce, variance
from headgate.ops.keep cimport keep
from headgate.ops.reducing cimport called, count_over, dims_of, flag, given, restored, write_results

cdef Loop SQRT
cdef ndarray spread(ndarray x, tuple attrs, str name)
cdef Tensor pull_variance(Tensor x, Tensor g, tuple attrs)
cdef Tensor pull_deviation(Tensor x, Tensor y, Tensor g, tuple attrs)
cdef Tensor pull_mean(Tensor x, Tensor g, tuple attrs)
cdef tuple options(Tensor x, object dim, object unbiased, object keepdim, object correction, str name)
cdef object single(Op op, object input, object dim, object unbiased, object keepdim, object correction, object out)
cdef object paired(Op op, object input, object dim, object unbiased, object keepdim, object correction, object out)
cdef Op VAR, STD, VAR_MEAN, STD_MEAN
