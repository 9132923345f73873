# C types of loss_checks.py.
from headgate cimport dtypes
from headgate.core.apply cimport requires
from headgate.core.arrays cimport shape_of
from headgate.core.modes cimport grad_enabled
from headgate.core.records cimport Tensor

cdef check_targets(Tensor x, Tensor target, object weight)
cdef check_weight(Tensor x, Tensor weight)
