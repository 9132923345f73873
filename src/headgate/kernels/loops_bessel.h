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

/* What the centre's series does not reach is brought together, so that its logarithms are not taken of the rest. */
#define HARD(condition) unsigned char is_hard[BLOCK]; int hard[BLOCK]; \
    EACH(is_hard[i] = condition) \
    const int count = places_of(is_hard, (int)m, hard);

/* -x of the normal distribution's lower tail P, below 1/8: from z = sqrt(-2 log P) and its own logarithm. */
static inline void FN(quantile_of_tail)(double *P, ptrdiff_t m) {
    double Z[BLOCK], L[BLOCK], W[BLOCK], F[BLOCK], G[BLOCK];
    int far = 0;
    block_math(1, HG_LOG, P, m);
    EACH(const double z = __builtin_sqrt(-2 * P[i]); far |= z > 8; Z[i] = L[i] = z;
         W[i] = z < 8 ? 32 / (3 * z) - 10.0 / 3 : -2)
    block_math(1, HG_LOG, L, m);
    SERIES(quantile_tail, 27, 11, W, F);
    if (far) {
        EACH(W[i] = Z[i] > 8 ? 40 / Z[i] - 3 : 2)
        SERIES(quantile_far, 28, 11, W, G);
    }
    EACH(P[i] = Z[i] - (L[i] - (Z[i] > 8 ? G[i] : F[i])) / Z[i])
}
KERNEL(ndtri) {
    double W[BLOCK], M[BLOCK], P[BLOCK], Q[BLOCK];
    UNUSED;
    BLOCKS(
        EACH(const double d = A[s + i] - 0.5; W[i] = d * d < 0.140625 ? d * d / 0.03515625 - 2 : 2)
        SERIES(quantile_centre, 22, 7, W, M);
        HARD(!(A[s + i] >= (T)0.125 && A[s + i] <= (T)0.875))
        for (int k = 0; k < count; k++) {
            const double p = A[s + hard[k]], h = p < 0.5 ? p : 1 - p;
            Q[k] = p;
            P[k] = h > 0 && h < 0.125 ? h : 0.125;
        }
        EACH(Y[s + i] = (T)((A[s + i] - 0.5) * M[i]))
        if (count) FN(quantile_of_tail)(P, count);
        for (int k = 0; k < count; k++) {
            const double p = Q[k], y = p == 0 || p == 1 ? INFINITY : p > 0 && p < 1 ? P[k] : NAN;
            Y[s + hard[k]] = (T)(p < 0.5 ? -y : y);
        })
}
LOOP(ndtri, 1)

/* erfinv(x) / x up to 3/4. */
static inline void FN(erfinv_centre)(const T *A, T *M, ptrdiff_t m) {
    const ptrdiff_t s = 0;
#if KIND == 1
    double W[BLOCK];
    EACH(const double x = A[s + i]; W[i] = x * x < 0.5625 ? x * x / 0.140625 - 2 : 2)
    chebyshev(quantile_centre, 22, W, M, m);
    EACH(M[i] *= 0.35355339059327376220)
#else
    EACH(M[i] = f_erfinv_near(A[s + i] * A[s + i]))
#endif
}
/* erfinv of P from 3/4 on: in float64 by the quantile, in float32 by Giles' guess (2010) and one Halley step. */
static inline void FN(erfinv_of_tail)(T *P, ptrdiff_t m) {
    T W[BLOCK];
#if KIND == 1
    EACH(W[i] = P[i] < 1 ? (1 - P[i]) / 2 : 0.125)
    d_quantile_of_tail(W, m);
    EACH(W[i] *= 0.70710678118654752440)
#else
    EACH(W[i] = P[i] < 1 ? (1 - P[i]) * (1 + P[i]) : 1)
    FN(math)(HG_LOG, W, m); /* not of what is slow */
    EACH(W[i] = f_inverse_step(P[i], f_giles(-W[i]) * P[i]))
#endif
    EACH(P[i] = P[i] < 1 ? W[i] : P[i] == 1 ? (T)INFINITY : (T)NAN)
}
KERNEL(erfinv) {
    T M[BLOCK], P[BLOCK], Q[BLOCK];
    UNUSED;
    BLOCKS(
        HARD(!(A[s + i] >= (T)-0.75 && A[s + i] <= (T)0.75))
        for (int k = 0; k < count; k++) Q[k] = A[s + hard[k]], P[k] = MATH(__builtin_fabs)(Q[k]);
        FN(erfinv_centre)(A + s, M, m);
        EACH(Y[s + i] = A[s + i] * M[i])
        if (count) FN(erfinv_of_tail)(P, count);
        for (int k = 0; k < count; k++) Y[s + hard[k]] = MATH(__builtin_copysign)(P[k], Q[k]);)
}
LOOP(erfinv, 1)
#undef HARD
#undef SERIES
