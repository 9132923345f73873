# C types of fold.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply1
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.pooling cimport fold as fold_kernel, unfold as unfold_kernel
from headgate.ops.arguments cimport given

cdef Op IM2COL, COL2IM
