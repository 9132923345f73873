# C types of axes.py.
from headgate.core.apply cimport apply1, record, requires
from headgate.core.arrays cimport overlaps_itself, set_meta, shape_of
from headgate.core.modes cimport grad_enabled
from headgate.core.records cimport Node, Op, Tensor
from headgate.core.views cimport MOVED
from headgate.core.writes cimport check_allowed, note_write
from headgate.ops.arguments cimport given, ints, place, places
from headgate.ops.view cimport ALIAS, PERMUTE, SQUEEZE, SQUEEZE_DIM, SQUEEZE_DIMS, TRANSPOSE, UNSQUEEZE, Squeeze, T, Transpose, TransposeAll, Unsqueeze

cdef Tensor swap_last(Tensor x, str text)
cdef tuple squeezed(Tensor x, object dim)
cdef check_seen(Tensor x)
cdef keep_kind(Tensor x)
cdef object new_place(Tensor x, object dim, int count, str function, str name, int position)
cdef Tensor seen_otherwise(Tensor x, Op op, object attrs)
cdef Op TRANSPOSE_, T_, UNSQUEEZE_, SQUEEZE_, SQUEEZE_DIM_, SQUEEZE_DIMS_
