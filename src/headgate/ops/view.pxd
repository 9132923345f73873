# C types of view.py: the view ops, which other families and indexing apply at C speed.
from numpy cimport ndarray
from headgate.core.apply cimport apply1, wrap, wrap_over
from headgate.core.arrays cimport expand_view, insert_view, make_view, reshape_view, select_view, shape_of, slice_view, swap_view
from headgate.core.modes cimport grad_state
from headgate.core.operators cimport Called, slots
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.copying cimport contiguous, copy_into, zeros
from headgate.kernels.reduction cimport reduce

cdef class View(Op):
    pass

cdef class Placed(Op):
    cdef Op step

cdef class Part(View):
    cdef Op back

cdef class Unsqueeze(View):
    pass

cdef class Squeeze(View):
    pass

cdef class Transpose(View):
    pass

cdef class TransposeAll(View):
    pass

cdef class Select(Part):
    pass

cdef class Slice(Part):
    pass

cdef long long TURNED
cdef object part(Part op, str name)
cdef Tensor reshaped(Tensor x, tuple shape)
cdef Op ALIAS, EXPAND, UNSQUEEZE, SQUEEZE, SQUEEZE_DIM, SQUEEZE_DIMS, TRANSPOSE, T, PERMUTE, VIEW, UNSAFE_VIEW, RESHAPE_ALIAS
cdef Op SELECT, SLICE, DIAGONAL, UNFOLD, FOLD, SUM_TO
