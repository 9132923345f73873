# C types of categories.py.
from numpy cimport NPY_INT64, PyArray_DATA, PyArray_ISCARRAY_RO, PyArray_SIZE, PyArray_TYPE, import_array, ndarray
from headgate.core.apply cimport apply1, apply2
from headgate.core.arrays cimport is_float
from headgate.core.operators cimport slots
from headgate.core.records cimport Tensor
from headgate.ops.bounds cimport CLAMP, NO_HIGH
from headgate.ops.reduce cimport LOGSUMEXP, SUM_OVER
from headgate.ops.scatter cimport GATHER
from headgate.ops.softmax cimport SOFTMAX
from headgate.ops.view cimport SQUEEZE_DIM, UNSQUEEZE, VIEW, reshaped

cdef bint is_plain(object x)
cdef bint lies_within(ndarray a, double low, double high, bint open_low, bint open_high) except -1
cdef bint whole_lies_within(ndarray a, double low, double high) except -1
cdef bint is_long(ndarray a) except -1
