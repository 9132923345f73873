# C types of arrays.py, and the NumPy macros it uses when compiled.
from numpy cimport ndarray, import_array, PyArray_TYPE, PyArray_DATA, PyArray_NDIM, PyArray_DIMS, PyArray_STRIDES, PyArray_ITEMSIZE, PyArray_NBYTES, PyArray_IS_C_CONTIGUOUS, PyArray_SIZE, npy_intp
from headgate.kernels.memory cimport fresh_like
from headgate.core.records cimport Node, Tensor

cpdef bint is_float(ndarray a) noexcept
cpdef Py_ssize_t low_address(ndarray a) noexcept
cpdef Py_ssize_t high_address(ndarray a) noexcept
cpdef bint same_shape(ndarray a, ndarray b) noexcept
cpdef bint covers(ndarray a, ndarray b) noexcept
cpdef bint same_type(ndarray a, ndarray b) noexcept
cpdef bint is_contiguous(ndarray a) noexcept
cpdef bint same_memory(ndarray a, ndarray b) except -1
cpdef bint overlaps_itself(ndarray a) noexcept
cpdef bint partly_overlap(ndarray a, ndarray b) except -1
cdef tuple long_dims(ndarray a)
cdef bint without_gaps(ndarray a) except -1
cpdef Py_ssize_t count_of(ndarray a) noexcept
cpdef ndarray ones_like(ndarray a)
cdef set_meta(Node n, ndarray a)
cdef bint meta_matches(Node n, int nr, ndarray a) except -1
cpdef tuple shape_of(ndarray a)
cdef tuple meta_shape(Node n, int nr)
cdef int meta_type(Node n, int nr) noexcept
cpdef ndarray make_view(ndarray x, tuple shape, tuple strides, Py_ssize_t offset)
cpdef ndarray select_view(ndarray x, int dim, Py_ssize_t index)
cpdef ndarray slice_view(ndarray x, int dim, Py_ssize_t start, Py_ssize_t length, Py_ssize_t step)
cpdef ndarray swap_view(ndarray x, int first, int second)
cpdef ndarray insert_view(ndarray x, int dim)
cpdef ndarray expand_view(ndarray x, tuple shape)
cpdef object reshape_view(ndarray x, tuple shape)

cdef extern from "arrays.h":
    ndarray hg_expand(ndarray owner, tuple shape)
    object hg_reshape(ndarray owner, tuple shape)
    ndarray hg_select(ndarray owner, int dim, Py_ssize_t index)
    ndarray hg_slice(ndarray owner, int dim, Py_ssize_t start, Py_ssize_t length, Py_ssize_t step)
    ndarray hg_swap(ndarray owner, int first, int second)
    ndarray hg_insert(ndarray owner, int dim)
    ndarray hg_view(ndarray owner, tuple shape, tuple strides, Py_ssize_t offset)

cdef extern from "span.h":
    void hg_span(ndarray a, Py_ssize_t *low, Py_ssize_t *high) noexcept
