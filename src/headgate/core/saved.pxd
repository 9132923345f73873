# C types of saved.py.
from cpython.weakref cimport PyWeakref_NewRef
from numpy cimport ndarray
from headgate.core.arrays cimport high_address, is_float, low_address
from headgate.core.modes cimport grad_enabled, saved_hooks, set_grad
from headgate.core.writes cimport last_overlapping, refuse_view, ring_overflowed
from headgate.core.storage cimport Cut, Storage, Write
from headgate.core.records cimport CUSTOM_VIEW, MULTI_VIEW, NO_GRAD_VIEW, OUT, Node, Reader, Saved, Tensor

cdef class SavedReader(Reader):
    cdef Tensor unpacked(self, Node n, Saved s)
    cdef Tensor from_hook(self, Node n, Saved s)

cdef save_input(Node n, int key, Tensor x)
cdef save_output(Node n, int key, Tensor y)
cdef save_number(Node n, int key, object value)
cdef attach(Node n, Saved s)
cdef Saved find(Node n, int key)
cdef check_saved(Node n, Saved s)
cdef Tensor origin_of(Saved s)
cdef refuse_detached(Saved s, Tensor x)
cdef look(Node n, Saved s)
cdef look_first(Node n)
cdef note_view(Saved s, Tensor x)
cdef look_at_all(Node n)
cpdef release(Node n, Cut by)
cdef drop_saved(Node n)
cdef Saved begin(int key, Tensor x)
cdef Tensor detached_copy(Tensor x)
cdef Tensor wrapped_number(object value)
cdef pack(Saved s, Tensor x, tuple hooks)
