# C types of pickling.py.
from numpy cimport import_array
from headgate.core.apply cimport requires
from headgate.core.records cimport Tensor
from headgate.core.surface cimport bare, take_over
from headgate.core.apply cimport wrap
