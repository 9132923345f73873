# C types of engine.py.
cimport cython
from headgate.core.apply cimport requires
from headgate.core.arrays cimport same_shape
from headgate.core.gradients cimport accumulate, after_hooks, fit, own, retain
from headgate.core.modes cimport grad_enabled, set_grad
from headgate.core.operators cimport INPLACE, Vertex, slots
from headgate.core.records cimport Node, Tensor
from headgate.core.reports cimport place_of, stale_history
from headgate.core.saved cimport look_at_all, release
from headgate.core.storage cimport Cut

cdef long long LEAF_FIRST

@cython.no_gc
cdef class Task:
    cdef Vertex vertex
    cdef Tensor grad
    cdef list box
    cdef long long order
    cdef Py_ssize_t pending
    cdef bint owned, useful


cdef class Pass:
    cdef long long number
    cdef list tasks
    cdef list heap
    cdef dict overflow
    cdef bint keep, create, accumulate
    cdef object captures
    cdef Cut freed_by
    cdef dict told
    cdef note_stale(self, Node n)
    cdef bint before
    cdef object begin(self, bint keep, bint create, object captures, bint accumulate, Cut freed_by)
    cdef object end(self)
    cdef Task task_of(self, Vertex v)
    cdef Task claim(self, Vertex v)
    cdef discover(self, list roots)
    cdef mark_useful(self)
    cdef deliver(self, Task task, int nr, Tensor g, bint mine)
    cdef ready(self, Task task)
    cdef Task next_ready(self)
    cdef run(self)
    cdef run_leaf(self, Tensor x, Task task)
    cdef run_node(self, Node n, Task task)
    cdef list incoming(self, Node n, Task task, bint runs)
    cdef capture_all(self, Node n, list grads)
    cdef distribute(self, Node n, list grads, list results)
    cdef long long need(self, Node n)
    cdef capture(self, Vertex v, int nr, Tensor g)

cpdef run_backward(list roots, list grads, bint keep, bint create, object captures, bint accumulate_leaves, Cut freed_by)
cdef run_from(Vertex root, int output, Tensor gradient, bint keep, bint create, Cut freed_by)
cdef bint is_live(long long number)
cdef bint _anomaly, _check_nan
cdef refuse_nan(Node n, list results)
