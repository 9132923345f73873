/* The walk behind door.pyx. Axes are walked in the order of the result's strides, except that a short last axis gives
   way to the longest one: an inner loop over three elements would spend its time in calls. */
#include "door_plan.h"
#include <stdint.h>
#include <string.h>

#define SHORT_AXIS 24
#define LINE 64     /* bytes of a cache line */
#define LONG 4096   /* elements from which where the result begins matters */
#define WORTH 4096  /* elements below which rows go one by one */
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
    plan->items[k] = item_size(a);
    for (int i = 0; i < plan->axes; i++)
        plan->strides[k][i] = i < shift || PyArray_DIM(a, i - shift) == 1 ? 0 : PyArray_STRIDE(a, i - shift);
}

static int general(hg_plan *plan, PyObject *const *arrays, int inputs, void *scalar) {
    if (broadcast_shape(plan, arrays, inputs) == HG_MISMATCH) return HG_MISMATCH;
    for (int k = 0; k < inputs; k++) {
        if (arrays[k]) {
            read_strides(plan, k, ARRAY(k));
        } else {
            plan->pointers[k] = scalar, plan->items[k] = 0;
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

/* Whether rows of the last axis may be run several at a time (`together`, below) with little to lay out: the result goes
   on from row to row, and so does each input, or it has one number for a row, or one row throughout. */
static int joins(const hg_plan *plan) {
    const int last = plan->axes - 1, out = plan->inputs;
    const ptrdiff_t n = plan->shape[last];
    if (last == 0 || n < 2 || plan->size < WORTH || plan->shape[last - 1] < 4) return 0;
    for (int k = 0; k <= out; k++) {
        const ptrdiff_t step = plan->strides[k][last], next = plan->strides[k][last - 1];
        const int on = step == plan->items[k] && next == n * step;
        if (!on && (k == out || (step != 0 && (next != 0 || step != plan->items[k])))) return 0;
        if (!on && plan->pointers[k] == plan->pointers[out]) return 0; /* written too */
    }
    return 1;
}

static void choose_inner(hg_plan *plan) {
    int best = plan->axes - 1;
    if (plan->axes == 0) {
        plan->length = 1;
        for (int k = 0; k <= plan->inputs; k++) plan->steps[k] = 0;
        return;
    }
    if (plan->shape[best] < SHORT_AXIS && !joins(plan))
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
            ptrdiff_t stride = plan->items[j] = plan->steps[j];
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

/* ---- rows ----------------------------------------------------------------------------------------------------------

   Rows run in groups along the innermost outer axis. A group goes row by row; or, where rows are short and the result
   has no gaps, several rows at a time, what does not run on with them laid out in a buffer; or, where an input is a
   transpose, in tiles, which are turned into a buffer first: read along its rows, each element would cost a cache line. */

#define SHORT_ROW 128   /* elements below which rows are brought together */
#define TOGETHER 1024   /* elements of rows that are brought together */
#define TILE_LINE 64    /* bytes of a tile along an input's own rows: a cache line, so that the result's rows run long */
#define TILE_WIDTH 1024 /* elements of a tile along the result's rows */
#define BUFFER (TILE_LINE * TILE_WIDTH)

typedef struct {
    hg_plan *plan;
    char *row[HG_OPERANDS]; /* where the next row begins */
    ptrdiff_t next[HG_OPERANDS], counter[HG_AXES];
    const char *kept[HG_OPERANDS - 1]; /* what a buffer holds: where it begins, and how many rows */
    ptrdiff_t kept_rows[HG_OPERANDS - 1];
    hg_rows rows; /* the loop's form for rows of which one operand has a single number each */
} walk;

typedef void (*group_runner)(walk *w, ptrdiff_t rows, char (*buffers)[BUFFER]);

hg_turner hg_turn; /* set by door.pyx: the turn belongs to copying */

/* Every operand's place is moved, those that are not used too: loops of a length known beforehand need no call. */
static void one_by_one(walk *w, ptrdiff_t rows, char (*buffers)[BUFFER]) {
    hg_plan *plan = w->plan;
    char *args[HG_OPERANDS], *row[HG_OPERANDS];
    (void)buffers;
    memcpy(row, w->row, sizeof row);
    for (ptrdiff_t r = 0; r < rows; r++) {
        for (int k = 0; k < HG_OPERANDS; k++) args[k] = row[k]; /* a loop may change its copy */
        plan->inner(args, &plan->length, plan->steps, plan->data);
        for (int k = 0; k < HG_OPERANDS; k++) row[k] += w->next[k];
    }
}

/* Whole chunks are written: what is too much is written over by the next row, and a buffer has room behind the last. */
#define CHUNK 32
#define REPEATED(bits)                                                                                     \
    static void repeat_##bits(char *to, const char *from, ptrdiff_t next, ptrdiff_t length, ptrdiff_t rows) { \
        enum { SOME = CHUNK * 8 / bits };                                                                  \
        uint##bits##_t *target = (uint##bits##_t *)to;                                                     \
        for (ptrdiff_t r = 0; r < rows; r++, target += length) {                                           \
            const uint##bits##_t value = *(const uint##bits##_t *)(from + r * next);                       \
            for (ptrdiff_t i = 0; i < length; i += SOME)                                                   \
                for (int j = 0; j < SOME; j++) target[i + j] = value;                                      \
        }                                                                                                  \
    }
REPEATED(8)
REPEATED(16)
REPEATED(32)
REPEATED(64)

/* Short rows of one input, one after another. */
static void lay_out(const walk *w, int k, const char *from, ptrdiff_t rows, char *to) {
    const hg_plan *plan = w->plan;
    const ptrdiff_t item = plan->items[k], line = plan->length * item, next = w->next[k];
    if (plan->steps[k] == 0) {
        (item == 1 ? repeat_8 : item == 2 ? repeat_16 : item == 4 ? repeat_32 : repeat_64)(to, from, next, plan->length,
                                                                                       rows);
        return;
    }
    if (next == 0) { /* one row again and again: what is there is doubled */
        ptrdiff_t have = line, all = line * rows;
        memcpy(to, from, (size_t)line);
        for (; have < all; have += have) memcpy(to + have, to, (size_t)(have < all - have ? have : all - have));
        return;
    }
    for (ptrdiff_t r = 0; r < rows; r++) memcpy(to + r * line, from + r * next, (size_t)line);
}

static int runs_on(const walk *w, int k) { return w->next[k] == w->plan->length * w->plan->steps[k]; }

static void together(walk *w, ptrdiff_t rows, char (*buffers)[BUFFER]) {
    hg_plan *plan = w->plan;
    const ptrdiff_t most = TOGETHER / plan->length;
    ptrdiff_t steps[HG_OPERANDS];
    char *args[HG_OPERANDS];
    for (int k = 0; k <= plan->inputs; k++) steps[k] = runs_on(w, k) ? plan->steps[k] : plan->items[k];
    for (ptrdiff_t r = 0; r < rows; r += most) {
        const ptrdiff_t m = rows - r < most ? rows - r : most, n = m * plan->length;
        for (int k = 0; k <= plan->inputs; k++) {
            args[k] = w->row[k] + r * w->next[k];
            if (runs_on(w, k)) continue;
            if (w->kept[k] != args[k] || w->kept_rows[k] < m) lay_out(w, k, args[k], m, buffers[k]);
            w->kept[k] = args[k], w->kept_rows[k] = m;
            args[k] = buffers[k];
        }
        plan->inner(args, &n, steps, plan->data);
    }
}

static void with_numbers(walk *w, ptrdiff_t rows, char (*buffers)[BUFFER]) {
    char *args[HG_OPERANDS];
    (void)buffers;
    memcpy(args, w->row, sizeof args);
    w->rows(args, w->plan->length, rows, w->next, w->plan->steps[1] == 0);
}

/* Whether each row is one number and a row without gaps, and the loop knows how to go through many of them. */
static int has_numbers(walk *w) {
    const hg_plan *plan = w->plan;
    const int one = plan->steps[1] == 0;
    if (plan->inputs != 2 || plan->length < 32 || plan->length >= SHORT_ROW || plan->steps[one] != 0) return 0;
    if (plan->steps[!one] != plan->items[!one] || plan->steps[2] != plan->items[2]) return 0;
    w->rows = hg_rows_of(plan->inner);
    return w->rows != 0;
}

static int turned(const walk *w, int k) {
    const ptrdiff_t step = w->plan->steps[k], item = w->plan->items[k];
    return item && w->next[k] == item && (step >= LINE || step <= -LINE);
}

static void tiles(walk *w, ptrdiff_t rows, char (*buffers)[BUFFER]) {
    hg_plan *plan = w->plan;
    ptrdiff_t steps[HG_OPERANDS], next[HG_OPERANDS], height = TILE_LINE;
    for (int k = 0; k <= plan->inputs; k++) {
        const int turn = k < plan->inputs && turned(w, k);
        if (turn && height > TILE_LINE / plan->items[k]) height = TILE_LINE / plan->items[k];
        steps[k] = turn ? plan->items[k] : plan->steps[k];
        next[k] = turn ? plan->items[k] * TILE_WIDTH : w->next[k];
    }
    for (ptrdiff_t r = 0; r < rows; r += height)
        for (ptrdiff_t c = 0; c < plan->length; c += TILE_WIDTH) {
            const ptrdiff_t m = rows - r < height ? rows - r : height;
            const ptrdiff_t n = plan->length - c < TILE_WIDTH ? plan->length - c : TILE_WIDTH;
            char *base[HG_OPERANDS], *args[HG_OPERANDS];
            for (int k = 0; k <= plan->inputs; k++) {
                base[k] = w->row[k] + r * w->next[k] + c * plan->steps[k];
                if (k == plan->inputs || !turned(w, k)) continue;
                hg_turn(buffers[k], base[k], m, n, plan->items[k], next[k], plan->steps[k]);
                base[k] = buffers[k];
            }
            for (ptrdiff_t i = 0; i < m; i++) {
                for (int k = 0; k <= plan->inputs; k++) args[k] = base[k] + i * next[k];
                plan->inner(args, &n, steps, plan->data);
            }
        }
}

/* Whether rows of an input may be laid out: it is one row throughout, or what is laid out serves the next group too, or
   rows are so short that a call for each costs more. */
static int pays(const walk *w, int k) {
    const hg_plan *plan = w->plan;
    const int inner = plan->axes - 1;
    if (plan->steps[k] != plan->items[k] && plan->steps[k] != 0) return 0;
    return runs_on(w, k) || w->next[k] == 0 || plan->length < 32 ||
           (inner > 0 && plan->strides[k][inner - 1] == 0 && plan->shape[inner] * plan->length <= TOGETHER);
}

static group_runner runner(walk *w) {
    const hg_plan *plan = w->plan;
    const int out = plan->inputs;
    int turns = 0, join = plan->length < SHORT_ROW && plan->steps[out] == plan->items[out] && runs_on(w, out);
    if (plan->size < WORTH || plan->shape[plan->axes - 1] < 4) return one_by_one;
    for (int k = 0; k < out; k++) {
        if (plan->pointers[k] == plan->pointers[out] && w->next[k] != w->next[out]) return one_by_one; /* written too */
        if (plan->items[k] > 8) return one_by_one; /* buffers and turns know 1, 2, 4 and 8 bytes */
        turns |= turned(w, k);
        join &= pays(w, k);
    }
    if (turns && plan->length >= 16) return tiles;
    if (has_numbers(w)) return with_numbers;
    return join ? together : one_by_one;
}

static void open_walk(walk *w, hg_plan *plan, ptrdiff_t low) {
    memset(w, 0, sizeof *w);
    w->plan = plan;
    for (int k = 0; k <= plan->inputs; k++) {
        w->row[k] = plan->pointers[k];
        if (plan->axes) w->next[k] = plan->strides[k][plan->axes - 1];
    }
    for (int i = plan->axes - 1; i >= 0; i--) {
        w->counter[i] = low % plan->shape[i];
        low /= plan->shape[i];
        for (int k = 0; k <= plan->inputs; k++) w->row[k] += w->counter[i] * plan->strides[k][i];
    }
}

/* Past some rows of the innermost axis, and into the next of the outer ones where that is through. */
static void move_on(walk *w, ptrdiff_t rows) {
    const hg_plan *plan = w->plan;
    int i = plan->axes - 1;
    w->counter[i] += rows;
    for (int k = 0; k <= plan->inputs; k++) w->row[k] += rows * w->next[k];
    for (; i > 0 && w->counter[i] == plan->shape[i]; i--) {
        w->counter[i] = 0;
        w->counter[i - 1]++;
        for (int k = 0; k <= plan->inputs; k++)
            w->row[k] += plan->strides[k][i - 1] - plan->strides[k][i] * plan->shape[i];
    }
}

void hg_plan_rows(void *context, ptrdiff_t low, ptrdiff_t high) {
    char buffers[HG_OPERANDS - 1][BUFFER] __attribute__((aligned(LINE)));
    hg_plan *plan = context;
    walk w;
    open_walk(&w, plan, low);
    if (plan->axes == 0) {
        one_by_one(&w, 1, buffers);
        return;
    }
    group_runner run = runner(&w);
    while (low < high) {
        ptrdiff_t rows = plan->shape[plan->axes - 1] - w.counter[plan->axes - 1];
        if (rows > high - low) rows = high - low;
        run(&w, rows, buffers);
        move_on(&w, rows);
        low += rows;
    }
}
