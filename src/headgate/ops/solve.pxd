# C types of solve.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply1, apply2
from headgate.core.arrays cimport is_float, shape_of
from headgate.core.records cimport OUT, X, Y, Node, Op, Tensor
from headgate.kernels.lapack cimport cholesky as cholesky_kernel
from headgate.kernels.lapack cimport cholesky_inverse as inverse_kernel
from headgate.kernels.lapack cimport cholesky_solve as solve_kernel
from headgate.kernels.lapack cimport triangular
from headgate.ops.arguments cimport other
from headgate.ops.linalg cimport transposed
from headgate.ops.reducing cimport given, write_results

cdef check_square(Tensor x, str name)
cdef check_kind(Tensor x, str name, str kernel)
cdef str batch_of(object number, tuple shape)
cdef object matrices_of(object a)
cdef tuple together(Tensor x, Tensor y)
cdef Tensor cholesky_of(Tensor x, object upper, str name)
cdef str type_name(Tensor x)
cdef object slope_of(Tensor back, Tensor result, object left)
cdef Op CHOLESKY, TRIANGULAR, CHOLESKY_SOLVE, CHOLESKY_INVERSE
