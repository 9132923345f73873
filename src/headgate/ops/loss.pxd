# C types of loss.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply1, apply2, requires, wrap
from headgate.core.arrays cimport count_of, insert_view, is_float, same_shape, same_type, select_view, shape_of
from headgate.core.modes cimport grad_enabled, grad_state
from headgate.core.records cimport X, Y, Z, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map1, map2, map2p, map2s
from headgate.kernels.indexing cimport gather, linear, scatter
from headgate.kernels.reduction cimport reduce
from headgate.ops.arguments cimport number, other, whole
from headgate.ops.keep cimport zeros_of
from headgate.ops.loss_checks cimport check_targets, check_weight, other_type, refused_result, second, weights_like
from headgate.ops.reducing cimport given, one_dim
from headgate.ops.softmax cimport LOG_SOFTMAX

cdef Loop NEGATIVE, QUOTIENT, SQUARED, DIFFERENCE, PRODUCT, SMOOTH, BOUNDED
cdef object squares_pulled(ndarray x, ndarray y, ndarray g, int reduction, int i)

cdef class Pair(Op):
    cdef ndarray values(self, ndarray x, ndarray y, object parameter)
    cdef Tensor slope(self, Tensor d, object parameter)

cpdef object reduction_of(object reduction, object size_average, object reduce)
cdef object reduce_values(object values, int reduction)
cdef tuple pair_of(object input, object target, str name)
cdef ndarray rolled(ndarray x)
cdef tuple chosen(ndarray target, object weight, object classes, object ignore, object kind)
cdef bint plain_targets(tuple shape, ndarray target, object ignore)
cdef object plain_likelihood(ndarray x, ndarray target, int reduction)
cdef object plain_gradient(ndarray g, ndarray target, int reduction, tuple shape)
cdef object divided(object a, object b)
cdef Tensor likelihood(Tensor x, Tensor target, object weight, object ignore, int code)
cdef object of_probabilities(Tensor scores, Tensor target, object weight, int code, object smoothing, object dim)
cdef object smoothed(Tensor scores, Tensor target, object weight, object ignore, int code, object smoothing, object dim)
cdef Op MSE, SMOOTH_L1, HUBER, NLL, NLL_2D, NLL_GRADIENT
