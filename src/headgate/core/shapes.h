/* An array's shape and steps as Python tuples, made without NumPy's Python layers. */
#ifndef HEADGATE_SHAPES_H
#define HEADGATE_SHAPES_H
#include <Python.h>
#include <numpy/arrayobject.h>

/* `type` is a subclass of tuple without fields of its own. */
static inline PyObject *hg_sizes(PyObject *type, PyArrayObject *a) {
    int count = PyArray_NDIM(a);
    PyObject *sizes = ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, count);
    for (int i = 0; sizes != NULL && i < count; i++) {
        PyObject *size = PyLong_FromSsize_t(PyArray_DIM(a, i));
        if (size == NULL) Py_CLEAR(sizes);
        else PyTuple_SET_ITEM(sizes, i, size);
    }
    return sizes;
}

/* In elements. */
static inline PyObject *hg_steps(PyArrayObject *a) {
    int count = PyArray_NDIM(a);
    PyObject *steps = PyTuple_New(count);
    for (int i = 0; steps != NULL && i < count; i++) {
        PyObject *step = PyLong_FromSsize_t(PyArray_STRIDE(a, i) / PyArray_ITEMSIZE(a));
        if (step == NULL) Py_CLEAR(steps);
        else PyTuple_SET_ITEM(steps, i, step);
    }
    return steps;
}
#endif
