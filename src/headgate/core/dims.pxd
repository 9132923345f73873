# C types of dims.py.
cpdef int wrap_dim(object dim, int count) except? -1
cpdef object axes_of(object dim, int count)
