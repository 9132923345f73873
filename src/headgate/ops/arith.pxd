# C types of arith.py.
from headgate.core.family cimport ARITHMETIC, QUOTIENT, SAME, Binary, Unary
from headgate.core.records cimport X, Y, OUT, Node, Op, Tensor
