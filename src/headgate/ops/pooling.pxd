# C types of pooling.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply1, apply2, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport OUT, X, Y, Node, Op, Tensor
from headgate.kernels.pooling cimport average_back, average_pool, max_pool, put, take

cdef class MaxPool(Op):
    pass

cdef Op TAKE, PUT, FLAT_AVERAGE
cdef Tensor put_back(Op op, Tensor g, Tensor indices, Tensor x, object sizes)
cdef Tensor zeros_in(tuple shape, Tensor g)
cdef Op attrs_back(object attrs)
cpdef tuple run_max(dict table, object dims, Tensor x, object windows)
cpdef Tensor run_average(dict table, object dims, Tensor x, object windows)
cpdef Tensor run_unpool(object dims, Tensor x, Tensor indices, tuple sizes)
cpdef str kind_name(Tensor x)
cpdef tuple sizes_of(Tensor x)
