# C types of records.py: every field of the records and the virtual tables of Op.
cimport cython
from numpy cimport ndarray
from headgate.dtypes cimport of as type_of
from headgate.core.storage cimport Storage, Version, Cut
from headgate.core.operators cimport Called, Operand, Vertex

cdef extern from "shapes.h":
    object hg_sizes(object type, ndarray a)

cdef extern from *:
    """
    static inline void hg_track(PyObject *o) {
        if (PyObject_IS_GC(o) && !PyObject_GC_IsTracked(o)) PyObject_GC_Track(o);
    }
    """
    void hg_track(object record)

cpdef track(object record)


@cython.trashcan(True)
cdef class Tensor(Operand):
    cdef ndarray _array
    cdef Storage _storage
    cdef Version _counter
    cdef bint _wants
    cdef int _flags
    cdef int _output
    cdef Node _node
    cdef object _gradient
    cdef Tensor _root
    cdef Op _step
    cdef object _step_attrs
    cdef tuple _before
    cdef long long _history
    cdef long long _history_writes
    cdef Cut _cut
    cdef object _hooks
    cdef object __weakref__
    cdef dict __dict__


@cython.trashcan(True)
cdef class Node(Vertex):
    cdef Op op
    cdef object attrs
    cdef Vertex edge0, edge1
    cdef int nr0, nr1
    cdef tuple more
    cdef int inputs
    cdef long long needs
    cdef Saved saved0, saved1
    cdef list saved_more
    cdef object number
    cdef int number_place
    cdef bint freed
    cdef Cut freed_by
    cdef int outputs
    cdef int ndim
    cdef int typenum
    cdef Py_ssize_t dim0, dim1, dim2, dim3
    cdef object metas
    cdef tuple shapes
    cdef long long detached
    cdef object hooks
    cdef object stale
    cdef object face
    cdef object __weakref__
    cdef object read(self, int key)
    cdef Tensor tensor(self, int key)
    cdef ndarray array(self, int key)
    cdef tuple shape(self, int index)
    cdef Vertex edge(self, int index)
    cdef int edge_output(self, int index)
    cdef bint wants(self, int index)


@cython.freelist(1024)
@cython.trashcan(True)
cdef class Saved:
    cdef int key
    cdef ndarray array
    cdef Storage storage
    cdef Version counter
    cdef long long version
    cdef long long writes
    cdef object origin
    cdef Node node
    cdef int output
    cdef object number
    cdef object packed
    cdef object unpack


cdef class Op(Called):
    cdef public str written  # the name of its in-place form
    cdef public str node_name
    cdef public str type_name
    cdef public bint differentiable
    cdef public bint view
    cdef public long long reads0, reads1
    cdef public tuple reads
    cdef public long long shapes
    cdef public long long looks
    cdef public bint fresh
    cdef public bint together
    cdef public long long constants
    cdef object run1(self, ndarray x, object attrs, ndarray out)
    cdef object run2(self, object x, object y, object attrs, ndarray out)
    cdef object run(self, tuple inputs, object attrs, ndarray out)
    cdef list pull_all(self, Node n, list grads, long long need)
    cdef object pull(self, Node n, Tensor g, int i)
    cdef tuple part(self, object attrs, int k)
    cdef bint forget(self, Node n)
    cdef long long edgeless(self, Node n)
    cdef object push(self, Node n, list tangents)
    cdef long long needed(self, Node n)
    cpdef str label(self, Node n)
    cpdef str full_name(self, Node n)


cdef class Reader:
    cdef object read(self, Node n, int key)
    cdef Tensor tensor(self, Node n, int key)
    cdef ndarray array(self, Node n, int key)


cdef class Surface:
    cdef object construct(self, Tensor x, tuple args, dict kwargs)
    cdef object set_requires_grad(self, Tensor x, object value)
    cdef object protocol(self, str name, Tensor x, object argument)


cdef class GradientRules:
    cdef object missing(self, Tensor x)
    cdef object assign(self, Tensor x, object value)


cdef GradientRules GRADIENTS
cdef Reader READER
cdef Surface SURFACE
cdef int INFERENCE, RETAINS, NO_GRAD_VIEW, MULTI_VIEW, CUSTOM_VIEW, DETACHED, DATA, INFERENCE_VIEW, CUT_HERE
cdef int X, Y, Z, OUT
