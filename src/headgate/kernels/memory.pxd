# Fresh arrays whose memory is kept for the next one, for compiled callers. Knows nothing of tensors.
from cpython.ref cimport PyObject
from numpy cimport ndarray, npy_intp

cdef ndarray fresh(int nd, npy_intp *dims, int typenum)
cdef ndarray fresh_like(ndarray x)
cpdef object set_cache_limit(Py_ssize_t nbytes)
cpdef Py_ssize_t cache_held() noexcept
