# C types of attributes.py.
cdef extern from "attributes.h":
    object hg_member(object module, object name, object tables)
    object hg_attribute(object module, object name, object tables)
    bint hg_is_hooked(object module) except -1
    object hg_forward(object module, object args, object kwargs)

cdef class Attributes:
    cdef dict __dict__
    cdef object __weakref__
