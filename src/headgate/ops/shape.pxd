# C types of shape.py.
from headgate.core.apply cimport apply1, cut_here, requires
from headgate.core.arrays cimport shape_of
from headgate.core.dims cimport wrap_dim
from headgate.core.operators cimport slots
from headgate.core.records cimport INFERENCE, Tensor
from headgate.core.reports cimport cut_of
from headgate.ops.arguments cimport given, ints, other, place, sequence, whole
from headgate.ops.reducing cimport see
from headgate.ops.view cimport EXPAND, SUM_TO, VIEW, reshaped

cdef tuple inferred(tuple shape, Py_ssize_t count)
cdef Py_ssize_t size_of(Tensor x)
cdef Tensor view_as_type(Tensor x, object kind)
cdef bint check_view_type(object a, object mine, object kind) except? False
cdef Tensor second(object x, str function)
cdef Tensor expanded(Tensor x, tuple wanted)
cdef tuple expanded_shape(Tensor x, tuple wanted)
