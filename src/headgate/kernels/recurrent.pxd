# Recurrent cells and layers for compiled callers; they know arrays, not tensors.
from numpy cimport ndarray

cpdef tuple forward(int kind, ndarray x, object sizes, ndarray h, ndarray c, tuple weights, bint reverse)
cpdef list backward(int kind, int need, ndarray x, object sizes, ndarray h, ndarray c, tuple weights, tuple kept,
                    tuple grads, bint reverse)
cpdef tuple ctc_forward(ndarray x, tuple targets, Py_ssize_t blank)
cpdef ndarray ctc_backward(ndarray g, ndarray x, tuple targets, Py_ssize_t blank, tuple kept, bint lost_is_zero)
