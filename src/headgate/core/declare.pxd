# C types of declare.py.
from headgate.core.family cimport Binary, Ternary, Unary
from headgate.core.operators cimport INPLACE, Called
from headgate.core.records cimport OUT, Op, Tensor
