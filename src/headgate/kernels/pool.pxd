# The threads that kernels share, for compiled callers. Knows ranges of numbers, nothing of arrays.
ctypedef void (*range_function)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept nogil

cdef void parallel(range_function fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept nogil
cpdef void set_num_threads(int n) except *
cpdef int get_num_threads() noexcept
