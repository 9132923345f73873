/* A view of an array's memory with given shape and strides, made without NumPy's Python layers. */
#ifndef HEADGATE_ARRAYS_H
#define HEADGATE_ARRAYS_H
#include <Python.h>
#include <numpy/arrayobject.h>

static PyObject *hg_view(PyObject *owner, PyObject *shape, PyObject *strides, Py_ssize_t offset) {
    PyArrayObject *x = (PyArrayObject *)owner;
    npy_intp lengths[NPY_MAXDIMS], steps[NPY_MAXDIMS];
    Py_ssize_t count = PyTuple_GET_SIZE(shape);
    if (count > NPY_MAXDIMS || PyTuple_GET_SIZE(strides) != count) {
        PyErr_SetString(PyExc_ValueError, "shape and strides do not fit together");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        lengths[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(shape, i));
        steps[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(strides, i));
    }
    if (PyErr_Occurred()) return NULL;
    PyArray_Descr *type = PyArray_DESCR(x);
    Py_INCREF(type);
    PyObject *view = PyArray_NewFromDescr(&PyArray_Type, type, (int)count, lengths, steps,
                                          (char *)PyArray_DATA(x) + offset, PyArray_FLAGS(x) & NPY_ARRAY_WRITEABLE,
                                          NULL);
    if (view == NULL) return NULL;
    Py_INCREF(owner);
    if (PyArray_SetBaseObject((PyArrayObject *)view, owner) < 0) {
        Py_DECREF(view);
        return NULL;
    }
    return view;
}
#endif
