/* The walk behind door.pyx. Results are C-contiguous, so axes keep C order, except that a short last axis gives way to
   the longest one: an inner loop over three elements would spend its time in calls. */
#include "door_plan.h"
#include <string.h>
#include <numpy/ndarraytypes.h> /* accessors only: the API table belongs to door.pyx */

#define SHORT_AXIS 24
#define ARRAY(k) ((PyArrayObject *)arrays[k])

/* By type number; types with an inner loop only. */
static npy_intp item_size(PyArrayObject *a) {
    static const unsigned char sizes[] = {1, 1, 1, 2, 2, 4, 4, sizeof(long), sizeof(long), 8, 8, 4, 8, sizeof(long double),
                                          8, 16, 2 * sizeof(long double)};
    return PyArray_TYPE(a) <= NPY_CLONGDOUBLE ? sizes[PyArray_TYPE(a)] : 2;
}

static npy_intp size_of(PyArrayObject *a) {
    npy_intp size = 1;
    for (int i = 0; i < PyArray_NDIM(a); i++) size *= PyArray_DIM(a, i);
    return size;
}

static int odd(PyArrayObject *a) { return !PyArray_ISALIGNED(a) || !PyArray_ISNOTSWAPPED(a); }

static int same_shape(const hg_plan *plan, PyArrayObject *a) {
    return PyArray_NDIM(a) == plan->axes &&
           !memcmp(PyArray_DIMS(a), plan->shape, sizeof(npy_intp) * (size_t)plan->axes);
}

/* The step of an operand in one flat run over the result: itemsize, 0 for a repeated element, -1 if there is none. */
static ptrdiff_t flat_step(const hg_plan *plan, PyArrayObject *a) {
    const npy_intp *dims = PyArray_DIMS(a), *strides = PyArray_STRIDES(a);
    int same = same_shape(plan, a);
    if (same && PyArray_IS_C_CONTIGUOUS(a)) return item_size(a);
    for (int i = 0; i < PyArray_NDIM(a); i++)
        if (dims[i] != 1 && strides[i] != 0) return -1;
    return same || size_of(a) == 1 ? 0 : -1;
}

static int broadcast_shape(hg_plan *plan, PyObject *const *arrays, int inputs) {
    plan->axes = 0;
    for (int k = 0; k < inputs; k++)
        if (arrays[k] && PyArray_NDIM(ARRAY(k)) > plan->axes) plan->axes = PyArray_NDIM(ARRAY(k));
    for (int i = 0; i < plan->axes; i++) plan->shape[i] = 1;
    for (int k = 0; k < inputs; k++) {
        if (!arrays[k]) continue;
        int shift = plan->axes - PyArray_NDIM(ARRAY(k));
        for (int i = 0; i < PyArray_NDIM(ARRAY(k)); i++) {
            npy_intp d = PyArray_DIM(ARRAY(k), i);
            if (d == 1 || d == plan->shape[shift + i]) continue;
            if (plan->shape[shift + i] != 1) return HG_MISMATCH;
            plan->shape[shift + i] = d;
        }
    }
    plan->size = 1;
    for (int i = 0; i < plan->axes; i++) plan->size *= plan->shape[i];
    return HG_GENERAL;
}

static void read_strides(hg_plan *plan, int k, PyArrayObject *a) {
    int shift = plan->axes - PyArray_NDIM(a);
    plan->pointers[k] = PyArray_BYTES(a);
    for (int i = 0; i < plan->axes; i++)
        plan->strides[k][i] = i < shift || PyArray_DIM(a, i - shift) == 1 ? 0 : PyArray_STRIDE(a, i - shift);
}

static int general(hg_plan *plan, PyObject *const *arrays, int inputs, void *scalar) {
    if (broadcast_shape(plan, arrays, inputs) == HG_MISMATCH) return HG_MISMATCH;
    for (int k = 0; k < inputs; k++) {
        if (arrays[k]) {
            read_strides(plan, k, ARRAY(k));
        } else {
            plan->pointers[k] = scalar;
            memset(plan->strides[k], 0, sizeof(ptrdiff_t) * (size_t)plan->axes);
        }
    }
    return HG_GENERAL;
}

int hg_plan_open(hg_plan *plan, PyObject *const *arrays, int inputs, void *scalar) {
    int widest = -1;
    plan->inputs = inputs;
    for (int k = 0; k < inputs; k++) {
        if (!arrays[k]) continue;
        if (odd(ARRAY(k))) return HG_ODD;
        if (widest < 0 || PyArray_NDIM(ARRAY(k)) > PyArray_NDIM(ARRAY(widest)) ||
            (PyArray_NDIM(ARRAY(k)) == PyArray_NDIM(ARRAY(widest)) && size_of(ARRAY(k)) > size_of(ARRAY(widest))))
            widest = k;
    }
    plan->axes = PyArray_NDIM(ARRAY(widest));
    plan->size = 1;
    for (int i = 0; i < plan->axes; i++) plan->size *= plan->shape[i] = PyArray_DIM(ARRAY(widest), i);
    for (int k = 0; k < inputs; k++) {
        plan->steps[k] = arrays[k] ? flat_step(plan, ARRAY(k)) : 0;
        plan->pointers[k] = arrays[k] ? PyArray_BYTES(ARRAY(k)) : scalar;
        if (plan->steps[k] < 0) return general(plan, arrays, inputs, scalar);
    }
    plan->length = plan->size;
    return HG_QUICK;
}

static void drop_axis(hg_plan *plan, int axis) {
    plan->axes--;
    for (int i = axis; i < plan->axes; i++) {
        plan->shape[i] = plan->shape[i + 1];
        for (int k = 0; k <= plan->inputs; k++) plan->strides[k][i] = plan->strides[k][i + 1];
    }
}

static void merge_axes(hg_plan *plan) {
    for (int i = plan->axes - 1; i >= 0; i--)
        if (plan->shape[i] == 1 && plan->axes > 1) drop_axis(plan, i);
    for (int i = plan->axes - 2; i >= 0; i--) {
        int fits = 1;
        for (int k = 0; k <= plan->inputs; k++)
            fits &= plan->strides[k][i] == plan->strides[k][i + 1] * plan->shape[i + 1];
        if (!fits) continue;
        plan->shape[i + 1] *= plan->shape[i];
        drop_axis(plan, i);
    }
}

static void choose_inner(hg_plan *plan) {
    int best = plan->axes - 1;
    if (plan->axes == 0) {
        plan->length = 1;
        for (int k = 0; k <= plan->inputs; k++) plan->steps[k] = 0;
        return;
    }
    if (plan->shape[best] < SHORT_AXIS)
        for (int i = plan->axes - 1; i >= 0; i--)
            if (plan->shape[i] > plan->shape[best]) best = i;
    plan->length = plan->shape[best];
    for (int k = 0; k <= plan->inputs; k++) plan->steps[k] = plan->strides[k][best];
    drop_axis(plan, best);
}

int hg_plan_close(hg_plan *plan, PyObject *out, int kind) {
    PyArrayObject *a = (PyArrayObject *)out;
    int k = plan->inputs;
    if (odd(a)) return HG_ODD;
    if (!same_shape(plan, a)) return HG_MISMATCH;
    plan->pointers[k] = PyArray_BYTES(a);
    if (kind == HG_QUICK && PyArray_IS_C_CONTIGUOUS(a)) {
        plan->steps[k] = item_size(a);
        return HG_QUICK;
    }
    read_strides(plan, k, a);
    if (kind == HG_QUICK) /* flat inputs beside a strided output: give them back their axes */
        for (int j = 0; j < k; j++) {
            ptrdiff_t stride = plan->steps[j];
            for (int i = plan->axes - 1; i >= 0; i--) {
                plan->strides[j][i] = stride;
                stride *= plan->shape[i];
            }
        }
    merge_axes(plan);
    choose_inner(plan);
    return HG_GENERAL;
}

void hg_plan_elements(void *context, ptrdiff_t low, ptrdiff_t high) {
    hg_plan *plan = context;
    char *args[HG_OPERANDS];
    ptrdiff_t n = high - low;
    for (int k = 0; k <= plan->inputs; k++) args[k] = plan->pointers[k] + low * plan->steps[k];
    plan->inner(args, &n, plan->steps, plan->data);
}

/* Every operand's place is moved, those that are not used too: loops of a length known beforehand need no call. */
void hg_plan_rows(void *context, ptrdiff_t low, ptrdiff_t high) {
    hg_plan *plan = context;
    char *args[HG_OPERANDS], *row[HG_OPERANDS] = {0};
    ptrdiff_t counter[HG_AXES], rest = low, steps[HG_OPERANDS] = {0}, next[HG_OPERANDS] = {0};
    const int used = plan->inputs + 1, innermost = plan->axes - 1;
    for (int k = 0; k < used; k++) row[k] = plan->pointers[k], steps[k] = plan->steps[k];
    for (int i = innermost; i >= 0; i--) {
        counter[i] = rest % plan->shape[i];
        rest /= plan->shape[i];
        for (int k = 0; k < used; k++) row[k] += counter[i] * plan->strides[k][i];
    }
    for (int k = 0; k < used && innermost >= 0; k++) next[k] = plan->strides[k][innermost];
    for (ptrdiff_t r = low; r < high; r++) {
        for (int k = 0; k < HG_OPERANDS; k++) args[k] = row[k]; /* a loop may change its copy */
        plan->inner(args, &plan->length, steps, plan->data);
        if (innermost < 0) return;
        for (int k = 0; k < HG_OPERANDS; k++) row[k] += next[k];
        if (++counter[innermost] < plan->shape[innermost]) continue;
        for (int i = innermost;; i--) { /* into the next of an outer axis */
            for (int k = 0; k < used; k++) row[k] -= plan->strides[k][i] * plan->shape[i];
            counter[i] = 0;
            if (i == 0) return;
            for (int k = 0; k < used; k++) row[k] += plan->strides[k][i - 1];
            if (++counter[i - 1] < plan->shape[i - 1]) break;
        }
    }
}
