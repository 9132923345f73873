# C types of cumulative.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply1, wrap
from headgate.core.arrays cimport is_float, shape_of
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport X, OUT, Node, Op, Tensor
from headgate.kernels.reduction cimport reduce
from headgate.kernels.softmax cimport cumulate
from headgate.ops.explog cimport EXP
from headgate.ops.reducing cimport PLACE, array_kind, called, given, one_dim, write_results
from headgate.ops.view cimport SLICE

cdef tuple along(int axis, slice part)
cdef Tensor recurrence(Tensor b, Tensor a, int axis, bint backward)
cdef object running(Op op, object input, object dim, object dtype, object out, str name)
cdef tuple extremes(Op op, object input, object dim, object out, str name)
cdef Op SHIFT, TIMES, HALVED, CUMSUM, CUMPROD, LOGCUMSUMEXP, CUMMAX, CUMMIN
