# C types of engine.py.
cimport cython
from headgate.core.apply cimport current_node
from headgate.core.arrays cimport same_shape
from headgate.core.gradients cimport accumulate, after_hooks, fit, own, refuse_nan, retain
from headgate.core.modes cimport grad_state, set_grad_state
from headgate.core.operators cimport INPLACE, Vertex, slots
from headgate.core.queue cimport Queue
from headgate.core.records cimport Node, Tensor
from headgate.core.reports cimport stale_history
from headgate.core.saved cimport look_at_all, look_first, release
from headgate.core.stale cimport passes_stale
from headgate.core.storage cimport Cut

cdef long long LEAF_FIRST
cdef long long _passes
cdef list _live

cdef class Deputy(Vertex):
    cdef Vertex vertex


cdef class Pass(Queue):
    cdef long long number
    cdef list met
    cdef dict overflow
    cdef bint keep, create, accumulate
    cdef object captures
    cdef Cut freed_by
    cdef dict told
    cdef int before, mode
    cdef object begin(self, bint keep, bint create, object captures, bint accumulate, Cut freed_by)
    cdef object end(self)
    cdef Vertex state_of(self, Vertex v)
    cdef Vertex claim(self, Vertex v)
    cdef discover(self, Vertex root)
    cdef mark_useful(self)
    cdef abandon(self, list roots)
    cdef deliver(self, Vertex state, Vertex v, int nr, Tensor g, bint mine)
    cdef start(self, Vertex root)
    cdef run(self)
    cdef switch(self, int mode)
    cdef bint is_plain(self, Node n)
    cdef run_plain(self, Node n, Vertex state)
    cdef run_leaf(self, Tensor x, Vertex state)
    cdef run_node(self, Node n, Vertex state)
    cdef list pull_through(self, Node n, list grads, long long need)
    cdef list incoming(self, Node n, Vertex state, bint runs)
    cdef capture_all(self, Node n, list grads)
    cdef distribute(self, Node n, list grads, list results)
    cdef hand_over(self, Node n, int i, Vertex v, object value, object source, bint fresh)
    cdef long long need(self, Node n)
    cdef note_stale(self, Node n, list results)
    cdef capture(self, Vertex v, int nr, Tensor g)

cdef bint is_live(long long number) noexcept
cdef bint _anomaly, _check_nan
