"""One step over all parameters of a group as one compiled pass: what was found at the last step is kept, so that a
step looks at each parameter only to see that it is still the same.

It writes parameters that the loops can work on and hands the others back. It knows tensors and their fields; it must
not know any optimizer.
"""

from cpython.dict cimport PyDict_GetItem
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.ref cimport PyObject

cimport numpy as cnp
from numpy cimport ndarray

from headgate.core.records cimport INFERENCE, Tensor
from headgate.core.writes cimport check_writable, note_write
from headgate.kernels.optimize cimport (
    HG_RULE_STATES,
    Number,
    get,
    hg_update,
    kind_of,
    prepare,
    put,
    rule_named,
    update,
)

from headgate.ops.parameter import Parameter

cnp.import_array()

cdef enum:
    NUMBERS = 3
    OPTIONS = 8


cdef class Entry:
    """One parameter as it was found: its memory, its state's, and whether the loops can work on them."""
    cdef Tensor param
    cdef ndarray array
    cdef object state
    cdef tuple values, arrays
    cdef bint fits
    cdef hg_update update
    cdef Number numbers[NUMBERS]


cdef bint same(Entry e, Tensor p, PyObject *state, tuple names):
    """Whether a parameter and its state are those of the last step."""
    cdef Py_ssize_t k
    cdef PyObject *value
    if e.param is not p or e.array is not p._array or <PyObject *> e.state != state:
        return False
    for k in range(len(names)):
        value = PyDict_GetItem(e.state, names[k])
        if value != <PyObject *> e.values[k]:
            return False
        if value != NULL and (<Tensor> value)._array is not e.arrays[k]:
            return False
    return True


cdef bint plain(object x):
    return type(x) is Tensor or type(x) is Parameter


cdef bint adopt_state(Entry e, int kind, int elementwise):
    """Take the addresses of a state's tensors; False if one of them is not as the loops want it."""
    cdef Py_ssize_t k
    cdef ndarray a
    for k in range(len(e.arrays)):
        a = e.arrays[k]
        if k < elementwise:
            if kind_of(a) != kind or not cnp.PyArray_SAMESHAPE(a, e.array) or not cnp.PyArray_ISWRITEABLE(a):
                return False
            e.update.state[k] = cnp.PyArray_BYTES(a)
        else:
            if kind_of(a) < 0 or cnp.PyArray_SIZE(a) != 1:
                return False
            e.numbers[k - elementwise].place = cnp.PyArray_DATA(a)
            e.numbers[k - elementwise].wide = cnp.PyArray_ITEMSIZE(a) == 8
    return True


cdef Entry entry_of(Tensor p, object state, tuple names, int elementwise):
    """What is to be known of a parameter and its state."""
    cdef Entry e = Entry.__new__(Entry)
    cdef int kind = kind_of(p._array)
    e.param, e.array, e.state = p, p._array, state
    e.values = tuple([state.get(name) for name in names])
    e.fits = kind >= 0 and plain(p) and cnp.PyArray_ISWRITEABLE(e.array) and all([plain(v) for v in e.values])
    if not e.fits:
        e.arrays = tuple([(<Tensor> v)._array if isinstance(v, Tensor) else None for v in e.values])
        return e
    e.arrays = tuple([(<Tensor> v)._array for v in e.values])
    e.update.param, e.update.n, e.update.type = cnp.PyArray_BYTES(e.array), cnp.PyArray_SIZE(e.array), kind
    e.fits = adopt_state(e, kind, elementwise)
    return e


cdef class Pass:
    """A group's pass: the entries of the last step, and room for what the loops are given."""
    cdef list entries
    cdef tuple names
    cdef str rule_name
    cdef int rule, elementwise
    cdef hg_update *updates
    cdef Py_ssize_t room
    cdef bint busy           # another thread is stepping the same optimizer
    cdef bint by_step        # whether the step's number is all that a rule's numbers depend on

    def __dealloc__(self):
        PyMem_Free(self.updates)

    cdef begin(self, str rule, tuple names, int elementwise):
        """Forget what was found and step by another rule, with the names of its state: `elementwise` of them have the
        parameter's shape, the others one element."""
        if elementwise > HG_RULE_STATES or len(names) - elementwise > NUMBERS:
            raise ValueError("a rule with more state than there is room for")
        self.rule_name, self.names, self.elementwise = rule, names, elementwise
        self.rule = rule_named(rule)
        self.by_step = len(names) - elementwise == 1
        self.entries = []

    def run(self, tuple what, object given, object states, bint negate, str written, object begin):
        """Step every parameter that has a gradient; a list of those the loops cannot do, or None.

        what: the rule, the names of its state, how many of them are elementwise, numbers, and the decay of the weights.
        NotImplemented, and nothing done, if one of the numbers is a tensor. `begin(param)` fills an empty state and says
        whether it was empty; what is handed back are pairs of a parameter and that.
        """
        cdef tuple options = what[3]
        cdef double o[OPTIONS]
        cdef double decay
        cdef object option = what[4]
        cdef Py_ssize_t i
        if self.busy or isinstance(option, Tensor):
            return NotImplemented
        decay = option
        for i in range(len(options)):
            option = options[i]
            if isinstance(option, Tensor):
                return NotImplemented
            o[i] = option
        if what[0] is not self.rule_name or what[1] != self.names:
            self.begin(what[0], what[1], what[2])
        self.busy = True
        try:
            return self.step(given if type(given) is list else list(given), states, o, decay, negate, written, begin)
        finally:
            self.busy = False

    cdef list step(self, list params, object states, double *o, double decay, bint negate, str written, object begin):
        """Find what there is to do, work out the numbers, do it, note it."""
        cdef list others = None, used = [], held = []
        cdef Tensor p, g
        cdef Entry e, last = None
        cdef Py_ssize_t i
        self.check(params)
        for i in range(len(params)):
            p = <Tensor> params[i]
            g = p._gradient
            if g is None:
                continue
            e = self.entry(i, p, states, begin)
            if e.fits and type(g) is Tensor and self.take_gradient(e, g, held):
                used.append(e)
            else:
                others = others if others is not None else []
                others.append((p, bool(e.update.fresh)))
        for i in range(len(used)):
            e = <Entry> used[i]
            e.update.decay, e.update.negate = decay, negate
            if i and self.by_step and get(e.numbers) + 1 == get(last.numbers):
                put(e.numbers, get(e.numbers) + 1)      # the numbers of the parameter before
                e.update.c, e.update.eps = last.update.c, last.update.eps
            else:
                prepare(self.rule, &e.update, o, e.numbers)
            self.updates[i] = e.update
            e.update.fresh = False
            last = e
        update(self.rule, self.updates, len(used))
        self.note(used, written)
        return others

    cdef check(self, list params):
        """Refuse parameters that must not be written, before any is; make room."""
        cdef Tensor p
        cdef object item
        cdef Py_ssize_t count = len(params)
        cdef void *room
        for item in params:
            if not isinstance(item, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(item).__name__}")
            p = <Tensor> item
            if p._gradient is not None and (p._storage.shield is not None or p._flags & INFERENCE):
                check_writable(p, False)
        if count > self.room:
            room = PyMem_Realloc(self.updates, count * sizeof(hg_update))
            if room == NULL:
                raise MemoryError()
            self.updates, self.room = <hg_update *> room, count

    cdef Entry entry(self, Py_ssize_t i, Tensor p, object states, object begin):
        """The entry of parameter i, as it was or made anew."""
        cdef Entry e
        cdef PyObject *state
        cdef bint fresh
        if i < len(self.entries):
            e = <Entry> self.entries[i]
            if e is not None and e.fits:
                state = PyDict_GetItem(states, p) if self.names else <PyObject *> e.state
                if same(e, p, state, self.names):
                    return e
        else:
            self.entries.extend([None] * (i + 1 - len(self.entries)))
        fresh = begin(p)
        e = entry_of(p, states[p] if self.names else {}, self.names, self.elementwise)
        e.update.fresh = fresh
        e.fits = e.fits and not self.twice(i, p)
        self.entries[i] = e
        return e

    cdef bint twice(self, Py_ssize_t i, Tensor p):
        """Whether a parameter is in the list before place i too: two threads must not write it at once."""
        cdef Py_ssize_t k
        for k in range(i):
            if self.entries[k] is not None and (<Entry> self.entries[k]).param is p:
                return True
        return False

    cdef bint take_gradient(self, Entry e, Tensor g, list held):
        """Give the entry its gradient; False if it is not of the parameter's shape and type."""
        cdef ndarray a = g._array
        if not cnp.PyArray_SAMESHAPE(a, e.array) or cnp.PyArray_TYPE(a) != cnp.PyArray_TYPE(e.array):
            return False
        if not cnp.PyArray_IS_C_CONTIGUOUS(a) or not cnp.PyArray_ISBEHAVED_RO(a):
            a = cnp.PyArray_GETCONTIGUOUS(a)
            held.append(a)
        e.update.grad = cnp.PyArray_BYTES(a)
        return True

    cdef note(self, list used, str written):
        """Count the writes: with their place those to parameters, by number alone those to their state."""
        cdef Entry e
        cdef Tensor x
        cdef object item, value
        for item in used:
            e = <Entry> item
            note_write(e.param, written)
            for value in e.values:
                x = <Tensor> value
                x._storage.writes += 1
                x._counter.count += 1
