# Convolutions for compiled callers; they know arrays, not tensors.
from numpy cimport ndarray

cpdef ndarray conv_forward(ndarray x, ndarray w, object bias, tuple size, tuple stride, tuple padding, tuple dilation,
                           Py_ssize_t groups)
cpdef ndarray conv_input(ndarray y, ndarray w, object bias, tuple size, tuple stride, tuple padding, tuple dilation,
                         Py_ssize_t groups)
cpdef ndarray conv_weight(ndarray x, ndarray y, tuple size, tuple stride, tuple padding, tuple dilation,
                          Py_ssize_t groups)
