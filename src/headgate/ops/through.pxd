# C types of through.py.
from headgate.core.apply cimport apply1, cut_here
from headgate.core.passes cimport run_backward
from headgate.core.records cimport Node, Tensor
from headgate.ops.view cimport ALIAS

cdef list through_ops(list inputs, list grads, long long need, object function)
