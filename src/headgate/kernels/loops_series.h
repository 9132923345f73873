/* What loops_rare.h needs once for both types: neighbours, series, and functions over blocks. */

static inline float f_neighbour(float a, float b) {
    uint32_t bits;
    float next;
    memcpy(&bits, &a, 4);
    bits = (a < b) == (a > 0) ? bits + 1 : bits - 1;
    memcpy(&next, &bits, 4);
    next = a == 0 ? __builtin_copysignf(1.40129846e-45f, b) : next;
    return a != a || b != b ? a + b : a == b ? b : next;
}

static inline double d_neighbour(double a, double b) {
    uint64_t bits;
    double next;
    memcpy(&bits, &a, 8);
    bits = (a < b) == (a > 0) ? bits + 1 : bits - 1;
    memcpy(&next, &bits, 8);
    next = a == 0 ? __builtin_copysign(4.9406564584124654e-324, b) : next;
    return a != a || b != b ? a + b : a == b ? b : next;
}

static inline void block_math(int kind, int which, void *x, ptrdiff_t n) {
    const ptrdiff_t size = kind ? 8 : 4, steps[2] = {size, size};
    char *args[2] = {x, x};
    hg_maths[kind][which].inner(args, &n, steps, hg_maths[kind][which].data);
}

/* Clenshaw's recurrence for a Chebyshev series (highest term first, Cephes' convention: half the last difference). */
static void chebyshev(const double *terms, int count, const double *x, double *b0, double *b1, ptrdiff_t n) {
    double b2[BLOCK];
    for (ptrdiff_t i = 0; i < n; i++) b0[i] = terms[0], b1[i] = 0, b2[i] = 0;
    for (int k = 1; k < count; k++)
        IVDEP for (ptrdiff_t i = 0; i < n; i++) {
            const double c2 = b1[i], c1 = b0[i];
            b2[i] = c2, b1[i] = c1, b0[i] = x[i] * c1 - c2 + terms[k];
        }
    for (ptrdiff_t i = 0; i < n; i++) b0[i] = 0.5 * (b0[i] - b2[i]);
}

/* erfinv(x) / x from w = -log(1 - x^2), to about 1e-7 (Giles 2010, single precision) */
static inline double giles(double w) {
    const double u = w - 2.5, v = __builtin_sqrt(w < 5 ? 5 : w) - 3;
    double p = 2.81022636e-08, q = -0.000200214257;
    p = p * u + 3.43273939e-07, q = q * v + 0.000100950558;
    p = p * u - 3.5233877e-06, q = q * v + 0.00134934322;
    p = p * u - 4.39150654e-06, q = q * v - 0.00367342844;
    p = p * u + 0.00021858087, q = q * v + 0.00573950773;
    p = p * u - 0.00125372503, q = q * v - 0.0076224613;
    p = p * u - 0.00417768164, q = q * v + 0.00943887047;
    p = p * u + 0.246640727, q = q * v + 1.00167406;
    p = p * u + 1.50140941, q = q * v + 2.83297682;
    return w < 5 ? p : q;
}

static const double i0_near[30] = {
    -4.4153416464793395e-18, 3.3307945188222384e-17, -2.431279846547955e-16, 1.715391285555133e-15,
    -1.1685332877993451e-14, 7.676185498604936e-14, -4.856446783111929e-13, 2.95505266312964e-12,
    -1.726826291441556e-11, 9.675809035373237e-11, -5.189795601635263e-10, 2.6598237246823866e-09,
    -1.300025009986248e-08, 6.046995022541919e-08, -2.670793853940612e-07, 1.1173875391201037e-06,
    -4.4167383584587505e-06, 1.6448448070728896e-05, -5.754195010082104e-05, 0.00018850288509584165,
    -0.0005763755745385824, 0.0016394756169413357, -0.004324309995050576, 0.010546460394594998,
    -0.02373741480589947, 0.04930528423967071, -0.09490109704804764, 0.17162090152220877, -0.3046826723431984,
    0.6767952744094761};
static const double i0_far[25] = {
    -7.233180487874754e-18, -4.830504485944182e-18, 4.46562142029676e-17, 3.461222867697461e-17,
    -2.8276239805165836e-16, -3.425485619677219e-16, 1.7725601330565263e-15, 3.8116806693526224e-15,
    -9.554846698828307e-15, -4.150569347287222e-14, 1.54008621752141e-14, 3.8527783827421426e-13,
    7.180124451383666e-13, -1.7941785315068062e-12, -1.3215811840447713e-11, -3.1499165279632416e-11,
    1.1889147107846439e-11, 4.94060238822497e-10, 3.3962320257083865e-09, 2.266668990498178e-08,
    2.0489185894690638e-07, 2.8913705208347567e-06, 6.889758346916825e-05, 0.0033691164782556943,
    0.8044904110141088};
