# C types of properties.py.
from headgate cimport dtypes
from headgate.core.arrays cimport count_of, low_address
from headgate.core.records cimport INFERENCE, Tensor

cdef Tensor check(object input, str name)
