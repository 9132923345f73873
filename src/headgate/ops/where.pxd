# C types of where.py.
from numpy cimport PyArray_DATA, ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply1, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.inplace cimport write
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.copying cimport contiguous, converted
from headgate.kernels.door cimport Loop, map3
from headgate.kernels.sorting cimport marked
from headgate.ops.change cimport FILL, FILL_, FILL_TENSOR, FILL_TENSOR_, ZERO_, Change, allow_expanded, allow_overlap, change, change_inplace, constant, few_masked, is_number, kind_name, need_tensor
from headgate.ops.view cimport SLICE, Part

cdef put_places(ndarray flat, tuple shape, ndarray places)

cdef class Masked(Change):
    pass

cdef Loop WHERE_LOOP
cdef ndarray of_kind(ndarray x, dtypes.dtype kind)
cdef dtypes.dtype common_kind(object x, object y)
cdef Tensor zero_like(Tensor g)
cdef str disagreement(ndarray condition, ndarray x, ndarray y)
cdef Tensor choose(Tensor condition, object x, object y)
cdef str type_names(tuple values)
cdef check_pair(ndarray x, ndarray mask)
cdef tuple masked(ndarray x, ndarray mask)
cdef Tensor fill_where(Tensor x, Tensor mask, object value)
cdef Tensor need_mask(object mask, str function, str text)
cdef Op WHERE, MASKED_SELECT, NONZERO
cdef Change MASKED_FILL, MASKED_FILL_TENSOR, MASKED_SCATTER
