# C types of recurrent_checks.py.
from headgate.core.arrays cimport shape_of
from headgate.core.dims cimport wrap_dim
from headgate.core.records cimport Tensor

cdef int gate_count(int kind)
cdef Tensor tensor_at(object x, str function, str name, int position)
cpdef tuple cell_states(object hx)
cpdef Tensor cell_state(str function, object hx)
cdef check_state(Tensor x, Tensor h, Py_ssize_t size, int place)
cpdef check_cell(str name, int kind, tuple inputs)
cdef check_rows(Tensor w, int gates, Py_ssize_t size, str name)
cpdef tuple packed_sizes(Tensor batch_sizes)
cdef tuple layer_states(str name, int kind, object hx)
cdef list grouped(object flat, bint biases, bint projected)
cdef check_layer_state(Tensor state, object count, object rows, str what)
cpdef tuple layer_parameters(str name, int kind, object x, object sizes, object hx, object flat, object biases, object count, object both, object first)
cdef check_layer(int kind, object w, object u, object width, object shown, object hidden, object projection)
