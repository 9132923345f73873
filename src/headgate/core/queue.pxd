# C types of queue.py.
from headgate.core.operators cimport Vertex


cdef class Queue:
    cdef Vertex first
    cdef list heap
    cdef ready(self, Vertex state)
    cdef push(self, Vertex state)
    cdef Vertex pop(self)
