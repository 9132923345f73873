# C types of shared.py.
from headgate.core.apply cimport requires, wrap
from headgate.core.arrays cimport count_of, low_address
from headgate.core.records cimport Tensor
from headgate.core.surface cimport bare, take_over
from headgate.ops.arguments cimport given
from headgate.ops.storage cimport bytes_of, seen
