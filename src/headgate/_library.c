/* The one shared library of all compiled modules. Opening 145 libraries takes 30 ms and more, opening this one 2.
   The build writes parts.inc, a line PART("headgate.core.apply", PyInit_headgate_core_apply) for each module. */
#include <Python.h>

#define PART(name, open) PyMODINIT_FUNC open(void);
#include "parts.inc"
#undef PART

#define PART(name, open) {name, open},
static const struct {
    const char *name;
    PyObject *(*open)(void);
} parts[] = {
#include "parts.inc"
};
#undef PART

#define COUNT ((Py_ssize_t)(sizeof parts / sizeof parts[0]))

static PyObject *spec_name, *initializing_name, *functions_name;  /* interned */

/* A module that is there and whole, as a new reference; NULL without an error for any other. */
static PyObject *whole(const char *name) {
    PyObject *key = PyUnicode_FromString(name), *spec = NULL, *unfinished = NULL;
    PyObject *module = key ? PyImport_GetModule(key) : NULL;
    if (module) spec = PyObject_GetAttr(module, spec_name);
    if (spec) unfinished = PyObject_GetAttr(spec, initializing_name);
    if (unfinished != Py_False) Py_CLEAR(module);
    Py_XDECREF(unfinished);
    Py_XDECREF(spec);
    Py_XDECREF(key);
    PyErr_Clear();
    return module;
}

/* What the compiled modules call for PyImport_ImportModule, some 3,900 times in an import of Headgate: that one asks
   after the package too and, while the package itself is being imported, waits for its lock each time. */
PyObject *headgate_import(const char *name) {
    PyObject *module = whole(name);
    return module ? module : PyImport_ImportModule(name);
}

/* What they call for PyObject_GetAttrString: 14,000 times for a module's table of C functions, whose name need not be
   made and hashed each time. */
PyObject *headgate_attribute(PyObject *owner, const char *name) {
    if (strcmp(name, "__pyx_capi__") == 0) return PyObject_GetAttr(owner, functions_name);
    return PyObject_GetAttrString(owner, name);
}

static PyObject *names(PyObject *self, PyObject *unused) {
    PyObject *found = PyList_New(COUNT);
    for (Py_ssize_t i = 0; found && i < COUNT; i++) {
        PyObject *name = PyUnicode_FromString(parts[i].name);
        if (name == NULL) Py_CLEAR(found);
        else PyList_SET_ITEM(found, i, name);
    }
    return found;
}

static PyObject *create(PyObject *self, PyObject *arguments) {
    PyObject *spec;
    Py_ssize_t place;
    if (!PyArg_ParseTuple(arguments, "On", &spec, &place)) return NULL;
    if (place < 0 || place >= COUNT) return PyErr_Format(PyExc_IndexError, "no module %zd in the library", place);
    PyObject *definition = parts[place].open();
    if (definition && !PyObject_TypeCheck(definition, &PyModuleDef_Type))
        return PyErr_Format(PyExc_SystemError, "%s must return its PyModuleDef", parts[place].name);
    return definition ? PyModule_FromDefAndSpec((PyModuleDef *)definition, spec) : NULL;
}

static PyObject *execute(PyObject *self, PyObject *module) {
    PyModuleDef *definition = PyModule_Check(module) ? PyModule_GetDef(module) : NULL;
    if (definition == NULL) return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "not of this library");
    if (PyModule_ExecDef(module, definition) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"names", names, METH_NOARGS, "Dotted names of the modules, in order."},
    {"create", create, METH_VARARGS, "create(spec, place): the module of that place, not yet filled."},
    {"execute", execute, METH_O, "Fill a module that create made."},
    {NULL, NULL, 0, NULL},
};

static int prepare(PyObject *self) {
    spec_name = PyUnicode_InternFromString("__spec__");
    initializing_name = PyUnicode_InternFromString("_initializing");
    functions_name = PyUnicode_InternFromString("__pyx_capi__");
    return spec_name && initializing_name && functions_name ? 0 : -1;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, prepare}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_library", .m_doc = "All compiled modules.", .m_methods = functions,
    .m_slots = slots};

PyMODINIT_FUNC PyInit__library(void) { return PyModuleDef_Init(&definition); }
