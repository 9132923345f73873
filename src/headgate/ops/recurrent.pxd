# C types of recurrent.py.
from numpy cimport ndarray, PyArray_TYPE
from headgate.core.apply cimport apply, wrap
from headgate.core.arrays cimport is_float
from headgate.core.modes cimport grad_enabled
from headgate.core.records cimport OUT, Node, Op, Saved, Tensor
from headgate.core.saved cimport find
from headgate.kernels.recurrent cimport backward as kernel_backward, forward as kernel_forward
from headgate.ops.recurrent_checks cimport cell_state, cell_states, check_cell, layer_parameters, packed_sizes
from headgate.ops.through cimport through_ops

cdef class Recurrent(Op):
    cdef readonly int kind
    cdef readonly bint layer
    cdef tuple kept
    cdef long long saved
    cdef list fused(self, Node n, list grads, long long need)
    cdef object input_array(self, Node n, int key, bint read)

cdef object array_or_none(Tensor g)
cdef list recomputed(Recurrent op, Node n, list grads, long long need)
cdef bint saved_value(Node n, int key)
cdef bint uniform(tuple inputs)
cdef bint fits_biases(tuple inputs)
cdef object cell(int kind, tuple inputs)
