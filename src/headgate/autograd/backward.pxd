# C types of backward.py.
from headgate.core.apply cimport current_node, cut_here, edge_of, requires, wrap
from headgate.core.arrays cimport count_of, meta_shape, ones_like, shape_of
from headgate.core.passes cimport run_backward, run_from
from headgate.core.modes cimport grad_enabled
from headgate.core.operators cimport Called, Vertex
from headgate.core.records cimport Node, Tensor
from headgate.core.reports cimport cut_leaf, why_cut
from headgate.core.storage cimport Cut

cdef class PlainBackward(Called):
    pass
