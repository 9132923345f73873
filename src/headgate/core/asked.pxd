# C types of asked.py.
from headgate.core.operators cimport INPLACE, Called, slots
from headgate.core.records cimport SURFACE, Surface, Tensor


cdef class Asked(Called):
    cdef Called op
    cdef readonly str slot
    cdef object ask


cdef class AskedSurface(Surface):
    cdef Surface surface
    cdef object ask
