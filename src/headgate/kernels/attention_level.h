/* Inner loops of attention over one row of scores, one copy per instruction-set level; products are those of the tiles.
 * It must not know heads, threads nor Python. */
#include "tiles_level.h"

#define HG_SCORES(T, I, EXP) \
static void HG(scaled_##T)(T *restrict x, hg_size n, T scale, const T *mask, hg_size step) \
{ \
    if (!mask) \
        for (hg_size i = 0; i < n; i++) \
            x[i] *= scale; \
    else if (step == 1) \
        for (hg_size i = 0; i < n; i++) \
            x[i] = x[i] * scale + mask[i]; \
    else \
        for (hg_size i = 0; i < n; i++) \
            x[i] = x[i] * scale + mask[i * step]; \
} \
static T HG(total_##T)(const T *x, hg_size n) \
{ \
    typedef HG(v_##T) V; \
    enum { W = HG_VECTOR / sizeof(T) }; \
    V sum = {0}; \
    T total = 0; \
    hg_size i = 0; \
    for (; i + W <= n; i += W) \
        sum += HG_LOAD(V, x + i); \
    for (int l = 0; l < W; l++) \
        total += sum[l]; \
    for (; i < n; i++) \
        total += x[i]; \
    return total; \
} \
static T HG(inner_##T)(const T *x, const T *y, hg_size n) \
{ \
    typedef HG(v_##T) V; \
    enum { W = HG_VECTOR / sizeof(T) }; \
    V sum = {0}; \
    T total = 0; \
    hg_size i = 0; \
    for (; i + W <= n; i += W) \
        sum += HG_LOAD(V, x + i) * HG_LOAD(V, y + i); \
    for (int l = 0; l < W; l++) \
        total += sum[l]; \
    for (; i < n; i++) \
        total += x[i] * y[i]; \
    return total; \
} \
static T HG(top_##T)(const T *x, hg_size n) \
{ \
    typedef HG(v_##T) V; \
    typedef HG(v_##I) M; \
    enum { W = HG_VECTOR / sizeof(T) }; \
    T best = -(T)INFINITY; \
    hg_size i = 0; \
    if (n >= W) { \
        V top = HG_LOAD(V, x); \
        for (i = W; i + W <= n; i += W) { \
            V next = HG_LOAD(V, x + i); \
            top = HG_PICK(next > top, next, top, V, M); \
        } \
        for (int l = 0; l < W; l++) \
            best = top[l] > best ? top[l] : best; \
    } \
    for (; i < n; i++) \
        best = x[i] > best ? x[i] : best; \
    return best; \
} \
/* x = e^(x - top); 1 over their sum, and the logarithm of the sum of e^x. A row of -infinity counts as nothing. */ \
static T HG(powers_##T)(T *restrict x, hg_size n, T *log) \
{ \
    T top = HG(top_##T)(x, n), total; \
    if (top == -(T)INFINITY) \
        top = 0; \
    for (hg_size i = 0; i < n; i++) \
        x[i] = EXP(x[i] - top); \
    total = HG(total_##T)(x, n); \
    *log = total == 0 ? (T)INFINITY : top + (T)log_of(total); \
    return total == 0 ? 0 : 1 / total; \
} \
static void HG(again_##T)(T *restrict x, hg_size n, T log) \
{ \
    for (hg_size i = 0; i < n; i++) \
        x[i] = EXP(x[i] - log); \
} \
static void HG(times_##T)(T *restrict x, hg_size n, T factor) \
{ \
    for (hg_size i = 0; i < n; i++) \
        x[i] *= factor; \
} \
static void HG(slope_##T)(const T *p, T *restrict d, hg_size n, T inner, T scale) \
{ \
    for (hg_size i = 0; i < n; i++) \
        d[i] = p[i] * (d[i] - inner) * scale; \
}

HG_SCORES(f32, i32, f_quick)
HG_SCORES(f64, i64, d_quick)
#undef HG_SCORES
#define HG_SET(T) { \
        HG(rows_times_##T), HG(turned_##T), HG(powers_##T), HG(scaled_##T), HG(again_##T), HG(times_##T), \
        HG(slope_##T), HG(inner_##T), \
    }
static const hg_attention_table HG(attention) = {HG_SET(f32), HG_SET(f64)};
#undef HG_SET
