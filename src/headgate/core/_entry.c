/* Entry (built for speed): the callable behind every public function and method, and installing attributes on compiled
   types.

   An entry forwards a vectorcall to its implementation. It is a method descriptor, so `x.sin()` and `headgate.sin(x)`
   share one object without a bound method being made. A call with plain operands only may go straight to an op
   (`quicken`); what that answers with NotImplemented takes the ordinary road, on which the arguments are looked at: a
   class that has `__torch_function__` answers itself. Once some subclass of Tensor has one of its own they are looked at
   before; while a mode is entered, all calls are handed over. It knows nothing of tensors. */
#include <Python.h>
#include <stddef.h>
#include <structmember.h>

typedef PyObject *(*with_one)(PyObject *op, PyObject *, PyObject *out);
typedef PyObject *(*with_two)(PyObject *op, PyObject *, PyObject *, PyObject *out);
typedef PyObject *(*with_three)(PyObject *op, PyObject *, PyObject *, PyObject *, PyObject *out);

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    void *quick;           /* for calls with exactly `arity` operands and no keywords: with_one, with_two ... */
    Py_ssize_t arity;      /* or -1 */
    PyObject *op, *out;    /* what `quick` is called with */
    PyObject *implementation;
    PyObject *name;
    PyObject *doc;
    PyObject *dict;
    char listed;           /* handed over while ASK_LISTED is set */
    char ignored;          /* never handed to classes */
} Entry;

static PyObject *override = NULL;        /* called as override(entry, args, kwargs) once overrides exist */
static PyObject *attribute_name = NULL;  /* "__torch_function__" */
static PyTypeObject *plain[4];           /* types known to have no override */
static int overrides_exist = 0;          /* bits: */
enum {ASK_CLASSES = 1, ASK_ALL = 2, ASK_LISTED = 4, ASK_OBSERVED = 8};
#define ALWAYS (ASK_ALL | ASK_OBSERVED) /* modes, and a profiler: each switches a bit of its own */

/* 1 if the type of `value` defines an override, also for items of a list or tuple. */
static int has_override(PyObject *value, int depth) {
    PyTypeObject *type = Py_TYPE(value);
    for (int i = 0; i < 4; i++)
        if (plain[i] == type) return 0;
    if (depth < 2 && (PyList_CheckExact(value) || PyTuple_CheckExact(value))) {
        Py_ssize_t n = PySequence_Fast_GET_SIZE(value);
        for (Py_ssize_t i = 0; i < n; i++)
            if (has_override(PySequence_Fast_GET_ITEM(value, i), depth + 1)) return 1;
        return 0;
    }
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) return 0;
    return _PyType_Lookup(type, attribute_name) != NULL;
}

static PyObject *call_override(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names) {
    PyObject *positional = PyTuple_New(n);
    if (positional == NULL) return NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_INCREF(args[i]);
        PyTuple_SET_ITEM(positional, i, args[i]);
    }
    PyObject *keywords = PyDict_New();
    PyObject *result = NULL;
    if (keywords != NULL) {
        int failed = 0;
        for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names) && !failed; i++)
            failed = PyDict_SetItem(keywords, PyTuple_GET_ITEM(names, i), args[n + i]) < 0;
        if (!failed) result = PyObject_CallFunctionObjArgs(override, self, positional, keywords, NULL);
        Py_DECREF(keywords);
    }
    Py_DECREF(positional);
    return result;
}

static int some_override(PyObject *const *args, Py_ssize_t n, PyObject *names) {
    n += names != NULL ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < n; i++)
        if (has_override(args[i], 0)) return 1;
    return 0;
}

static PyObject *entry_vectorcall(PyObject *self, PyObject *const *args, size_t flags, PyObject *names) {
    Entry *e = (Entry *)self;
    const Py_ssize_t n = PyVectorcall_NARGS(flags);
    if (overrides_exist) {
        if (overrides_exist & (e->listed ? ALWAYS | ASK_LISTED : ALWAYS)) return call_override(self, args, n, names);
        if (overrides_exist & ASK_CLASSES && some_override(args, n, names)) return call_override(self, args, n, names);
    }
    if (names == NULL && n == e->arity) {
        PyObject *result = e->arity == 1   ? ((with_one)e->quick)(e->op, args[0], e->out)
                           : e->arity == 2 ? ((with_two)e->quick)(e->op, args[0], args[1], e->out)
                                           : ((with_three)e->quick)(e->op, args[0], args[1], args[2], e->out);
        if (result == NULL && PyErr_ExceptionMatches(PyExc_TypeError) && !e->ignored && some_override(args, n, names)) {
            PyErr_Clear(); /* an op with one operand refuses what it does not know */
            return call_override(self, args, n, names);
        }
        if (result != Py_NotImplemented) return result;
        Py_DECREF(result);
    }
    if (!e->ignored && !(overrides_exist & ASK_CLASSES) && some_override(args, n, names)) /* else they were looked at */
        return call_override(self, args, n, names);
    return PyObject_Vectorcall(e->implementation, args, flags, names);
}

static PyObject *entry_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"implementation", "name", "doc", NULL};
    PyObject *implementation, *name, *doc = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|O", names, &implementation, &name, &doc)) return NULL;
    Entry *e = (Entry *)type->tp_alloc(type, 0);
    if (e == NULL) return NULL;
    e->vectorcall = entry_vectorcall;
    e->arity = -1;
    Py_INCREF(implementation); e->implementation = implementation;
    Py_INCREF(name); e->name = name;
    Py_INCREF(doc); e->doc = doc;
    return (PyObject *)e;
}

static int entry_traverse(Entry *e, visitproc visit, void *arg) {
    Py_VISIT(e->implementation);
    Py_VISIT(e->op);
    Py_VISIT(e->dict);
    return 0;
}

static int entry_clear(Entry *e) {
    Py_CLEAR(e->implementation);
    e->arity = -1;
    Py_CLEAR(e->op);
    Py_CLEAR(e->out);
    Py_CLEAR(e->dict);
    return 0;
}

static void entry_dealloc(Entry *e) {
    PyObject_GC_UnTrack(e);
    entry_clear(e);
    Py_CLEAR(e->name);
    Py_CLEAR(e->doc);
    Py_TYPE(e)->tp_free((PyObject *)e);
}

static PyObject *entry_get(PyObject *self, PyObject *object, PyObject *type) {
    (void)type;
    if (object == NULL || object == Py_None) {
        Py_INCREF(self);
        return self;
    }
    return PyMethod_New(self, object);
}

static PyObject *entry_repr(Entry *e) { return PyUnicode_FromFormat("<built-in method %U>", e->name); }

/* Signature, annotations, module and so on are the implementation's. */
static PyObject *entry_getattro(PyObject *self, PyObject *name) {
    PyObject *found = PyObject_GenericGetAttr(self, name);
    if (found != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
    PyErr_Clear();
    return PyObject_GetAttr(((Entry *)self)->implementation, name);
}

static PyObject *entry_reduce(Entry *e, PyObject *unused) {
    (void)unused;
    PyObject *module = PyImport_ImportModule("headgate.core.entry");
    if (module == NULL) return NULL;
    PyObject *result = Py_BuildValue("(N(O))", PyObject_GetAttrString(module, "by_name"), e->name);
    Py_DECREF(module);
    return result;
}

static PyMethodDef entry_methods[] = {
    {"__reduce__", (PyCFunction)entry_reduce, METH_NOARGS, "Entries are pickled by name."},
    {NULL, NULL, 0, NULL}};

static PyMemberDef entry_members[] = {
    {"__wrapped__", T_OBJECT, offsetof(Entry, implementation), READONLY, "the implementation"},
    {"__name__", T_OBJECT, offsetof(Entry, name), READONLY, NULL},
    {"__qualname__", T_OBJECT, offsetof(Entry, name), READONLY, NULL},
    {"__doc__", T_OBJECT, offsetof(Entry, doc), READONLY, NULL},
    {"listed", T_BOOL, offsetof(Entry, listed), 0, "whether autocast is asked"},
    {"ignored", T_BOOL, offsetof(Entry, ignored), 0, "whether classes are never asked"},
    {NULL, 0, 0, 0, NULL}};

static PyTypeObject EntryType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "headgate.core._entry.Entry",
    .tp_basicsize = sizeof(Entry),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_vectorcall_offset = offsetof(Entry, vectorcall),
    .tp_call = PyVectorcall_Call,
    .tp_new = entry_new,
    .tp_dealloc = (destructor)entry_dealloc,
    .tp_traverse = (traverseproc)entry_traverse,
    .tp_clear = (inquiry)entry_clear,
    .tp_descr_get = entry_get,
    .tp_repr = (reprfunc)entry_repr,
    .tp_getattro = entry_getattro,
    .tp_members = entry_members,
    .tp_methods = entry_methods,
    .tp_dictoffset = offsetof(Entry, dict),
};

static PyObject *install(PyObject *module, PyObject *args) {
    PyObject *type, *name, *value;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!UO", &PyType_Type, &type, &name, &value)) return NULL;
    if (PyDict_SetItem(((PyTypeObject *)type)->tp_dict, name, value) < 0) return NULL;
    PyType_Modified((PyTypeObject *)type);
    Py_RETURN_NONE;
}

static PyObject *quicken(PyObject *module, PyObject *args) {
    PyObject *entry, *call, *op, *out;
    Py_ssize_t arity;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!OOnO", &EntryType, &entry, &call, &op, &arity, &out)) return NULL;
    void *quick = PyCapsule_GetPointer(call, "headgate.quick");
    if (quick == NULL) return NULL;
    if (arity < 1 || arity > 3) {
        PyErr_SetString(PyExc_ValueError, "one to three operands");
        return NULL;
    }
    Entry *e = (Entry *)entry;
    Py_INCREF(op);
    Py_XSETREF(e->op, op);
    Py_INCREF(out);
    Py_XSETREF(e->out, out);
    e->arity = arity;
    e->quick = quick;
    Py_RETURN_NONE;
}

static PyObject *set_override(PyObject *module, PyObject *args) {
    PyObject *function, *types;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO!", &function, &PyTuple_Type, &types)) return NULL;
    Py_INCREF(function);
    Py_XSETREF(override, function);
    for (Py_ssize_t i = 0; i < 4; i++) {
        plain[i] = i < PyTuple_GET_SIZE(types) ? (PyTypeObject *)PyTuple_GET_ITEM(types, i) : NULL;
        Py_XINCREF((PyObject *)plain[i]);
    }
    Py_RETURN_NONE;
}

static PyObject *overrides(PyObject *module, PyObject *args) {
    int flag, bit = ASK_CLASSES;
    (void)module;
    if (!PyArg_ParseTuple(args, "p|i", &flag, &bit)) return NULL;
    overrides_exist = flag ? overrides_exist | bit : overrides_exist & ~bit;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"install", install, METH_VARARGS, "install(type, name, value): set an attribute on a compiled type."},
    {"quicken", quicken, METH_VARARGS, "quicken(entry, call, op, arity, out): calls of `arity` operands go to op."},
    {"set_override", set_override, METH_VARARGS, "set_override(function, plain_types)"},
    {"overrides", overrides, METH_VARARGS, "overrides(flag, bit=1): whether arguments are looked at, or calls asked."},
    {NULL, NULL, 0, NULL}};

static int execute(PyObject *module) {
    if (PyType_Ready(&EntryType) < 0) return -1;
    attribute_name = PyUnicode_InternFromString("__torch_function__");
    if (attribute_name == NULL) return -1;
    return PyModule_AddObjectRef(module, "Entry", (PyObject *)&EntryType);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_entry", .m_doc = "Entries and installing.", .m_methods = functions,
    .m_slots = slots};

PyMODINIT_FUNC PyInit__entry(void) { return PyModuleDef_Init(&definition); }
