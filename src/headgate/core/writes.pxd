# C types of writes.py.
from numpy cimport ndarray
from headgate.core.storage cimport Storage, Version, Write
from headgate.core.arrays cimport overlaps_itself
from headgate.core.modes cimport inference_enabled, stale_allowed
from headgate.core.records cimport CUSTOM_VIEW, INFERENCE, INFERENCE_VIEW, MULTI_VIEW, NO_GRAD_VIEW, Tensor
from headgate.core.site cimport mark

cdef extern from "watch.h":
    bint watching "hg_watching"() noexcept

cdef extern from "span.h":
    void hg_span(ndarray a, Py_ssize_t *low, Py_ssize_t *high) noexcept

cdef int RING
cdef long long _serials
cpdef note_write(Tensor x, str what)
cpdef note_own_write(Tensor x, str what)
cpdef note_silent_write(Tensor x, str what)
cdef int remember(Tensor x, str what, long long serial) except -1
cdef Write last_overlapping(Storage storage, long long since, Py_ssize_t low, Py_ssize_t high, object counter, bint other)
cpdef bint ring_overflowed(Storage storage, long long since) noexcept
cpdef check_writable(Tensor x, bint recording)
cdef Write rebinding(Tensor r)
cpdef Write copy_of(Write w)
cdef check_view_writable(Tensor x)
cpdef check_allowed(Tensor x, bint recording)
cpdef refuse_view(Tensor x, bint indirect)
