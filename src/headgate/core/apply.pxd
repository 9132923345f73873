# C types of apply.py.
from numpy cimport ndarray
from headgate.core.arrays cimport is_float, set_meta
from headgate.core.modes cimport grad_enabled, grad_state, inference_enabled
from headgate.core.operators cimport INPLACE, Vertex, slots
from headgate.core.records cimport CUSTOM_VIEW, INFERENCE, INFERENCE_VIEW, MULTI_VIEW, NO_GRAD_VIEW, OUT, RETAINS, Node, Op, Tensor, track
from headgate.core.reports cimport cut_of
from headgate.core.saved cimport save_input, save_number, save_output
from headgate.core.site cimport mark
from headgate.core.stale cimport watch_stale
from headgate.core.storage cimport Cut, Storage
from headgate.core.writes cimport refuse_view

cdef long long order
cpdef Tensor wrap(object array)
cdef Tensor wrap_view(Op op, Tensor x, object attrs, ndarray array)
cdef Tensor wrap_over(ndarray array, Tensor x)
cpdef bint requires(Tensor x) except -1
cdef Node current_node(Tensor x)
cdef Vertex edge_of(Tensor x)
cdef check_followed(Tensor x)
cdef object run_seeing(Op op, tuple inputs, object attrs)
cdef see_all(Op op, tuple inputs)
cdef Node begin_node(Op op, object attrs, int inputs)
cdef add_edge(Node n, int i, Tensor x)
cdef finish_node(Node n, Tensor y)
cdef save_inputs(Node n, tuple inputs)
cdef save_outputs(Node n, list outputs)
cdef Tensor first_requiring(tuple inputs)
cdef Cut first_cut(tuple inputs)
cdef Cut telling(Cut first, Cut second)
cdef Tensor apply1(Op op, Tensor x, object attrs)
cdef Tensor apply2(Op op, Tensor x, Tensor y, object attrs)
cdef Tensor apply2n(Op op, object x, object y, object attrs)
cdef object apply(Op op, tuple inputs, object attrs)
cdef object finish(Op op, tuple inputs, object attrs, object result)
cdef Node record(Op op, tuple inputs, object attrs)
cdef note_cut(Tensor y, Tensor x, Op op)
cpdef Cut cut_here(str kind, str what)
cdef set_history(Tensor x, Node n, int output)
cdef keep_retaining(Tensor x, Node n, int output)
cdef object refresh_view
cdef int counted(list outputs) except -1
cdef tuple arrays_of(tuple inputs)
cdef list view_outputs(Op op, Tensor x, object attrs, tuple arrays)
