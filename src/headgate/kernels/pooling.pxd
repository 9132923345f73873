# Pooling for compiled callers; it knows arrays, not tensors.
from numpy cimport ndarray

cpdef tuple max_pool(ndarray x, object windows)
cpdef ndarray average_pool(ndarray x, object windows)
cpdef ndarray average_back(ndarray g, object windows)
cpdef ndarray put(ndarray g, ndarray indices, tuple sizes)
cpdef ndarray take(ndarray x, ndarray indices, int count)
cpdef ndarray resample(ndarray x, object rows, object columns)
cpdef ndarray unfold(ndarray x, tuple kernel, tuple dilation, tuple padding, tuple stride, tuple size)
cpdef ndarray fold(ndarray x, tuple kernel, tuple dilation, tuple padding, tuple stride, tuple size)
