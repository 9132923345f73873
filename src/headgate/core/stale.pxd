# C types of stale.py.
from numpy cimport ndarray
from headgate.core.arrays cimport high_address, is_contiguous, low_address, meta_matches
from headgate.core.operators cimport Vertex
from headgate.core.records cimport Node, Tensor
from headgate.core.storage cimport Storage, Write
from headgate.core.writes cimport copy_of, rebinding, ring_overflowed

cdef extern from "watch.h":
    bint watching "hg_watching"() noexcept

cdef watch_stale(Node n, Tensor x, int own)
cdef add_mark(Node n, Tensor x, object w, Py_ssize_t address)
cdef Write unexplained(Tensor x, long long since, long long until)
cdef bint passes_stale(Node n, Vertex below, object w, Py_ssize_t address, list results)
