# C types of pad.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply1, apply2, wrap
from headgate.core.arrays cimport count_of, shape_of
from headgate.core.records cimport X, Node, Op, Tensor
from headgate.kernels.copying cimport contiguous, copy_into, fill, zeros
from headgate.kernels.pooling cimport resample
from headgate.ops.arguments cimport given
from headgate.ops.change cimport constant

cdef Op CONSTANT
cdef Tensor pad_constant(Tensor x, tuple pads, object value)
