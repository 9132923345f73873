# C types of surface.py.
from numpy cimport ndarray
from headgate.core.apply cimport cut_here, current_node, requires
from headgate.core.arrays cimport count_of, is_float
from headgate.core.modes cimport inference_enabled
from headgate.core.operators cimport slots
from headgate.core.records cimport INFERENCE, Node, Surface, Tensor
from headgate.core.reports cimport cut_leaf, cut_of

cdef class Protocols(Surface):
    pass

cdef take_over(Tensor x, Tensor t)
cpdef Tensor bare(object kind)
cdef object plain_item(ndarray array)
