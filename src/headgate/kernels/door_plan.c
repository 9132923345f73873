/* The walk behind door.pyx. Axes are walked in the order of the result's strides, except that a short last axis gives
   way to the longest one: an inner loop over three elements would spend its time in calls. */
#include "door_plan.h"
#include <stdint.h>
#include <string.h>

#define SHORT_AXIS 24
#define LINE 64     /* bytes of a cache line */
#define LONG 4096   /* elements from which where the result begins matters */
#define ARRAY(k) ((PyArrayObject *)arrays[k])

static npy_intp item_size(PyArrayObject *a) { return hg_item_bytes(PyArray_TYPE(a)); }

static npy_intp size_of(PyArrayObject *a) {
    npy_intp size = 1;
    for (int i = 0; i < PyArray_NDIM(a); i++) size *= PyArray_DIM(a, i);
    return size;
}

/* The field itself: the macro for it needs, from NumPy 2.5 on, the API table that this file does without. */
static int odd(PyArrayObject *a) { return !PyArray_ISALIGNED(a) || PyArray_DESCR(a)->byteorder == NPY_OPPBYTE; }

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

static ptrdiff_t stride_along(const hg_plan *plan, PyArrayObject *a, int axis) {
    int i = axis - (plan->axes - PyArray_NDIM(a));
    return i < 0 || (PyArray_DIM(a, i) == 1 && plan->shape[axis] != 1) ? 0 : PyArray_STRIDE(a, i);
}

/* Whether axis `one` must go outside of `two`: 1, inside: -1, or the inputs do not say: 0. */
static int outside(const hg_plan *plan, PyObject *const *arrays, int inputs, int one, int two) {
    for (int k = 0; k < inputs; k++) {
        if (!arrays[k]) continue;
        ptrdiff_t a = stride_along(plan, ARRAY(k), one), b = stride_along(plan, ARRAY(k), two);
        if (a == 0 || b == 0) continue;
        if (a != b) return a < b ? -1 : 1;
        if (plan->shape[one] > plan->shape[two]) return 1;
    }
    return 0;
}

/* Of inputs that all fill such a layout, the result takes the strides along axes of one element too. */
static void take_strides(const hg_plan *plan, PyObject *const *arrays, int inputs, ptrdiff_t item, ptrdiff_t *strides) {
    for (int k = 0; k < inputs; k++) {
        if (!arrays[k] || !arrays[0] || !same_shape(plan, ARRAY(k))) return;
        for (int i = 0; i < plan->axes; i++) {
            ptrdiff_t step = PyArray_STRIDE(ARRAY(k), i) / item_size(ARRAY(k)) * item;
            if (plan->shape[i] != 1 && step != strides[i]) return;
            if (step != PyArray_STRIDE(ARRAY(0), i) / item_size(ARRAY(0)) * item) return;
        }
    }
    for (int i = 0; i < plan->axes; i++) strides[i] = PyArray_STRIDE(ARRAY(0), i) / item_size(ARRAY(0)) * item;
}

int hg_plan_alike(const hg_plan *plan, PyObject *const *arrays, int inputs) {
    for (int k = 0; k < inputs; k++)
        if (!arrays[k] || !PyArray_IS_C_CONTIGUOUS(ARRAY(k)) || !same_shape(plan, ARRAY(k))) return 0;
    return 1;
}

int hg_plan_layout(const hg_plan *plan, PyObject *const *arrays, int inputs, ptrdiff_t item, ptrdiff_t *strides) {
    int order[HG_AXES], usual = 1; /* the innermost first; an insertion sort, because the comparison may be undecided */
    ptrdiff_t step = item;
    if (plan->size == 0) return 0;
    for (int i = 0; i < plan->axes; i++) order[i] = plan->axes - 1 - i;
    for (int i = 1; i < plan->axes; i++) {
        int place = i;
        for (int j = i - 1; j >= 0; j--) {
            int sign = outside(plan, arrays, inputs, order[j], order[place]), swapped = order[j];
            if (sign < 0) break;
            if (sign == 0) continue;
            order[j] = order[place], order[place] = swapped, place = j;
        }
    }
    for (int i = 0; i < plan->axes; i++) {
        usual &= order[i] == plan->axes - 1 - i;
        strides[order[i]] = step;
        step *= plan->shape[order[i]];
    }
    if (usual) return 0;
    take_strides(plan, arrays, inputs, item, strides);
    return 1;
}

/* The axes in the order of the result's strides, the widest first. */
static void sort_axes(hg_plan *plan) {
    const int out = plan->inputs;
    for (int i = 1; i < plan->axes; i++)
        for (int j = i; j > 0 && plan->strides[out][j - 1] < plan->strides[out][j]; j--) {
            ptrdiff_t kept = plan->shape[j];
            plan->shape[j] = plan->shape[j - 1], plan->shape[j - 1] = kept;
            for (int k = 0; k <= out; k++) {
                kept = plan->strides[k][j];
                plan->strides[k][j] = plan->strides[k][j - 1], plan->strides[k][j - 1] = kept;
            }
        }
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
    sort_axes(plan);
    merge_axes(plan);
    choose_inner(plan);
    return HG_GENERAL;
}

static void some_elements(hg_plan *plan, ptrdiff_t low, ptrdiff_t n) {
    char *args[HG_OPERANDS];
    for (int k = 0; k <= plan->inputs; k++) args[k] = plan->pointers[k] + low * plan->steps[k];
    plan->inner(args, &n, plan->steps, plan->data);
}

/* Memory that is not ours (NumPy's begins 16 bytes into a page) is written from the next cache line on: a wide store
   across two lines costs a quarter of the call. */
void hg_plan_elements(void *context, ptrdiff_t low, ptrdiff_t high) {
    hg_plan *plan = context;
    const ptrdiff_t step = plan->steps[plan->inputs], n = high - low;
    const ptrdiff_t apart = (ptrdiff_t)(-(uintptr_t)(plan->pointers[plan->inputs] + low * step) & (LINE - 1));
    if (apart && n >= LONG && step > 0 && step <= 8) {
        some_elements(plan, low, apart / step);
        low += apart / step;
    }
    some_elements(plan, low, high - low);
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
