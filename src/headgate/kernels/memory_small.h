/* Small arrays, kept whole for the next result of the same type and shape: NumPy's allocation of the object, its
   dimensions and its data costs more than most kernels on three numbers. An array comes here only when nobody else
   refers to it, and leaves as if it were fresh. Guarded by the GIL. It knows arrays' fields; it must not know kernels. */
#ifndef HEADGATE_MEMORY_SMALL_H
#define HEADGATE_MEMORY_SMALL_H
#include <Python.h>
#include <stdint.h>
#include <numpy/arrayobject.h>

#define HG_SMALL_BYTES 2048 /* arrays up to this size are kept */
#define HG_SMALL_AXES 3
#define HG_BINS 256
#define HG_KEPT 14

typedef struct {
    uint32_t tag;
    int count;
    PyObject *arrays[HG_KEPT];
} hg_bin;

static hg_bin hg_bins[HG_BINS];

/* One tag per element type (below 32), number of axes and number of elements; 0 for what is not kept. */
static inline uint32_t hg_small_tag(int nd, npy_intp size, int typenum) {
    return ((uint32_t)size << 8) | (uint32_t)(typenum << 2) | (uint32_t)nd;
}

static inline hg_bin *hg_bin_of(uint32_t tag) { return &hg_bins[(tag * 2654435761u) >> 24]; }

/* A kept array in that shape, or NULL (without an exception). */
static inline PyObject *hg_small_take(int nd, const npy_intp *dims, npy_intp size, int typenum, npy_intp itemsize) {
    uint32_t tag = hg_small_tag(nd, size, typenum);
    hg_bin *bin = hg_bin_of(tag);
    if (bin->tag != tag || bin->count == 0) return NULL;
    PyObject *o = bin->arrays[--bin->count];
    npy_intp *lengths = PyArray_DIMS((PyArrayObject *)o), *steps = PyArray_STRIDES((PyArrayObject *)o);
    int longer = 0; /* an array with at most one axis longer than 1 is in Fortran order too */
    for (int i = nd - 1; i >= 0; i--) {
        lengths[i] = dims[i];
        steps[i] = itemsize;
        itemsize *= dims[i];
        longer += dims[i] > 1;
    }
    if (longer > 1) ((PyArrayObject_fields *)o)->flags &= ~NPY_ARRAY_F_CONTIGUOUS;
    else ((PyArrayObject_fields *)o)->flags |= NPY_ARRAY_F_CONTIGUOUS;
    return o;
}

/* 1 if the array was kept, with the caller's reference; 0 if it is the caller's to drop.

   Kept is what `fresh` would give: NumPy's own type and descriptor, its own memory, C order, writeable, never exported
   as a buffer, at least one element (so that lengths and strides can be written over). */
static int hg_small_give(PyObject *o) {
    if (Py_REFCNT(o) != 1 || Py_TYPE(o) != &PyArray_Type) return 0;
    PyArrayObject_fields *a = (PyArrayObject_fields *)o;
    const int wanted = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_OWNDATA | NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE;
    if (a->nd > HG_SMALL_AXES || (a->flags & ~NPY_ARRAY_F_CONTIGUOUS) != wanted) return 0;
    if (a->base != NULL || a->weakreflist != NULL || a->_buffer_info != NULL) return 0;
    int typenum = a->descr->type_num;
    if (typenum > NPY_DOUBLE && typenum != NPY_HALF) return 0;
    npy_intp size = 1;
    for (int i = 0; i < a->nd; i++) size *= a->dimensions[i];
    if (size == 0 || size * PyArray_ITEMSIZE((PyArrayObject *)o) > HG_SMALL_BYTES) return 0;
    PyArray_Descr *own = PyArray_DescrFromType(typenum);
    Py_DECREF(own);
    if (own != a->descr) return 0;
    uint32_t tag = hg_small_tag(a->nd, size, typenum);
    hg_bin *bin = hg_bin_of(tag);
    if (bin->tag != tag) {
        while (bin->count > 0) Py_DECREF(bin->arrays[--bin->count]);
        bin->tag = tag;
    }
    if (bin->count == HG_KEPT) return 0;
    bin->arrays[bin->count++] = o;
    return 1;
}
#endif
