# C types of power.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.apply cimport wrap
from headgate.core.arrays cimport is_float
from headgate.core.modes cimport grad_enabled
from headgate.core.family cimport BOOLS, Binary, NumberFirst, NumberSecond, Overloaded, as_type, operand
from headgate.core.operators cimport INPLACE, slots
from headgate.core.records cimport X, Y, OUT, Node, Op, Tensor
from headgate.kernels.door cimport Loop, map1
from headgate.ops.explog cimport EXP2, LOG
from headgate.ops.keep cimport keep, zeros_of

cdef Loop SQUARE, SQRT, RSQRT, RECIPROCAL, CUBE, TWO_TO
cdef Op POW, POW_NUMBER, NUMBER_POW, TWICE
cdef object special_power(ndarray x, object power)
cdef object as_double(object value)
