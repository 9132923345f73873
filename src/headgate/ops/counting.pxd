# C types of counting.py.
from numpy cimport import_array, ndarray, PyArray_DATA
from headgate.core.apply cimport apply, requires, wrap
from headgate.core.arrays cimport count_of, is_float, shape_of
from headgate.core.dims cimport wrap_dim
from headgate.core.inplace cimport write
from headgate.core.modes cimport grad_enabled
from headgate.core.records cimport Node, Op, Tensor
from headgate.core.writes cimport check_writable, note_write
from headgate.kernels.copying cimport zeros
from headgate.kernels.door cimport map2
from headgate.kernels.indexing cimport index_add as index_add_kernel
from headgate.kernels.indexing cimport take as take_kernel
from headgate.kernels.sorting cimport count as count_kernel
from headgate.kernels.sorting cimport among, count_parts, extent, marked
from headgate.kernels.sorting cimport search as search_kernel
from headgate.kernels.sorting cimport sort as sort_kernel
from headgate.ops.arguments cimport number
from headgate.ops.change cimport is_number, kind_name, need_int, need_tensor
from headgate.ops.scatter cimport long_index
from headgate.ops.sorting cimport GIVEN

cdef tuple distinct(ndarray x, object consecutive, object dim, int wanted)
cdef tuple runs(ndarray x)
cdef tuple run_lengths(object first, object order, int wanted, tuple shape)
cdef object asked(Tensor x, object consecutive, object axis, object return_inverse, object return_counts)
cdef ndarray places(ndarray edges, ndarray values, str side, object kind)
cdef tuple bounds(ndarray x)
cdef mark_places(ndarray target, ndarray places, Py_ssize_t width)
cdef check_table(Tensor table, Tensor index)
cdef shorten(Tensor table, Tensor index, double limit, double order)
cdef Op UNIQUE, EMBEDDING, EMBEDDING_BACK
