/* The bytes that an array can touch: from its first to after its last one; nothing where it has no elements. */
#ifndef HEADGATE_SPAN_H
#define HEADGATE_SPAN_H
#include <Python.h>
#include <numpy/arrayobject.h>

static inline void hg_span(PyArrayObject *a, Py_ssize_t *low, Py_ssize_t *high) {
    const npy_intp *lengths = PyArray_DIMS(a), *steps = PyArray_STRIDES(a);
    Py_ssize_t first = (Py_ssize_t)PyArray_DATA(a), last = first, size = PyArray_ITEMSIZE(a);
    int count = PyArray_NDIM(a);
    if (PyArray_IS_C_CONTIGUOUS(a)) {
        for (int i = 0; i < count; i++) size *= lengths[i];
    } else {
        for (int i = 0; i < count; i++) {
            if (lengths[i] == 0) size = 0;
            else if (steps[i] > 0) last += steps[i] * (lengths[i] - 1);
            else first += steps[i] * (lengths[i] - 1);
        }
        if (size == 0) last = first;
    }
    *low = first;
    *high = last + size;
}
#endif
