# C types of operators.py.
from numpy cimport ndarray
from headgate.core.storage cimport Site


cdef class Called:
    cdef public str name
    cdef object call1(self, object x, object out)
    cdef object call2(self, object x, object y, object out)
    cdef object call3(self, object x, object y, object z, object out)


cdef class Slots:
    cdef public Called add, sub, mul, div, floor_divide, remainder, pow, matmul
    cdef public Called neg, abs, invert, positive
    cdef public Called bit_and, bit_or, bit_xor, left_shift, right_shift
    cdef public Called eq, ne, lt, le, gt, ge
    cdef public Called getitem, setitem
    cdef public Called sum_to, expand, unsqueeze, cast, clone, copy, ones_like


cdef class Vertex(Site):
    cdef long long _order
    cdef long long _claim
    cdef int _pending
    cdef signed char _owned, _useful
    cdef object _arrived


cdef class Operand(Vertex):
    pass


cdef object reflected(Called op, object x, object y)
cdef object compared(Called op, object x, object y)
cdef Slots slots
cdef object INPLACE
