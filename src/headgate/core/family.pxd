# C types of family.py.
from numpy cimport ndarray, PyArray_TYPE
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply1, apply2, apply2n, requires
from headgate.core.arrays cimport covers, is_contiguous, is_float, overlaps_itself
from headgate.core.inplace cimport write
from headgate.core.modes cimport grad_enabled
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport INFERENCE, OUT, X, Y, Node, Op, Tensor
from headgate.core.writes cimport check_writable, note_write
from headgate.kernels.door cimport Loop, map1, map1p, map2, map2p, map2s, map3, map3p, over2

cdef int FLOATS, SAME, ARITHMETIC, QUOTIENT, COMPARISON, LOGICAL, BITS
cdef int ANSWER, BOOLS, INTEGERS, REALS

cdef bint is_bare(Tensor x) noexcept
cdef bint is_free(Tensor x) noexcept

cdef class Unary(Op):
    cdef Loop loop
    cdef int kind
    cdef int refused
    cdef str kernel
    cdef bint exact
    cdef check_out(self, Tensor x, Tensor out)
    cdef object refusal(self, dtypes.dtype kind)
    cdef bint writes_directly(self, Tensor x)
    cdef object call1p(self, object x, object attrs, object out)
    cdef ndarray cast(self, ndarray x)
    cdef ndarray compute(self, ndarray x, object attrs, ndarray out)

cdef class Binary(Op):
    cdef Loop loop
    cdef int kind
    cdef int refused
    cdef str kernel
    cdef object run_with(self, object x, object y, object attrs, ndarray out)
    cdef object by_slow_road(self, object x, object y, object out)
    cdef object write_fast(self, Tensor x, object y)
    cdef object write_checked(self, Tensor x, object y)
    cdef object promote_and_run(self, object x, object y, ndarray out)
    cdef dtypes.dtype result_kind(self, object x, object y)

cdef class TensorPair(Binary):
    pass

cdef class NumberSecond(Binary):
    pass

cdef class NumberFirst(Binary):
    pass

cdef class Overloaded(Binary):
    cdef Op first
    cdef Op second

cdef class Ternary(Op):
    cdef Loop loop
    cdef int refused
    cdef str kernel
    cdef object refusal(self, dtypes.dtype kind)
    cdef bint write_fast(self, Tensor x, Tensor y, Tensor z, object attrs)

cdef bint fits(Tensor x, Tensor y) except -1
cdef object operand(object value, str name)
cdef ndarray as_type(ndarray a, dtypes.dtype kind)
