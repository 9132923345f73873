# C types of remainder.py.
from headgate.core.family cimport BOOLS, NumberFirst, NumberSecond, Overloaded
from headgate.core.records cimport X, Y, Node, Op, Tensor
from headgate.ops.arith cimport DIV_FLOOR, DIV_TRUNC
