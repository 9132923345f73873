# Sorting and the largest elements, for compiled callers; they know arrays, not tensors.
from numpy cimport ndarray

cpdef tuple sort(ndarray x, Py_ssize_t axis=*, bint descending=*, bint stable=*)
cpdef tuple topk(ndarray x, Py_ssize_t k, Py_ssize_t axis=*, bint largest=*, bint sorted=*)
cpdef tuple pick(ndarray x, Py_ssize_t k, Py_ssize_t axis=*)
cpdef ndarray search(ndarray edges, ndarray values, bint right)
cpdef ndarray count(ndarray x, Py_ssize_t least=*)
cpdef object select(ndarray x, Py_ssize_t k)
cpdef ndarray count_parts(ndarray x, Py_ssize_t parts, double low, double high)
cpdef ndarray longest_runs(ndarray x)
cpdef ndarray among(ndarray x, ndarray tests, bint invert)
cpdef tuple extent(ndarray x)
cpdef Py_ssize_t missing(ndarray x)
cpdef ndarray marked(ndarray x, ndarray marks)
