/* What happens to one row of gates in a recurrent cell, forward and backward, one copy per instruction-set level. The
 * loops are plain, so the compiler makes vectors of them. It must not know steps, threads nor Python. */
#include "tiles_level.h"

/* tanh: an odd series (f32) or quotient (f64) near 0, as in Cephes (Moshier 1989); elsewhere from e^(2|x|). */
HG_INLINE f32 HG(tanh_f32)(f32 x)
{
    f32 t = __builtin_fabsf(x), s = x * x, p = -5.70498872745e-3f;
    p = p * s + 2.06390887954e-2f;
    p = p * s - 5.37397155531e-2f;
    p = p * s + 1.33314422036e-1f;
    p = p * s - 3.33332819422e-1f;
    f32 far = 1 - 2 / (f_quick(2 * (t > 20 ? 20 : t)) + 1);
    return t < 0.625f ? x + x * s * p : x != x ? x : __builtin_copysignf(far, x);
}

HG_INLINE f64 HG(tanh_f64)(f64 x)
{
    f64 t = __builtin_fabs(x), s = x * x, p = -9.64399179425052238628e-1, q = s + 1.12811678491632931402e2;
    p = p * s - 9.92877231001918586564e1;
    p = p * s - 1.61468768441708447952e3;
    q = q * s + 2.23548839060100448583e3;
    q = q * s + 4.84406305325125486048e3;
    f64 far = 1 - 2 / (d_quick(2 * (t > 40 ? 40 : t)) + 1);
    return t < 0.625 ? x + x * s * p / q : x != x ? x : __builtin_copysign(far, x);
}

HG_INLINE f32 HG(sigmoid_f32)(f32 x)
{
    return 1 / (1 + f_quick(-x));
}

HG_INLINE f64 HG(sigmoid_f64)(f64 x)
{
    return 1 / (1 + d_quick(-x));
}

#define HG_CELLS(T) \
static void HG(lstm_##T)(T *restrict gates, const T *restrict c, T *restrict cells, T *restrict out, hg_size n) \
{ \
    T *restrict f = gates + n, *restrict g = f + n, *restrict o = g + n; \
    for (hg_size j = 0; j < n; j++) { \
        T in = HG(sigmoid_##T)(gates[j]), forget = HG(sigmoid_##T)(f[j]); \
        T new = HG(tanh_##T)(g[j]), shown = HG(sigmoid_##T)(o[j]); \
        T cell = forget * c[j] + in * new; \
        gates[j] = in, f[j] = forget, g[j] = new, o[j] = shown; \
        cells[j] = cell; \
        out[j] = shown * HG(tanh_##T)(cell); \
    } \
} \
static void HG(gru_##T)(T *restrict gates, const T *restrict aside, const T *restrict h, T *restrict out, hg_size n) \
{ \
    T *restrict z = gates + n, *restrict w = z + n; \
    for (hg_size j = 0; j < n; j++) { \
        T reset = HG(sigmoid_##T)(gates[j]), kept = HG(sigmoid_##T)(z[j]); \
        T new = HG(tanh_##T)(w[j] + reset * aside[j]); \
        gates[j] = reset, z[j] = kept, w[j] = new; \
        out[j] = (h[j] - new) * kept + new; \
    } \
} \
static void HG(plain_##T)(int kind, const T *gates, T *restrict out, hg_size n) \
{ \
    if (kind == HG_TANH_CELL) \
        for (hg_size j = 0; j < n; j++) \
            out[j] = HG(tanh_##T)(gates[j]); \
    else \
        for (hg_size j = 0; j < n; j++) \
            out[j] = gates[j] < 0 ? 0 : gates[j]; \
} \
static void HG(lstm_back_##T)(const T *restrict gates, const T *restrict c, const T *restrict cells, \
                              const T *restrict dh, T *restrict dc, T *restrict dg, hg_size n) \
{ \
    const T *restrict f = gates + n, *restrict g = f + n, *restrict o = g + n; \
    T *restrict df = dg + n, *restrict dn = df + n, *restrict ds = dn + n; \
    for (hg_size j = 0; j < n; j++) { \
        T shown = HG(tanh_##T)(cells[j]), g_h = dh[j]; \
        T g_c = dc[j] + g_h * o[j] * (1 - shown * shown); \
        ds[j] = g_h * shown * o[j] * (1 - o[j]); \
        dg[j] = g_c * g[j] * gates[j] * (1 - gates[j]); \
        df[j] = g_c * c[j] * f[j] * (1 - f[j]); \
        dn[j] = g_c * gates[j] * (1 - g[j] * g[j]); \
        dc[j] = g_c * f[j]; \
    } \
} \
static void HG(gru_back_##T)(const T *restrict gates, const T *restrict aside, const T *restrict h, T *restrict dh, \
                             T *restrict dg, T *restrict da, hg_size n) \
{ \
    const T *restrict z = gates + n, *restrict w = z + n; \
    T *restrict dz = dg + n, *restrict dn = dz + n, *restrict az = da + n, *restrict an = az + n; \
    for (hg_size j = 0; j < n; j++) { \
        T g_h = dh[j]; \
        T new = g_h * (1 - z[j]) * (1 - w[j] * w[j]); \
        T kept = g_h * (h[j] - w[j]) * z[j] * (1 - z[j]); \
        T reset = new * aside[j] * gates[j] * (1 - gates[j]); \
        dg[j] = reset, dz[j] = kept, dn[j] = new; \
        da[j] = reset, az[j] = kept, an[j] = new * gates[j]; \
        dh[j] = g_h * z[j]; \
    } \
} \
static void HG(plain_back_##T)(int kind, const T *restrict out, const T *restrict dh, T *restrict dg, hg_size n) \
{ \
    if (kind == HG_TANH_CELL) \
        for (hg_size j = 0; j < n; j++) \
            dg[j] = dh[j] * (1 - out[j] * out[j]); \
    else \
        for (hg_size j = 0; j < n; j++) \
            dg[j] = out[j] > 0 ? dh[j] : 0; \
} \
static void HG(add_row_##T)(const T *x, T *restrict out, hg_size n) \
{ \
    for (hg_size j = 0; j < n; j++) \
        out[j] += x[j]; \
}

HG_CELLS(f32)
HG_CELLS(f64)
#undef HG_CELLS
#define HG_SET(T) { \
        HG(rows_times_##T), HG(rows_dot_##T), HG(turned_##T), HG(lstm_##T), HG(gru_##T), HG(plain_##T), \
        HG(lstm_back_##T), HG(gru_back_##T), HG(plain_back_##T), HG(add_row_##T), \
    }
static const hg_recurrent_table HG(recurrent) = {HG_SET(f32), HG_SET(f64)};
#undef HG_SET
