/* The own product for small matrices, and dot products, one copy per instruction-set level. It packs B into rows padded
 * to whole vectors, so one kernel serves every shape and layout; what has less than a quarter of a vector of columns is
 * read as it lies. It must not know Python, nor OpenBLAS. */
#include "tiles_level.h"

/* How two vectors are woven into each other: the first halves of both, and the second ones. */
#undef HG_LOW_f32
#undef HG_HIGH_f32
#undef HG_LOW_f64
#undef HG_HIGH_f64
#if HG_LEVEL == 2
#define HG_LOW_f32 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HG_HIGH_f32 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define HG_LOW_f64 0, 8, 1, 9, 2, 10, 3, 11
#define HG_HIGH_f64 4, 12, 5, 13, 6, 14, 7, 15
#elif HG_LEVEL == 1
#define HG_LOW_f32 0, 8, 1, 9, 2, 10, 3, 11
#define HG_HIGH_f32 4, 12, 5, 13, 6, 14, 7, 15
#define HG_LOW_f64 0, 4, 1, 5
#define HG_HIGH_f64 2, 6, 3, 7
#else
#define HG_LOW_f32 0, 4, 1, 5
#define HG_HIGH_f32 2, 6, 3, 7
#define HG_LOW_f64 0, 2
#define HG_HIGH_f64 1, 3
#endif
/* out (k rows of `os`) = the transpose of x (n rows, `xs` apart) for n and k that fill whole vectors: rows i and i + W/2
 * are woven into each other, as often as it takes. */
#define TURN(T, I) \
static void HG(woven_##T)(const T *x, hg_size xs, hg_size n, hg_size k, T *out, hg_size os) \
{ \
    typedef HG(v_##T) V; \
    typedef HG(v_##I) M; \
    enum { W = HG_VECTOR / sizeof(T) }; \
    for (hg_size j = 0; j < n; j += W) \
        for (hg_size p = 0; p < k; p += W) { \
            V row[W], next[W]; \
            HG_UNROLL \
            for (int r = 0; r < W; r++) \
                row[r] = HG_LOAD(V, x + (j + r) * xs + p); \
            HG_UNROLL \
            for (int done = 1; done < W; done *= 2) { \
                HG_UNROLL \
                for (int r = 0; r < W / 2; r++) { \
                    next[2 * r] = HG_MIX(V, M, row[r], row[r + W / 2], HG_LOW_##T); \
                    next[2 * r + 1] = HG_MIX(V, M, row[r], row[r + W / 2], HG_HIGH_##T); \
                } \
                HG_UNROLL \
                for (int r = 0; r < W; r++) \
                    row[r] = next[r]; \
            } \
            HG_UNROLL \
            for (int r = 0; r < W; r++) \
                memcpy(out + (p + r) * os + j, &row[r], sizeof row[r]); \
        } \
}
TURN(f32, i32)
TURN(f64, i64)
#undef TURN

#define PRODUCT(T) \
/* c[ROWS][n] = alpha * a b + beta * c for up to four rows at once over packed b (k rows of `padded`). */ \
HG_INLINE void HG(strip_##T)(const int rows, hg_size n, hg_size k, hg_size padded, const T *a, hg_size am, hg_size ak, \
                             const T *b, T *c, hg_size cm, T alpha, T beta) \
{ \
    typedef HG(v_##T) V; \
    enum { W = HG_VECTOR / sizeof(T) }; \
    for (hg_size j = 0; j < n; j += 2 * W) { \
        V left[4], right[4]; \
        int two = j + W < padded; \
        for (int r = 0; r < rows; r++) \
            left[r] = right[r] = (V){0}; \
        if (two) \
            for (hg_size p = 0; p < k; p++) { \
                V one = HG_LOAD(V, b + p * padded + j), other = HG_LOAD(V, b + p * padded + j + W); \
                for (int r = 0; r < rows; r++) { \
                    T x = a[r * am + p * ak]; \
                    left[r] += one * x; \
                    right[r] += other * x; \
                } \
            } \
        else \
            for (hg_size p = 0; p < k; p++) { \
                V one = HG_LOAD(V, b + p * padded + j); \
                for (int r = 0; r < rows; r++) \
                    left[r] += one * a[r * am + p * ak]; \
            } \
        hg_size w = n - j < 2 * W ? n - j : 2 * W; \
        for (int r = 0; r < rows; r++) { \
            T line[2 * W], *out = c + r * cm + j; \
            memcpy(line, &left[r], sizeof left[r]); \
            memcpy(line + W, &right[r], sizeof right[r]); \
            if (alpha != 1) \
                for (int l = 0; l < 2 * W; l++) \
                    line[l] *= alpha; \
            if (w == 2 * W && beta == 0) \
                memcpy(out, line, sizeof line); \
            else if (beta == 0) \
                for (hg_size l = 0; l < w; l++) \
                    out[l] = line[l]; \
            else \
                for (hg_size l = 0; l < w; l++) \
                    out[l] = line[l] + beta * out[l]; \
        } \
    } \
} \
static void HG(product_##T)(hg_size m, hg_size n, hg_size k, const T *a, hg_size am, hg_size ak, const T *b, hg_size bk, \
                            hg_size bn, T *c, hg_size cm, T alpha, T beta) \
{ \
    enum { W = HG_VECTOR / sizeof(T) }; \
    hg_size padded = (n + W - 1) / W * W, i = 0; \
    T pack[HG_PACK]; \
    if (n * 4 < W && m > 1 && k >= W && alpha == 1 && (beta == 0 || beta == 1)) { \
        if (bk == 1 && ak == 1) { \
            HG(rows_dot_##T)(m, n, k, a, am, b, bn, c, cm, beta != 0); \
            return; \
        } \
        if (bn == 1) { \
            HG(rows_times_##T)(m, n, k, a, am, ak, b, bk, c, cm, beta != 0); \
            return; \
        } \
    } \
    if (n * m * k <= 64 || padded * k > HG_PACK || n * 4 < W || m < 2) { \
        for (i = 0; i < m; i++) \
            for (hg_size j = 0; j < n; j++) { \
                T sum = 0, *out = c + i * cm + j; \
                const T *x = a + i * am, *y = b + j * bn; \
                for (hg_size p = 0; p < k; p++) \
                    sum += x[p * ak] * y[p * bk]; \
                sum *= alpha; \
                *out = beta == 0 ? sum : sum + beta * *out; \
            } \
        return; \
    } \
    if (bn != 1 || padded != n || bk != n) { \
        if (bn == 1) \
            for (hg_size p = 0; p < k; p++) \
                for (hg_size j = 0; j < padded; j++) \
                    pack[p * padded + j] = j < n ? b[p * bk + j] : 0; \
        else if (bk == 1 && padded == n && k % W == 0) \
            HG(woven_##T)(b, bn, n, k, pack, n); \
        else \
            for (hg_size j = 0; j < padded; j++) \
                for (hg_size p = 0; p < k; p++) \
                    pack[p * padded + j] = j < n ? b[p * bk + j * bn] : 0; \
        b = pack; \
    } \
    if (padded == n && alpha == 1 && (beta == 0 || beta == 1)) { \
        HG(rows_times_##T)(m, n, k, a, am, ak, b, n, c, cm, beta != 0); \
        return; \
    } \
    for (; i + 4 <= m; i += 4) \
        HG(strip_##T)(4, n, k, padded, a + i * am, am, ak, b, c + i * cm, cm, alpha, beta); \
    if (m - i == 3) \
        HG(strip_##T)(3, n, k, padded, a + i * am, am, ak, b, c + i * cm, cm, alpha, beta); \
    else if (m - i == 2) \
        HG(strip_##T)(2, n, k, padded, a + i * am, am, ak, b, c + i * cm, cm, alpha, beta); \
    else if (m - i == 1) \
        HG(strip_##T)(1, n, k, padded, a + i * am, am, ak, b, c + i * cm, cm, alpha, beta); \
} \
/* Lanes as in the reductions: the same additions in the same order on every level. */ \
static T HG(dot_##T)(const T *x, const T *y, hg_size n) \
{ \
    typedef HG(v_##T) V; \
    enum { W = HG_VECTOR / sizeof(T), VECTORS = HG_LANES / HG_VECTOR, LANES = HG_LANES / sizeof(T) }; \
    T total = 0, lane[LANES]; \
    hg_size i = 0; \
    if (n >= LANES / 4) { \
        V sum[VECTORS]; \
        _Pragma("GCC unroll 16") \
        for (int s = 0; s < VECTORS; s++) \
            sum[s] = (V){0}; \
        for (; i + LANES <= n; i += LANES) { \
            _Pragma("GCC unroll 16") \
            for (int s = 0; s < VECTORS; s++) \
                sum[s] += HG_LOAD(V, x + i + s * W) * HG_LOAD(V, y + i + s * W); \
        } \
        _Pragma("GCC unroll 16") \
        for (int s = 0; s < VECTORS - 1; s++) \
            if (i + (s + 1) * W <= n) \
                sum[s] += HG_LOAD(V, x + i + s * W) * HG_LOAD(V, y + i + s * W); \
        memcpy(lane, sum, sizeof lane); \
        for (hg_size l = (n - i) / W * W; l < n - i; l++) \
            lane[l] += x[i + l] * y[i + l]; \
        for (int half = LANES / 2; half; half /= 2) \
            for (int l = 0; l < half; l++) \
                lane[l] += lane[l + half]; \
        return lane[0]; \
    } \
    for (; i < n; i++) \
        total += x[i] * y[i]; \
    return total; \
} \
/* out[j] += sum over rows of x[i] * a[i][j], for a block of adjacent columns. */ \
static void HG(rows_into_##T)(const T *a, hg_size am, const T *x, hg_size xs, hg_size m, T *restrict out, hg_size n) \
{ \
    hg_size i = 0; \
    for (; i + 4 <= m; i += 4) { \
        const T *p = a + i * am, *q = p + am, *r = q + am, *s = r + am; \
        T e = x[i * xs], f = x[(i + 1) * xs], g = x[(i + 2) * xs], h = x[(i + 3) * xs]; \
        for (hg_size j = 0; j < n; j++) \
            out[j] += (p[j] * e + q[j] * f) + (r[j] * g + s[j] * h); \
    } \
    for (; i < m; i++) { \
        const T *p = a + i * am; \
        T e = x[i * xs]; \
        for (hg_size j = 0; j < n; j++) \
            out[j] += p[j] * e; \
    } \
}

PRODUCT(f32)
PRODUCT(f64)

/* float16 in pieces widened on the stack. */
static f32 HG(dot_f16)(const f16 *x, const f16 *y, hg_size n)
{
    f32 a[1024], b[1024], total = 0;
    for (hg_size i = 0; i < n; i += 1024) {
        hg_size m = n - i < 1024 ? n - i : 1024;
        HG(from_half)(x + i, a, m);
        HG(from_half)(y + i, b, m);
        total += HG(dot_f32)(a, b, m);
    }
    return total;
}

static const hg_gemm_table HG(gemm) = {
    HG(product_f32), HG(product_f64), HG(dot_f32), HG(dot_f64), HG(rows_into_f32), HG(rows_into_f64),
    HG(dot_f16),
};
