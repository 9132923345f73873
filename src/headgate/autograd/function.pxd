# C types of function.py.
from numpy cimport ndarray
from headgate.core.apply cimport begin_node, edge_of, record, requires, see_all, set_history, wrap
from headgate.core.arrays cimport is_float, meta_shape, set_meta, shape_of
from headgate.core.modes cimport grad_enabled, set_grad
from headgate.core.operators cimport Vertex
from headgate.core.records cimport CUSTOM_VIEW, INFERENCE_VIEW, MULTI_VIEW, NO_GRAD_VIEW, OUT, Node, Op, Saved, Tensor, track
from headgate.core.saved cimport SavedReader, attach, begin, note_view, pack
from headgate.core.modes cimport saved_hooks
from headgate.core.views cimport rebase_root
from headgate.core.writes cimport check_view_writable

cdef class FunctionOp(Op):
    cdef object owner
    cdef list called(self, object context, list grads)
    cdef list placed(self, Node n, object context, object results)

cdef class DelayedError(Op):
    pass

cdef SavedReader READ
cdef Tensor alias_of(Tensor x)

cdef class Alias(Op):
    pass
