# C types of nodes.py.
from headgate.core.apply cimport current_node, edge_of, requires
from headgate.core.gradients cimport fit, places
from headgate.core.operators cimport Vertex
from headgate.core.records cimport OUT, RETAINS, GradientRules, Node, Saved, Tensor, track
from headgate.core.saved cimport find

cpdef object face_of(Vertex v)
cdef object saved_value(object v, str name)

cdef class Rules(GradientRules):
    pass
