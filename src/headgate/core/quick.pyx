# built for speed
"""How an Entry reaches an op without packing arguments: C functions that call an op's own entry for one, two or three
operands. They know the form of the call only; what is no such call takes the ordinary road."""

from cpython.pycapsule cimport PyCapsule_New
from cpython.ref cimport PyObject

from headgate.core.operators cimport Called

ctypedef object (*quick_call)(PyObject *op, PyObject *const *args, PyObject *out)


cdef object call1(PyObject *op, PyObject *const *args, PyObject *out):
    return (<Called> op).call1(<object> args[0], <object> out)


cdef object call2(PyObject *op, PyObject *const *args, PyObject *out):
    return (<Called> op).call2(<object> args[0], <object> args[1], <object> out)


cdef object call3(PyObject *op, PyObject *const *args, PyObject *out):
    return (<Called> op).call3(<object> args[0], <object> args[1], <object> args[2], <object> out)


cdef quick_call[4] calls
calls[0] = NULL
calls[1] = call1
calls[2] = call2
calls[3] = call3


def by_arity():
    """A capsule with the functions, by number of operands."""
    return PyCapsule_New(<void *> calls, "headgate.quick", NULL)
