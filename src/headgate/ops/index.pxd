# C types of index.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply, apply1, check_followed, requires, wrap
from headgate.core.arrays cimport is_float, same_shape, shape_of
from headgate.core.modes cimport grad_enabled
from headgate.core.operators cimport INPLACE, Called, slots
from headgate.core.records cimport Node, Op, Tensor
from headgate.ops.change cimport Change, allow_overlap, change, constant, fill_with, kind_name, need_tensor
from headgate.ops.indices cimport add_at, checked, from_sequence, is_sequence, means_tuple, pick, put_at, resolve
from headgate.ops.view cimport ALIAS, EXPAND, SELECT, SLICE, UNSQUEEZE, VIEW

cdef extern from "Python.h":
    int PySlice_Unpack(object part, Py_ssize_t *start, Py_ssize_t *stop, Py_ssize_t *step) except -1

cdef Py_ssize_t inside(Py_ssize_t end, Py_ssize_t size)
cdef tuple saved_indices(Node n, int first)
cdef Tensor select_at(Tensor x, int dim, Py_ssize_t index, int place)
cdef Tensor slice_at(Tensor x, int dim, slice part, bint always)
cdef Py_ssize_t position(object value) except? -1
cdef bint is_int(object value)
cdef tuple as_tuple(object index)
cdef object as_part(object value)
cdef int dims_of_part(object part)
cdef Tensor apply_parts(Tensor x, list parts, list picks)
cdef Tensor unsqueezed(Tensor x, int dim)
cdef tuple apply_tensor(Tensor x, object part, int dim, int place, list picks)
cdef tuple split_picks(list picks)
cdef Tensor get_parts(Tensor x, object index)
cdef object number_for(Tensor x, object value)
cdef assign(Tensor y, object value)
cdef Tensor without_ones(Tensor v)
cdef Tensor expanded(Tensor v, Tensor y)
cdef object put_into(Tensor x, tuple tensors, tuple dims, Tensor values, bint accumulate, object out)
cdef Op INDEX, SPREAD
cdef Change INDEX_PUT
