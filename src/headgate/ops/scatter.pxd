# C types of scatter.py.
from numpy cimport import_array, ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply1, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.dims cimport wrap_dim
from headgate.core.inplace cimport write
from headgate.core.modes cimport grad_state
from headgate.core.records cimport OUT, Node, Op, Tensor
from headgate.kernels.copying cimport zeros
from headgate.kernels.indexing cimport gather as gather_kernel
from headgate.kernels.indexing cimport scatter as scatter_kernel
from headgate.kernels.indexing cimport scattered
from headgate.ops.change cimport Change, change, constant, is_number, kind_name, need_int, need_tensor
from headgate.ops.view cimport SLICE, Part
from headgate.ops.where cimport choose, fill_where

cdef class SpreadAlong(Op):
    cdef str mode

cdef class ScatterReduce(Change):
    cdef Tensor index_of(self, Node n)
    cdef tuple pull_mean(self, Node n, Tensor g, Tensor index)
    cdef tuple pull_extreme(self, Node n, Tensor g, Tensor index)
    cdef tuple pull_prod(self, Node n, Tensor g, Tensor index)

cdef ndarray long_index(ndarray index)
cdef object padded(object g, tuple shape)
cdef Tensor trimmed(Tensor x, Tensor index)
cdef object apply_reshape(Tensor x, tuple shape)
cdef Tensor index_checked(object index, str function, int position)
cdef same_kind(Tensor x, Tensor source)
cdef fits_within(Tensor x, int dim, Tensor index, object source)
cdef dict REDUCES
cdef Op GATHER, SPREAD_ADD, SPREAD
cdef Change SCATTER, SCATTER_NUMBER, SCATTER_COMBINE, SCATTER_ADD, SCATTER_REDUCE
