/* How one elementwise call walks its operands: shapes broadcast, axes merged, one axis chosen for the inner loop.
   It knows NumPy arrays' layouts; it must not know loops' names, Python errors, or threads. */
#ifndef HEADGATE_DOOR_PLAN_H
#define HEADGATE_DOOR_PLAN_H
#include <Python.h>
#include <numpy/ndarraytypes.h> /* accessors only: the API table belongs to door.pyx */
#include "loops.h"

#define HG_OPERANDS 4
#define HG_AXES 64

enum { HG_QUICK = 0, HG_GENERAL = 1, HG_ODD = 2, HG_MISMATCH = 3 };

typedef struct {
    hg_inner inner;
    void *data;
    int inputs, axes;
    ptrdiff_t size; /* elements of the result */
    char *pointers[HG_OPERANDS];
    ptrdiff_t steps[HG_OPERANDS]; /* of the inner axis */
    ptrdiff_t items[HG_OPERANDS]; /* bytes of an element, in a general plan; 0 for a scalar */
    ptrdiff_t length;             /* of the inner axis */
    ptrdiff_t shape[HG_AXES];     /* the result's; after hg_plan_close the outer axes only */
    ptrdiff_t strides[HG_OPERANDS][HG_AXES];
} hg_plan;

/* By type number; types with an inner loop only. */
static inline ptrdiff_t hg_item_bytes(int typenum) {
    static const unsigned char sizes[] = {1, 1, 1, 2, 2, 4, 4, sizeof(long), sizeof(long), 8, 8, 4, 8, sizeof(long double),
                                          8, 16, 2 * sizeof(long double)};
    return typenum <= NPY_CLONGDOUBLE ? sizes[typenum] : 2;
}

/* The short road: whether every operand is one flat run of the same shape, aligned and native. `first` is one of them. */
static inline int hg_same_run(PyArrayObject *first, PyArrayObject *a) {
    const int wanted = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED;
    if (PyArray_NDIM(a) != PyArray_NDIM(first) || (PyArray_FLAGS(a) & wanted) != wanted) return 0;
    for (int i = 0; i < PyArray_NDIM(a); i++)
        if (PyArray_DIM(a, i) != PyArray_DIM(first, i)) return 0;
    return PyArray_DESCR(a)->byteorder != NPY_OPPBYTE;
}

/* The step of an input in the flat run over `first`: its item's size, 0 where one element is repeated (a gradient that
   was spread over a shape), -1 if there is none. */
static inline ptrdiff_t hg_run_step(PyArrayObject *first, PyArrayObject *a) {
    if (hg_same_run(first, a)) return hg_item_bytes(PyArray_TYPE(a));
    if (PyArray_NDIM(a) != PyArray_NDIM(first) || !PyArray_ISALIGNED(a) || PyArray_DESCR(a)->byteorder == NPY_OPPBYTE)
        return -1;
    for (int i = 0; i < PyArray_NDIM(a); i++)
        if (PyArray_DIM(a, i) != PyArray_DIM(first, i) || (PyArray_STRIDE(a, i) != 0 && PyArray_DIM(a, i) != 1)) return -1;
    return 0;
}

/* Whether an array in C order has other strides than a fresh one along axes of one element. */
static inline int hg_has_odd_units(PyArrayObject *a) {
    npy_intp step = hg_item_bytes(PyArray_TYPE(a));
    for (int i = PyArray_NDIM(a) - 1; i >= 0; i--) {
        if (PyArray_DIM(a, i) == 1 && PyArray_STRIDE(a, i) != step) return 1;
        step *= PyArray_DIM(a, i);
    }
    return 0;
}

/* The number of elements of operands that may take the short road, -1 if they may not; their steps. NULL operands are
   scalars. One operand at least is no repeated element: the result's layout is its, unless strides along axes of one
   element could be asked, as PyTorch does where the operands are not alike. */
static inline ptrdiff_t hg_run_size(PyObject *const *arrays, int inputs, ptrdiff_t *steps) {
    PyArrayObject *first = (PyArrayObject *)(arrays[0] ? arrays[0] : arrays[1]);
    ptrdiff_t size = 1, most = 0;
    int full = 1;
    for (int k = 0; k < inputs; k++) {
        steps[k] = arrays[k] ? hg_run_step(first, (PyArrayObject *)arrays[k]) : 0;
        if (steps[k] < 0) return -1;
        most |= steps[k];
        full &= steps[k] != 0;
    }
    for (int k = 0; k < inputs && !full; k++)
        if (steps[k] != 0 && hg_has_odd_units((PyArrayObject *)arrays[k])) return -1;
    for (int i = 0; i < PyArray_NDIM(first); i++) size *= PyArray_DIM(first, i);
    return most ? size : -1;
}

/* A piece of a transpose: rows of `n` elements, `to_row` bytes apart, from columns `from_column` bytes apart. */
typedef void (*hg_turner)(char *to, const char *from, ptrdiff_t rows, ptrdiff_t n, ptrdiff_t item, ptrdiff_t to_row,
                          ptrdiff_t from_column);
extern hg_turner hg_turn;

/* Reads the inputs (NULL: a scalar whose address is in `scalar`); HG_ODD: misaligned or byte-swapped. */
int hg_plan_open(hg_plan *plan, PyObject *const *arrays, int inputs, void *scalar);
/* The strides that PyTorch gives a fresh result of a general plan: the dims in the order of the inputs' strides. False
   if that is the usual order. `item`: the result's. */
int hg_plan_layout(const hg_plan *plan, PyObject *const *arrays, int inputs, ptrdiff_t item, ptrdiff_t *strides);
/* Whether all inputs are contiguous and of the plan's shape: the result is then in the usual order without more ado. */
int hg_plan_alike(const hg_plan *plan, PyObject *const *arrays, int inputs);
/* Adds the output, whose shape must be the plan's; a QUICK plan may become GENERAL. */
int hg_plan_close(hg_plan *plan, PyObject *out, int kind);
/* Runs rows [low, high) of a general plan; elements [low, high) of a quick one. */
void hg_plan_rows(void *plan, ptrdiff_t low, ptrdiff_t high);
void hg_plan_elements(void *plan, ptrdiff_t low, ptrdiff_t high);
#endif
