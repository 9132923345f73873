# C types of properties.py.
from headgate.core.arrays cimport count_of
from headgate.core.records cimport INFERENCE, Tensor

cdef Tensor check(object input, str name)
