# C types of reduce.py.
from numpy cimport ndarray
from headgate.core.apply cimport apply1
from headgate.core.dims cimport axes_of
from headgate.core.inplace cimport write
from headgate.core.operators cimport slots
from headgate.core.records cimport OUT, X, Y, Node, Op, Tensor
from headgate.kernels.reduction cimport reduce
