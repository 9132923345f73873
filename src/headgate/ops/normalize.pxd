# C types of normalize.py.
from numpy cimport import_array, ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, wrap
from headgate.core.arrays cimport is_float, shape_of
from headgate.core.modes cimport grad_enabled
from headgate.core.records cimport Node, Op, Tensor
from headgate.core.saved cimport find, look
from headgate.core.writes cimport note_silent_write
from headgate.kernels.normalization cimport (
    normalize_blocks, normalize_blocks_backward, normalize_channels, normalize_channels_backward,
)
from headgate.ops.keep cimport zeros_of

cdef class Normalize(Op):
    cdef bint keeps_bias
    cdef tuple fused(self, Node n, ndarray g, Tensor x, object w, int need)
    cdef list written_out(self, Node n, Tensor g, Tensor x, object w, int need)

cdef class Attached(Op):
    pass

cdef class Blocks(Normalize):
    pass

cdef class Channels(Normalize):
    cdef tuple statistics(self, Node n)

cdef Op LAYER, GROUP, RMS, BATCH, ATTACHED

cdef Tensor as_weight(object a, tuple meta)
cdef tuple meta_of(Tensor t)
cdef object weight_of(Node n, int i)
