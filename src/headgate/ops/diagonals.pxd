# C types of diagonals.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport apply
from headgate.core.operators cimport INPLACE
from headgate.core.records cimport Node, Tensor
from headgate.ops.change cimport Change, change, constant, is_number, keep_layout, need_tensor

cdef Change FILL_DIAGONAL
