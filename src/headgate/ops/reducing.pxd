# C types of reducing.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply1, check_followed, requires, wrap_over
from headgate.core.arrays cimport expand_view, is_float
from headgate.core.dims cimport axes_of, wrap_dim
from headgate.core.inplace cimport write
from headgate.core.modes cimport grad_enabled, grad_state
from headgate.core.operators cimport slots
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.indexing cimport gather, scatter

cdef Tensor given(object x, str name)
cdef object flag(object value, str name)
cdef bint is_index(object value)
cdef see(Tensor x)
cdef object dims_of(object dim, Tensor x, str name)
cdef int one_dim(object dim, Tensor x, str name) except? -1
cdef object array_kind(object dtype, str name)
cdef object called(Op op, Tensor x, object attrs, object out)
cdef Tensor restored(Tensor g, object axes, bint keepdim, tuple shape)
cdef object expand_reduced(Tensor g, object axes, bint keepdim, tuple shape)
cdef Py_ssize_t count_over(tuple shape, object axes) except? -1
cdef ndarray floating(ndarray x)
cdef tuple write_results(str name, tuple results, object out)
cdef Op PICK, PLACE
