# Factors, systems and values of matrices for compiled callers; they know arrays, not tensors.
from numpy cimport ndarray

cpdef object cholesky(ndarray a)
cpdef object triangular(ndarray a, ndarray b, bint upper, bint unit, bint left)
cpdef object cholesky_solve(ndarray b, ndarray factor, bint upper)
cpdef object cholesky_inverse(ndarray factor, bint upper)
cpdef object inverse(ndarray a)
cpdef object solve(ndarray a, ndarray b, bint left, bint vector)
cpdef object det(ndarray a)
cpdef tuple slogdet(ndarray a)
