# C types of loss_checks.py.
from headgate cimport dtypes
from headgate.core.apply cimport requires
from headgate.core.arrays cimport count_of, shape_of
from headgate.core.modes cimport grad_enabled
from headgate.core.records cimport Tensor

cdef bint fits(Tensor weight, object classes, int rank)
cdef check_targets(Tensor x, Tensor target, object weight)
cdef check_weight(Tensor x, Tensor weight)
cdef object other_type(Tensor found, Tensor expected)
cdef object refused_result(dtypes.dtype kind, dtypes.dtype wanted)
cdef Tensor second(object target, str name)
cdef weights_like(Tensor x, Tensor y, object weight)
