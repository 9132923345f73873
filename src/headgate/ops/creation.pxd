# C types of creation.py.
from headgate.core.apply cimport wrap
from headgate.core.records cimport Tensor
