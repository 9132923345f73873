/* Bessel functions and others from Chebyshev series, for one floating type, included like loops_rare.h. All is computed
   in blocks of float64; what no number of a block needs is left out, and of a long series its first terms, below 1e-10
   of the sum, where the result is float32. */
#if KIND == 0
#define SERIES(terms, count, skip, x, y) chebyshev(terms + (skip), (count) - (skip), x, y, m)
#else
#define SERIES(terms, count, skip, x, y) chebyshev(terms, count, x, y, m)
#endif

/* Both series of a modified Bessel function of the first kind times e^-|x|: P up to 8, Q beyond. */
static inline void FN(bessel)(const T *A, ptrdiff_t m, const double *near_terms, int near_count,
                              const double *far_terms, double *E, double *P, double *Q) {
    double V[BLOCK];
    const ptrdiff_t s = 0;
    int near = 0, far = 0;
    EACH(E[i] = MATH(__builtin_fabs)(A[s + i]); near |= E[i] <= 8; far |= !(E[i] <= 8))
    if (near) {
        EACH(V[i] = E[i] / 2 - 2)
        SERIES(near_terms, near_count, 10, V, P);
    }
    if (far) {
        EACH(V[i] = 32 / E[i] - 2)
        SERIES(far_terms, 25, 16, V, Q);
    }
}
#define FIRST_0(name, scale)                                                                                 \
    KERNEL(name) {                                                                                           \
        double E[BLOCK], P[BLOCK], Q[BLOCK];                                                                 \
        UNUSED;                                                                                              \
        BLOCKS(FN(bessel)(A + s, m, i0_near, 30, i0_far, E, P, Q);                                           \
               EACH(Y[s + i] = (T)(scale(E[i]) * (E[i] <= 8 ? P[i] : Q[i] / __builtin_sqrt(E[i])))))         \
    }                                                                                                        \
    LOOP(name, 1)
#define FIRST_1(name, scale)                                                                                 \
    KERNEL(name) {                                                                                           \
        double E[BLOCK], P[BLOCK], Q[BLOCK];                                                                 \
        UNUSED;                                                                                              \
        BLOCKS(FN(bessel)(A + s, m, i1_near, 29, i1_far, E, P, Q);                                           \
               EACH(const double y = scale(E[i]) * (E[i] <= 8 ? P[i] * E[i] : Q[i] / __builtin_sqrt(E[i]));  \
                    Y[s + i] = (T)(A[s + i] < 0 ? -y : y)))                                                  \
    }                                                                                                        \
    LOOP(name, 1)
#define ONE(x) 1.0
FIRST_0(i0, d_expo) /* at infinity inf times 0, NaN, as PyTorch has it; so with i1 */
FIRST_0(i0e, ONE)
FIRST_1(i1, d_expo)
FIRST_1(i1e, ONE)
FIRST_1(modified_bessel_i1, d_expo)

/* The second kind: up to 2 its power series beside a logarithm, beyond a series in 8 / x. Infinite at 0, NaN below. */
#define SECOND(name, far_terms, near_value, near_scale, far_scale)                                           \
    KERNEL(name) {                                                                                           \
        double L[BLOCK], V[BLOCK], Q[BLOCK];                                                                 \
        UNUSED;                                                                                              \
        BLOCKS(                                                                                              \
            int near = 0, far = 0;                                                                           \
            EACH(const double x = A[s + i]; near |= x <= 2; far |= !(x <= 2);                                \
                 L[i] = x > 0 && x <= 2 ? x / 2 : 1; V[i] = x <= 2 ? 2 : 8 / x - 2)                          \
            if (near) block_math(1, HG_LOG, L, m);                                                           \
            if (far) SERIES(far_terms, 24, 12, V, Q);                                                      \
            if (near) EACH(const double x = A[s + i]; const double t = x * x / 4; const double l = L[i];     \
                           L[i] = x > 0 ? near_scale(x) * (near_value) : x == 0 ? INFINITY : NAN)            \
            if (far) EACH(const double x = A[s + i]; Q[i] = far_scale(-x) * Q[i] / __builtin_sqrt(x))        \
            EACH(Y[s + i] = (T)(A[s + i] <= 2 ? L[i] : Q[i])))                                               \
    }                                                                                                        \
    LOOP(name, 1)
#define K0_NEAR k0_terms(t) - l * i0_terms(t)
#define K1_NEAR 1 / x + x / 2 * (l * i1_terms(t) - k1_terms(t))
SECOND(modified_bessel_k0, k0_far, K0_NEAR, ONE, d_expo)
SECOND(modified_bessel_k1, k1_far, K1_NEAR, ONE, d_expo)
SECOND(scaled_modified_bessel_k0, k0_far, K0_NEAR, d_expo, ONE)
SECOND(scaled_modified_bessel_k1, k1_far, K1_NEAR, d_expo, ONE)
#undef FIRST_0
#undef FIRST_1
#undef SECOND
#undef K0_NEAR
#undef K1_NEAR
#undef ONE

KERNEL(spherical_bessel_j0) {
    double S[BLOCK];
    UNUSED;
    BLOCKS(EACH(S[i] = A[s + i])
           block_math(1, HG_SIN, S, m);
           EACH(const double x = A[s + i];
                Y[s + i] = (T)(x == 0 ? 1 : __builtin_fabs(x) == INFINITY ? 0 : S[i] / x)))
}
LOOP(spherical_bessel_j0, 1)

KERNEL(erfcx) {
    double V[BLOCK], M[BLOCK];
    UNUSED;
    BLOCKS(EACH(const double q = MATH(__builtin_fabs)(A[s + i]); V[i] = q < 1e300 ? 2 * (q - 3.75) / (q + 3.75) : 2)
           SERIES(erfcx_terms, 25, 9, V, M);
           EACH(const double x = A[s + i]; const double y = M[i] / (1 + 2 * __builtin_fabs(x));
                Y[s + i] = (T)(x < 0 ? 2 * d_expo(x * x) - y : y)))
}
LOOP(erfcx, 1)

/* The nearer half's p; in the tails from z = sqrt(-2 log p), whose two logarithms are left out where none is there. */
KERNEL(ndtri) {
    double W[BLOCK], M[BLOCK], Z[BLOCK], L[BLOCK], F[BLOCK], G[BLOCK];
    UNUSED;
    BLOCKS(
        int tail = 0, far = 0;
        EACH(const double p = A[s + i]; const double d = p - 0.5; const double h = p < 0.5 ? p : 1 - p;
             W[i] = d * d < 0.140625 ? d * d / 0.03515625 - 2 : 2; tail |= h < 0.125;
             Z[i] = h > 0 && h < 0.125 ? h : 0.125)
        SERIES(quantile_centre, 22, 7, W, M);
        if (tail) {
            block_math(1, HG_LOG, Z, m);
            EACH(const double z = __builtin_sqrt(-2 * Z[i]); far |= z > 8; Z[i] = L[i] = z;
                 W[i] = z < 8 ? 32 / (3 * z) - 10.0 / 3 : -2)
            block_math(1, HG_LOG, L, m);
            SERIES(quantile_tail, 27, 11, W, F);
            if (far) {
                EACH(W[i] = Z[i] > 8 ? 40 / Z[i] - 3 : 2)
                SERIES(quantile_far, 28, 11, W, G);
            }
        }
        EACH(const double p = A[s + i]; const double d = p - 0.5;
             const double t = Z[i] - (L[i] - (Z[i] > 8 ? G[i] : F[i])) / Z[i];
             const double out = p == 0 || p == 1 ? INFINITY : p > 0 && p < 1 ? t : NAN;
             Y[s + i] = (T)(d * d > 0.140625 ? __builtin_copysign(out, d) : d * M[i])))
}
LOOP(ndtri, 1)
#undef SERIES
