# Softmax and its kin, and running sums, for compiled callers; they know arrays, not tensors.
from numpy cimport ndarray

cpdef ndarray softmax(ndarray x, Py_ssize_t axis)
cpdef ndarray log_softmax(ndarray x, Py_ssize_t axis)
cpdef ndarray softmax_backward(ndarray g, ndarray y, Py_ssize_t axis)
cpdef ndarray log_softmax_backward(ndarray g, ndarray y, Py_ssize_t axis)
cpdef ndarray logsumexp(ndarray x, object axes=*, bint keepdims=*)
cpdef object cumulate(str name, ndarray x, Py_ssize_t axis, object out_dtype=*)
