# C types of spaced.py.
from headgate.core.records cimport Tensor
from headgate.kernels.copying cimport ramp
from headgate.ops.creation cimport given, leaf, number_of
