/* How one elementwise call walks its operands: shapes broadcast, axes merged, one axis chosen for the inner loop.
   It knows NumPy arrays' layouts; it must not know loops' names, Python errors, or threads. */
#ifndef HEADGATE_DOOR_PLAN_H
#define HEADGATE_DOOR_PLAN_H
#include <Python.h>
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
    ptrdiff_t length;             /* of the inner axis */
    ptrdiff_t shape[HG_AXES];     /* the result's; after hg_plan_close the outer axes only */
    ptrdiff_t strides[HG_OPERANDS][HG_AXES];
} hg_plan;

/* Reads the inputs (NULL: a scalar whose address is in `scalar`); HG_ODD: misaligned or byte-swapped. */
int hg_plan_open(hg_plan *plan, PyObject *const *arrays, int inputs, void *scalar);
/* The strides that PyTorch gives a fresh result of a general plan: the dims in the order of the inputs' strides. False
   if that is the usual order. `item`: the result's. */
int hg_plan_layout(const hg_plan *plan, PyObject *const *arrays, int inputs, ptrdiff_t item, ptrdiff_t *strides);
/* Adds the output, whose shape must be the plan's; a QUICK plan may become GENERAL. */
int hg_plan_close(hg_plan *plan, PyObject *out, int kind);
/* Runs rows [low, high) of a general plan; elements [low, high) of a quick one. */
void hg_plan_rows(void *plan, ptrdiff_t low, ptrdiff_t high);
void hg_plan_elements(void *plan, ptrdiff_t low, ptrdiff_t high);
#endif
