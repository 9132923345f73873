# Conversions of half precision for compiled callers; they know arrays, not tensors.
from numpy cimport ndarray

cpdef ndarray widened(ndarray x)
cpdef ndarray narrowed(ndarray x)
cpdef ndarray narrowed_to(ndarray x, object kind)
cdef bint is_brain(ndarray x) noexcept
cdef bint convert(ndarray target, ndarray source)
