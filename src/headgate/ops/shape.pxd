# C types of shape.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply1
from headgate.core.arrays cimport make_view, shape_of
from headgate.core.operators cimport Called, slots
from headgate.core.records cimport Node, Op, Tensor
from headgate.kernels.reduction cimport reduce
