# C types of copying.pyx.
from numpy cimport ndarray

cpdef ndarray copy_into(ndarray target, ndarray source)
cpdef ndarray contiguous(ndarray x)
cpdef ndarray copied(ndarray x)
cpdef ndarray converted(ndarray x, object kind, bint keep_layout=*)
cpdef ndarray like_layout(ndarray x, object kind)
cpdef ndarray joined(object arrays, Py_ssize_t axis, object kind=*, bint stacked=*)
cpdef ndarray triangle(ndarray x, Py_ssize_t diagonal, bint lower)
cpdef ndarray fill(ndarray target, ndarray value)
cpdef bint clear(ndarray target) noexcept
cpdef ndarray zeros(tuple shape, object kind)
cpdef ndarray repeated(tuple shape, ndarray value)
cpdef ndarray ramp(Py_ssize_t n, object first, object last, object step, object working, object kind)
cdef void turn_piece(char *to, const char *source, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t item, Py_ssize_t to_row,
                     Py_ssize_t from_column) noexcept nogil
