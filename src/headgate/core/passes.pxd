# C types of passes.py.
from headgate.core.engine cimport Pass
from headgate.core.operators cimport Vertex
from headgate.core.records cimport Node, Tensor
from headgate.core.storage cimport Cut

cpdef run_backward(list roots, list grads, bint keep, bint create, object captures, bint accumulate_leaves, Cut freed_by)
cdef run_from(Node root, int output, Tensor gradient, Cut freed_by)
