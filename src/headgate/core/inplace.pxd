# C types of inplace.py.
from numpy cimport ndarray
from headgate.core.apply cimport add_edge, arrays_of, begin_node, first_cut, first_requiring, note_cut, record, requires, save_inputs, save_outputs, see_all, set_history, telling, wrap
from headgate.core.arrays cimport count_of, is_float, partly_overlap, same_memory, same_shape, set_meta, without_gaps
from headgate.core.modes cimport grad_enabled
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport OUT, Node, Op, Tensor
from headgate.core.reports cimport cut_of
from headgate.core.saved cimport save_input, save_output
from headgate.core.views cimport rebase_root
from headgate.core.writes cimport check_writable, note_write
from headgate.kernels.copying cimport copy_into

cdef Tensor write(Op op, tuple inputs, object attrs, object out)
cdef Tensor write_inplace(Op op, tuple inputs, object attrs)
cdef Tensor write_out(Op op, tuple inputs, object attrs, Tensor out)
cdef Tensor copy_before(Tensor x)
cdef check_result(Tensor x, ndarray result, str name)
cdef check_operands(Tensor x, tuple inputs)
cpdef check_apart(Tensor x, tuple inputs)
cdef bint adopt(Tensor x, Node n) except -1
cdef follow_cut(Tensor x, tuple inputs, Op op)
