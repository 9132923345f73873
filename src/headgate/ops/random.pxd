# C types of random.py.
from numpy cimport ndarray
from headgate.core cimport generator as streams
from headgate.core.apply cimport apply1, first_requiring, record, requires, wrap
from headgate.core.arrays cimport is_float, set_meta, shape_of
from headgate.core.inplace cimport adopt
from headgate.core.modes cimport grad_enabled
from headgate.core.records cimport Node, Op, Tensor
from headgate.core.writes cimport check_writable, note_write
from headgate.ops.creation cimport check_tensor, empty_as, leaf, target
from headgate.ops.copying cimport check_broadcast

cdef class Draw(Op):
    pass

cdef Tensor draw(Op op, object x, object other, object fill)
cdef object drawn(str name, object fill, tuple sizes, object size, object out, object kind, object dtype, object requires_grad, object options)
