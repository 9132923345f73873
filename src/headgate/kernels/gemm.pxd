# Products of matrices for compiled callers; they know arrays, not tensors.
from numpy cimport ndarray

cpdef ndarray matmul(ndarray a, ndarray b, ndarray out=*)
cpdef ndarray addmm(ndarray c, ndarray a, ndarray b, double beta, double alpha)
cpdef str blas_in_use()
