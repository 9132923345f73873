# C types of change.py: the family of ops that change some elements, and numbers as elements.
from libc.string cimport memcpy
from numpy cimport PyArray_DATA, PyArray_ITEMSIZE, import_array, ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, arrays_of, first_requiring, record, requires, save_inputs, save_outputs, see_all, wrap
from headgate.core.arrays cimport is_contiguous, is_float, overlaps_itself, reshape_view, same_shape, same_type, set_meta, shape_of
from headgate.core.inplace cimport adopt, check_apart, copy_before, write
from headgate.core.modes cimport grad_enabled
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport Node, Op, Tensor
from headgate.core.writes cimport check_allowed, check_writable, note_write
from headgate.kernels.copying cimport clear, contiguous, copied, copy_into, fill, like_layout, zeros

cdef class Change(Op):
    cdef bint expanded
    cdef int apart
    cdef bint keeps
    cdef object change(self, ndarray target, tuple inputs, object attrs)
    cdef object changed(self, tuple inputs, object attrs)

cdef ndarray flattened(ndarray x)
cdef bint few_masked(ndarray target, ndarray mask, ndarray source) except -1
cdef bint few_written(ndarray target, int dim, ndarray index, ndarray source, int each) except -1
cdef object change(Change op, tuple inputs, object attrs, object out)
cdef Tensor change_inplace(Change op, tuple inputs, object attrs)
cdef tuple separate(Tensor x, tuple arrays)
cdef bint overflows(object value, dtypes.dtype kind)
cdef ndarray constant(object value, dtypes.dtype kind)
cdef bint is_number(object value)
cdef Tensor need_tensor(object value, str function, str name, int position)
cdef object need_int(object value, str function, str name, int position)
cdef str kind_name(ndarray x)
cdef allow_expanded(Change op)
cdef keep_layout(Change op)
cdef allow_overlap(Change op, int apart)
cdef Tensor fill_with(Tensor x, object value)
cdef Change FILL, FILL_TENSOR, FILL_, FILL_TENSOR_, ZERO_
