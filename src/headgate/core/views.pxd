# C types of views.py.
from numpy cimport ndarray
from headgate.core.apply cimport add_edge, apply1, begin_node, current_node, edge_of, keep_retaining, requires, set_history
from headgate.core.arrays cimport set_meta, shape_of
from headgate.core.operators cimport INPLACE, Vertex, slots
from headgate.core.records cimport CUSTOM_VIEW, MULTI_VIEW, NO_GRAD_VIEW, RETAINS, Node, Op, Tensor
from headgate.core.saved cimport drop_saved, look_first
from headgate.core.stale cimport watch_stale

cdef class AsStrided(Op):
    pass

cdef class CopySlices(Op):
    cdef list pull_slices(self, Node n, Tensor g, long long need)

cdef int FIXED, MOVED
cdef tuple steps_of(Tensor view)
cdef Tensor replay(tuple steps, Tensor x)
cdef object layout_of(ndarray a)
cdef rebase_root(Tensor view, Node inner)
