/* Running sums and their kin. A long row is cut into fixed pieces whose sums are known before they are walked; within
 * a piece four chains run side by side, so that the additions of one do not wait for those of another.
 * It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math")
#endif
#include "scan_loops.h"

#define PIECE 16384
#define STRIP 1024  /* at most; a strip is walked down row by row, and wide ones are read in longer runs */

typedef struct {
    int what;
    const char *x;
    char *out;
    i64 *places;
    hg_size n, inner, strips, width, item;
    double *wide;
    i64 *whole;
} job;

/* Four rows put together to a vector and taken apart again cost more than four chains. */
#if defined(__GNUC__) && !defined(__clang__)
#define ONE_BY_ONE __attribute__((optimize("no-tree-vectorize", "no-tree-slp-vectorize")))
#else
#define ONE_BY_ONE
#endif

/* CHAINS: the running sum of n elements from `carry` on. */
#define SUMS(T, ACC) \
static ACC stretch_##T(const T *x, hg_size n) \
{ \
    ACC lane[8] = {0}; \
    hg_size i = 0; \
    for (; i + 8 <= n; i += 8) \
        for (int l = 0; l < 8; l++) \
            lane[l] += (ACC)x[i + l]; \
    for (; i < n; i++) \
        lane[0] += (ACC)x[i]; \
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7])); \
} \
static void chains_##T(const T *x, T *out, hg_size n, ACC carry) \
{ \
    hg_size q = n >= 128 ? n / 4 : 0, i; \
    if (q) { \
        ACC a = carry, b = a + stretch_##T(x, q), c = b + stretch_##T(x + q, q), d = c + stretch_##T(x + 2 * q, q); \
        for (i = 0; i < q; i++) { \
            a += (ACC)x[i]; \
            b += (ACC)x[q + i]; \
            c += (ACC)x[2 * q + i]; \
            d += (ACC)x[3 * q + i]; \
            out[i] = (T)a; \
            out[q + i] = (T)b; \
            out[2 * q + i] = (T)c; \
            out[3 * q + i] = (T)d; \
        } \
        carry = d; \
    } \
    for (i = 4 * q; i < n; i++) { \
        carry += (ACC)x[i]; \
        out[i] = (T)carry; \
    } \
} \
/* A product waits for the one before: four rows go side by side. */ \
ONE_BY_ONE static void products_##T(const T *x, T *out, hg_size n) \
{ \
    ACC a = 1, b = 1, c = 1, d = 1; \
    for (hg_size i = 0; i < n; i++) { \
        out[i] = (T)(a *= (ACC)x[i]); \
        out[n + i] = (T)(b *= (ACC)x[n + i]); \
        out[2 * n + i] = (T)(c *= (ACC)x[2 * n + i]); \
        out[3 * n + i] = (T)(d *= (ACC)x[3 * n + i]); \
    } \
} \
/* One row: where products of four are exact enough (wider than what is written, or whole), only each fourth waits. */ \
static void product_##T(const T *x, T *out, hg_size n) \
{ \
    ACC all = 1; \
    hg_size i = 0; \
    for (; (sizeof(T) < sizeof(ACC) || (ACC)0.5 == 0) && i + 4 <= n; i += 4) { \
        ACC a = (ACC)x[i], b = a * (ACC)x[i + 1], c = b * (ACC)x[i + 2], d = c * (ACC)x[i + 3]; \
        out[i] = (T)(all * a); \
        out[i + 1] = (T)(all * b); \
        out[i + 2] = (T)(all * c); \
        out[i + 3] = (T)(all *= d); \
    } \
    for (; i < n; i++) \
        out[i] = (T)(all *= (ACC)x[i]); \
} \
static void rows_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    const T *x = (const T *)j->x + low * j->n; \
    T *out = (T *)j->out + low * j->n; \
    hg_size i = low; \
    for (; j->what == HG_CUMPROD && i + 4 <= high; i += 4, x += 4 * j->n, out += 4 * j->n) \
        products_##T(x, out, j->n); \
    for (; i < high; i++, x += j->n, out += j->n) { \
        if (j->what == HG_CUMSUM) { \
            chains_##T(x, out, j->n, 0); \
            continue; \
        } \
        product_##T(x, out, j->n); \
    } \
} \
static void strips_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    for (hg_size i = low; i < high; i++) { \
        hg_size column = i % j->strips * j->width, w = j->inner - column < j->width ? j->inner - column : j->width; \
        hg_size at = i / j->strips * j->n * j->inner + column; \
        ACC carry[STRIP]; \
        for (hg_size k = 0; k < w; k++) \
            carry[k] = j->what == HG_CUMSUM ? 0 : 1; \
        for (hg_size r = 0; r < j->n; r++, at += j->inner) { \
            const T *restrict x = (const T *)j->x + at; \
            T *restrict out = (T *)j->out + at; \
            if (j->what == HG_CUMSUM) \
                for (hg_size k = 0; k < w; k++) { \
                    carry[k] += (ACC)x[k]; \
                    out[k] = (T)carry[k]; \
                } \
            else \
                for (hg_size k = 0; k < w; k++) { \
                    carry[k] *= (ACC)x[k]; \
                    out[k] = (T)carry[k]; \
                } \
        } \
    } \
} \
static void piece_sums_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    for (hg_size i = low; i < high; i++) \
        ((ACC *)j->wide)[i] = stretch_##T((const T *)j->x + i * PIECE, j->n - i * PIECE < PIECE ? j->n - i * PIECE : PIECE); \
} \
static void pieces_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    for (hg_size i = low; i < high; i++) \
        chains_##T((const T *)j->x + i * PIECE, (T *)j->out + i * PIECE, \
                   j->n - i * PIECE < PIECE ? j->n - i * PIECE : PIECE, ((ACC *)j->wide)[i]); \
} \
static int long_row_##T(job j, hg_splitter parallel) \
{ \
    hg_size pieces = (j.n + PIECE - 1) / PIECE; \
    ACC before = 0, *sums = malloc(sizeof(ACC) * (size_t)pieces); \
    if (!sums) \
        return -1; \
    j.wide = (double *)(void *)sums; \
    parallel(piece_sums_##T, &j, pieces, 1); \
    for (hg_size i = 0; i < pieces; i++) { \
        ACC sum = sums[i]; \
        sums[i] = before; \
        before += sum; \
    } \
    parallel(pieces_##T, &j, pieces, 1); \
    free(sums); \
    return 0; \
}
typedef uint64_t u64; /* wraps without being undefined */
SUMS(u64, u64)
SUMS(f32, f64)
SUMS(f64, f64)

/* One column (step apart) at a time: sum e^(x - top) beside top; -inf adds nothing, +inf and NaN stay. */
#define LOGS(T) \
static void logs_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    for (hg_size i = low; i < high; i++) { \
        const T *x = (const T *)j->x + i / j->inner * j->n * j->inner + i % j->inner; \
        T *out = (T *)j->out + (x - (const T *)j->x); \
        double top = -INFINITY, sum = 0; \
        for (hg_size r = 0; r < j->n; r++, x += j->inner, out += j->inner) { \
            double v = (double)*x; \
            if (v == top) \
                sum += sum > 0 ? 1 : v == -INFINITY ? 0 : 1; \
            else if (v < top) \
                sum += exp(v - top); \
            else { \
                sum = (top == -INFINITY ? 0 : sum * exp(top - v)) + 1; \
                top = v; \
            } \
            *out = (T)(sum > 0 ? top + log(sum) : sum == 0 ? -INFINITY : sum); \
        } \
    } \
}
LOGS(f32)
LOGS(f64)

#define EXTREME(T, NAME, OP) \
static void NAME##_##T(void *context, hg_size low, hg_size high) \
{ \
    const job *j = context; \
    for (hg_size i = low; i < high; i++) { \
        hg_size column = i % j->strips * j->width, w = j->inner - column < j->width ? j->inner - column : j->width; \
        hg_size at = i / j->strips * j->n * j->inner + column; \
        T best[STRIP]; \
        i64 place[STRIP]; \
        memcpy(best, (const T *)j->x + at, sizeof(T) * (size_t)w); \
        memset(place, 0, sizeof(i64) * (size_t)w); \
        if (w == 1) { \
            T top = best[0]; \
            i64 from = 0; \
            hg_size r = 0; \
            for (; j->inner == 1 && r + 32 <= j->n;) { /* mostly nothing new in 32 elements */ \
                const T *restrict x = (const T *)j->x + at; \
                T *restrict out = (T *)j->out + at; \
                i64 *restrict places = j->places + at; \
                int news = 0; \
                for (int k = 0; k < 32; k++) \
                    news |= (x[k] OP top) | (x[k] != x[k]); \
                if (!news) { \
                    for (int k = 0; k < 32; k++) { \
                        out[k] = top; \
                        places[k] = from; \
                    } \
                } else \
                    for (int k = 0; k < 32; k++) { \
                        int moved = (x[k] OP top) | (x[k] != x[k]); \
                        top = moved ? x[k] : top; \
                        from = moved ? r + k : from; \
                        out[k] = top; \
                        places[k] = from; \
                    } \
                r += 32; \
                at += 32; \
            } \
            for (; r < j->n; r++, at += j->inner) { \
                T v = ((const T *)j->x)[at]; \
                int moved = (v OP top) | (v != v); \
                top = moved ? v : top; \
                from = moved ? r : from; \
                ((T *)j->out)[at] = top; \
                j->places[at] = from; \
            } \
            continue; \
        } \
        for (hg_size r = 0; r < j->n; r++, at += j->inner) { \
            const T *restrict x = (const T *)j->x + at; \
            T *restrict out = (T *)j->out + at; \
            i64 *restrict places = j->places + at; \
            for (hg_size k = 0; k < w; k++) { \
                int moved = (x[k] OP best[k]) | (x[k] != x[k]); \
                best[k] = moved ? x[k] : best[k]; \
                place[k] = moved ? r : place[k]; \
                out[k] = best[k]; \
                places[k] = place[k]; \
            } \
        } \
    } \
}
#define EXTREMES(T) EXTREME(T, largest, >=) EXTREME(T, smallest, <=)
EXTREMES(u8)
EXTREMES(i8)
EXTREMES(i16)
EXTREMES(i32)
EXTREMES(i64)
EXTREMES(f32)
EXTREMES(f64)

static hg_task extreme_of(int what, int type)
{
    static const hg_task tasks[2][HG_TYPES] = {
        {largest_u8, largest_u8, largest_i8, largest_i16, largest_i32, largest_i64, NULL, largest_f32, largest_f64},
        {smallest_u8, smallest_u8, smallest_i8, smallest_i16, smallest_i32, smallest_i64, NULL, smallest_f32, smallest_f64},
    };
    return tasks[what == HG_CUMMIN][type];
}

int hg_scan(int what, int type, const void *x, void *out, i64 *places, hg_size outer, hg_size n, hg_size inner,
            hg_splitter parallel)
{
    job j = {.what = what, .x = x, .out = out, .places = places, .n = n, .inner = inner};
    j.width = inner / 2 < STRIP / 4 ? STRIP / 4 : inner / 2 < STRIP ? (inner / 2 + 63) / 64 * 64 : STRIP;
    j.strips = (inner + j.width - 1) / j.width;
    if (outer * n * inner == 0)
        return 0;
    hg_size width = inner < j.width ? inner : j.width, grain = 32768 / (n * width) + 1;
    if (what >= HG_CUMMAX) {
        parallel(extreme_of(what, type), &j, outer * j.strips, grain);
        return 0;
    }
    if (what == HG_LOGCUMSUMEXP) {
        parallel(type == HG_F32 ? logs_f32 : logs_f64, &j, outer * inner, 1024 / n + 1);
        return 0;
    }
    if (inner > 1) {
        parallel(type == HG_F32 ? strips_f32 : type == HG_F64 ? strips_f64 : strips_u64, &j, outer * j.strips, grain);
        return 0;
    }
    if (what == HG_CUMPROD || n <= 2 * PIECE) {
        parallel(type == HG_F32 ? rows_f32 : type == HG_F64 ? rows_f64 : rows_u64, &j, outer, grain);
        return 0;
    }
    for (hg_size i = 0; i < outer; i++) {
        job row = j;
        row.x += i * n * (type == HG_F32 ? 4 : 8);
        row.out += i * n * (type == HG_F32 ? 4 : 8);
        if ((type == HG_F32 ? long_row_f32 : type == HG_F64 ? long_row_f64 : long_row_u64)(row, parallel))
            return -1;
    }
    return 0;
}
