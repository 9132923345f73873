# Conversions of half precision for compiled callers; they know arrays, not tensors.
from numpy cimport ndarray

cpdef ndarray widened(ndarray x)
cpdef ndarray narrowed(ndarray x)
