# C types of join.py.
from numpy cimport import_array, ndarray
from headgate.core.apply cimport apply, apply1, see_all, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.inplace cimport write
from headgate.core.operators cimport slots
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.copying cimport copy_into, joined, zeros
from headgate.ops.arguments cimport place, whole
from headgate.ops.view cimport SELECT, SLICE, UNSQUEEZE, VIEW, reshaped

cdef object result_type(tuple arrays)
cdef bint skipped(tuple shape)
cdef tuple as_matrix(tuple shape)
cdef tuple tensors_of(object tensors, str name)
cdef tuple listed(object tensors, str name)
cdef object join(Op op, tuple inputs, object dim, object out)
cdef int check_cat(tuple inputs, object dim) except? -1
cdef Tensor at_least(Tensor x, int dims)
cdef object each_at_least(tuple tensors, int dims, str name)
cdef object grid(tuple inputs, object indexing)
cdef check_vectors(tuple inputs)
cdef Op CAT, STACK, BLOCK_DIAG
