/* A view of an array's memory with given shape and strides, made without NumPy's Python layers. */
#ifndef HEADGATE_ARRAYS_H
#define HEADGATE_ARRAYS_H
#include <Python.h>
#include <numpy/arrayobject.h>

static PyObject *hg_seen_as(PyArrayObject *x, int count, npy_intp *lengths, npy_intp *steps, Py_ssize_t offset) {
    PyArray_Descr *type = PyArray_DESCR(x);
    Py_INCREF(type);
    PyObject *view = PyArray_NewFromDescr(&PyArray_Type, type, count, lengths, steps,
                                          (char *)PyArray_DATA(x) + offset, PyArray_FLAGS(x) & NPY_ARRAY_WRITEABLE,
                                          NULL);
    if (view == NULL) return NULL;
    Py_INCREF(x);
    if (PyArray_SetBaseObject((PyArrayObject *)view, (PyObject *)x) < 0) {
        Py_DECREF(view);
        return NULL;
    }
    return view;
}

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
    return hg_seen_as(x, (int)count, lengths, steps, offset);
}

/* One index of a dimension; the dimension is gone. */
static PyObject *hg_select(PyObject *owner, int dim, Py_ssize_t index) {
    PyArrayObject *x = (PyArrayObject *)owner;
    npy_intp lengths[NPY_MAXDIMS], steps[NPY_MAXDIMS];
    int count = PyArray_NDIM(x), k = 0;
    for (int i = 0; i < count; i++) {
        if (i == dim) continue;
        lengths[k] = PyArray_DIM(x, i);
        steps[k++] = PyArray_STRIDE(x, i);
    }
    return hg_seen_as(x, count - 1, lengths, steps, index * PyArray_STRIDE(x, dim));
}

/* `length` indices of a dimension from `start` on, every `step`-th. */
static PyObject *hg_slice(PyObject *owner, int dim, Py_ssize_t start, Py_ssize_t length, Py_ssize_t step) {
    PyArrayObject *x = (PyArrayObject *)owner;
    npy_intp lengths[NPY_MAXDIMS], steps[NPY_MAXDIMS];
    int count = PyArray_NDIM(x);
    for (int i = 0; i < count; i++) {
        lengths[i] = PyArray_DIM(x, i);
        steps[i] = PyArray_STRIDE(x, i);
    }
    Py_ssize_t offset = start * steps[dim];
    lengths[dim] = length;
    steps[dim] *= step;
    return hg_seen_as(x, count, lengths, steps, offset);
}

/* Two dimensions exchanged. */
static PyObject *hg_swap(PyObject *owner, int first, int second) {
    PyArrayObject *x = (PyArrayObject *)owner;
    npy_intp lengths[NPY_MAXDIMS], steps[NPY_MAXDIMS];
    int count = PyArray_NDIM(x);
    for (int i = 0; i < count; i++) {
        int from = i == first ? second : i == second ? first : i;
        lengths[i] = PyArray_DIM(x, from);
        steps[i] = PyArray_STRIDE(x, from);
    }
    return hg_seen_as(x, count, lengths, steps, 0);
}

/* A dimension of length 1 put in before dimension `dim`. */
static PyObject *hg_insert(PyObject *owner, int dim) {
    PyArrayObject *x = (PyArrayObject *)owner;
    npy_intp lengths[NPY_MAXDIMS], steps[NPY_MAXDIMS];
    int count = PyArray_NDIM(x);
    if (count == NPY_MAXDIMS) {
        PyErr_SetString(PyExc_RuntimeError, "too many dimensions");
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        lengths[i < dim ? i : i + 1] = PyArray_DIM(x, i);
        steps[i < dim ? i : i + 1] = PyArray_STRIDE(x, i);
    }
    lengths[dim] = 1;
    steps[dim] = dim < count ? PyArray_DIM(x, dim) * PyArray_STRIDE(x, dim) : PyArray_ITEMSIZE(x);
    return hg_seen_as(x, count + 1, lengths, steps, 0);
}

/* Dimensions of length 1, and new leading ones, repeated without copying. The caller knows that the shapes fit. */
static PyObject *hg_expand(PyObject *owner, PyObject *shape) {
    PyArrayObject *x = (PyArrayObject *)owner;
    npy_intp lengths[NPY_MAXDIMS], steps[NPY_MAXDIMS];
    int count = (int)PyTuple_GET_SIZE(shape), lead = count - PyArray_NDIM(x);
    if (count > NPY_MAXDIMS || lead < 0) {
        PyErr_SetString(PyExc_RuntimeError, "the shape does not fit the array that is to be expanded");
        return NULL;
    }
    for (int i = count - 1; i >= 0; i--) {
        lengths[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(shape, i));
        if (lengths[i] < 0) return NULL;
        if (i >= lead) steps[i] = PyArray_DIM(x, i - lead) != lengths[i] ? 0 : PyArray_STRIDE(x, i - lead);
        else steps[i] = lengths[i] != 1 || lead == count ? 0 : lengths[i + 1] * steps[i + 1]; /* as PyTorch */
    }
    return hg_seen_as(x, count, lengths, steps, 0);
}

/* The strides (bytes) with which x's memory is seen as `lengths`; 0 if there are none. PyTorch's rule. */
static int hg_view_steps(PyArrayObject *x, int count, npy_intp *lengths, npy_intp *steps) {
    npy_intp size = PyArray_ITEMSIZE(x), base, have = 1, made = 1;
    int i, k = count - 1, dims = PyArray_NDIM(x);
    if (dims == 0 || PyArray_SIZE(x) == 0) {
        for (i = count - 1; i >= 0; i--) {
            steps[i] = size;
            size *= lengths[i] > 1 ? lengths[i] : 1;
        }
        return 1;
    }
    base = PyArray_STRIDE(x, dims - 1);
    for (i = dims - 1; i >= 0; i--) {
        have *= PyArray_DIM(x, i);
        if (i > 0 && (PyArray_DIM(x, i - 1) == 1 || PyArray_STRIDE(x, i - 1) == have * base)) continue;
        while (k >= 0 && (made < have || lengths[k] == 1)) {
            steps[k] = made * base;
            made *= lengths[k--];
        }
        if (made != have) return 0;
        if (i > 0) {
            base = PyArray_STRIDE(x, i - 1);
            have = made = 1;
        }
    }
    return k == -1;
}

/* The same elements in another shape of the same size; None if the strides do not allow it. */
static PyObject *hg_reshape(PyObject *owner, PyObject *shape) {
    PyArrayObject *x = (PyArrayObject *)owner;
    npy_intp lengths[NPY_MAXDIMS], steps[NPY_MAXDIMS];
    int count = (int)PyTuple_GET_SIZE(shape);
    if (count > NPY_MAXDIMS) {
        PyErr_SetString(PyExc_RuntimeError, "too many dimensions");
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        lengths[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(shape, i));
        if (lengths[i] < 0) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, "negative dimension");
            return NULL;
        }
    }
    if (!hg_view_steps(x, count, lengths, steps)) Py_RETURN_NONE;
    return hg_seen_as(x, count, lengths, steps, 0);
}
#endif
