/* Pooling, plane by plane; planes are what threads share. It must not know Python, nor how windows come about. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math")
#endif
#include "pooling_loops.h"

typedef struct {
    const hg_pool *p;
    const void *from;
    void *to;
    i64 *indices;
    hg_size low, high, width, step; /* a run of windows of the last dim that are alike: see find_run */
} job;

#define SOME 256 /* windows whose shares are spread together */
#define FEW 4    /* windows below which they are no run */

static hg_size elements(const hg_size *n)
{
    return n[0] * n[1] * n[2];
}

#define OVER_WINDOWS(p) \
    for (hg_size o0 = 0; o0 < (p)->out[0]; o0++) \
        for (hg_size o1 = 0; o1 < (p)->out[1]; o1++) \
            for (hg_size o2 = 0; o2 < (p)->out[2]; o2++)
#define OVER_ROWS(p) \
    for (i64 i0 = (p)->start[0][o0]; i0 < (p)->end[0][o0]; i0 += (p)->step[0]) \
        for (i64 i1 = (p)->start[1][o1]; i1 < (p)->end[1][o1]; i1 += (p)->step[1])
#define ROW(p) ((i0 * (p)->in[1] + i1) * (p)->in[2])

#define POOL(T) \
static T divisor_##T(const hg_pool *p, hg_size o0, hg_size o1, hg_size o2) \
{ \
    return (T)(p->count[0][o0] * p->count[1][o1] * p->count[2][o2]); \
} \
static T share_##T(const hg_pool *p, T sum, hg_size o0, hg_size o1, hg_size o2) \
{ \
    if (p->successive) \
        return sum / (T)p->count[0][o0] / (T)p->count[1][o1] / (T)p->count[2][o2]; \
    return sum / divisor_##T(p, o0, o1, o2); \
} \
/* Two by two, side by side: half of all pooling. */ \
static void max_pairs_##T(const hg_pool *p, const T *x, T *y, i64 *at) \
{ \
    hg_size w = p->in[2]; \
    for (hg_size o1 = 0; o1 < p->out[1]; o1++) \
        for (hg_size o2 = 0; o2 < p->out[2]; o2++) { \
            hg_size i = 2 * o1 * w + 2 * o2; \
            T best = x[i], b = x[i + 1], c = x[i + w], d = x[i + w + 1]; \
            hg_size place = i, better = (b > best) | (b != b); \
            best = better ? b : best; \
            place = better ? i + 1 : place; \
            better = (c > best) | (c != c); \
            best = better ? c : best; \
            place = better ? i + w : place; \
            better = (d > best) | (d != d); \
            best = better ? d : best; \
            place = better ? i + w + 1 : place; \
            *y++ = best; \
            *at++ = place; \
        } \
} \
/* 2 where the windows are two by two, 1 where they are pairs of one row. */ \
static int pairs_##T(const hg_pool *p) \
{ \
    int line = p->in[1] == 1 && p->out[1] == 1; \
    if (p->in[0] != 1 || p->out[0] != 1 || p->step[1] != 1 || p->step[2] != 1) \
        return 0; \
    for (int d = line ? 2 : 1; d < 3; d++) \
        for (hg_size o = 0; o < p->out[d]; o++) \
            if (p->start[d][o] != 2 * o || p->end[d][o] != 2 * o + 2) \
                return 0; \
    return line && (p->start[1][0] != 0 || p->end[1][0] != 1) ? 0 : line ? 1 : 2; \
} \
/* The same of one row. */ \
static void max_neighbours_##T(const hg_pool *p, const T *x, T *y, i64 *at) \
{ \
    for (hg_size o = 0; o < p->out[2]; o++) { \
        T best = x[2 * o], b = x[2 * o + 1]; \
        hg_size better = (b > best) | (b != b); \
        y[o] = better ? b : best; \
        at[o] = 2 * o + better; \
    } \
} \
static void max_windows_##T(const hg_pool *p, const T *x, T *y, i64 *at) \
{ \
    OVER_WINDOWS(p) { \
        T best = (T)-INFINITY; \
        i64 place = (p->start[0][o0] * p->in[1] + p->start[1][o1]) * p->in[2] + p->start[2][o2]; \
        OVER_ROWS(p) \
            for (i64 i2 = p->start[2][o2], row = ROW(p); i2 < p->end[2][o2]; i2 += p->step[2]) { \
                T value = x[row + i2]; \
                int better = (value > best) | (value != value); \
                best = better ? value : best; \
                place = better ? row + i2 : place; \
            } \
        *y++ = best; \
        *at++ = place; \
    } \
} \
static void max_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    hg_size in = elements(j->p->in), out = elements(j->p->out), pairs = pairs_##T(j->p); \
    for (hg_size n = low; n < high; n++) { \
        const T *x = (const T *)j->from + n * in; \
        T *y = (T *)j->to + n * out; \
        if (pairs == 2) \
            max_pairs_##T(j->p, x, y, j->indices + n * out); \
        else if (pairs) \
            max_neighbours_##T(j->p, x, y, j->indices + n * out); \
        else \
            max_windows_##T(j->p, x, y, j->indices + n * out); \
    } \
} \
/* The sums of some windows of a row, each by itself. */ \
static void sum_windows_##T(const hg_pool *p, const T *x, T *y, hg_size o0, hg_size o1, hg_size low, hg_size high) \
{ \
    for (hg_size o2 = low; o2 < high; o2++) { \
        T sum = 0; \
        OVER_ROWS(p) \
            for (i64 i2 = p->start[2][o2], row = ROW(p); i2 < p->end[2][o2]; i2++) \
                sum += x[row + i2]; \
        y[o2] = sum; \
    } \
} \
/* The sums of all windows of the run at once, in the order in which each would be summed by itself. */ \
static void sum_run_##T(const job *j, const T *x, T *restrict y, hg_size o0, hg_size o1) \
{ \
    const hg_pool *p = j->p; \
    hg_size n = j->high - j->low, first = p->start[2][j->low], step = j->step; \
    for (hg_size o = 0; o < n; o++) \
        y[o] = 0; \
    OVER_ROWS(p) \
        for (hg_size k = 0; k < j->width; k++) { \
            const T *from = x + ROW(p) + first + k; \
            if (step == 1) \
                for (hg_size o = 0; o < n; o++) \
                    y[o] += from[o]; \
            else if (step == 2) \
                for (hg_size o = 0; o < n; o++) \
                    y[o] += from[o * 2]; \
            else \
                for (hg_size o = 0; o < n; o++) \
                    y[o] += from[o * step]; \
        } \
} \
static void average_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    const hg_pool *p = j->p; \
    const T *x = (const T *)j->from + low * elements(p->in); \
    T *y = (T *)j->to + low * elements(p->out); \
    for (hg_size n = low; n < high; n++, x += elements(p->in)) \
        for (hg_size o0 = 0; o0 < p->out[0]; o0++) \
            for (hg_size o1 = 0; o1 < p->out[1]; o1++, y += p->out[2]) { \
                sum_windows_##T(p, x, y, o0, o1, 0, j->low); \
                if (j->high > j->low) \
                    sum_run_##T(j, x, y + j->low, o0, o1); \
                sum_windows_##T(p, x, y, o0, o1, j->high, p->out[2]); \
                for (hg_size o2 = 0; o2 < p->out[2]; o2++) \
                    y[o2] = share_##T(p, y[o2], o0, o1, o2); \
            } \
} \
static void spread_windows_##T(const hg_pool *p, const T *g, T *x, hg_size o0, hg_size o1, hg_size low, hg_size high) \
{ \
    for (hg_size o2 = low; o2 < high; o2++) { \
        T part = share_##T(p, g[o2], o0, o1, o2); \
        OVER_ROWS(p) \
            for (i64 i2 = p->start[2][o2], row = ROW(p); i2 < p->end[2][o2]; i2++) \
                x[row + i2] += part; \
    } \
} \
/* The run's shares, some windows at a time; an element gets them in the windows' order, so the last tap goes first. */ \
static void spread_run_##T(const job *j, const T *g, T *restrict x, hg_size o0, hg_size o1) \
{ \
    const hg_pool *p = j->p; \
    T part[SOME]; \
    hg_size step = j->step; \
    for (hg_size low = j->low; low < j->high; low += SOME) { \
        hg_size n = j->high - low < SOME ? j->high - low : SOME; \
        for (hg_size o = 0; o < n; o++) \
            part[o] = share_##T(p, g[low + o], o0, o1, low + o); \
        OVER_ROWS(p) \
            for (hg_size k = j->width - 1; k >= 0; k--) { \
                T *to = x + ROW(p) + p->start[2][low] + k; \
                if (step == 1) \
                    for (hg_size o = 0; o < n; o++) \
                        to[o] += part[o]; \
                else \
                    for (hg_size o = 0; o < n; o++) \
                        to[o * step] += part[o]; \
            } \
    } \
} \
static void average_back_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    const hg_pool *p = j->p; \
    const T *g = (const T *)j->from + low * elements(p->out); \
    T *x = (T *)j->to + low * elements(p->in); \
    for (hg_size n = low; n < high; n++, x += elements(p->in)) { \
        memset(x, 0, sizeof(T) * (size_t)elements(p->in)); \
        for (hg_size o0 = 0; o0 < p->out[0]; o0++) \
            for (hg_size o1 = 0; o1 < p->out[1]; o1++, g += p->out[2]) { \
                spread_windows_##T(p, g, x, o0, o1, 0, j->low); \
                if (j->high > j->low) \
                    spread_run_##T(j, g, x, o0, o1); \
                spread_windows_##T(p, g, x, o0, o1, j->high, p->out[2]); \
            } \
    } \
} \
static void put_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    hg_size in = j->p->in[0], out = j->p->out[0]; \
    for (hg_size n = low; n < high; n++) { \
        T *x = (T *)j->to + n * in; \
        const T *g = (const T *)j->from + n * out; \
        const i64 *at = j->indices + n * out; \
        memset(x, 0, sizeof(T) * (size_t)in); \
        for (hg_size i = 0; i < out; i++) \
            if ((size_t)at[i] < (size_t)in) /* a window that lies in the padding has a place outside */ \
                x[at[i]] += g[i]; \
    } \
} \
static void take_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    hg_size in = j->p->in[0], out = j->p->out[0]; \
    for (hg_size n = low; n < high; n++) { \
        const T *x = (const T *)j->from + n * in; \
        const i64 *at = j->indices + n * out; \
        T *y = (T *)j->to + n * out; \
        for (hg_size i = 0; i < out; i++) \
            y[i] = (size_t)at[i] < (size_t)in ? x[at[i]] : 0; \
    } \
}
POOL(f32)
POOL(f64)

static hg_size grain(const hg_pool *p)
{
    return 16384 / (elements(p->in) + elements(p->out) + 1) + 1;
}

void hg_pool_max(const hg_pool *p, const void *x, void *values, i64 *indices, hg_splitter parallel)
{
    job j = {p, x, values, indices};
    parallel(p->type == HG_F64 ? max_f64 : max_f32, &j, p->planes, grain(p));
}

/* The longest beginning of windows of the last dim, after those cut at the border, that are of one width and equally far
 * apart: all but a few, unless the pool is an adaptive one. */
static void find_run(job *j)
{
    const hg_table start = j->p->start[2], end = j->p->end[2];
    hg_size n = j->p->out[2], low = 0, high;
    for (hg_size o = 0; o < n; o++)
        if (end[o] - start[o] > j->width)
            j->width = end[o] - start[o], low = o;
    j->low = j->high = n;
    if (n - low < FEW || j->width < 1)
        return;
    j->step = start[low + 1] - start[low];
    if (j->step > 2) /* each window by itself reads memory in order */
        return;
    for (high = low + 1; high < n; high++)
        if (end[high] - start[high] != j->width || start[high] - start[high - 1] != j->step)
            break;
    if (high - low >= FEW)
        j->low = low, j->high = high;
}

void hg_pool_average(const hg_pool *p, const void *x, void *y, hg_splitter parallel)
{
    job j = {p, x, y, NULL};
    find_run(&j);
    parallel(p->type == HG_F64 ? average_f64 : average_f32, &j, p->planes, grain(p));
}

void hg_pool_average_back(const hg_pool *p, const void *g, void *x, hg_splitter parallel)
{
    job j = {p, g, x, NULL};
    find_run(&j);
    parallel(p->type == HG_F64 ? average_back_f64 : average_back_f32, &j, p->planes, grain(p));
}

void hg_pool_put(int type, hg_size planes, hg_size in, hg_size out, const void *g, const i64 *indices, void *x,
                 hg_splitter parallel)
{
    hg_pool p = {.type = type, .planes = planes, .in = {in, 1, 1}, .out = {out, 1, 1}};
    job j = {&p, g, x, (i64 *)indices};
    parallel(type == HG_F64 ? put_f64 : put_f32, &j, planes, grain(&p));
}

void hg_pool_take(int type, hg_size planes, hg_size in, hg_size out, const void *x, const i64 *indices, void *y,
                  hg_splitter parallel)
{
    hg_pool p = {.type = type, .planes = planes, .in = {in, 1, 1}, .out = {out, 1, 1}};
    job j = {&p, x, y, (i64 *)indices};
    parallel(type == HG_F64 ? take_f64 : take_f32, &j, planes, grain(&p));
}
