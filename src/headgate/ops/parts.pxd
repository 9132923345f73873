# C types of parts.py.
from headgate.core.apply cimport apply1
from headgate.core.arrays cimport shape_of
from headgate.core.records cimport Tensor
from headgate.ops.arguments cimport given, place, whole
from headgate.ops.view cimport DIAGONAL, SELECT, SLICE, UNFOLD
