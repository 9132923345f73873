# C types of surface.py.
from headgate.core.apply cimport requires, current_node
from headgate.core.arrays cimport count_of, is_float
from headgate.core.operators cimport slots
from headgate.core.records cimport Node, Surface, Tensor

cdef class Protocols(Surface):
    pass
