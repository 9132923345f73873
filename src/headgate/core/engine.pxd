# C types of engine.py.
cimport cython
from numpy cimport ndarray
from headgate.core.apply cimport cut_here, current_node, edge_of, requires, wrap
from headgate.core.arrays cimport is_float, meta_matches, meta_shape, meta_type, same_shape, shape_of
from headgate.core.modes cimport grad_enabled, set_grad
from headgate.core.operators cimport INPLACE, Vertex, slots
from headgate.core.records cimport Node, Op, Tensor
from headgate.core.saved cimport release
from headgate.core.storage cimport Cut, Storage
from headgate.core.reports cimport stale_history

cdef class Pass:
    cdef long long number
    cdef list vertices
    cdef list pending
    cdef list grads
    cdef list owned
    cdef list heap
    cdef dict overflow
    cdef bint keep, create, accumulate
    cdef object captures
    cdef list useful
    cdef Cut freed_by
    cdef dict told
    cdef note_stale(self, Node n)
    cdef Py_ssize_t slot_of(self, Vertex v)
    cdef Py_ssize_t claim(self, Vertex v)
    cdef discover(self, list roots)
    cdef mark_useful(self)
    cdef deliver(self, Vertex v, int nr, Tensor g, bint mine)
    cdef add_grad(self, Py_ssize_t slot, Tensor g, bint mine)
    cdef ready(self, Vertex v)
    cdef Vertex next_ready(self)
    cdef run(self)
    cdef run_leaf(self, Tensor x, Py_ssize_t slot)
    cdef run_node(self, Node n, Py_ssize_t slot)
    cdef list incoming(self, Node n, Py_ssize_t slot)
    cdef distribute(self, Node n, list grads, list results, bint builtin)
    cdef long long need(self, Node n)
    cdef capture(self, Vertex v, int nr, Tensor g)

cdef Tensor fit(Node n, int i, Vertex v, int nr, object value)
cpdef accumulate(Tensor x, Tensor g, bint mine, bint create)
cdef long long rank(Vertex v)
cpdef long long order_of(Vertex v)
cdef bint own(Tensor g, list grads, long long number)
cdef retain(object hooks, int output, Tensor g)
