# C types of convert.py.
from headgate.core.apply cimport apply1
from headgate.core.arrays cimport is_contiguous, shape_of
from headgate.core.records cimport Tensor
from headgate.ops.arguments cimport given, other
from headgate.ops.copying cimport CLONE, COPY, TO_COPY

cdef object layout_of(Tensor x, object wanted, str name, Py_ssize_t item)
cdef tuple channels_strides(tuple shape, Py_ssize_t item)
cdef bint lies_as(Tensor x, object layout)
cdef Tensor converted(Tensor x, object kind, bint copy, object layout)
cpdef tuple asked(tuple args, dict kwargs)
cdef Tensor another(object x, str function)
