# C types of export.py.
from numpy cimport ndarray
from headgate.core.apply cimport cut_here, requires, telling
from headgate.core.arrays cimport count_of
from headgate.core.modes cimport grad_enabled
from headgate.core.records cimport DATA, DETACHED, Tensor
from headgate.core.reports cimport cut_of
from headgate.core.storage cimport Cut
from headgate.core.surface cimport plain_item
from headgate.ops.arguments cimport given

cdef Tensor untracked(Tensor x, bint force)
