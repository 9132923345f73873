# C types of norms.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply1
from headgate.core.arrays cimport is_float, shape_of
from headgate.core.modes cimport grad_enabled, set_grad
from headgate.core.operators cimport slots
from headgate.core.records cimport OUT, X, Y, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map2
from headgate.kernels.reduction cimport norm as norm_of
from headgate.ops.arguments cimport number
from headgate.ops.keep cimport filled, zeros_of
from headgate.ops.reducing cimport called, dims_of, flag, given, restored, write_results

cdef Tensor pull_norm(Tensor x, Tensor y, Tensor g, double p, object axes)
cdef Tensor converted(Tensor x, object dtype, str name)
cdef object extreme_sum(Tensor x, object order, object axes, object keepdim)
cdef Op VECTOR_NORM, NORM, DIST
cdef Loop DIFFERENCE
