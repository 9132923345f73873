# Reads and writes at given places for compiled callers; they know arrays, not tensors.
from numpy cimport ndarray

cpdef ndarray linear(tuple parts, tuple sizes)
cpdef ndarray take(ndarray x, ndarray index, object axis)
cpdef ndarray gather(ndarray x, Py_ssize_t axis, ndarray index)
cpdef ndarray scatter(ndarray x, Py_ssize_t axis, ndarray index, object src, str mode=*, bint include_self=*)
cpdef ndarray scattered(ndarray x, Py_ssize_t axis, ndarray index, object src, str mode=*)
cpdef ndarray index_add(ndarray x, Py_ssize_t axis, ndarray index, ndarray src, object alpha=*)
