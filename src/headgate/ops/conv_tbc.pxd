# C types of conv_tbc.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply2
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport X, Y, Node, Op, Tensor
from headgate.kernels.convolution cimport conv_forward
from headgate.ops.arguments cimport other
from headgate.ops.convolution cimport INPUT, WEIGHT, tensors

cdef Op TIME
