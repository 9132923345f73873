# C types of shape.py.
from headgate.core.records cimport Tensor
