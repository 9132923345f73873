# C types of reports.py.
from headgate.core.arrays cimport high_address, low_address
from headgate.core.records cimport CUT_HERE, DATA, DETACHED, OUT, Node, Saved, Tensor
from headgate.core.site cimport here, line_of, mark
from headgate.core.storage cimport Cut, Site, Write
from headgate.core.writes cimport last_overlapping

cpdef Cut cut_of(Tensor x)
cpdef str modified_in_place(Node n, Saved s)
cpdef str second_backward(Node n)
cpdef saved_overwritten(Node n, Saved s, Write w)
cpdef ring_lost(Node n, Saved s)
cpdef rebound(Node n, Saved s, Tensor x)
cpdef stale_history(Node n, Write w)
cpdef str place_of(Node n)
cpdef str why_cut(Tensor x)
cpdef cut_leaf(Tensor x)
cpdef warn_at_user(str text, object category)
