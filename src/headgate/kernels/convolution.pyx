# sources: convolution_loops.c convolution_weight.c convolution_planes.c
"""Convolutions of one to three dims: result, gradient for the input, gradient for the weight, as arrays.

float32 and float64 run in the loops of convolution_loops.c, float16 and bfloat16 through float32, integers and shapes
beyond the loops in the NumPy form. A kernel as large as its input is one matrix product. Nothing here knows tensors.
"""

import numpy as np

from headgate.kernels import reference_convolution as reference

cimport numpy as cnp
from numpy cimport ndarray, npy_intp

from headgate.kernels.gemm cimport matmul
from headgate.kernels.memory cimport fresh
from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "types.h" nogil:
    enum:
        HG_F32, HG_F64
    int hg_type_of(int number)

cdef extern from "convolution_loops.h" nogil:
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    ctypedef struct hg_conv:
        int type
        Py_ssize_t batch, groups, inputs, outputs
        Py_ssize_t[3] in_ "in"
        Py_ssize_t[3] out, kernel, stride, padding, dilation
    int hg_conv_forward(const hg_conv *c, const void *x, const void *w, const void *bias, void *y, hg_splitter parallel)
    int hg_conv_input(const hg_conv *c, const void *y, const void *w, const void *bias, void *x, hg_splitter parallel)
    int hg_conv_weight(const hg_conv *c, const void *x, const void *y, void *w, hg_splitter parallel)


cdef inline ndarray straight(ndarray x):
    """x itself if it is contiguous, aligned and in native order, else such a copy."""
    if cnp.PyArray_IS_C_CONTIGUOUS(x) and cnp.PyArray_ISBEHAVED_RO(x):
        return x
    return np.array(x, dtype=x.dtype.newbyteorder("="), order="C")


cdef inline bint in_loops(ndarray x) noexcept:
    cdef int kind = hg_type_of(cnp.PyArray_TYPE(x))
    return (kind == HG_F32 or kind == HG_F64) and cnp.PyArray_NDIM(x) <= 5


cdef inline bint is_short(ndarray x):
    """Whether these are floats of 16 bits, which are computed as float32."""
    return cnp.PyArray_ITEMSIZE(x) == 2 and x.dtype.kind not in "iub"


cdef int place(Py_ssize_t *to, object values, Py_ssize_t missing) except -1:
    """Up to three numbers into the last of three places."""
    cdef int count = len(values), i
    for i in range(3 - count):
        to[i] = missing
    for i in range(count):
        to[3 - count + i] = values[i]
    return 0


cdef int describe(hg_conv *c, ndarray x, ndarray w, object sizes, object out, tuple stride, tuple padding,
                  tuple dilation, Py_ssize_t groups, tuple kernel, Py_ssize_t inputs, Py_ssize_t outputs) except -1:
    c.type = hg_type_of(cnp.PyArray_TYPE(x))
    c.batch = cnp.PyArray_DIMS(x)[0]
    c.groups, c.inputs, c.outputs = groups, inputs, outputs
    place(c.in_, sizes, 1)
    place(c.out, out, 1)
    place(c.kernel, kernel, 1)
    place(c.stride, stride, 1)
    place(c.padding, padding, 0)
    place(c.dilation, dilation, 1)
    return 0


cdef ndarray made(Py_ssize_t first, Py_ssize_t second, tuple sizes, ndarray like):
    """A fresh array (first, second, sizes...)."""
    cdef npy_intp[5] dims
    cdef int i
    dims[0], dims[1] = first, second
    for i in range(len(sizes)):
        dims[2 + i] = sizes[i]
    return fresh(2 + len(sizes), dims, cnp.PyArray_TYPE(like))


cdef bint whole_kernel(tuple kernel, tuple sizes, tuple padding, Py_ssize_t groups):
    """Whether the kernel covers all of the input once: then the convolution is a product of matrices."""
    return groups == 1 and kernel == sizes and not any(padding)


cdef int check(int failed) except -1:
    if failed == -1:
        raise MemoryError("no memory for the planes of a convolution")
    return failed


cpdef ndarray conv_forward(ndarray x, ndarray w, object bias, tuple size, tuple stride, tuple padding, tuple dilation,
                           Py_ssize_t groups):
    """y[n, o, q] = bias[o] + sum over c, k of w[o, c, k] x[n, c, q * stride + k * dilation - padding], q below size."""
    cdef hg_conv c
    cdef ndarray y, b = None
    cdef int failed
    cdef const void *start = NULL
    cdef object kind = x.dtype
    if is_short(x):
        wide = conv_forward(x.astype("f4"), w.astype("f4"), None if bias is None else bias.astype("f4"), size, stride,
                            padding, dilation, groups)
        return wide.astype(kind)
    if not in_loops(x) or not x.size or not w.size:
        return reference.conv_forward(x, w, bias, size, stride, padding, dilation, groups)
    x, w = straight(x), straight(w)
    sizes, kernel = (<object> x).shape[2:], (<object> w).shape[2:]
    if whole_kernel(kernel, sizes, padding, groups):
        y = matmul((<object> x).reshape(len(x), -1), (<object> w).reshape(len(w), -1).T)
        if bias is not None:
            y += bias
        return (<object> y).reshape((len(x), len(w)) + size)
    y = made(len(x), len(w), size, x)
    describe(&c, x, w, sizes, size, stride, padding, dilation, groups, kernel, w.shape[1], w.shape[0] // groups)
    if bias is not None:
        b = straight(bias)
        start = cnp.PyArray_DATA(b)
    with nogil:
        failed = hg_conv_forward(&c, cnp.PyArray_DATA(x), cnp.PyArray_DATA(w), start, cnp.PyArray_DATA(y),
                                 <hg_splitter> parallel)
    if check(failed):
        return reference.conv_forward(x, w, bias, size, stride, padding, dilation, groups)
    return y


cpdef ndarray conv_input(ndarray y, ndarray w, object bias, tuple size, tuple stride, tuple padding, tuple dilation,
                         Py_ssize_t groups):
    """The gradient for the input, of the given last sizes: every y goes back over the taps that read for it.

    A bias is added per channel: the result of a transposed convolution.
    """
    cdef hg_conv c
    cdef ndarray x, b
    cdef int failed
    cdef const void *start = NULL
    cdef object kind = y.dtype
    if is_short(y):
        wide = conv_input(y.astype("f4"), w.astype("f4"), None if bias is None else bias.astype("f4"), size, stride,
                          padding, dilation, groups)
        return wide.astype(kind)
    if not in_loops(y) or not y.size or not w.size or 0 in size:
        return reference.conv_input(y, w, bias, size, stride, padding, dilation, groups)
    y, w = straight(y), straight(w)
    out, kernel = (<object> y).shape[2:], (<object> w).shape[2:]
    if bias is None and whole_kernel(kernel, size, padding, groups) and set(out) == {1}:
        x = matmul((<object> y).reshape(len(y), -1), (<object> w).reshape(len(w), -1))
        return (<object> x).reshape((len(y), w.shape[1]) + size)
    x = made(len(y), w.shape[1] * groups, size, y)
    describe(&c, y, w, size, out, stride, padding, dilation, groups, kernel, w.shape[1], w.shape[0] // groups)
    if bias is not None:
        b = straight(bias)
        start = cnp.PyArray_DATA(b)
    with nogil:
        failed = hg_conv_input(&c, cnp.PyArray_DATA(y), cnp.PyArray_DATA(w), start, cnp.PyArray_DATA(x),
                               <hg_splitter> parallel)
    if check(failed):
        return reference.conv_input(y, w, bias, size, stride, padding, dilation, groups)
    return x


cpdef ndarray conv_weight(ndarray x, ndarray y, tuple size, tuple stride, tuple padding, tuple dilation,
                          Py_ssize_t groups):
    """The gradient for the weight, of the given kernel sizes: sum over images and places of y times what a tap read."""
    cdef hg_conv c
    cdef ndarray w
    cdef int failed
    cdef object kind = x.dtype
    if is_short(x):
        return conv_weight(x.astype("f4"), y.astype("f4"), size, stride, padding, dilation, groups).astype(kind)
    if not in_loops(x) or not x.size or not y.size:
        return reference.conv_weight(x, y, size, stride, padding, dilation, groups)
    x, y = straight(x), straight(y)
    sizes, out = (<object> x).shape[2:], (<object> y).shape[2:]
    if whole_kernel(size, sizes, padding, groups) and set(out) == {1}:
        w = matmul((<object> y).reshape(len(y), -1).T, (<object> x).reshape(len(x), -1))
        return (<object> w).reshape((y.shape[1], x.shape[1]) + size)
    w = made(y.shape[1], x.shape[1] // groups, size, x)
    describe(&c, x, y, sizes, out, stride, padding, dilation, groups, size, x.shape[1] // groups, y.shape[1] // groups)
    with nogil:
        failed = hg_conv_weight(&c, cnp.PyArray_DATA(x), cnp.PyArray_DATA(y), cnp.PyArray_DATA(w),
                                <hg_splitter> parallel)
    if check(failed):
        return reference.conv_weight(x, y, size, stride, padding, dilation, groups)
    return w
