# C types of matrices.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply1, apply2
from headgate.core.arrays cimport is_float
from headgate.core.records cimport OUT, X, Y, Node, Op, Tensor
from headgate.ops.inverse cimport given_as
from headgate.ops.linalg cimport transposed
from headgate.ops.reducing cimport write_results
from headgate.ops.solve cimport check_square

cdef object matrix_exp_of(Tensor x, str name)
cdef Op MATRIX_EXP, HOUSEHOLDER_PRODUCT
