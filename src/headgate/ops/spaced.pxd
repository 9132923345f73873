# C types of spaced.py.
from numpy cimport ndarray
from headgate.core.records cimport Tensor
from headgate.kernels.copying cimport ramp, zeros
from headgate.ops.creation cimport given, leaf, number_of
