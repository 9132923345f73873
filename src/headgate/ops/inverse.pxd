# C types of inverse.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply1, apply2, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport OUT, X, Node, Op, Tensor
from headgate.kernels.lapack cimport det as det_kernel
from headgate.kernels.lapack cimport inverse as inverse_kernel
from headgate.kernels.lapack cimport slogdet as slogdet_kernel
from headgate.kernels.lapack cimport solve as solve_kernel
from headgate.ops.arguments cimport other
from headgate.ops.linalg cimport transposed
from headgate.ops.reducing cimport given, write_results
from headgate.ops.solve cimport batch_of, check_kind, check_square, matrices_of, slope_of, together, type_name

cdef Tensor given_as(object value, str function, str name)
cdef object inverse_of(Tensor x, str name, object out)
cdef object det_of(Tensor x, str name, object out)
cdef tuple signed(Tensor x, str name)
cdef Op INVERSE, SOLVE, DET, LOG_ABS_DET
