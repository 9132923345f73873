# C types of strided.py.
from numpy cimport import_array, ndarray
from headgate.core.apply cimport apply1
from headgate.core.arrays cimport high_address, low_address, make_view, shape_of
from headgate.core.records cimport Node, Op, Tensor
from headgate.ops.arguments cimport given, ints, whole
from headgate.ops.view cimport View

cdef object positions(tuple size, tuple strides, object offset)
cdef tuple places_of(tuple size, tuple strides, object offset, tuple shape, tuple steps)
cdef object shared(object block, object target, object count)
cdef ndarray owner_of(ndarray x)
cdef check_inside(ndarray x, tuple size, tuple strides, Py_ssize_t offset, Py_ssize_t item)
cdef Py_ssize_t start_of(ndarray x)
cdef Py_ssize_t first_element(Tensor x)
cdef tuple steps_of(Tensor x)
cdef Tensor from_root(Tensor y, Tensor x, Py_ssize_t start)
cdef Op AS_STRIDED, SPREAD, GATHERED
