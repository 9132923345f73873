# Scaled dot-product attention for compiled callers; it knows arrays, not tensors.
from numpy cimport ndarray

cpdef tuple forward(ndarray q, ndarray k, ndarray v, object mask, bint causal, double scale)
cpdef list backward(ndarray g, ndarray q, ndarray k, ndarray v, object mask, ndarray out, ndarray logs, bint causal,
                    double scale)
