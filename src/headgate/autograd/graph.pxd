# C types of graph.py.
from headgate.core.apply cimport current_node, requires
from headgate.core.operators cimport Vertex
from headgate.core.records cimport OUT, RETAINS, Node, Saved, Tensor
from headgate.core.saved cimport find

cpdef object face_of(Vertex v)
