# C types of reports.py.
from headgate.core.storage cimport Cut, Write
from headgate.core.records cimport Node, Saved, Tensor

cpdef str modified_in_place(Node n, Saved s)
cpdef str second_backward(Node n)
cpdef saved_overwritten(Node n, Saved s, Write w)
cpdef ring_lost(Node n, Saved s)
cpdef rebound(Node n, Saved s, Tensor x)
cpdef stale_history(Node n, Write w)
cpdef str why_cut(Tensor x)
