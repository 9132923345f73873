# C types of cut.py.
from headgate.core.apply cimport current_node, cut_here, requires
from headgate.core.arrays cimport is_float, same_memory
from headgate.core.modes cimport inference_enabled
from headgate.core.operators cimport Called
from headgate.core.records cimport CUT_HERE, DATA, DETACHED, INFERENCE, Node, Tensor
from headgate.core.reports cimport cut_of
from headgate.core.site cimport mark
from headgate.core.storage cimport Version
from headgate.core.views cimport MOVED
from headgate.ops.arguments cimport given

cdef class Detach(Called):
    pass

cdef Tensor alias(Tensor x, int flag)
