/* Looking up what a module has (ordinary attributes first, then its tables), and calling its `forward`.

   Python's own way through `__getattr__` makes an AttributeError and throws it away at every parameter read; this one
   asks without making it. It knows nothing of what is in the tables. */
#ifndef HEADGATE_ATTRIBUTES_H
#define HEADGATE_ATTRIBUTES_H
#include <Python.h>

PyAPI_FUNC(PyObject *) _PyObject_GenericGetAttrWithDict(PyObject *, PyObject *, PyObject *, int);

/* The member `name` of the tables named in the tuple, or an AttributeError. */
static PyObject *hg_member(PyObject *self, PyObject *name, PyObject *tables) {
    PyObject *mine = PyObject_GenericGetDict(self, NULL);
    if (mine == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tables); i++) {
        PyObject *table = PyDict_GetItemWithError(mine, PyTuple_GET_ITEM(tables, i));
        PyObject *found = table != NULL && PyDict_Check(table) ? PyDict_GetItemWithError(table, name) : NULL;
        if (found != NULL || PyErr_Occurred()) {
            Py_XINCREF(found);
            Py_DECREF(mine);
            return found;
        }
    }
    Py_DECREF(mine);
    PyErr_Format(PyExc_AttributeError, "'%.100s' object has no attribute '%U'", Py_TYPE(self)->tp_name, name);
    return NULL;
}

/* The attribute of that name, wherever it is. */
static PyObject *hg_attribute(PyObject *self, PyObject *name, PyObject *tables) {
    PyObject *found = _PyObject_GenericGetAttrWithDict(self, name, NULL, 1);
    return found != NULL || PyErr_Occurred() ? found : hg_member(self, name, tables);
}

static PyObject *hg_names[5];   /* of the tables of hooks on calls, and "forward" */

static int hg_name_all(void) {
    static const char *texts[5] = {"_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks",
                                   "forward"};
    for (int i = 0; i < 5; i++)
        if (hg_names[i] == NULL && (hg_names[i] = PyUnicode_InternFromString(texts[i])) == NULL) return -1;
    return 0;
}

/* 1 if some hook of the module's own wants to know of calls; -1 after an error. */
static int hg_is_hooked(PyObject *self) {
    PyObject *mine = PyObject_GenericGetDict(self, NULL);
    int hooked = mine == NULL || hg_name_all() < 0 ? -1 : 0;
    for (int i = 0; i < 4 && hooked == 0; i++) {
        PyObject *table = PyDict_GetItemWithError(mine, hg_names[i]);
        if (table == NULL) hooked = PyErr_Occurred() ? -1 : 0;
        else hooked = PyDict_Check(table) ? PyDict_GET_SIZE(table) > 0 : PyObject_IsTrue(table);
    }
    Py_XDECREF(mine);
    return hooked;
}

/* self.forward(*args, **kwargs), without a bound method where `forward` is a function of the class. */
static PyObject *hg_forward(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyObject *stack[9], *mine, *own, *function, *result;
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if ((mine = PyObject_GenericGetDict(self, NULL)) == NULL) return NULL;
    own = PyDict_GetItemWithError(mine, hg_names[4]);
    Py_DECREF(mine);
    function = _PyType_Lookup(Py_TYPE(self), hg_names[4]);
    if (own == NULL && !PyErr_Occurred() && function != NULL && count <= 8
        && PyType_HasFeature(Py_TYPE(function), Py_TPFLAGS_METHOD_DESCRIPTOR)) {
        stack[0] = self;
        for (Py_ssize_t i = 0; i < count; i++) stack[i + 1] = PyTuple_GET_ITEM(args, i);
        Py_INCREF(function);
        result = PyObject_VectorcallDict(function, stack, count + 1, kwargs);
        Py_DECREF(function);
        return result;
    }
    if (PyErr_Occurred() || (function = PyObject_GetAttr(self, hg_names[4])) == NULL) return NULL;
    result = PyObject_Call(function, args, kwargs);
    Py_DECREF(function);
    return result;
}
#endif
