# Recurrent cells and layers for compiled callers; they know arrays, not tensors.
from numpy cimport ndarray

cpdef tuple forward(int kind, ndarray x, object sizes, ndarray h, ndarray c, tuple weights, bint reverse)
cpdef list backward(int kind, int need, ndarray x, object sizes, ndarray h, ndarray c, tuple weights, tuple kept,
                    tuple grads, bint reverse)
