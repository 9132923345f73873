# C types of cut.py.
from headgate.core.apply cimport current_node, cut_here, requires
from headgate.core.arrays cimport is_float, same_memory
from headgate.core.records cimport DATA, DETACHED, INFERENCE, Node, Tensor
from headgate.core.storage cimport Version
from headgate.core.views cimport MOVED
