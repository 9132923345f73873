# C types of rows.py.
from numpy cimport import_array, ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, wrap
from headgate.core.arrays cimport expand_view, is_contiguous, is_float, reshape_view, shape_of
from headgate.core.dims cimport wrap_dim
from headgate.core.inplace cimport write
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport OUT, Node, Op, Tensor
from headgate.kernels.indexing cimport index_add as index_add_kernel
from headgate.kernels.indexing cimport linear as linear_kernel
from headgate.kernels.indexing cimport scatter as scatter_kernel
from headgate.kernels.indexing cimport take as take_kernel
from headgate.ops.change cimport Change, allow_expanded, allow_overlap, change, constant, few_written, flattened, is_number, keep_layout, kind_name, need_int, need_tensor
from headgate.ops.scatter cimport REDUCES, ScatterReduce, long_index

cdef Tensor once(Tensor index, tuple shape, int dim)
cdef check_inside(ndarray x, int dim, ndarray index)
cdef object like_source(object rows, tuple shape)
cdef ndarray spread_index(ndarray index, tuple shape, int dim, bint own)
cdef bint long_type(Tensor index)
cdef check_rows(Tensor x, int dim, Tensor place, Tensor source, str function)
cdef check_copy(Tensor x, int dim, Tensor place, Tensor source)
cdef Op INDEX_SELECT, SPREAD_ROWS, TAKE
cdef Change INDEX_ADD, INDEX_COPY, INDEX_FILL, INDEX_FILL_TENSOR, INDEX_REDUCE, PUT
