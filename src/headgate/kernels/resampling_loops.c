/* Resampling row by row: the rows that make a row of the result are summed, then its columns; threads share the rows of
 * all planes. Sliding blocks are moved plane by plane and tap by tap. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math")
#endif
#include "resampling_loops.h"

typedef struct {
    hg_resampling *r;
    const char *x;
    char *y;
    hg_size low, high; /* columns that are read side by side, as most of a padded row are */
} job;

#define RESAMPLE(T) \
/* One row of the result before its columns are looked at: in `near`, or where it lies. */ \
static const T *row_##T(const hg_taps *a, hg_size width, hg_size o, const T *x, T *near) \
{ \
    if (!a->places) \
        return x + o * width; \
    const i64 *at = a->places + o * a->count; \
    const T *w = a->weights ? (const T *)a->weights + o * a->count : NULL, *first = x + at[0] * width; \
    if (a->count == 1 && !w) \
        return first; \
    if (a->count == 2 && w) { \
        const T *second = x + at[1] * width, one = w[0], two = w[1]; \
        for (hg_size j = 0; j < width; j++) \
            near[j] = first[j] * one + second[j] * two; \
        return near; \
    } \
    for (hg_size j = 0; j < width; j++) \
        near[j] = w ? first[j] * w[0] : first[j]; \
    for (hg_size k = 1; k < a->count; k++) { \
        const T *other = x + at[k] * width, one = w ? w[k] : 1; \
        for (hg_size j = 0; j < width; j++) \
            near[j] += other[j] * one; \
    } \
    return near; \
} \
HG_INLINE void weighted_##T(const hg_taps *a, hg_size count, const T *x, T *restrict y) \
{ \
    const i64 *at = a->places; \
    const T *w = a->weights; \
    for (hg_size j = 0; j < a->to; j++, at += count, w += count) { \
        T sum = x[at[0]] * w[0]; \
        for (hg_size k = 1; k < count; k++) \
            sum += x[at[k]] * w[k]; \
        y[j] = sum; \
    } \
} \
static void columns_##T(const job *j, const hg_taps *a, const T *x, T *restrict y) \
{ \
    const i64 *at = a->places; \
    if (!at) { \
        memcpy(y, x, sizeof(T) * (size_t)a->to); \
    } else if (a->weights) { \
        if (a->count == 2) \
            weighted_##T(a, 2, x, y); \
        else if (a->count == 4) \
            weighted_##T(a, 4, x, y); \
        else \
            weighted_##T(a, a->count, x, y); \
    } else if (a->count == 1) { \
        for (hg_size o = 0; o < j->low; o++) \
            y[o] = x[at[o]]; \
        if (j->high > j->low) \
            memcpy(y + j->low, x + at[j->low], sizeof(T) * (size_t)(j->high - j->low)); \
        for (hg_size o = j->high; o < a->to; o++) \
            y[o] = x[at[o]]; \
    } else { \
        for (hg_size o = 0; o < a->to; o++, at += a->count) { \
            T sum = x[at[0]]; \
            for (hg_size k = 1; k < a->count; k++) \
                sum += x[at[k]]; \
            y[o] = sum; \
        } \
    } \
} \
static void rows_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    hg_resampling *r = j->r; \
    hg_size width = r->columns.from; \
    T near[512], *row = width <= 512 ? near : malloc(sizeof(T) * (size_t)width); \
    if (!row) { \
        __atomic_store_n(&r->failed, 1, __ATOMIC_RELAXED); \
        return; \
    } \
    for (hg_size i = low; i < high; i++) { \
        const T *x = (const T *)j->x + i / r->rows.to * r->rows.from * width; \
        const T *from = row_##T(&r->rows, width, i % r->rows.to, x, row); \
        columns_##T(j, &r->columns, from, (T *)j->y + i * r->columns.to); \
    } \
    if (row != near) \
        free(row); \
}
RESAMPLE(f32)
RESAMPLE(f64)

/* The longest stretch of single places that rise by one; none if it is short. */
static void find_stretch(job *j)
{
    const hg_taps *a = &j->r->columns;
    hg_size first = 0;
    for (hg_size o = 1; a->places && a->count == 1 && o <= a->to; o++)
        if (o == a->to || a->places[o] != a->places[o - 1] + 1) {
            if (o - first > j->high - j->low)
                j->low = first, j->high = o;
            first = o;
        }
    if (j->high - j->low < 8)
        j->low = j->high = 0;
}

void hg_resample(hg_resampling *r, const void *x, void *y, hg_splitter parallel)
{
    job j = {r, x, y, 0, 0};
    find_stretch(&j);
    hg_size cost = r->columns.from * r->rows.count + r->columns.to * r->columns.count;
    parallel(r->type == HG_F64 ? rows_f64 : rows_f32, &j, r->planes * r->rows.to, 16384 / (cost + 1) + 1);
}

/* -------------------------------------------------------------------------------------------------- sliding blocks */

typedef struct {
    const hg_blocks *b;
    const char *from;
    char *to;
} block_job;

/* The blocks of one dim whose tap k is inside: from *low up to *high; the first block's tap is at the result. */
static hg_size inside(const hg_blocks *b, int d, hg_size k, hg_size *low, hg_size *high)
{
    hg_size first = k * b->dilation[d] - b->padding[d], step = b->stride[d], left = b->size[d] - first;
    *low = first < 0 ? (-first + step - 1) / step : 0;
    *high = left > 0 ? (left + step - 1) / step : 0;
    if (*high > b->count[d])
        *high = b->count[d];
    if (*low > *high)
        *low = *high;
    return first;
}

#define BLOCKS(T) \
static void unfold_##T(void *context, hg_size low, hg_size high) \
{ \
    const block_job *j = context; \
    const hg_blocks *b = j->b; \
    hg_size taps = b->kernel[0] * b->kernel[1], n = b->count[0], m = b->count[1], top, end, left, right; \
    for (hg_size i = low; i < high; i++) { \
        const T *x = (const T *)j->from + i / taps * b->size[0] * b->size[1]; \
        T *y = (T *)j->to + i * n * m; \
        hg_size row = inside(b, 0, i % taps / b->kernel[1], &top, &end); \
        hg_size column = inside(b, 1, i % b->kernel[1], &left, &right), step = b->stride[1]; \
        memset(y, 0, sizeof(T) * (size_t)(top * m)); \
        for (hg_size o = top; o < end; o++) { \
            const T *line = x + (row + o * b->stride[0]) * b->size[1] + column; \
            T *out = y + o * m; \
            for (hg_size p = 0; p < left; p++) \
                out[p] = 0; \
            if (step == 1) \
                for (hg_size p = left; p < right; p++) \
                    out[p] = line[p]; \
            else \
                for (hg_size p = left; p < right; p++) \
                    out[p] = line[p * step]; \
            for (hg_size p = right; p < m; p++) \
                out[p] = 0; \
        } \
        memset(y + end * m, 0, sizeof(T) * (size_t)((n - end) * m)); \
    } \
} \
static void fold_##T(void *context, hg_size low, hg_size high) \
{ \
    const block_job *j = context; \
    const hg_blocks *b = j->b; \
    hg_size taps = b->kernel[0] * b->kernel[1], m = b->count[1], all = b->count[0] * m, top, end, left, right; \
    for (hg_size i = low; i < high; i++) { \
        T *x = (T *)j->to + i * b->size[0] * b->size[1]; \
        memset(x, 0, sizeof(T) * (size_t)(b->size[0] * b->size[1])); \
        for (hg_size k = 0; k < taps; k++) { \
            const T *y = (const T *)j->from + (i * taps + k) * all; \
            hg_size row = inside(b, 0, k / b->kernel[1], &top, &end); \
            hg_size column = inside(b, 1, k % b->kernel[1], &left, &right), step = b->stride[1]; \
            for (hg_size o = top; o < end; o++) { \
                T *restrict line = x + (row + o * b->stride[0]) * b->size[1] + column; \
                const T *in = y + o * m; \
                if (step == 1) \
                    for (hg_size p = left; p < right; p++) \
                        line[p] += in[p]; \
                else \
                    for (hg_size p = left; p < right; p++) \
                        line[p * step] += in[p]; \
            } \
        } \
    } \
}
BLOCKS(f32)
BLOCKS(f64)

void hg_unfold(const hg_blocks *b, const void *x, void *columns, hg_splitter parallel)
{
    block_job j = {b, x, columns};
    hg_size rows = b->planes * b->kernel[0] * b->kernel[1], grain = 32768 / (b->count[0] * b->count[1] + 1) + 1;
    parallel(b->type == HG_F64 ? unfold_f64 : unfold_f32, &j, rows, grain);
}

void hg_fold(const hg_blocks *b, const void *columns, void *x, hg_splitter parallel)
{
    block_job j = {b, columns, x};
    hg_size each = b->size[0] * b->size[1] + b->kernel[0] * b->kernel[1] * b->count[0] * b->count[1];
    parallel(b->type == HG_F64 ? fold_f64 : fold_f32, &j, b->planes, 32768 / (each + 1) + 1);
}
