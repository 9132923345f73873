from numpy cimport ndarray

cpdef ndarray widened(ndarray x)
cpdef ndarray narrowed(ndarray x)
