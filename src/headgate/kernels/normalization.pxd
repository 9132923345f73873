# Normalisation and its gradients, for compiled callers. Knows nothing of tensors.
from numpy cimport ndarray

cpdef tuple normalize_blocks(ndarray x, object w, object b, tuple sizes, double eps, bint centred)
cpdef tuple normalize_blocks_backward(ndarray g, ndarray x, object w, ndarray mean, ndarray rstd, tuple sizes,
                                      bint centred, int need)
cpdef tuple normalize_channels(ndarray x, object w, object b, tuple sizes, double eps, object fixed, object running,
                               double momentum)
cpdef tuple normalize_channels_backward(ndarray g, ndarray x, object w, ndarray mean, ndarray rstd, tuple sizes,
                                        bint fixed, int need)
