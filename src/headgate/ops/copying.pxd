# C types of copying.py.
from numpy cimport ndarray
from headgate.dtypes cimport dtype
from headgate.core.apply cimport apply1, first_requiring, record, requires, see_all, wrap
from headgate.core.arrays cimport is_float, make_view, same_memory, same_shape, set_meta, shape_of
from headgate.core.inplace cimport adopt, check_operands, follow_cut
from headgate.core.modes cimport grad_enabled
from headgate.core.operators cimport Called
from headgate.core.records cimport Node, Op, Tensor
from headgate.core.writes cimport check_allowed, check_writable, note_own_write, note_write
from headgate.kernels.copying cimport contiguous, converted, copied, copy_into

cdef class Copy(Op):
    cdef Tensor write_tensor(self, Tensor x, Tensor y)

cdef ndarray with_strides(ndarray x, object kind, tuple strides)
cdef object array_type(int number)
cdef check_broadcast(ndarray x, ndarray y)
cdef Op CLONE, TO_COPY, COPY
