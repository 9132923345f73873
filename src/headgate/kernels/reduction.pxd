# Reductions of arrays along axes, for compiled callers; they know arrays, not tensors.
from numpy cimport ndarray

cpdef ndarray reduce(str name, ndarray x, object axes=*, bint keepdims=*, object out_dtype=*)
cpdef ndarray arg_reduce(str name, ndarray x, object axis=*, bint keepdims=*)
cpdef ndarray variance(ndarray x, object axes=*, double correction=*, bint keepdims=*)
cpdef ndarray norm(ndarray x, double order=*, object axes=*, bint keepdims=*)
