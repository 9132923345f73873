# C types of gradients.py.
from numpy cimport ndarray
from headgate.core.apply cimport wrap
from headgate.core.arrays cimport (
    is_contiguous, long_dims, meta_matches, meta_shape, meta_type, same_shape, same_type, shape_of, without_gaps,
)
from headgate.core.modes cimport grad_enabled
from headgate.core.operators cimport INPLACE, Vertex, slots
from headgate.core.records cimport Node, Op, Tensor
from headgate.core.reports cimport place_of
from headgate.core.storage cimport Storage
from headgate.kernels.copying cimport copy_into, like_layout

cdef bint own(Tensor g, object source, long long number) except -1
cdef bint alone(Tensor g, long long number) except -1
cdef refuse_nan(Node n, list results)
cdef retain(object hooks, int output, Tensor g)
cpdef bint expandable(tuple shape, tuple target) except -1
cdef Tensor fit(Node n, int i, Vertex v, int nr, object value)
cpdef list places(Node n)
cdef list after_hooks(Node n, list results, list grads)
cdef bint has_layout(ndarray g, ndarray x)
cdef ndarray in_layout(ndarray x, ndarray g)
cpdef accumulate(Tensor x, Tensor g, bint mine, bint create)
