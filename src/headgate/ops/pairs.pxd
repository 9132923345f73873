# C types of pairs.py.
from numpy cimport ndarray
from headgate cimport dtypes
from headgate.core.family cimport BOOLS, INTEGERS, QUOTIENT, NumberSecond, Overloaded, TensorPair
from headgate.core.records cimport X, Y, OUT, Node, Op, Tensor
from headgate.ops.explog cimport EXP2
from headgate.ops.keep cimport keep, zeros_of

cdef Op HYPOT, COPYSIGN, COPYSIGN_NUMBER, HEAVISIDE, NEXTAFTER
