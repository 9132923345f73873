/* One tile of a product, one copy per instruction-set level: panels two vectors wide, blocks of as many rows as there
 * are registers for. It must not know threads, nor Python. */
#include "tiles_level.h"
#undef HG_TALL
#undef HG_APART
#if HG_LEVEL == 2
#define HG_TALL 8
#define HG_APART 4096 /* bytes between rows of b from which on it pays to lay a panel together: a page for each */
#elif HG_LEVEL == 1
#define HG_TALL 6
#else
#define HG_TALL 4
#endif
#ifndef HG_APART
#define HG_APART 128
#endif

#define HG_PANELS(T) \
/* c = alpha a b + beta (row or c) for `rows` rows and `vecs` vectors of columns, of which `w` columns are c's. */ \
HG_INLINE void HG(cell_##T)(const int rows, const int vecs, const int whole, hg_size w, hg_size k, const T *a, hg_size am, \
                            hg_size ak, const T *b, hg_size bk, T *c, hg_size cm, T alpha, T beta, const T *row) \
{ \
    typedef HG(v_##T) V; \
    enum { W = HG_VECTOR / sizeof(T) }; \
    V sum[16]; \
    HG_UNROLL \
    for (int s = 0; s < rows * vecs; s++) \
        sum[s] = (V){0}; \
    for (hg_size p = 0; p < k; p++, b += bk, a += ak) { \
        V x[2]; \
        HG_UNROLL \
        for (int v = 0; v < vecs; v++) \
            x[v] = HG_LOAD(V, b + v * W); \
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
            const T *old = row ? row + v * W : out; \
            V value = sum[r * vecs + v] * alpha; \
            hg_size last = whole || v < vecs - 1 ? W : w - v * W; \
            if (last == W) { \
                if (beta != 0) \
                    value += HG_LOAD(V, old) * beta; \
                memcpy(out, &value, sizeof value); \
            } else { \
                if (beta != 0) \
                    value += HG(part_##T)(old, last) * beta; \
                HG(put_##T)(out, value, last); \
            } \
        } \
} \
HG_INLINE void HG(cells_##T)(const int vecs, const int whole, hg_size w, hg_size m, hg_size k, const T *a, hg_size am, \
                             hg_size ak, const T *b, hg_size bk, T *c, hg_size cm, T alpha, T beta, const T *row) \
{ \
    hg_size i = 0; \
    for (; i + HG_TALL <= m; i += HG_TALL) \
        HG(cell_##T)(HG_TALL, vecs, whole, w, k, a + i * am, am, ak, b, bk, c + i * cm, cm, alpha, beta, row); \
    if (HG_TALL > 4 && m - i >= 4) { \
        HG(cell_##T)(4, vecs, whole, w, k, a + i * am, am, ak, b, bk, c + i * cm, cm, alpha, beta, row); \
        i += 4; \
    } \
    if (m - i >= 2) { \
        HG(cell_##T)(2, vecs, whole, w, k, a + i * am, am, ak, b, bk, c + i * cm, cm, alpha, beta, row); \
        i += 2; \
    } \
    if (m > i) \
        HG(cell_##T)(1, vecs, whole, w, k, a + i * am, am, ak, b, bk, c + i * cm, cm, alpha, beta, row); \
} \
/* w columns of k rows of b as rows of `width` elements, zeros after them. */ \
static void HG(panel_##T)(const T *b, hg_size bk, hg_size bn, hg_size k, hg_size w, hg_size width, T *restrict out) \
{ \
    enum { SQUARE = 16 }; \
    if (w < width) \
        memset(out, 0, sizeof(T) * (size_t)(k * width)); \
    if (bn == 1) \
        for (hg_size p = 0; p < k; p++) \
            memcpy(out + p * width, b + p * bk, sizeof(T) * (size_t)w); \
    else \
        for (hg_size j = 0; j < w; j += SQUARE) \
            for (hg_size p = 0; p < k; p += SQUARE) \
                if (bk == 1 && w - j >= SQUARE && k - p >= SQUARE) { \
                    const T *from = b + p + j * bn; \
                    T *to = out + p * width + j; \
                    for (int u = 0; u < SQUARE; u++) \
                        for (int t = 0; t < SQUARE; t++) \
                            to[u * width + t] = from[t * bn + u]; \
                } else \
                    for (hg_size u = p; u < p + SQUARE && u < k; u++) \
                        for (hg_size t = j; t < j + SQUARE && t < w; t++) \
                            out[u * width + t] = b[u * bk + t * bn]; \
} \
/* The product p->m by p->n, panel by panel; sums go on in c from one depth of panels to the next. */ \
static void HG(tile_##T)(const hg_product *p, const T *a, const T *b, T *c, const T *row) \
{ \
    enum { W = HG_VECTOR / sizeof(T) }; \
    T packed[HG_DEPTH * 2 * W] __attribute__((aligned(64))); \
    T alpha = (T)p->alpha, beta = (T)p->beta; \
    hg_size depth = hg_depth_##T(p->k); \
    for (hg_size q = 0; q < p->k; q += depth) { \
        hg_size k = p->k - q < depth ? p->k - q : depth; \
        for (hg_size j = 0; j < p->n; j += 2 * W) { \
            hg_size w = p->n - j < 2 * W ? p->n - j : 2 * W, width = w > W ? 2 * W : W, step = p->bk; \
            const T *from = b + q * p->bk + j * p->bn, *x = a + q * p->ak, *start = row ? row + j : NULL; \
            if (p->bn != 1 || w < width || (step * (hg_size)sizeof(T) >= HG_APART && p->m >= 64)) { \
                HG(panel_##T)(from, p->bk, p->bn, k, w, width, packed); \
                from = packed, step = width; \
            } \
            if (w == 2 * W) \
                HG(cells_##T)(2, 1, w, p->m, k, x, p->am, p->ak, from, step, c + j, p->cm, alpha, beta, start); \
            else if (w > W) \
                HG(cells_##T)(2, 0, w, p->m, k, x, p->am, p->ak, from, step, c + j, p->cm, alpha, beta, start); \
            else \
                HG(cells_##T)(1, 0, w, p->m, k, x, p->am, p->ak, from, step, c + j, p->cm, alpha, beta, start); \
        } \
        beta = 1, row = NULL; \
    } \
}

HG_PANELS(f32)
HG_PANELS(f64)
#undef HG_PANELS
static const hg_panels_table HG(panels) = {HG(tile_f32), HG(tile_f64)};
