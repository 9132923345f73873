# C types of explog.py.
from numpy cimport ndarray
from headgate.core.family cimport BOOLS, INTEGERS, QUOTIENT, NumberFirst, NumberSecond, Overloaded, TensorPair, Unary
from headgate.core.records cimport X, Y, OUT, Node, Op, Tensor
from headgate.ops.keep cimport keep

cdef Op EXP, EXP2, LOG, XLOGY, XLOGY_BY, XLOGY_OF, XLOG1PY, XLOG1PY_BY, XLOG1PY_OF
