# C types of contraction.py.
from headgate.core.apply cimport apply1, apply2
from headgate.core.arrays cimport reshape_view, shape_of
from headgate.core.records cimport Tensor
from headgate.core.storage cimport Version
from headgate.ops.linalg cimport BMM, MM
from headgate.ops.reducing cimport given, one_dim, write_results
from headgate.ops.view cimport DIAGONAL, PERMUTE, UNSAFE_VIEW, UNSQUEEZE, VIEW, reshaped

cdef int DOTS
cdef object product_of(object sizes)
cdef Tensor unwatched(Tensor x, tuple shape)
cdef list labels_of(str text, str where, object start)
cdef Tensor aligned(Tensor x, list labels, dict places, object width, object rank)
cdef object count_after(list labels)
cdef Tensor pair_product(Tensor x, Tensor y, list sums)
cdef Tensor contract(list operands, object kept)
cdef bint kept_only(Tensor x, int kept)
cdef bint reshape_fits(Tensor x, tuple shape)
cdef Tensor over_dims(Tensor x, Tensor y, list first, list second)
