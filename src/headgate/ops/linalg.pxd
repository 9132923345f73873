# C types of linalg.py.
from numpy cimport ndarray, PyArray_TYPE
from headgate cimport dtypes
from headgate.core.apply cimport apply, apply1, apply2, edge_of, requires
from headgate.core.arrays cimport count_of, select_view, shape_of
from headgate.core.inplace cimport write
from headgate.core.modes cimport grad_enabled
from headgate.core.operators cimport Called, slots
from headgate.core.records cimport X, Y, Z, Node, Op, Tensor
from headgate.kernels.gemm cimport addmm as add_product, matmul as product
from headgate.ops.reducing cimport given
from headgate.ops.view cimport EXPAND, SQUEEZE_DIM, T, TRANSPOSE, UNSAFE_VIEW, UNSQUEEZE, VIEW, reshaped

cdef class Product(Op):
    pass

cdef tuple leading(ndarray x, int last)
cdef str c_name(ndarray x)
cdef str type_name(ndarray x)
cdef no_bools(ndarray x, ndarray y, str kernel)
cdef Tensor transposed(Tensor x)
cdef object product_of(Op op, object input, object other, object out, str second)
cdef check_matrices(ndarray x, ndarray y)
cdef check_batches(ndarray x, ndarray y, str first, str second)
cdef check_vector(ndarray x, ndarray y, int added)
cdef check_dot(ndarray x, ndarray y)
cdef check_product(ndarray x, ndarray y)
cdef bint joins_freely(ndarray x)
cdef ndarray turned(ndarray x)
cdef refuse_product(ndarray x, ndarray y, Py_ssize_t k)
cdef check_leading(ndarray x, ndarray y)
cdef object count_of_batch(ndarray x, ndarray y)
cdef Tensor multiplied(Tensor x, Tensor y)
cdef bint folds(Tensor x, Tensor y)
cdef Tensor written_once(Tensor x)
cdef bint refused(ndarray x, ndarray y)
cdef Tensor folded(Tensor x, Tensor y)
cdef Tensor expanded(Tensor x, tuple batch, object rows, object columns, object count)
cdef Tensor batched(Tensor x, Tensor y)
cdef Op MM, BMM, MV, DOT, VDOT, MATMUL, SQUEEZE_FRESH
