# C types of sorting.py.
from numpy cimport import_array, ndarray
from headgate.core.apply cimport apply, apply1, wrap
from headgate.core.arrays cimport is_float, shape_of
from headgate.core.dims cimport wrap_dim
from headgate.core.inplace cimport write
from headgate.core.operators cimport slots
from headgate.core.records cimport OUT, Node, Op, Tensor
from headgate.kernels.copying cimport contiguous, copy_into, like_layout
from headgate.kernels.indexing cimport gather
from headgate.kernels.sorting cimport longest_runs
from headgate.kernels.sorting cimport missing as count_missing
from headgate.kernels.sorting cimport pick as pick_kernel
from headgate.kernels.sorting cimport select as select_kernel
from headgate.kernels.sorting cimport sort as sort_kernel
from headgate.kernels.sorting cimport topk as topk_kernel
from headgate.ops.change cimport need_int, need_tensor
from headgate.ops.scatter cimport SPREAD
from headgate.ops.where cimport fill_where

cdef class Ordered(Op):
    cdef bint dropped(self, object attrs)

cdef class Picked(Ordered):
    cdef tuple along(self, ndarray line, object attrs)

cdef tuple placed(object values, object order, object at)
cdef ndarray laid_as(ndarray result, ndarray x)
cdef object several(Op op, Tensor x, object attrs, object out, object kind)
cdef reducible(Tensor x, int axis, str function)
cdef Op SORT, SORT_STABLE, TOPK, KTHVALUE, MEDIAN_ALL, MEDIAN_ALONG, NANMEDIAN_ALL, NANMEDIAN_ALONG, MODE_ALONG, GIVEN
