/* Attention head by head: scores of a block of queries, their softmax, the product with the values, and the same again
 * backwards from the logarithms of the sums (Dao et al. 2022, without its tiling of keys). A thread has the keys of one
 * head transposed and one block of scores. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
/* A copy of the loops for rows one element apart would take lanes out of vectors, which is slower than loading each. */
#pragma GCC optimize("O3", "no-trapping-math", "no-version-loops-for-strides")
#endif
#include "attention_loops.h"
#include "loops_math.h"

static double log_of(double x)
{
    return log(x);
}

#define HG_BODY "attention_level.h"
#include "each_level.h"

#define BLOCK 32  /* queries whose scores are held at once */
#define STRETCH 128 /* queries of one task */

static const hg_attention_table *loops(void)
{
    static const hg_attention_table *chosen;
    if (!chosen) {
        chosen = &attention_baseline;
#if HG_X86
        int level = hg_level();
        chosen = level == 2 ? &attention_avx512 : level == 1 ? &attention_avx2 : chosen;
#endif
    }
    return chosen;
}

#define ATTENTION(T) \
static T *at_##T(const hg_heads *x, hg_size head, hg_size heads) \
{ \
    return (T *)x->data + head / heads * x->batch + head % heads * x->head; \
} \
/* The scores of some queries: keys that the last of them may see. Returns how many that are. */ \
static hg_size scores_##T(const hg_attention *a, hg_size head, hg_size first, hg_size rows, const T *keys, T *scores) \
{ \
    const hg_attention_table *l = loops(); \
    hg_size seen = a->causal && first + rows < a->keys ? first + rows : a->keys; \
    const T *q = at_##T(&a->q, head, a->heads) + first * a->q.row; \
    const T *mask = a->mask.data ? at_##T(&a->mask, head, a->heads) + first * a->mask.row : NULL; \
    l->T##_.rows_times(rows, seen, a->width, q, a->q.row, 1, keys, a->keys, scores, a->keys, 0); \
    for (hg_size i = 0; i < rows; i++) { \
        T *row = scores + i * a->keys; \
        l->T##_.scaled(row, seen, (T)a->scale, mask ? mask + i * a->mask.row : NULL, a->mask_column); \
        for (hg_size j = first + i + 1; a->causal && j < seen; j++) \
            row[j] = -(T)INFINITY; \
    } \
    return seen; \
} \
static void forward_##T(void *context, hg_size low, hg_size high) \
{ \
    hg_attention *a = context; \
    const hg_attention_table *l = loops(); \
    hg_size stretches = (a->queries + STRETCH - 1) / STRETCH, last = -1; \
    T *keys = malloc(sizeof(T) * (size_t)(a->keys * (a->width + BLOCK) + 1)), *scores = keys + a->keys * a->width; \
    if (!keys) { \
        __atomic_store_n(&a->failed, -1, __ATOMIC_RELAXED); \
        return; \
    } \
    for (hg_size task = low; task < high; task++) { \
        hg_size head = task / stretches, from = task % stretches * STRETCH; \
        hg_size end = from + STRETCH < a->queries ? from + STRETCH : a->queries; \
        const T *v = at_##T(&a->v, head, a->heads); \
        T *logs = (T *)a->logs + head * a->queries; \
        if (head != last) \
            l->T##_.turned(at_##T(&a->k, head, a->heads), a->k.row, a->keys, a->width, keys, a->keys); \
        last = head; \
        for (hg_size first = from; first < end; first += BLOCK) { \
            hg_size rows = end - first < BLOCK ? end - first : BLOCK; \
            hg_size seen = scores_##T(a, head, first, rows, keys, scores); \
            T *out = at_##T(&a->out, head, a->heads) + first * a->out.row, part[BLOCK]; \
            for (hg_size i = 0; i < rows; i++) \
                part[i] = l->T##_.powers(scores + i * a->keys, seen, logs + first + i); \
            l->T##_.rows_times(rows, a->wide, seen, scores, a->keys, 1, v, a->v.row, out, a->out.row, 0); \
            for (hg_size i = 0; i < rows; i++) \
                l->T##_.times(out + i * a->out.row, a->wide, part[i]); \
        } \
    } \
    free(keys); \
} \
static void backward_block_##T(const hg_attention *a, hg_size head, hg_size first, hg_size rows, const T *keys, \
                               const T *values, T *p, T *d) \
{ \
    const hg_attention_table *l = loops(); \
    hg_size seen = scores_##T(a, head, first, rows, keys, p), n = a->keys; \
    const T *g = at_##T(&a->g, head, a->heads) + first * a->g.row; \
    const T *out = at_##T(&a->out, head, a->heads) + first * a->out.row; \
    const T *logs = (const T *)a->logs + head * a->queries + first; \
    l->T##_.rows_times(rows, seen, a->wide, g, a->g.row, 1, values, n, d, n, 0); \
    for (hg_size i = 0; i < rows; i++) { \
        T inner = l->T##_.inner(g + i * a->g.row, out + i * a->out.row, a->wide); \
        l->T##_.again(p + i * n, seen, logs[i]); \
        l->T##_.slope(p + i * n, d + i * n, seen, inner, (T)a->scale); \
    } \
    l->T##_.rows_times(rows, a->width, seen, d, n, 1, at_##T(&a->k, head, a->heads), a->k.row, \
                       at_##T(&a->dq, head, a->heads) + first * a->dq.row, a->dq.row, 0); \
    l->T##_.rows_times(seen, a->width, rows, d, 1, n, at_##T(&a->q, head, a->heads) + first * a->q.row, a->q.row, \
                       at_##T(&a->dk, head, a->heads), a->dk.row, 1); \
    l->T##_.rows_times(seen, a->wide, rows, p, 1, n, g, a->g.row, at_##T(&a->dv, head, a->heads), a->dv.row, 1); \
} \
static void backward_##T(void *context, hg_size low, hg_size high) \
{ \
    hg_attention *a = context; \
    hg_size n = a->keys; \
    T *keys = malloc(sizeof(T) * (size_t)(n * (a->width + a->wide + 2 * BLOCK) + 1)); \
    T *values = keys + n * a->width, *p = values + n * a->wide; \
    if (!keys) { \
        __atomic_store_n(&a->failed, -1, __ATOMIC_RELAXED); \
        return; \
    } \
    for (hg_size head = low; head < high; head++) { \
        loops()->T##_.turned(at_##T(&a->k, head, a->heads), a->k.row, n, a->width, keys, n); \
        loops()->T##_.turned(at_##T(&a->v, head, a->heads), a->v.row, n, a->wide, values, n); \
        for (hg_size first = 0; first < a->queries; first += BLOCK) { \
            hg_size rows = a->queries - first < BLOCK ? a->queries - first : BLOCK; \
            backward_block_##T(a, head, first, rows, keys, values, p, p + BLOCK * n); \
        } \
    } \
    free(keys); \
}
ATTENTION(f32)
ATTENTION(f64)

int hg_attention_forward(const hg_attention *given, hg_splitter parallel)
{
    hg_attention a = *given;
    hg_size tasks = a.batch * a.heads * ((a.queries + STRETCH - 1) / STRETCH);
    hg_size rows = a.queries < STRETCH ? a.queries : STRETCH, work = rows * a.keys * (a.width + a.wide + 16) + 1;
    a.failed = 0;
    parallel(a.type == HG_F32 ? forward_f32 : forward_f64, &a, tasks, 400000 / work + 1);
    return a.failed;
}

int hg_attention_backward(const hg_attention *given, hg_splitter parallel)
{
    hg_attention a = *given;
    hg_size work = a.queries * a.keys * (3 * a.width + 2 * a.wide + 16) + 1;
    a.failed = 0;
    parallel(a.type == HG_F32 ? backward_f32 : backward_f64, &a, a.batch * a.heads, 400000 / work + 1);
    return a.failed;
}
