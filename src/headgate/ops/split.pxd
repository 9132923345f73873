# C types of split.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply, apply1, wrap
from headgate.core.arrays cimport select_view, shape_of, slice_view
from headgate.core.records cimport Node, Op, Tensor
from headgate.ops.arguments cimport given, ints, place, whole
from headgate.ops.join cimport CAT, STACK
from headgate.ops.view cimport SELECT, SLICE, View

cdef tuple filled(Node n, list grads)
cdef object split_evenly(Tensor x, Py_ssize_t length, object dim, str name)
cdef object from_tensor(Tensor t)
cdef object in_sections(Tensor x, int at, Py_ssize_t many)
cdef object cut_before(Tensor x, int at, list indices)
cdef object split_along(object input, object how, str name, int dim, int least)
cdef Op SPLIT, SPLIT_SIZES, UNBIND
