# C types of sums.py.
from numpy cimport ndarray, PyArray_TYPE
from headgate.core.apply cimport (
    add_edge, apply, apply1, apply2, begin_node, edge_of, finish_node, first_cut, note_cut, requires, run_seeing, wrap,
)
from headgate.core.arrays cimport expand_view, insert_view, is_contiguous, is_float, reshape_view, shape_of, swap_view
from headgate.core.inplace cimport write
from headgate.core.modes cimport grad_enabled, grad_state
from headgate.core.operators cimport Vertex
from headgate.core.records cimport X, Y, Z, Node, Op, Tensor
from headgate.core.saved cimport save_input
from headgate.core.stale cimport watch_stale
from headgate.kernels.gemm cimport addmm as add_product, matmul as product
from headgate.kernels.copying cimport contiguous
from headgate.kernels.door cimport Loop, map2, map3p
from headgate.ops.linalg cimport BMM, MM, MV, check_batches, check_matrices, check_vector, leading, multiplied, no_bools, transposed, type_name
from headgate.ops.reducing cimport given, write_results
from headgate.ops.view cimport EXPAND, T, TURNED, UNSQUEEZE, VIEW, reshaped

cdef Tensor scaled(Tensor g, object factor)
cdef object product_pulled(Node n, ndarray g, int i)
cdef Tensor add_product_of(Tensor c, Tensor a, Tensor b)
cdef tuple PLAIN
cdef check_added(ndarray c, ndarray a, tuple shape)
cdef ndarray combine(ndarray c, object product, object beta, object alpha)
cdef object added(Op op, object c, object a, object b, object beta, object alpha, object out, tuple names)
cdef Loop ADD_PRODUCT
cdef Op ADDMM, ADDMV, BADDBMM, ADDBMM, ADDR
