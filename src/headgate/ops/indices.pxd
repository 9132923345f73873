# C types of indices.py.
from numpy cimport import_array, ndarray
from headgate.core.arrays cimport expand_view, is_contiguous, make_view, reshape_view, shape_of
from headgate.core.records cimport Tensor
from headgate.kernels.copying cimport contiguous, copy_into
from headgate.kernels.indexing cimport index_add, linear, scatter, take
from headgate.kernels.sorting cimport marked

cdef bint is_sequence(object value)
cdef bint means_tuple(object index)
cdef object plain(object value)
cdef ndarray from_sequence(object value)
cdef str ragged(object value)
cdef checked(ndarray array)
cdef bint is_mask(ndarray array)
cdef check_mask(ndarray x, ndarray mask, int dim)
cdef object resolve(ndarray x, tuple arrays, tuple dims)
cdef tuple together(tuple place)
cdef outside(ndarray x, tuple place)
cdef check_inside(ndarray x, tuple place, tuple shape)
cdef int only_dim(tuple place)
cdef ndarray from_front(ndarray x, ndarray index, int dim)
cdef tuple flattened(ndarray x, object place)
cdef ndarray pick(ndarray x, object place)
cdef bint is_usual(ndarray x, object place)
cdef list as_operands(ndarray x, object place)
cdef ndarray gathered(ndarray x, object place)
cdef tuple shape_at(ndarray x, object place)
cdef tuple fitting(ndarray x, object place, ndarray values, bint inside)
cdef object spread(ndarray values, tuple shape)
cdef put_at(ndarray x, object place, ndarray values)
cdef add_at(ndarray x, object place, ndarray values)
