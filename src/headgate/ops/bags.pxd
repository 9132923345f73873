# C types of bags.py.
from numpy cimport import_array, ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply, wrap
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.indexing cimport index_add as index_add_kernel
from headgate.kernels.indexing cimport take as take_kernel
from headgate.ops.arguments cimport given, number, other
from headgate.ops.change cimport kind_name
from headgate.ops.counting cimport EMBEDDING_BACK, shorten
from headgate.ops.scatter cimport long_index

cdef class EmbeddingBag(Op):
    pass

cdef object from_largest(Tensor g, ndarray index, object bags, tuple shape)
cdef Op BAG
