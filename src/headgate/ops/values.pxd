# C types of values.py.
from numpy cimport import_array, ndarray, PyArray_ISCARRAY_RO, PyArray_ISWRITEABLE
from headgate.core.apply cimport cut_here, requires, wrap
from headgate.core.arrays cimport is_float
from headgate.core.records cimport Tensor
from headgate.core.reports cimport cut_of
from headgate.core.storage cimport Cut
from headgate.core.values cimport array_of_values
from headgate.kernels.copying cimport copy_into
from headgate.ops.creation cimport leaf
