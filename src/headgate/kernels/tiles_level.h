/* Products of small matrices in registers, one copy per instruction-set level: what cells, recurrent layers and
 * attention multiply with where a call of a library costs more than the product. Rows of c hold adjacent elements.
 * It must not know what is multiplied, nor Python. */
#undef HG_EVEN_f32
#undef HG_ODD_f32
#undef HG_EVEN_f64
#undef HG_ODD_f64
#undef HG_ROWS
#if HG_LEVEL == 2
#define HG_EVEN_f32 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define HG_ODD_f32 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define HG_EVEN_f64 0, 2, 4, 6, 8, 10, 12, 14
#define HG_ODD_f64 1, 3, 5, 7, 9, 11, 13, 15
#define HG_ROWS 8
#elif HG_LEVEL == 1
#define HG_EVEN_f32 0, 2, 4, 6, 8, 10, 12, 14
#define HG_ODD_f32 1, 3, 5, 7, 9, 11, 13, 15
#define HG_EVEN_f64 0, 2, 4, 6
#define HG_ODD_f64 1, 3, 5, 7
#define HG_ROWS 4
#else
#define HG_EVEN_f32 0, 2, 4, 6
#define HG_ODD_f32 1, 3, 5, 7
#define HG_EVEN_f64 0, 2
#define HG_ODD_f64 1, 3
#define HG_ROWS 4
#endif
#ifndef HG_MIX
#if defined(__clang__)
#define HG_MIX(V, M, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define HG_MIX(V, M, a, b, ...) __builtin_shuffle(a, b, (M){__VA_ARGS__})
#endif
#define HG_UNROLL _Pragma("GCC unroll 16")
#endif

/* The first w elements of a vector, the rest 0; and storing them. */
HG_INLINE HG(v_f32) HG(part_f32)(const f32 *x, hg_size w)
{
#if HG_LEVEL == 2
    return (HG(v_f32))_mm512_maskz_loadu_ps((__mmask16)((1u << w) - 1), x);
#else
    HG(v_f32) v = {0};
    for (hg_size i = 0; i < w; i++)
        v[i] = x[i];
    return v;
#endif
}

HG_INLINE HG(v_f64) HG(part_f64)(const f64 *x, hg_size w)
{
#if HG_LEVEL == 2
    return (HG(v_f64))_mm512_maskz_loadu_pd((__mmask8)((1u << w) - 1), x);
#else
    HG(v_f64) v = {0};
    for (hg_size i = 0; i < w; i++)
        v[i] = x[i];
    return v;
#endif
}

HG_INLINE void HG(put_f32)(f32 *x, HG(v_f32) v, hg_size w)
{
#if HG_LEVEL == 2
    _mm512_mask_storeu_ps(x, (__mmask16)((1u << w) - 1), (__m512)v);
#else
    for (hg_size i = 0; i < w; i++)
        x[i] = v[i];
#endif
}

HG_INLINE void HG(put_f64)(f64 *x, HG(v_f64) v, hg_size w)
{
#if HG_LEVEL == 2
    _mm512_mask_storeu_pd(x, (__mmask8)((1u << w) - 1), (__m512d)v);
#else
    for (hg_size i = 0; i < w; i++)
        x[i] = v[i];
#endif
}

#define HG_TILES(T, I) \
/* c = a b (+ c) for `rows` rows and `vecs` vectors of columns, the last of which has `last` lanes if not `whole`. */ \
HG_INLINE void HG(block_##T)(const int rows, const int vecs, const int whole, hg_size last, hg_size k, const T *a, \
                             hg_size am, hg_size ak, const T *b, hg_size bk, T *c, hg_size cm, int add) \
{ \
    typedef HG(v_##T) V; \
    enum { W = HG_VECTOR / sizeof(T) }; \
    V sum[16]; \
    HG_UNROLL \
    for (int s = 0; s < rows * vecs; s++) \
        sum[s] = (V){0}; \
    for (hg_size p = 0; p < k; p++, b += bk, a += ak) { \
        V x[8]; \
        HG_UNROLL \
        for (int v = 0; v < vecs; v++) \
            x[v] = whole || v < vecs - 1 ? HG_LOAD(V, b + v * W) : HG(part_##T)(b + v * W, last); \
        HG_UNROLL \
        for (int r = 0; r < rows; r++) { \
            T one = a[r * am]; \
            HG_UNROLL \
            for (int v = 0; v < vecs; v++) \
                sum[r * vecs + v] += x[v] * one; \
        } \
    } \
    HG_UNROLL \
    for (int r = 0; r < rows; r++) \
        HG_UNROLL \
        for (int v = 0; v < vecs; v++) { \
            T *out = c + r * cm + v * W; \
            V value = sum[r * vecs + v]; \
            if (whole || v < vecs - 1) { \
                if (add) \
                    value += HG_LOAD(V, out); \
                memcpy(out, &value, sizeof value); \
            } else { \
                if (add) \
                    value += HG(part_##T)(out, last); \
                HG(put_##T)(out, value, last); \
            } \
        } \
} \
HG_INLINE void HG(column_##T)(const int vecs, const int whole, hg_size last, hg_size m, hg_size k, const T *a, hg_size am, \
                              hg_size ak, const T *b, hg_size bk, T *c, hg_size cm, int add) \
{ \
    hg_size i = 0; \
    for (; i + HG_ROWS <= m; i += HG_ROWS) \
        HG(block_##T)(HG_ROWS, vecs, whole, last, k, a + i * am, am, ak, b, bk, c + i * cm, cm, add); \
    if (HG_ROWS > 4 && m - i >= 4) { \
        HG(block_##T)(4, vecs, whole, last, k, a + i * am, am, ak, b, bk, c + i * cm, cm, add); \
        i += 4; \
    } \
    if (m - i >= 2) { \
        HG(block_##T)(2, vecs, whole, last, k, a + i * am, am, ak, b, bk, c + i * cm, cm, add); \
        i += 2; \
    } \
    if (m > i) \
        HG(block_##T)(1, vecs, whole, last, k, a + i * am, am, ak, b, bk, c + i * cm, cm, add); \
} \
/* c (m, n) = a (m, k) b (k, n), or added to c; elements of a `am` and `ak` apart, rows of b adjacent, `bk` apart. */ \
static HG_UNUSED void HG(rows_times_##T)(hg_size m, hg_size n, hg_size k, const T *a, hg_size am, hg_size ak, const T *b, \
                                         hg_size bk, T *c, hg_size cm, int add) \
{ \
    enum { W = HG_VECTOR / sizeof(T) }; \
    hg_size j = 0; \
    if (m == 1) \
        for (; j + 8 * W <= n; j += 8 * W) \
            HG(block_##T)(1, 8, 1, W, k, a, am, ak, b + j, bk, c + j, cm, add); \
    for (; j + 2 * W <= n; j += 2 * W) \
        HG(column_##T)(2, 1, W, m, k, a, am, ak, b + j, bk, c + j, cm, add); \
    if (j + W <= n) { \
        HG(column_##T)(1, 1, W, m, k, a, am, ak, b + j, bk, c + j, cm, add); \
        j += W; \
    } \
    if (j < n) \
        HG(column_##T)(1, 0, n - j, m, k, a, am, ak, b + j, bk, c + j, cm, add); \
} \
/* `rows` rows of a times W / rows rows of b, all adjacent along k: vectors of partial sums, added up pairwise at once. */ \
HG_INLINE void HG(dots_##T)(const int rows, hg_size k, const T *a, hg_size am, const T *const *b, T *out) \
{ \
    typedef HG(v_##T) V; \
    typedef HG(v_##I) M; \
    enum { W = HG_VECTOR / sizeof(T) }; \
    const int columns = W / rows; \
    V sum[W]; \
    hg_size p = 0; \
    HG_UNROLL \
    for (int s = 0; s < W; s++) \
        sum[s] = (V){0}; \
    for (; p < k; p += W) { \
        V x[4]; \
        const int whole = p + W <= k; \
        HG_UNROLL \
        for (int r = 0; r < rows; r++) \
            x[r] = whole ? HG_LOAD(V, a + r * am + p) : HG(part_##T)(a + r * am + p, k - p); \
        HG_UNROLL \
        for (int q = 0; q < columns; q++) { \
            V y = whole ? HG_LOAD(V, b[q] + p) : HG(part_##T)(b[q] + p, k - p); \
            HG_UNROLL \
            for (int r = 0; r < rows; r++) \
                sum[r * columns + q] += x[r] * y; \
        } \
    } \
    HG_UNROLL \
    for (int count = W / 2; count; count /= 2) \
        HG_UNROLL \
        for (int s = 0; s < count; s++) { \
            V one = sum[2 * s], other = sum[2 * s + 1]; \
            sum[s] = HG_MIX(V, M, one, other, HG_EVEN_##T) + HG_MIX(V, M, one, other, HG_ODD_##T); \
        } \
    memcpy(out, &sum[0], sizeof(V)); \
} \
HG_INLINE void HG(line_##T)(const int rows, hg_size n, hg_size k, const T *a, hg_size am, const T *b, hg_size bn, T *c, \
                            hg_size cm, int add) \
{ \
    enum { W = HG_VECTOR / sizeof(T) }; \
    const int columns = W / rows; \
    for (hg_size j = 0; j < n; j += columns) { \
        const T *from[W]; \
        T out[W]; \
        hg_size w = n - j < columns ? n - j : columns; \
        for (int q = 0; q < columns; q++) \
            from[q] = b + (j + (q < w ? q : 0)) * bn; \
        HG(dots_##T)(rows, k, a, am, from, out); \
        for (int r = 0; r < rows; r++) \
            for (hg_size q = 0; q < w; q++) \
                c[r * cm + j + q] = add ? c[r * cm + j + q] + out[r * columns + q] : out[r * columns + q]; \
    } \
} \
/* c (m, n) = a (m, k) b^T for b (n, k), or added to c; rows of both adjacent. Needs no other layout of b. */ \
static HG_UNUSED void HG(rows_dot_##T)(hg_size m, hg_size n, hg_size k, const T *a, hg_size am, const T *b, hg_size bn, \
                                       T *c, hg_size cm, int add) \
{ \
    enum { W = HG_VECTOR / sizeof(T), TALL = W >= 16 ? 4 : W >= 4 ? 2 : 1 }; \
    hg_size i = 0; \
    for (; i + TALL <= m; i += TALL) \
        HG(line_##T)(TALL, n, k, a + i * am, am, b, bn, c + i * cm, cm, add); \
    for (; i < m; i++) \
        HG(line_##T)(1, n, k, a + i * am, am, b, bn, c + i * cm, cm, add); \
} \
/* out (columns, rows) = x (rows, columns) transposed, in squares that stay in the first cache. */ \
static HG_UNUSED void HG(turned_##T)(const T *restrict x, hg_size xs, hg_size rows, hg_size columns, T *restrict out, \
                                     hg_size os) \
{ \
    enum { SQUARE = 16 }; \
    for (hg_size i = 0; i < rows; i += SQUARE) { \
        hg_size h = rows - i < SQUARE ? rows - i : SQUARE; \
        for (hg_size j = 0; j < columns; j += SQUARE) { \
            hg_size w = columns - j < SQUARE ? columns - j : SQUARE; \
            for (hg_size q = 0; q < w; q++) \
                for (hg_size p = 0; p < h; p++) \
                    out[(j + q) * os + i + p] = x[(i + p) * xs + j + q]; \
        } \
    } \
}

HG_TILES(f32, i32)
HG_TILES(f64, i64)
#undef HG_TILES
