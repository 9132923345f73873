/* Recurrent layers step by step. Sequences of a batch do not know one another, so each thread takes some of them
 * through all steps, and nobody waits within a layer. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
/* A copy of the loops for rows one element apart would take lanes out of vectors, which is slower than loading each. */
#pragma GCC optimize("O3", "no-trapping-math", "no-version-loops-for-strides")
#endif
#include "recurrent_loops.h"
#include "loops_math.h"

#define HG_BODY "recurrent_level.h"
#include "each_level.h"

static const hg_recurrent_table *loops(void)
{
    static const hg_recurrent_table *chosen;
    if (!chosen) {
        chosen = &recurrent_baseline;
#if HG_X86
        int level = hg_level();
        chosen = level == 2 ? &recurrent_avx512 : level == 1 ? &recurrent_avx2 : chosen;
#endif
    }
    return chosen;
}

#define ALONE 60000 /* multiplications of one step, below which a second thread costs more than it brings */

static hg_size gates_of(int kind)
{
    return kind == HG_LSTM ? 4 : kind == HG_GRU ? 3 : 1;
}

#define LAYERS(T) \
/* The hidden state's part of the gates of some rows, added to the input's. */ \
static void hidden_part_##T(const hg_recurrent *j, hg_size rows, const T *h, T *gates, T *aside) \
{ \
    hg_size n = j->hidden, k = j->width, all = gates_of(j->kind) * n, added = j->kind == HG_GRU ? 2 * n : all; \
    const T *w = (const T *)j->weight, *bias = (const T *)j->bias; \
    if (aside) { \
        for (hg_size i = 0; bias && i < rows; i++) \
            memcpy(aside + i * n, bias + 2 * n, sizeof(T) * (size_t)n); \
        if (j->turned) \
            loops()->T##_.rows_times(rows, n, k, h, k, 1, w + 2 * n, all, aside, n, bias != NULL); \
        else \
            loops()->T##_.rows_dot(rows, n, k, h, k, w + 2 * n * k, k, aside, n, bias != NULL); \
        for (hg_size i = 0; bias && i < rows; i++) \
            loops()->T##_.add_row(bias, gates + i * all, 2 * n); \
    } \
    if (j->turned) \
        loops()->T##_.rows_times(rows, added, k, h, k, 1, w, all, gates, all, 1); \
    else \
        loops()->T##_.rows_dot(rows, added, k, h, k, w, k, gates, all, 1); \
} \
static void forward_##T(void *context, hg_size low, hg_size high) \
{ \
    const hg_recurrent *j = context; \
    const hg_recurrent_table *l = loops(); \
    hg_size n = j->hidden, all = gates_of(j->kind) * n; \
    for (hg_size s = 0; s < j->steps; s++) { \
        hg_size t = j->reverse ? j->steps - 1 - s : s, end = j->sizes[t] < high ? j->sizes[t] : high, rows = end - low; \
        if (rows <= 0) \
            continue; \
        hg_size at = j->starts[t] + low; \
        T *gates = (T *)j->gates + at * all, *out = (T *)j->out + at * n, *h = (T *)j->h + low * j->width; \
        T *aside = j->aside ? (T *)j->aside + at * n : NULL, *cells = j->cells ? (T *)j->cells + at * n : NULL; \
        T *c = j->c ? (T *)j->c + low * n : NULL; \
        hidden_part_##T(j, rows, h, gates, aside); \
        for (hg_size i = 0; i < rows; i++) \
            if (j->kind == HG_LSTM) \
                l->T##_.lstm(gates + i * all, c + i * n, cells + i * n, out + i * n, n); \
            else if (j->kind == HG_GRU) \
                l->T##_.gru(gates + i * all, aside + i * n, h + i * n, out + i * n, n); \
            else \
                l->T##_.plain(j->kind, gates + i * all, out + i * n, n); \
        if (j->keep) { \
            memcpy(h, out, sizeof(T) * (size_t)(rows * n)); \
            if (c) \
                memcpy(c, cells, sizeof(T) * (size_t)(rows * n)); \
        } \
    } \
} \
/* Where the state of row i before step t lies: in the step before in the layer's direction, or the first one. */ \
static const T *before_##T(const hg_recurrent *j, hg_size t, hg_size i, const char *all, const char *first, hg_size n) \
{ \
    hg_size last = j->reverse ? t + 1 : t - 1; \
    if (last >= 0 && last < j->steps && i < j->sizes[last]) \
        return (const T *)all + (j->starts[last] + i) * n; \
    return (const T *)first + i * n; \
} \
static void backward_row_##T(const hg_recurrent *j, hg_size t, hg_size i) \
{ \
    const hg_recurrent_table *l = loops(); \
    hg_size n = j->hidden, all = gates_of(j->kind) * n, at = j->starts[t] + i; \
    const T *gates = (const T *)j->gates + at * all, *grad_out = j->grad_out ? (const T *)j->grad_out + at * n : NULL; \
    T *dh = (T *)j->h + i * n, *dg = (T *)j->grad_gates + at * all; \
    if (grad_out) \
        l->T##_.add_row(grad_out, dh, n); \
    if (j->kind == HG_LSTM) \
        l->T##_.lstm_back(gates, before_##T(j, t, i, j->cells, j->first_c, n), (const T *)j->cells + at * n, dh, \
                          (T *)j->c + i * n, dg, n); \
    else if (j->kind == HG_GRU) \
        l->T##_.gru_back(gates, (const T *)j->aside + at * n, before_##T(j, t, i, j->out, j->first_h, n), dh, dg, \
                         (T *)j->grad_aside + at * all, n); \
    else \
        l->T##_.plain_back(j->kind, (const T *)j->out + at * n, dh, dg, n); \
} \
static void backward_##T(void *context, hg_size low, hg_size high) \
{ \
    const hg_recurrent *j = context; \
    hg_size n = j->hidden, all = gates_of(j->kind) * n; \
    for (hg_size s = 0; s < j->steps; s++) { \
        hg_size t = j->reverse ? s : j->steps - 1 - s, end = j->sizes[t] < high ? j->sizes[t] : high, rows = end - low; \
        if (rows <= 0) \
            continue; \
        for (hg_size i = low; i < end; i++) \
            backward_row_##T(j, t, i); \
        if (!j->keep) \
            continue; \
        const T *dg = (const T *)(j->kind == HG_GRU ? j->grad_aside : j->grad_gates) + (j->starts[t] + low) * all; \
        loops()->T##_.rows_times(rows, n, all, dg, all, 1, (const T *)j->weight, n, (T *)j->h + low * n, n, \
                                 j->kind == HG_GRU); \
    } \
}
LAYERS(f32)
LAYERS(f64)

/* How many rows a thread takes at least. */
static hg_size grain_of(const hg_recurrent *j)
{
    hg_size work = gates_of(j->kind) * j->hidden * j->width + 1, least = ALONE / work + 1;
    if (j->steps > 1)
        least = ALONE / (work * (j->steps < 8 ? j->steps : 8)) + 1;
    return least < 4 && j->rows >= 8 ? 4 : least;
}

void hg_recurrent_forward(const hg_recurrent *j, hg_splitter parallel)
{
    parallel(j->type == HG_F32 ? forward_f32 : forward_f64, (void *)(uintptr_t)j, j->rows, grain_of(j));
}

void hg_recurrent_backward(const hg_recurrent *j, hg_splitter parallel)
{
    parallel(j->type == HG_F32 ? backward_f32 : backward_f64, (void *)(uintptr_t)j, j->rows, grain_of(j));
}

typedef struct {
    int type, add;
    hg_size m, n, k, am, ak;
    const char *a, *b;
    char *c;
} product;

static void some_rows(void *context, hg_size low, hg_size high)
{
    const product *p = context;
    hg_size item = p->type == HG_F32 ? 4 : 8;
    const char *a = p->a + low * p->am * item;
    char *c = p->c + low * p->n * item;
    if (p->type == HG_F32)
        loops()->f32_.rows_times(high - low, p->n, p->k, (const f32 *)a, p->am, p->ak, (const f32 *)p->b, p->n, (f32 *)c,
                                 p->n, p->add);
    else
        loops()->f64_.rows_times(high - low, p->n, p->k, (const f64 *)a, p->am, p->ak, (const f64 *)p->b, p->n, (f64 *)c,
                                 p->n, p->add);
}

static void some_dots(void *context, hg_size low, hg_size high)
{
    const product *p = context;
    hg_size item = p->type == HG_F32 ? 4 : 8;
    const char *a = p->a + low * p->k * item;
    char *c = p->c + low * p->n * item;
    if (p->type == HG_F32)
        loops()->f32_.rows_dot(high - low, p->n, p->k, (const f32 *)a, p->k, (const f32 *)p->b, p->k, (f32 *)c, p->n,
                               p->add);
    else
        loops()->f64_.rows_dot(high - low, p->n, p->k, (const f64 *)a, p->k, (const f64 *)p->b, p->k, (f64 *)c, p->n,
                               p->add);
}

/* Rows in multiples of eight, so that the blocks of registers are full. */
static hg_size rows_each(hg_size work)
{
    return (4 * ALONE / (work + 1) + 8) / 8 * 8;
}

void hg_rows_times(int type, hg_size m, hg_size n, hg_size k, const void *a, hg_size am, hg_size ak, const void *b,
                   void *c, int add, hg_splitter parallel)
{
    product p = {type, add, m, n, k, am, ak, a, b, c};
    parallel(some_rows, &p, m, rows_each(n * k));
}

void hg_rows_dot(int type, hg_size m, hg_size n, hg_size k, const void *a, const void *b, void *c, int add,
                 hg_splitter parallel)
{
    product p = {type, add, m, n, k, k, 1, a, b, c};
    parallel(some_dots, &p, m, rows_each(n * k));
}

void hg_turned(int type, const void *x, hg_size rows, hg_size columns, void *out)
{
    if (type == HG_F32)
        loops()->f32_.turned(x, columns, rows, columns, out, rows);
    else
        loops()->f64_.turned(x, columns, rows, columns, out, rows);
}

void hg_column_sums(int type, const void *x, hg_size rows, hg_size columns, void *out)
{
    memset(out, 0, (size_t)(columns * (type == HG_F32 ? 4 : 8)));
    for (hg_size i = 0; i < rows; i++)
        if (type == HG_F32)
            loops()->f32_.add_row((const f32 *)x + i * columns, out, columns);
        else
            loops()->f64_.add_row((const f64 *)x + i * columns, out, columns);
}

void hg_fill_rows(int type, const void *a, const void *b, hg_size rows, hg_size columns, void *out)
{
    size_t row = (size_t)columns * (type == HG_F32 ? 4 : 8);
    for (hg_size i = 0; i < rows; i++) {
        char *to = (char *)out + (size_t)i * row;
        if (a && i == 0)
            memcpy(to, a, row);
        else if (a) { /* the first row has both by now */
            memcpy(to, out, row);
            continue;
        } else
            memset(to, 0, row);
        if (b && type == HG_F32)
            loops()->f32_.add_row(b, (f32 *)to, columns);
        else if (b)
            loops()->f64_.add_row(b, (f64 *)to, columns);
    }
}
