/* Inner loops of softmax and its kin, one copy per instruction-set level: an exponential on vectors, and the passes
 * over a row, or over a block of rows for columns. It must not know Python, nor threads. */

/* e^x by 2^n * e^r, r within ln 2 / 2. The power of two is applied in two halves so that subnormal results are right. */
HG_INLINE HG(v_f32) HG(exp_f32)(HG(v_f32) x)
{
    typedef HG(v_f32) V;
    typedef HG(v_i32) I;
    V magic = (V){0} + 12582912.0f;
    x = HG_PICK(x < -105.0f, (V){0} - 105.0f, x, V, I);
    x = HG_PICK(x > 90.0f, (V){0} + 90.0f, x, V, I);
    V t = x * 1.44269504088896341f + magic, n = t - magic;
    V r = x - n * 0.693359375f + n * 2.12194440e-4f, p;
    p = (V){0} + 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    I whole = (I)t - (I)magic, half = whole >> 1;
    return p * (V)((half + 127) << 23) * (V)((whole - half + 127) << 23);
}

HG_INLINE HG(v_f64) HG(exp_f64)(HG(v_f64) x)
{
    typedef HG(v_f64) V;
    typedef HG(v_i64) I;
    V magic = (V){0} + 6755399441055744.0;
    x = HG_PICK(x < -746.0, (V){0} - 746.0, x, V, I);
    x = HG_PICK(x > 710.0, (V){0} + 710.0, x, V, I);
    V t = x * 1.4426950408889634074 + magic, n = t - magic;
    V r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10, p;
    p = (V){0} + 1.6059043836821614599e-10;
    p = p * r + 2.0876756987868098979e-9;
    p = p * r + 2.5052108385441718775e-8;
    p = p * r + 2.7557319223985890653e-7;
    p = p * r + 2.7557319223985890653e-6;
    p = p * r + 2.4801587301587301587e-5;
    p = p * r + 1.9841269841269841270e-4;
    p = p * r + 1.3888888888888888889e-3;
    p = p * r + 8.3333333333333333333e-3;
    p = p * r + 4.1666666666666666667e-2;
    p = p * r + 1.6666666666666666667e-1;
    p = p * r + 0.5;
    p = p * (r * r) + r + 1.0;
    I whole = (I)t - (I)magic, half = whole >> 1;
    return p * (V)((half + 1023) << 52) * (V)((whole - half + 1023) << 52);
}

/* The first n elements of a vector, zero behind them; and the way back. */
#if HG_LEVEL == 2
#define FRONT_f32(x, n) ((HG(v_f32))_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), (x)))
#define FRONT_f64(x, n) ((HG(v_f64))_mm512_maskz_loadu_pd((__mmask8)((1u << (n)) - 1), (x)))
#define STORE_FRONT_f32(out, v, n) _mm512_mask_storeu_ps((out), (__mmask16)((1u << (n)) - 1), (__m512)(v))
#define STORE_FRONT_f64(out, v, n) _mm512_mask_storeu_pd((out), (__mmask8)((1u << (n)) - 1), (__m512d)(v))
#else
#define FRONT(V, T, x, n) ({ V front_ = (V){0}; for (hg_size f_ = 0; f_ < (n); f_++) front_[f_] = (x)[f_]; front_; })
#define FRONT_f32(x, n) FRONT(HG(v_f32), f32, x, n)
#define FRONT_f64(x, n) FRONT(HG(v_f64), f64, x, n)
#define STORE_FRONT(out, v, n) for (hg_size f_ = 0; f_ < (n); f_++) (out)[f_] = (v)[f_]
#define STORE_FRONT_f32(out, v, n) STORE_FRONT(out, v, n)
#define STORE_FRONT_f64(out, v, n) STORE_FRONT(out, v, n)
#endif

#define WIDTH(T) ((hg_size)(HG_VECTOR / sizeof(T)))
#define VECTORS (HG_LANES / HG_VECTOR)
#define LANES(T) ((hg_size)(HG_LANES / sizeof(T)))

#define PASSES(T, I) \
/* Up to a vector of elements, zero behind them. */ \
HG_INLINE HG(v_##T) HG(some_##T)(const T *x, hg_size n) \
{ \
    return n == WIDTH(T) ? HG_LOAD(HG(v_##T), x) : FRONT_##T(x, n); \
} \
HG_INLINE void HG(put_##T)(T *out, HG(v_##T) v, hg_size n) \
{ \
    if (n == WIDTH(T)) \
        memcpy(out, &v, sizeof v); \
    else \
        STORE_FRONT_##T(out, v, n); \
} \
HG_INLINE HG(v_##T) HG(larger_##T)(HG(v_##T) a, HG(v_##T) b) \
{ \
    return HG_PICK((b > a) | (b != b), b, a, HG(v_##T), HG(v_##I)); \
} \
HG_INLINE T HG(join_##T)(const HG(v_##T) *sum) \
{ \
    T lane[HG_LANES / sizeof(T)]; \
    memcpy(lane, sum, sizeof lane); \
    for (hg_size half = LANES(T) / 2; half; half /= 2) \
        for (hg_size l = 0; l < half; l++) \
            lane[l] += lane[l + half]; \
    return lane[0]; \
} \
static T HG(top_##T)(const T *x, hg_size n) \
{ \
    typedef HG(v_##T) V; \
    const hg_size w = WIDTH(T); \
    T best = (T)-INFINITY; \
    hg_size i = 0; \
    V a = (V){0} + best, b = a, c = a, d = a; \
    for (; i + 4 * w <= n; i += 4 * w) { \
        a = HG(larger_##T)(a, HG_LOAD(V, x + i)); \
        b = HG(larger_##T)(b, HG_LOAD(V, x + i + w)); \
        c = HG(larger_##T)(c, HG_LOAD(V, x + i + 2 * w)); \
        d = HG(larger_##T)(d, HG_LOAD(V, x + i + 3 * w)); \
    } \
    for (; i + w <= n; i += w) \
        a = HG(larger_##T)(a, HG_LOAD(V, x + i)); \
    if (i < n && n >= w) { /* the last vector once more, from where it is whole */ \
        a = HG(larger_##T)(a, HG_LOAD(V, x + n - w)); \
        i = n; \
    } \
    a = HG(larger_##T)(HG(larger_##T)(a, b), HG(larger_##T)(c, d)); \
    T lane[HG_VECTOR / sizeof(T)]; \
    memcpy(lane, &a, sizeof lane); \
    for (hg_size half = w / 2; half; half /= 2) \
        for (hg_size l = 0; l < half; l++) \
            lane[l] = lane[l + half] > lane[l] || lane[l + half] != lane[l + half] ? lane[l + half] : lane[l]; \
    best = lane[0]; \
    for (; i < n; i++) \
        best = x[i] > best || x[i] != x[i] ? x[i] : best; \
    return best; \
} \
/* The sum of e^(x - top), the powers stored in `out` unless it is NULL. */ \
static T HG(powers_##T)(const T *x, T *out, hg_size n, T top) \
{ \
    typedef HG(v_##T) V; \
    const hg_size w = WIDTH(T); \
    V sum[VECTORS] = {{0}}; \
    hg_size i = 0; \
    for (; i + LANES(T) <= n; i += LANES(T)) { \
        _Pragma("GCC unroll 16") \
        for (int k = 0; k < VECTORS; k++) { \
            V e = HG(exp_##T)(HG_LOAD(V, x + i + k * w) - top); \
            sum[k] += e; \
            if (out) \
                memcpy(out + i + k * w, &e, sizeof e); \
        } \
    } \
    for (int k = 0; i < n; i += w, k++) { \
        hg_size left = n - i < w ? n - i : w; \
        V e = HG(exp_##T)(HG(some_##T)(x + i, left) - top); \
        if (left < w) \
            e = HG(some_##T)((const T *)&e, left); \
        sum[k] += e; \
        if (out) \
            HG(put_##T)(out + i, e, left); \
    } \
    return HG(join_##T)(sum); \
} \
static void HG(scale_##T)(T *x, hg_size n, T factor) \
{ \
    for (hg_size i = 0; i < n; i++) \
        x[i] *= factor; \
} \
static void HG(lower_##T)(const T *x, T *out, hg_size n, T top, T log_sum) \
{ \
    for (hg_size i = 0; i < n; i++) \
        out[i] = (x[i] - top) - log_sum; \
} \
/* sum of g * y, or of g alone if y is NULL */ \
HG_INLINE T HG(inner_body_##T)(const T *g, const T *y, hg_size n) \
{ \
    typedef HG(v_##T) V; \
    const hg_size w = WIDTH(T); \
    V sum[VECTORS] = {{0}}; \
    hg_size i = 0; \
    for (; i + LANES(T) <= n; i += LANES(T)) { \
        _Pragma("GCC unroll 16") \
        for (int k = 0; k < VECTORS; k++) { \
            V e = HG_LOAD(V, g + i + k * w); \
            sum[k] += y ? e * HG_LOAD(V, y + i + k * w) : e; \
        } \
    } \
    for (int k = 0; i < n; i += w, k++) { \
        hg_size left = n - i < w ? n - i : w; \
        V e = HG(some_##T)(g + i, left); \
        sum[k] += y ? e * HG(some_##T)(y + i, left) : e; \
    } \
    return HG(join_##T)(sum); \
} \
static T HG(inner_##T)(const T *g, const T *y, hg_size n) \
{ \
    return y ? HG(inner_body_##T)(g, y, n) : HG(inner_body_##T)(g, NULL, n); \
} \
HG_INLINE void HG(back_body_##T)(const T *g, const T *y, T *out, hg_size n, T total, int log) \
{ \
    typedef HG(v_##T) V; \
    const hg_size w = WIDTH(T); \
    for (hg_size i = 0; i < n; i += w) { \
        hg_size left = n - i < w ? n - i : w; \
        V e = HG(some_##T)(g + i, left), v = HG(some_##T)(y + i, left); \
        v = log ? e - HG(exp_##T)(v) * total : v * (e - total); \
        HG(put_##T)(out + i, v, left); \
    } \
} \
static void HG(back_##T)(const T *g, const T *y, T *out, hg_size n, T total, int log) \
{ \
    if (log) \
        HG(back_body_##T)(g, y, out, n, total, 1); \
    else \
        HG(back_body_##T)(g, y, out, n, total, 0); \
} \
/* The same for w <= HG_STRIP columns, n rows `step` elements apart; out rows are `out_step` apart. */ \
static void HG(forward_columns_##T)(const T *x, hg_size step, T *out, hg_size out_step, hg_size n, hg_size w, int what) \
{ \
    typedef HG(v_##T) V; \
    const hg_size u = WIDTH(T); \
    T top[HG_STRIP], sum[HG_STRIP]; \
    for (hg_size j = 0; j < w + u && j < HG_STRIP; j++) { \
        top[j] = j < w ? (T)-INFINITY : 0; \
        sum[j] = 0; \
    } \
    for (hg_size r = 0; r < n; r++) \
        for (hg_size j = 0; j < w; j++) { \
            T e = x[r * step + j], t = top[j]; \
            t = e > t ? e : t; \
            top[j] = e != e ? e : t; \
        } \
    if (what == HG_LOGSUMEXP) \
        for (hg_size j = 0; j < w; j++) \
            top[j] = top[j] - top[j] == 0 ? top[j] : 0; \
    for (hg_size r = 0; r < n; r++) { \
        const T *row = x + r * step; \
        T *to = out + r * out_step; \
        for (hg_size j = 0; j < w; j += u) { \
            hg_size left = w - j < u ? w - j : u; \
            V v = HG(some_##T)(row + j, left); \
            v = HG(exp_##T)(v - HG_LOAD(V, top + j)); \
            V s = HG_LOAD(V, sum + j) + v; \
            memcpy(sum + j, &s, sizeof s); \
            if (what == HG_SOFTMAX) \
                HG(put_##T)(to + j, v, left); \
        } \
    } \
    if (what == HG_SOFTMAX) \
        for (hg_size j = 0; j < w; j++) \
            sum[j] = 1 / sum[j]; \
    else \
        for (hg_size j = 0; j < w; j++) \
            sum[j] = (T)log(sum[j]); \
    if (what == HG_LOGSUMEXP) { \
        for (hg_size j = 0; j < w; j++) \
            out[j] = sum[j] + top[j]; \
        return; \
    } \
    for (hg_size r = 0; r < n; r++) { \
        const T *row = x + r * step; \
        T *to = out + r * out_step; \
        if (what == HG_SOFTMAX) \
            for (hg_size j = 0; j < w; j++) \
                to[j] *= sum[j]; \
        else \
            for (hg_size j = 0; j < w; j++) \
                to[j] = (row[j] - top[j]) - sum[j]; \
    } \
} \
static void HG(backward_columns_##T)(const T *g, const T *y, hg_size step, T *out, hg_size out_step, hg_size n, hg_size w, \
                                     int log) \
{ \
    typedef HG(v_##T) V; \
    const hg_size u = WIDTH(T); \
    T total[HG_STRIP] = {0}; \
    for (hg_size r = 0; r < n; r++) \
        for (hg_size j = 0; j < w; j++) \
            total[j] += log ? g[r * step + j] : g[r * step + j] * y[r * step + j]; \
    for (hg_size r = 0; r < n; r++) \
        for (hg_size j = 0; j < w; j += u) { \
            hg_size left = w - j < u ? w - j : u, at = r * step + j; \
            V e = HG(some_##T)(g + at, left); \
            V v = HG(some_##T)(y + at, left), t = HG_LOAD(V, total + j); \
            v = log ? e - HG(exp_##T)(v) * t : v * (e - t); \
            HG(put_##T)(out + r * out_step + j, v, left); \
        } \
}

PASSES(f32, i32)
PASSES(f64, i64)
#define SET(T) {HG(top_##T), HG(powers_##T), HG(scale_##T), HG(lower_##T), HG(inner_##T), HG(back_##T), \
                HG(forward_columns_##T), HG(backward_columns_##T)}
static const hg_softmax_table HG(softmax) = {SET(f32), SET(f64), HG(from_half), HG(to_half)};
#undef SET
#undef PASSES
#undef VECTORS
#undef WIDTH
#undef LANES
#undef FRONT_f32
#undef FRONT_f64
#undef STORE_FRONT_f32
#undef STORE_FRONT_f64
#undef FRONT
#undef STORE_FRONT
