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
} job;

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
static int pairs_##T(const hg_pool *p) \
{ \
    if (p->in[0] != 1 || p->out[0] != 1 || p->step[1] != 1 || p->step[2] != 1) \
        return 0; \
    for (int d = 1; d < 3; d++) \
        for (hg_size o = 0; o < p->out[d]; o++) \
            if (p->start[d][o] != 2 * o || p->end[d][o] != 2 * o + 2) \
                return 0; \
    return 1; \
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
        if (pairs) \
            max_pairs_##T(j->p, x, y, j->indices + n * out); \
        else \
            max_windows_##T(j->p, x, y, j->indices + n * out); \
    } \
} \
static void average_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    const hg_pool *p = j->p; \
    const T *x = (const T *)j->from + low * elements(p->in); \
    T *y = (T *)j->to + low * elements(p->out); \
    for (hg_size n = low; n < high; n++, x += elements(p->in)) \
        OVER_WINDOWS(p) { \
            T sum = 0; \
            OVER_ROWS(p) \
                for (i64 i2 = p->start[2][o2], row = ROW(p); i2 < p->end[2][o2]; i2++) \
                    sum += x[row + i2]; \
            *y++ = share_##T(p, sum, o0, o1, o2); \
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
        OVER_WINDOWS(p) { \
            T part = share_##T(p, *g++, o0, o1, o2); \
            OVER_ROWS(p) \
                for (i64 i2 = p->start[2][o2], row = ROW(p); i2 < p->end[2][o2]; i2++) \
                    x[row + i2] += part; \
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

void hg_pool_average(const hg_pool *p, const void *x, void *y, hg_splitter parallel)
{
    job j = {p, x, y, NULL};
    parallel(p->type == HG_F64 ? average_f64 : average_f32, &j, p->planes, grain(p));
}

void hg_pool_average_back(const hg_pool *p, const void *g, void *x, hg_splitter parallel)
{
    job j = {p, g, x, NULL};
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
