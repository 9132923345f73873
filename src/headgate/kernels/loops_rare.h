/* Loops of rarer functions for one floating type, included once per type after loops_float.h's macros are defined and
   before its table. Blocks of float64 where float32 alone would lose digits. */

BINARY(nextafter, , FN(neighbour)(a, b))

/* Derivatives of log gamma for 0 < x < inf, from their series at x + 8; the rest one by one. */
#define REGULAR(x) ((x) > 0 && (x) < INFINITY)
#define ONE_BY_ONE(function) if (hard) for (ptrdiff_t i = 0; i < m; i++) if (!REGULAR(A[s + i])) Y[s + i] = (T)function(A[s + i]);
KERNEL(digamma) {
    double Z[BLOCK], L[BLOCK], S[BLOCK];
    UNUSED;
    BLOCKS(
        int hard = 0;
        EACH(const double x = A[s + i]; const int near = x < 1e6; hard |= !REGULAR(x);
             S[i] = near ? shift_first(x) : 0; Z[i] = L[i] = near ? x + 8 : x)
        block_math(1, HG_LOG, L, m);
        EACH(const double z = Z[i]; const double v = 1 / (z * z);
             const double series = 1.0 / 12 - v * (1.0 / 120 - v * (1.0 / 252 - v * (1.0 / 240 - v * (1.0 / 132 -
                                   v * (691.0 / 32760 - v / 12)))));
             Y[s + i] = (T)(L[i] - 0.5 / z - v * series - S[i]))
        ONE_BY_ONE(hg_digamma))
}
LOOP(digamma, 1)
KERNEL(trigamma) {
    UNUSED;
    BLOCKS(
        int hard = 0;
        EACH(const double x = A[s + i]; const int near = x < 1e6; hard |= !REGULAR(x);
             const double z = near ? x + 8 : x; const double w = 1 / z; const double v = w * w;
             const double series = 1.0 / 6 - v * (1.0 / 30 - v * (1.0 / 42 - v * (1.0 / 30 - v * (5.0 / 66 -
                                   v * (691.0 / 2730 - v * (7.0 / 6))))));
             Y[s + i] = (T)(w + 0.5 * v + w * v * series + (near ? shift_second(x) : 0)))
        ONE_BY_ONE(hg_trigamma))
}
LOOP(trigamma, 1)

FUSED(entr, 1, , LOAD_A, a > 0 ? a : (T)1, HG_LOG, a > 0 ? -a * e : a == 0 ? (T)0 : a != a ? a : (T)-INFINITY)

/* The logarithm of the tail below -1, of its complement above; below -36, where the tail leaves float64, its series. */
KERNEL(log_ndtr) {
    double E[BLOCK], L[BLOCK], R[BLOCK];
    UNUSED;
    BLOCKS(
        EACH(const double x = A[s + i]; const double t = x < -1 ? -x : x; E[i] = t * 0.70710678118654752440)
        block_math(1, HG_ERFC, E, m);
        EACH(const double x = A[s + i]; L[i] = x < -36 ? -x : x < -1 ? 0.5 * E[i] : 1; R[i] = x < -1 ? 0 : -0.5 * E[i])
        block_math(1, HG_LOG, L, m);
        block_math(1, HG_LOG1P, R, m);
        EACH(const double x = A[s + i]; const double v = 1 / (x * x); const double w = v * (v * (3 - v * (15 - v * (105 - v * 945))) - 1);
             const double far = -0.5 * x * x - L[i] - 0.91893853320467274178 + w * (1 - w * (0.5 - w / 3));
             Y[s + i] = (T)(x < -36 ? far : x < -1 ? L[i] : R[i])))
}
LOOP(log_ndtr, 1)

/* log gamma in float64. Below 8 the argument is carried to 2 + u, |u| <= 1/2, exactly, so that the zeros at 1 and 2 keep
   their digits; the product that carries it gives one logarithm. From 8 on Stirling's series; below -1/2 the reflection,
   whose zeros keep 1e-15 of what is subtracted, no more. */
#define STIRLING(z, v) ((1.0 / 12 - v * (1.0 / 360 - v * (1.0 / 1260 - v * (1.0 / 1680 - v * (1.0 / 1188 - v * \
                        (691.0 / 360360 - v * (1.0 / 156 - v * (3617.0 / 122400)))))))) / (z))
KERNEL(lgamma) {
    double X[BLOCK], U[BLOCK], L[BLOCK], S[BLOCK];
    UNUSED;
    BLOCKS(
        int low = 0;
        EACH(const double x = A[s + i]; const double z = x < -0.5 ? -x : x; low |= x < -0.5; X[i] = z;
             double u = z < 0.5 ? z : z < 1.5 ? z - 1 : z - 2;
             double P = z < 0.5 ? __builtin_fabs(z) * (z + 1) : z < 1.5 ? z : 1;
             for (int k = 1; k < 7; k++) { const int over = z >= 1.5 + k; u = over ? z - 2 - k : u; P = over ? P * (z - k) : P; }
             U[i] = u; L[i] = z < 8 ? P : z)
        block_math(1, HG_LOG, L, m);
        EACH(const double z = X[i]; const double v = 1 / (z * z); const double l = L[i];
             const double near = U[i] * log_gamma_beside_2(U[i]) + (z < 1.5 ? -l : l);
             const double far = (z - 0.5) * l - z + 0.91893853320467274178 + STIRLING(z, v);
             X[i] = z < 8 ? near : z == INFINITY ? z : far)
        if (low) {
            EACH(const double x = A[s + i]; const double z = x < -0.5 && x > -0x1p52 ? -x : 1; U[i] = z;
                 S[i] = 3.14159265358979323846 * (z - __builtin_rint(z)))
            block_math(1, HG_SIN, S, m);
            EACH(S[i] = U[i] * __builtin_fabs(S[i]))
            block_math(1, HG_LOG, S, m);
            EACH(const double x = A[s + i];
                 X[i] = x < -0.5 ? (x > -0x1p52 ? 1.1447298858494001741 - S[i] - X[i] : INFINITY) : X[i])
        }
        EACH(Y[s + i] = (T)X[i]))
}
LOOP(lgamma, 1)
#undef STIRLING
