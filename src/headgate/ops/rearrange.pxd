# C types of rearrange.py.
from numpy cimport import_array, ndarray
from headgate.core.apply cimport apply1, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.operators cimport slots
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.copying cimport contiguous, copy_into, like_layout
from headgate.ops.arguments cimport given, ints, place, places, whole
from headgate.ops.view cimport EXPAND, SUM_TO, UNSQUEEZE, VIEW, reshaped

cdef list everything(int count)
cdef ndarray flipped(ndarray x, tuple dims)
cdef object rolled(object x, object shift, object at)
cdef tuple distinct(tuple axes)
cdef tuple pairs(tuple times, tuple shape)
cdef Tensor repeated(Tensor x, tuple times)
cdef ndarray spelled_out(ndarray repeats, object output_size)
cdef object interleave_each(Tensor x, Tensor repeats, object dim, object output_size)
cdef Op FLIP, ROLL, ROT90, REPEAT
