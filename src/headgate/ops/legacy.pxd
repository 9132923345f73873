# C types of legacy.py.
from headgate.core.apply cimport apply1, requires, wrap
from headgate.core.arrays cimport is_float
from headgate.core.records cimport DETACHED, Op, Tensor
from headgate.core.surface cimport bare, take_over
from headgate.core.values cimport array_of_values
from headgate.ops.creation cimport leaf
from headgate.ops.view cimport ALIAS
