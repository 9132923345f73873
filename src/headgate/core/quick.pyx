# built for speed
"""How an Entry reaches an op without packing arguments: the C function behind an op's own `call1`, `call2` or `call3`,
read from the table of its type once. Entry knows the form of such a call only; what is no such call takes the
ordinary road."""

from cpython.pycapsule cimport PyCapsule_New

from headgate.core.operators cimport Called

cdef extern from *:
    """
    #define HG_ONE(op) ((void *)(op)->__pyx_vtab->call1)
    #define HG_TWO(op) ((void *)(op)->__pyx_vtab->call2)
    #define HG_THREE(op) ((void *)(op)->__pyx_vtab->call3)
    """
    void *HG_ONE(Called op)
    void *HG_TWO(Called op)
    void *HG_THREE(Called op)


def direct(Called op not None, int arity):
    """A capsule with the op's C function for that many operands."""
    return PyCapsule_New(HG_ONE(op) if arity == 1 else HG_TWO(op) if arity == 2 else HG_THREE(op), "headgate.quick",
                         NULL)
