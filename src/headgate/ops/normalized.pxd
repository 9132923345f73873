# C types of normalized.py.
from numpy cimport import_array, ndarray
from headgate.core.apply cimport wrap
from headgate.core.arrays cimport count_of, is_float, shape_of
from headgate.core.modes cimport grad_enabled, set_grad
from headgate.core.records cimport Op, Tensor
from headgate.ops.arguments cimport given, number
from headgate.ops.normalize cimport GROUP, LAYER, RMS
