# C types of shuffle.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply1
from headgate.core.arrays cimport is_contiguous, make_view, reshape_view, shape_of, swap_view
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.copying cimport contiguous
from headgate.ops.arguments cimport given, whole

cdef tuple strides_of(tuple sizes, Py_ssize_t step)
cdef ndarray moved(ndarray x, tuple shape, tuple steps, tuple result)

cdef Op SHUFFLE, UNSHUFFLE, CHANNELS
