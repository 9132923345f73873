# C types of creation.py.
from numpy cimport import_array, ndarray, npy_intp, PyArray_FillWithScalar
from headgate.core.apply cimport cut_here, first_cut, requires, wrap, wrap_view
from headgate.core.arrays cimport is_float, make_view, shape_of
from headgate.core.modes cimport grad_enabled
from headgate.core.records cimport Tensor
from headgate.core.writes cimport check_writable, note_write
from headgate.dtypes cimport dtype as Kind
from headgate.kernels.copying cimport like_layout, repeated
from headgate.kernels.memory cimport fresh

cpdef Tensor leaf(object array, object requires_grad, str name)
cdef Tensor check_tensor(object x, str name)
cpdef object empty_as(object x, object kind, object memory_format)
cpdef object target(Tensor out, tuple shape, object dtype, str name)
cpdef object number_of(object value, str name, str argument, int position)
cpdef object given(str name, object array, object out, object dtype, object requires_grad)
cdef tuple plain_sizes(tuple sizes)
cdef ndarray small(tuple shape, Kind kind, object value)
cdef object filled(str name, object value, tuple sizes, object size, object out, object dtype, object requires_grad)
cdef object like(str name, object value, object x, object dtype, object layout, object device, object pin_memory, object requires_grad, object memory_format)
