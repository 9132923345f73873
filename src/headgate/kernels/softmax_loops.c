/* Softmax and its kin: which pieces of an array a task works on. Pieces depend on the shape alone. float16 goes
 * through float32 buffers, a row or a strip of columns at a time. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math")
#endif
#include "softmax_loops.h"

#define HG_BODY "softmax_level.h"
#include "each_level.h"

#define PIECE 32768
#define SHORT 24 /* rows up to this long are worked on as columns */

static const hg_softmax_table *loops(void)
{
    return &HG_CHOSEN(softmax);
}

typedef struct {
    int what, type, failed;
    const char *x, *y;
    char *out;
    hg_size n, inner, item, strips;
    double top, total; /* of a long row, between its phases */
    double *partial;
    int phase;
} job;

#define WORK(T) \
static void turn_##T(const T *restrict x, T *restrict out, hg_size rows, hg_size columns) \
{ \
    if (columns < rows) { \
        for (hg_size j = 0; j < columns; j++) \
            for (hg_size i = 0; i < rows; i++) \
                out[j * rows + i] = x[i * columns + j]; \
        return; \
    } \
    for (hg_size i = 0; i < rows; i++) \
        for (hg_size j = 0; j < columns; j++) \
            out[j * rows + i] = x[i * columns + j]; \
} \
static T finite_##T(T top) \
{ \
    return top - top == 0 ? top : 0; \
} \
static void row_##T(int what, const T *x, const T *y, T *out, hg_size n) \
{ \
    const hg_softmax_table *l = loops(); \
    if (what >= HG_SOFTMAX_BACKWARD) { \
        int log = what == HG_LOG_SOFTMAX_BACKWARD; \
        l->T##_.back(x, y, out, n, l->T##_.inner(x, log ? NULL : y, n), log); \
        return; \
    } \
    T top = l->T##_.top(x, n), sum; \
    if (what == HG_LOGSUMEXP) \
        top = finite_##T(top); \
    sum = l->T##_.powers(x, what == HG_SOFTMAX ? out : NULL, n, top); \
    if (what == HG_SOFTMAX) \
        l->T##_.scale(out, n, 1 / sum); \
    else if (what == HG_LOGSUMEXP) \
        *out = (T)log(sum) + top; \
    else \
        l->T##_.lower(x, out, n, top, (T)log(sum)); \
} \
static void strip_##T(int what, const T *x, const T *y, hg_size step, T *out, hg_size out_step, hg_size n, hg_size w) \
{ \
    if (what >= HG_SOFTMAX_BACKWARD) \
        loops()->T##_.backward_columns(x, y, step, out, out_step, n, w, what == HG_LOG_SOFTMAX_BACKWARD); \
    else \
        loops()->T##_.forward_columns(x, step, out, out_step, n, w, what); \
} \
/* Short rows, turned into columns: up to HG_STRIP of them at a time. */ \
static void short_rows_##T(int what, const T *x, const T *y, T *out, hg_size count, hg_size n) \
{ \
    T a[SHORT * HG_STRIP], b[SHORT * HG_STRIP]; \
    for (hg_size first = 0; first < count; first += HG_STRIP) { \
        hg_size w = count - first < HG_STRIP ? count - first : HG_STRIP, at = first * n; \
        turn_##T(x + at, a, w, n); \
        if (y) \
            turn_##T(y + at, b, w, n); \
        strip_##T(what, a, b, w, a, w, n, w); \
        if (what == HG_LOGSUMEXP) \
            memcpy(out + first, a, sizeof(T) * (size_t)w); \
        else \
            turn_##T(a, out + at, n, w); \
    } \
} \
/* One phase over pieces of one long row. */ \
static void pieces_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    const hg_softmax_table *l = loops(); \
    int log = j->what == HG_LOG_SOFTMAX_BACKWARD; \
    for (hg_size i = low; i < high; i++) { \
        hg_size first = i * PIECE, n = j->n - first < PIECE ? j->n - first : PIECE; \
        const T *x = (const T *)j->x + first, *y = (const T *)j->y + (j->y ? first : 0); \
        T *out = (T *)j->out + (j->what == HG_LOGSUMEXP ? 0 : first); \
        if (j->phase == 0) \
            j->partial[i] = j->what >= HG_SOFTMAX_BACKWARD ? l->T##_.inner(x, log ? NULL : y, n) : l->T##_.top(x, n); \
        else if (j->what >= HG_SOFTMAX_BACKWARD) \
            l->T##_.back(x, y, out, n, (T)j->total, log); \
        else if (j->phase == 1) \
            j->partial[i] = l->T##_.powers(x, j->what == HG_SOFTMAX ? out : NULL, n, (T)j->top); \
        else if (j->what == HG_SOFTMAX) \
            l->T##_.scale(out, n, (T)(1 / j->total)); \
        else \
            l->T##_.lower(x, out, n, (T)j->top, (T)log_of(j->total)); \
    } \
}
static double log_of(double x)
{
    return log(x);
}
WORK(f32)
WORK(f64)

static double sum_of(double *partial, hg_size n)
{
    for (; n > 1; n = (n + 1) / 2)
        for (hg_size i = 0; i < n / 2; i++)
            partial[i] += partial[n - 1 - i];
    return partial[0];
}

static int long_row(job j, hg_splitter parallel)
{
    hg_size pieces = (j.n + PIECE - 1) / PIECE;
    hg_task work = j.type == HG_F32 ? pieces_f32 : pieces_f64;
    j.partial = malloc(sizeof(double) * (size_t)pieces);
    if (!j.partial)
        return -1;
    parallel(work, &j, pieces, 1);
    if (j.what < HG_SOFTMAX_BACKWARD) {
        j.top = -INFINITY;
        for (hg_size i = 0; i < pieces; i++)
            j.top = j.partial[i] > j.top || j.partial[i] != j.partial[i] ? j.partial[i] : j.top;
        if (j.what == HG_LOGSUMEXP && j.top - j.top != 0)
            j.top = 0;
        j.phase = 1;
        parallel(work, &j, pieces, 1);
    }
    j.total = sum_of(j.partial, pieces);
    j.phase = 2;
    free(j.partial);
    if (j.what == HG_LOGSUMEXP && j.type == HG_F32)
        *(f32 *)j.out = (f32)(log(j.total) + j.top);
    else if (j.what == HG_LOGSUMEXP)
        *(f64 *)j.out = log(j.total) + j.top;
    else
        parallel(work, &j, pieces, 1);
    return 0;
}

/* float16: n rows of w columns to float32, worked on there, and back. */
static void halves(job *j, const f16 *x, const f16 *y, f16 *out, hg_size n, hg_size w, hg_size step)
{
    const hg_softmax_table *l = loops();
    hg_size size = n * w, rows = j->what == HG_LOGSUMEXP ? 1 : n;
    f32 near[8192], *wide = size * (y ? 2 : 1) <= 8192 ? near : malloc(sizeof(f32) * (size_t)(size * (y ? 2 : 1)));
    f32 *other = y ? wide + size : NULL, one[HG_STRIP], *to = j->what == HG_LOGSUMEXP ? one : wide;
    if (!wide) {
        __atomic_store_n(&j->failed, -1, __ATOMIC_RELAXED);
        return;
    }
    for (hg_size r = 0; r < n; r++)
        l->from_half(x + r * step, wide + r * w, w);
    for (hg_size r = 0; y && r < n; r++)
        l->from_half(y + r * step, other + r * w, w);
    if (j->inner == 1)
        row_f32(j->what, wide, other, to, n * w);
    else
        strip_f32(j->what, wide, other, w, to, w, n, w);
    if (j->inner == 1)
        l->to_half(to, out, j->what == HG_LOGSUMEXP ? 1 : n * w);
    else
        for (hg_size r = 0; r < rows; r++)
            l->to_half(to + r * w, out + r * step, w);
    if (wide != near)
        free(wide);
}

static void rows(void *context, hg_size low, hg_size high)
{
    job *j = context;
    hg_size out_n = j->what == HG_LOGSUMEXP ? 1 : j->n;
    if (j->n <= SHORT && j->type != HG_F16) {
        const char *x = j->x + low * j->n * j->item, *y = j->y ? j->y + low * j->n * j->item : NULL;
        char *out = j->out + low * out_n * j->item;
        if (j->type == HG_F32)
            short_rows_f32(j->what, (const f32 *)x, (const f32 *)y, (f32 *)out, high - low, j->n);
        else
            short_rows_f64(j->what, (const f64 *)x, (const f64 *)y, (f64 *)out, high - low, j->n);
        return;
    }
    for (hg_size i = low; i < high; i++) {
        const char *x = j->x + i * j->n * j->item, *y = j->y ? j->y + i * j->n * j->item : NULL;
        char *out = j->out + i * out_n * j->item;
        if (j->type == HG_F32)
            row_f32(j->what, (const f32 *)x, (const f32 *)y, (f32 *)out, j->n);
        else if (j->type == HG_F64)
            row_f64(j->what, (const f64 *)x, (const f64 *)y, (f64 *)out, j->n);
        else
            halves(j, (const f16 *)x, (const f16 *)y, (f16 *)out, 1, j->n, 0);
    }
}

static void strips(void *context, hg_size low, hg_size high)
{
    job *j = context;
    hg_size out_n = j->what == HG_LOGSUMEXP ? 1 : j->n;
    for (hg_size i = low; i < high; i++) {
        hg_size a = i / j->strips, column = i % j->strips * HG_STRIP;
        hg_size w = j->inner - column < HG_STRIP ? j->inner - column : HG_STRIP;
        hg_size at = (a * j->n * j->inner + column) * j->item;
        const char *x = j->x + at, *y = j->y ? j->y + at : NULL;
        char *out = j->out + (a * out_n * j->inner + column) * j->item;
        if (j->type == HG_F32)
            strip_f32(j->what, (const f32 *)x, (const f32 *)y, j->inner, (f32 *)out, j->inner, j->n, w);
        else if (j->type == HG_F64)
            strip_f64(j->what, (const f64 *)x, (const f64 *)y, j->inner, (f64 *)out, j->inner, j->n, w);
        else
            halves(j, (const f16 *)x, (const f16 *)y, (f16 *)out, j->n, w, j->inner);
    }
}

int hg_softmax(int what, int type, const void *x, const void *y, void *out, hg_size outer, hg_size n, hg_size inner,
               hg_splitter parallel)
{
    job j = {.what = what, .type = type, .x = x, .y = y, .out = out, .n = n, .inner = inner};
    j.item = type == HG_F64 ? 8 : type == HG_F32 ? 4 : 2;
    j.strips = (inner + HG_STRIP - 1) / HG_STRIP;
    if (inner > 1) {
        hg_size width = inner < HG_STRIP ? inner : HG_STRIP;
        parallel(strips, &j, outer * j.strips, 8192 / (n * width + 1) + 1);
        return j.failed;
    }
    if (n <= 2 * PIECE || type == HG_F16) {
        hg_size grain = 8192 / (n + 8) + 1;
        if (outer <= grain)
            rows(&j, 0, outer);
        else
            parallel(rows, &j, outer, grain);
        return j.failed;
    }
    hg_size out_n = what == HG_LOGSUMEXP ? 1 : n;
    for (hg_size i = 0; i < outer && !j.failed; i++) {
        job row = j;
        row.x += i * n * j.item;
        row.y = y ? row.y + i * n * j.item : NULL;
        row.out += i * out_n * j.item;
        j.failed = long_row(row, parallel);
    }
    return j.failed;
}
