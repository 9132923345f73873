/* Inner loops of normalisation, one copy per instruction-set level: sums, squares of deviations, products with a
 * gradient, and the passes that write. Sums are kept in vectors of the element type for at most SPAN elements and then
 * added up in double. It must not know Python, threads, nor which axes are normalised. */
#define WIDTH(T) ((hg_size)(HG_VECTOR / sizeof(T)))
#define VECTORS (HG_LANES / HG_VECTOR)
#define LANES(T) ((hg_size)(HG_LANES / sizeof(T)))
#define SPAN 4096
#define ROWS 64 /* rows of columns that are added before they go to double */

/* All lanes of a sum: in pairs down to eight, those in double. The same order on every level. */
#define LANES_ADD(T) \
HG_INLINE double HG(lanes_##T)(const HG(v_##T) *sum) \
{ \
    T lane[HG_LANES / sizeof(T)]; \
    memcpy(lane, sum, sizeof lane); \
    for (hg_size half = LANES(T) / 2; half >= 8; half /= 2) \
        for (hg_size l = 0; l < half; l++) \
            lane[l] += lane[l + half]; \
    double total = 0; \
    for (hg_size l = 0; l < 8; l++) \
        total += lane[l]; \
    return total; \
}

#define NORMAL(T) \
LANES_ADD(T) \
static double HG(sum_##T)(const T *x, hg_size n) \
{ \
    typedef HG(v_##T) V; \
    double total = 0; \
    hg_size i = 0; \
    while (n - i >= LANES(T)) { \
        V sum[VECTORS] = {{0}}; \
        hg_size end = n - i < SPAN ? n : i + SPAN; \
        for (; i + LANES(T) <= end; i += LANES(T)) { \
            _Pragma("GCC unroll 16") \
            for (int k = 0; k < VECTORS; k++) \
                sum[k] += HG_LOAD(V, x + i + k * WIDTH(T)); \
        } \
        total += HG(lanes_##T)(sum); \
    } \
    for (; i < n; i++) \
        total += x[i]; \
    return total; \
} \
static double HG(squares_##T)(const T *x, hg_size n, T mean) \
{ \
    typedef HG(v_##T) V; \
    double total = 0; \
    hg_size i = 0; \
    while (n - i >= LANES(T)) { \
        V sum[VECTORS] = {{0}}; \
        hg_size end = n - i < SPAN ? n : i + SPAN; \
        for (; i + LANES(T) <= end; i += LANES(T)) { \
            _Pragma("GCC unroll 16") \
            for (int k = 0; k < VECTORS; k++) { \
                V d = HG_LOAD(V, x + i + k * WIDTH(T)) - mean; \
                sum[k] += d * d; \
            } \
        } \
        total += HG(lanes_##T)(sum); \
    } \
    for (; i < n; i++) \
        total += (double)(x[i] - mean) * (x[i] - mean); \
    return total; \
} \
/* The sums of g w and g w (x - mean); w may be NULL. */ \
HG_INLINE void HG(products_body_##T)(const T *g, const T *x, const T *w, hg_size n, T mean, double *to) \
{ \
    typedef HG(v_##T) V; \
    double plain = 0, product = 0; \
    hg_size i = 0; \
    while (n - i >= LANES(T)) { \
        V a[VECTORS] = {{0}}, b[VECTORS] = {{0}}; \
        hg_size end = n - i < SPAN ? n : i + SPAN; \
        for (; i + LANES(T) <= end; i += LANES(T)) { \
            _Pragma("GCC unroll 16") \
            for (int k = 0; k < VECTORS; k++) { \
                V e = HG_LOAD(V, g + i + k * WIDTH(T)); \
                if (w) \
                    e *= HG_LOAD(V, w + i + k * WIDTH(T)); \
                a[k] += e; \
                b[k] += e * (HG_LOAD(V, x + i + k * WIDTH(T)) - mean); \
            } \
        } \
        plain += HG(lanes_##T)(a); \
        product += HG(lanes_##T)(b); \
    } \
    for (; i < n; i++) { \
        T e = w ? g[i] * w[i] : g[i]; \
        plain += e; \
        product += (double)e * (x[i] - mean); \
    } \
    to[0] += plain; \
    to[1] += product; \
} \
static void HG(products_##T)(const T *g, const T *x, const T *w, hg_size n, T mean, double *to) \
{ \
    if (w) \
        HG(products_body_##T)(g, x, w, n, mean, to); \
    else \
        HG(products_body_##T)(g, x, NULL, n, mean, to); \
} \
/* (x - mean) a + b with single numbers. */ \
static void HG(scale_##T)(const T *x, T *restrict out, hg_size n, T mean, T a, T b) \
{ \
    for (hg_size i = 0; i < n; i++) \
        out[i] = (x[i] - mean) * a + b; \
} \
/* (x - mean) r w + b with a weight and a bias for each element, either of which may be NULL. */ \
static void HG(affine_##T)(const T *x, T *restrict out, hg_size n, T mean, T r, const T *w, const T *b) \
{ \
    if (w && b) \
        for (hg_size i = 0; i < n; i++) \
            out[i] = (x[i] - mean) * r * w[i] + b[i]; \
    else if (w) \
        for (hg_size i = 0; i < n; i++) \
            out[i] = (x[i] - mean) * r * w[i]; \
    else if (b) \
        for (hg_size i = 0; i < n; i++) \
            out[i] = (x[i] - mean) * r + b[i]; \
    else \
        for (hg_size i = 0; i < n; i++) \
            out[i] = (x[i] - mean) * r; \
} \
/* g w a + (x - mean) b + c; w may be NULL. */ \
static void HG(back_##T)(const T *g, const T *x, const T *w, T *restrict out, hg_size n, T mean, T a, T b, T c) \
{ \
    if (w) \
        for (hg_size i = 0; i < n; i++) \
            out[i] = g[i] * w[i] * a + ((x[i] - mean) * b + c); \
    else \
        for (hg_size i = 0; i < n; i++) \
            out[i] = g[i] * a + ((x[i] - mean) * b + c); \
} \
/* Adds g (x - mean) r and g to sums of the element type. */ \
static void HG(collect_##T)(const T *g, const T *x, hg_size n, T mean, T r, T *restrict gw, T *restrict gb) \
{ \
    for (hg_size i = 0; i < n; i++) { \
        gw[i] += g[i] * ((x[i] - mean) * r); \
        gb[i] += g[i]; \
    } \
} \
/* w <= HG_STRIP columns of n rows, `step` elements apart: sums into doubles. mean NULL: the sum, else squares. */ \
static void HG(column_sums_##T)(const T *x, hg_size step, hg_size n, hg_size w, const T *mean, double *to) \
{ \
    for (hg_size j = 0; j < w; j++) \
        to[j] = 0; \
    for (hg_size first = 0; first < n; first += ROWS) { \
        T sum[HG_STRIP] = {0}; \
        hg_size end = n - first < ROWS ? n : first + ROWS; \
        for (hg_size r = first; r < end; r++) { \
            const T *row = x + r * step; \
            if (mean) \
                for (hg_size j = 0; j < w; j++) \
                    sum[j] += (row[j] - mean[j]) * (row[j] - mean[j]); \
            else \
                for (hg_size j = 0; j < w; j++) \
                    sum[j] += row[j]; \
        } \
        for (hg_size j = 0; j < w; j++) \
            to[j] += sum[j]; \
    } \
} \
static void HG(column_products_##T)(const T *g, const T *x, hg_size step, hg_size n, hg_size w, const T *mean, \
                                    double *plain, double *product) \
{ \
    for (hg_size j = 0; j < w; j++) \
        plain[j] = product[j] = 0; \
    for (hg_size first = 0; first < n; first += ROWS) { \
        T a[HG_STRIP] = {0}, b[HG_STRIP] = {0}; \
        hg_size end = n - first < ROWS ? n : first + ROWS; \
        for (hg_size r = first; r < end; r++) { \
            const T *h = g + r * step, *row = x + r * step; \
            for (hg_size j = 0; j < w; j++) { \
                a[j] += h[j]; \
                b[j] += h[j] * (row[j] - mean[j]); \
            } \
        } \
        for (hg_size j = 0; j < w; j++) { \
            plain[j] += a[j]; \
            product[j] += b[j]; \
        } \
    } \
} \
static void HG(column_scale_##T)(const T *x, T *restrict out, hg_size step, hg_size n, hg_size w, const T *mean, \
                                 const T *a, const T *b) \
{ \
    for (hg_size r = 0; r < n; r++) \
        for (hg_size j = 0; j < w; j++) \
            out[r * step + j] = (x[r * step + j] - mean[j]) * a[j] + b[j]; \
} \
static void HG(column_back_##T)(const T *g, const T *x, T *restrict out, hg_size step, hg_size n, hg_size w, \
                                const T *mean, const T *a, const T *b, const T *c) \
{ \
    for (hg_size r = 0; r < n; r++) \
        for (hg_size j = 0; j < w; j++) \
            out[r * step + j] = g[r * step + j] * a[j] + ((x[r * step + j] - mean[j]) * b[j] + c[j]); \
}

NORMAL(f32)
NORMAL(f64)
#define SET(T) {HG(sum_##T), HG(squares_##T), HG(products_##T), HG(scale_##T), HG(affine_##T), HG(back_##T), \
                HG(collect_##T), HG(column_sums_##T), HG(column_products_##T), HG(column_scale_##T), \
                HG(column_back_##T)}
static const hg_normal_table HG(normal) = {SET(f32), SET(f64)};
#undef SET
#undef NORMAL
#undef LANES_ADD
#undef SPAN
#undef ROWS
#undef WIDTH
#undef VECTORS
#undef LANES
