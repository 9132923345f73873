# C types of arguments.py.
from headgate.core.dims cimport wrap_dim
from headgate.core.records cimport Tensor

cdef Tensor given(object x, str function)
cdef Tensor other(object x, str function, str name)
cdef Py_ssize_t whole(object value, str function, str name, int position) except? -1
cdef object number(object value, str function, str name, int position, str expected=?)
cdef int place(object dim, int count, str function, str name, int position) except? -1
cdef tuple places(object dims, int count, str function, str name)
cdef tuple ints(tuple args, object named, str function, str name)
cdef tuple checked_ints(object items, str function, str name, bint several)
cdef tuple sequence(object items, str function, str name)
