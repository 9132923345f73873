# C types of triangle.py.
from numpy cimport import_array, ndarray, PyArray_DATA
from headgate.core.apply cimport apply1, apply2, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.inplace cimport write
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.copying cimport contiguous, copied, copy_into, zeros
from headgate.kernels.copying cimport triangle as side_of
from headgate.ops.arguments cimport given, other, place, whole
from headgate.ops.view cimport DIAGONAL, SELECT, SLICE, Part, reshaped

cdef class PartCopy(Op):
    cdef Part step

cdef class PartScatter(Op):
    cdef Op step

cdef object triangle(Op op, object input, object diagonal, bint lower, str name, object out)
cdef Tensor scattered(PartScatter op, Tensor x, object src, tuple attrs, str name)
cdef Op TRIL, TRIU, DIAG_EMBED, DIAGONAL_COPY
cdef PartScatter SELECT_SCATTER, SLICE_SCATTER, DIAGONAL_SCATTER
