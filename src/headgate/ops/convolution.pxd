# C types of convolution.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply2, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport Node, Op, Tensor, X, Y
from headgate.kernels.convolution cimport conv_forward, conv_input, conv_weight
from headgate.kernels.reduction cimport reduce
from headgate.ops.pad cimport pad_constant
from headgate.ops.view cimport reshaped

cdef Op CONVOLUTION, INPUT, WEIGHT, BIAS
cdef Tensor forward(Tensor x, Tensor w, object size, object geometry)
cdef tuple each(object value, int count, str function, str name)
cdef Tensor convolved(str function, Tensor x, Tensor w, object bias, object stride, object padding, object dilation,
                      bint transposed, object output_padding, object groups)
cdef Tensor convolved_anew(str function, Tensor x, Tensor w, object bias, tuple numbers, bint transposed,
                           object groups, object key)
cdef bint exact(object value) except -1
cdef dict PLANS
cdef tuple batched(str function, Tensor x, int dims)
cdef bint tensors(str function, object input, object weight, object bias) except? True
cdef bint check_types(Tensor x, Tensor w, object bias, bint transposed, tuple dilation) except? True
