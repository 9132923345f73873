/* Own loops for one floating type, included once per type with T, FN, MATH and KIND defined (see loops_template.h).
   K(name) works on contiguous blocks; FN(name) is the inner loop with strides. NaN, infinities and zeros as PyTorch. */

typedef void (*FN(kernel))(const T *A, const T *B, const T *C, T *Y, ptrdiff_t n, const double *p);

static inline void FN(gather)(T *to, const char *from, ptrdiff_t step, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) to[i] = *(const T *)(from + i * step);
}

/* Runs a block kernel over strided arguments: directly if all are contiguous, else through buffers in L1. */
static void FN(drive)(char **args, ptrdiff_t n, const ptrdiff_t *steps, int inputs, FN(kernel) kernel, void *data) {
    T buffer[4][BLOCK];
    const T *in[3] = {0, 0, 0};
    const double *p = ((hg_call *)data)->params;
    int direct = 1;
    for (int k = 0; k <= inputs; k++) direct &= steps[k] == sizeof(T);
    if (direct) {
        kernel((T *)args[0], inputs > 1 ? (T *)args[1] : 0, inputs > 2 ? (T *)args[2] : 0, (T *)args[inputs], n, p);
        return;
    }
    for (int k = 0; k < inputs; k++)
        if (steps[k] == 0) FN(gather)(buffer[k], args[k], 0, n < BLOCK ? n : BLOCK);
    for (ptrdiff_t start = 0; start < n; start += BLOCK) {
        ptrdiff_t m = n - start < BLOCK ? n - start : BLOCK;
        for (int k = 0; k < inputs; k++) {
            const char *from = args[k] + start * steps[k];
            in[k] = steps[k] == sizeof(T) ? (const T *)from : buffer[k];
            if (steps[k] != sizeof(T) && steps[k] != 0) FN(gather)(buffer[k], from, steps[k], m);
        }
        char *to = args[inputs] + start * steps[inputs];
        int straight = steps[inputs] == sizeof(T);
        kernel(in[0], in[1], in[2], straight ? (T *)to : buffer[3], m, p);
        if (!straight)
            for (ptrdiff_t i = 0; i < m; i++) *(T *)(to + i * steps[inputs]) = buffer[3][i];
    }
}

static inline void FN(math)(int which, T *x, ptrdiff_t n) {
    static const ptrdiff_t steps[2] = {sizeof(T), sizeof(T)};
    char *args[2] = {(char *)x, (char *)x};
    hg_maths[KIND][which].inner(args, &n, steps, hg_maths[KIND][which].data);
}

#define LOOP(name, inputs)                                                                                   \
    static void FN(name)(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {           \
        FN(drive)(args, dims[0], steps, inputs, FN(k_##name), data);                                         \
    }
#define KERNEL(name)                                                                                         \
    static void FN(k_##name)(const T *A, const T *B, const T *C, T *Y, ptrdiff_t n, const double *p)
#define UNUSED (void)A, (void)B, (void)C, (void)p

/* Simple loops: `expr` of a, b, c; `pre` reads the parameters. */
#define UNARY(name, pre, expr)                                                                               \
    KERNEL(name) { UNUSED; pre; IVDEP for (ptrdiff_t i = 0; i < n; i++) { const T a = A[i]; Y[i] = (expr); } } LOOP(name, 1)
#define BINARY(name, pre, expr)                                                                              \
    KERNEL(name) { UNUSED; pre; IVDEP for (ptrdiff_t i = 0; i < n; i++) { const T a = A[i], b = B[i]; Y[i] = (expr); } } LOOP(name, 2)
#define TERNARY(name, pre, expr)                                                                             \
    KERNEL(name) { UNUSED; pre; IVDEP for (ptrdiff_t i = 0; i < n; i++) { const T a = A[i], b = B[i], c = C[i]; Y[i] = (expr); } } LOOP(name, 3)

/* Fused loops: e = math(before), y = after; with a second stage f = math2(middle of e). */
#define BLOCKS(...) for (ptrdiff_t s = 0; s < n; s += BLOCK) { const ptrdiff_t m = n - s < BLOCK ? n - s : BLOCK; __VA_ARGS__ }
#define EACH(...) IVDEP for (ptrdiff_t i = 0; i < m; i++) { __VA_ARGS__; }
#define FUSED(name, inputs, pre, load, before, which, after)                                                 \
    KERNEL(name) { T E[BLOCK]; UNUSED; pre;                                                                  \
        BLOCKS(EACH(load; E[i] = (before)) FN(math)(which, E, m); EACH(load; const T e = E[i]; (void)e; Y[s + i] = (after))) } LOOP(name, inputs)
#define FUSED2(name, inputs, pre, load, before, which, middle, which2, after)                                \
    KERNEL(name) { T E[BLOCK], F[BLOCK]; UNUSED; pre;                                                        \
        BLOCKS(EACH(load; E[i] = (before)) FN(math)(which, E, m);                                            \
               EACH(load; const T e = E[i]; (void)e; F[i] = (middle)) FN(math)(which2, F, m);                         \
               EACH(load; const T e = E[i]; const T f = F[i]; (void)e; Y[s + i] = (after))) } LOOP(name, inputs)
#define LOAD_A const T a = A[s + i]; (void)a
#define LOAD_AB const T a = A[s + i]; const T b = B[s + i]; (void)a; (void)b

#if KIND == 0 /* the bits of a number; its sign; what carries the exponent of NaN and infinity into the sign */
#define WORD uint32_t
#define TOP 0x80000000u
#define CARRY 0x00800000u
#else
#define WORD uint64_t
#define TOP 0x8000000000000000ull
#define CARRY 0x0010000000000000ull
#endif

/* ---- unary ---- */
UNARY(positive, , a)
UNARY(neg, , -a)
UNARY(abs, , MATH(__builtin_fabs)(a))
UNARY(square, , a * a)
UNARY(cube, , a * a * a)
UNARY(zero_nan, , a != a ? (T)0 : a)
UNARY(round_down_to, const T scale = (T)p[0], MATH(__builtin_rint)(a * scale) / scale)
UNARY(round_up_to, const T scale = (T)p[0], MATH(__builtin_rint)(a / scale) * scale)
UNARY(sqrt, , MATH(__builtin_sqrt)(a))
UNARY(sign, , (T)((a > 0) - (a < 0)))
UNARY(reciprocal, , (T)1 / a)
UNARY(rsqrt, , (T)1 / MATH(__builtin_sqrt)(a))
UNARY(frac, , a - MATH(__builtin_trunc)(a))
UNARY(deg2rad, , a * (T)0.017453292519943295769236907684886)
UNARY(rad2deg, , a * (T)57.295779513082320876798154814105)
UNARY(relu, , a < 0 ? (T)0 : a)
UNARY(relu6, , a < 0 ? (T)0 : a > 6 ? (T)6 : a)
#define RAISED (a < lo ? lo : a)
UNARY(clamp, const T lo = (T)p[0]; const T hi = (T)p[1]; const int bad = lo != lo || hi != hi,
      bad ? (T)NAN : RAISED > hi ? hi : RAISED)
#undef RAISED
UNARY(leaky_relu, const T slope = (T)p[0], a > 0 ? a : a * slope)
UNARY(hardsigmoid, , CLAMP(a + 3, 0, 6) / 6)
UNARY(hardswish, , a * CLAMP(a + 3, 0, 6) / 6)
UNARY(softsign, , a / (1 + MATH(__builtin_fabs)(a)))
UNARY(softshrink, const T l = (T)p[0], a > l ? a - l : a < -l ? a + l : a != a ? a : (T)0)
UNARY(hardshrink, const T l = (T)p[0], (a >= -l && a <= l) ? (T)0 : a)
UNARY(threshold, const T l = (T)p[0]; const T v = (T)p[1], a <= l ? v : a)
/* Blocks without NaN and infinity, of which the exponent's carry tells, are copied as they are. */
KERNEL(nan_to_num) {
    const T v = (T)p[0], hi = (T)p[1], lo = (T)p[2], inf = (T)INFINITY;
    UNUSED;
    BLOCKS(WORD odd = 0;
           EACH(const T a = A[s + i]; WORD bits; memcpy(&bits, &a, sizeof bits); Y[s + i] = a; odd |= (bits & ~TOP) + CARRY)
           if (odd & TOP) EACH(const T a = A[s + i]; Y[s + i] = a != a ? v : a == inf ? hi : a == -inf ? lo : a))
} LOOP(nan_to_num, 1)
UNARY(sigmoid, , 1 / (1 + FN(quick)(-a)))
UNARY(silu, , a / (1 + FN(quick)(-a)))
UNARY(exp2, , FN(expo2)(a))
FUSED(mish, 1, , LOAD_A, a < 20 ? a : (T)20, HG_EXP, a < 20 ? a * ((e * (e + 2)) / (e * (e + 2) + 2)) : a)
#if KIND == 0
UNARY(erf, , f_erfo(a))
UNARY(exp, , f_expo(a))
/* Zeros, subnormals and the like cost half as much again; few blocks have any. */
KERNEL(log) {
    UNUSED;
    for (ptrdiff_t s = 0; s < n; s += BLOCK) {
        const ptrdiff_t m = n - s < BLOCK ? n - s : BLOCK;
        uint32_t odd = 0;
        for (ptrdiff_t i = 0; i < m; i++) {
            uint32_t bits;
            memcpy(&bits, A + s + i, 4);
            odd |= bits - 0x800000u >= 0x7f000000u;
        }
        if (odd) IVDEP for (ptrdiff_t i = 0; i < m; i++) Y[s + i] = f_logo(A[s + i]);
        else IVDEP for (ptrdiff_t i = 0; i < m; i++) Y[s + i] = f_log_normal(A[s + i], 0);
    }
}
LOOP(log, 1)
UNARY(gelu_erf, , a * 0.5f * f_one_erf(a * 0.70710678118654752440f))
#else
FUSED(gelu_erf, 1, , LOAD_A, a * (T)0.70710678118654752440, HG_ERF, a * (T)0.5 * (1 + e))
#endif
FUSED(gelu_tanh, 1, , LOAD_A, GELU_INNER(a), HG_TANH, (T)0.5 * a * (1 + e))
FUSED(elu, 1, const T neg = (T)(p[0] * p[1]); const T pos = (T)p[1]; const T in = (T)p[2], LOAD_A,
      (a < 0 ? a : (T)0) * in, HG_EXPM1, a < 0 ? e * neg : a * pos)
FUSED(celu, 1, const T neg = (T)p[0]; const T in = (T)(1.0 / p[0]), LOAD_A, (a < 0 ? a : (T)0) * in, HG_EXPM1, a < 0 ? e * neg : a)
FUSED(selu, 1, , LOAD_A, a < 0 ? a : (T)0, HG_EXPM1,
      a < 0 ? e * (T)1.7580993408473768599402175208123 : a * (T)1.0507009873554804934193349852946)
FUSED(tanhshrink, 1, , LOAD_A, a, HG_TANH, a - e)
FUSED(sinc, 1, , LOAD_A, a * (T)3.14159265358979323846, HG_SIN, a == 0 ? (T)1 : e / (a * (T)3.14159265358979323846))
FUSED(logit_plain, 1, , LOAD_A, a / (1 - a), HG_LOG, e)
FUSED(logit_clamped, 1, const T lo = (T)p[0]; const T hi = (T)(1 - p[0]), LOAD_A, CLAMP(a, lo, hi) / (1 - CLAMP(a, lo, hi)), HG_LOG, e)
FUSED2(softplus, 1, const T beta = (T)p[0]; const T limit = (T)p[1]; const T inverse = (T)1 / beta, LOAD_A,
       a * beta > limit ? (T)0 : a * beta, HG_EXP, e, HG_LOG1P, a * beta > limit ? a : f * inverse)
FUSED2(log_sigmoid, 1, , LOAD_A, -MATH(__builtin_fabs)(a), HG_EXP, e, HG_LOG1P, ((a < 0 || a != a) ? a : (T)0) - f)

static void FN(gelu)(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {
    (((hg_call *)data)->params[0] != 0 ? FN(gelu_tanh) : FN(gelu_erf))(args, dims, steps, data);
}
static void FN(logit)(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {
    (((hg_call *)data)->params[0] >= 0 ? FN(logit_clamped) : FN(logit_plain))(args, dims, steps, data);
}

/* ---- binary ---- */
/* Those that often meet one number: it stays in a register. */
#define ARITHMETIC(name, expr)                                                                               \
    BINARY(name##_each, , expr)                                                                              \
    static void FN(name)(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {           \
        const ptrdiff_t n = dims[0], w = sizeof(T);                                                          \
        const T *A = (T *)args[0], *B = (T *)args[1];                                                        \
        T *Y = (T *)args[2];                                                                                 \
        if (steps[2] == w && steps[0] == w && steps[1] == w) {                                               \
            IVDEP for (ptrdiff_t i = 0; i < n; i++) { const T a = A[i], b = B[i]; Y[i] = (expr); }           \
        } else if (steps[2] == w && steps[0] == w && steps[1] == 0) {                                        \
            const T b = *B;                                                                                  \
            IVDEP for (ptrdiff_t i = 0; i < n; i++) { const T a = A[i]; Y[i] = (expr); }                     \
        } else if (steps[2] == w && steps[1] == w && steps[0] == 0) {                                        \
            const T a = *A;                                                                                  \
            IVDEP for (ptrdiff_t i = 0; i < n; i++) { const T b = B[i]; Y[i] = (expr); }                     \
        } else                                                                                               \
            FN(name##_each)(args, dims, steps, data);                                                        \
    }                                                                                                        \
    static void FN(name##_rows)(char **args, ptrdiff_t n, ptrdiff_t rows, const ptrdiff_t *next, int one) {   \
        for (ptrdiff_t r = 0; r < rows; r++) {                                                               \
            const T *A = (T *)(args[0] + r * next[0]), *B = (T *)(args[1] + r * next[1]);                    \
            T *Y = (T *)(args[2] + r * next[2]);                                                             \
            if (one) {                                                                                       \
                const T b = *B;                                                                              \
                IVDEP for (ptrdiff_t i = 0; i < n; i++) { const T a = A[i]; Y[i] = (expr); }                 \
            } else {                                                                                         \
                const T a = *A;                                                                              \
                IVDEP for (ptrdiff_t i = 0; i < n; i++) { const T b = B[i]; Y[i] = (expr); }                 \
            }                                                                                                \
        }                                                                                                    \
    }
ARITHMETIC(add, a + b)
ARITHMETIC(sub, a - b)
ARITHMETIC(mul, a * b)
ARITHMETIC(div, a / b)
ARITHMETIC(maximum, (a > b || a != a) ? a : b)
ARITHMETIC(minimum, (a < b || a != a) ? a : b)
ARITHMETIC(prelu, a > 0 ? a : a * b)
static const hg_rows_entry FN(rows)[] = {{FN(add), FN(add_rows)}, {FN(sub), FN(sub_rows)}, {FN(mul), FN(mul_rows)},
    {FN(div), FN(div_rows)}, {FN(maximum), FN(maximum_rows)}, {FN(minimum), FN(minimum_rows)},
    {FN(prelu), FN(prelu_rows)}, {0, 0}};
BINARY(fmax, , (a >= b || b != b) ? a : b)
BINARY(fmin, , (a <= b || b != b) ? a : b)
BINARY(div_trunc, , MATH(__builtin_trunc)(a / b))
BINARY(copysign, , MATH(__builtin_copysign)(a, b))
BINARY(heaviside, , a == 0 ? b : (T)(a > 0))
FUSED(xlogy, 2, , LOAD_AB, b, HG_LOG, b != b ? b : a == 0 ? (T)0 : a * e)
FUSED(xlog1py, 2, , LOAD_AB, b, HG_LOG1P, b != b ? b : a == 0 ? (T)0 : a * e)
FUSED(ldexp, 2, , LOAD_AB, b, HG_EXP2, a * e)
FUSED2(logaddexp, 2, , LOAD_AB, a == b ? (T)0 : -MATH(__builtin_fabs)(a - b), HG_EXP, e, HG_LOG1P, (a > b || a != a ? a : b) + f)
FUSED2(logaddexp2, 2, , LOAD_AB, a == b ? (T)0 : -MATH(__builtin_fabs)(a - b), HG_EXP2, e, HG_LOG1P,
       (a > b || a != a ? a : b) + f * (T)1.4426950408889634074)

/* Remainders: |a / b| below LIMIT is exact with one fused multiply and one correction; the rest goes to fmod. */
static inline void FN(fmod_block)(const T *A, const T *B, T *Y, ptrdiff_t n) {
#ifdef __FMA__
    int hard = 0;
    T X[BLOCK];
    IVDEP for (ptrdiff_t i = 0; i < n; i++) {
        const T a = MATH(__builtin_fabs)(A[i]), b = MATH(__builtin_fabs)(B[i]);
        const T q = a / b;
        T r = MATH(__builtin_fma)(-MATH(__builtin_trunc)(q), b, a);
        r = r < 0 ? r + b : r >= b ? r - b : r;
        hard |= !(q < (T)FMOD_LIMIT && b > (T)FMOD_SMALL && b < (T)INFINITY);
        X[i] = MATH(__builtin_copysign)(r, A[i]);
    }
    if (hard)
        for (ptrdiff_t i = 0; i < n; i++) {
            const T b = MATH(__builtin_fabs)(B[i]);
            if (!(MATH(__builtin_fabs)(A[i]) / b < (T)FMOD_LIMIT && b > (T)FMOD_SMALL && b < (T)INFINITY)) X[i] = MATH(fmod)(A[i], B[i]);
        }
    memcpy(Y, X, sizeof(T) * (size_t)n);
#else
    for (ptrdiff_t i = 0; i < n; i++) Y[i] = MATH(fmod)(A[i], B[i]);
#endif
}
KERNEL(fmod) { UNUSED; BLOCKS(FN(fmod_block)(A + s, B + s, Y + s, m);) } LOOP(fmod, 2)
KERNEL(remainder) { T E[BLOCK]; UNUSED;
    BLOCKS(FN(fmod_block)(A + s, B + s, E, m);
           EACH(const T b = B[s + i]; const T r = E[i]; Y[s + i] = r != 0 && (b < 0) != (r < 0) ? r + b : r)) } LOOP(remainder, 2)
KERNEL(floor_divide) { T E[BLOCK]; UNUSED;
    BLOCKS(FN(fmod_block)(A + s, B + s, E, m);
           EACH(LOAD_AB; const T r = E[i]; const T whole = (a - r) / b;
                const T q = r != 0 && (b < 0) != (r < 0) ? whole - 1 : whole;
                const T low = MATH(__builtin_floor)(q); const T near = q - low > (T)0.5 ? low + 1 : low;
                Y[s + i] = b == 0 ? a / b : q != 0 ? near : MATH(__builtin_copysign)((T)0, a / b))) } LOOP(floor_divide, 2)

/* ---- losses of a value and what it should be ---- */
static inline T FN(smooth)(T z, T beta, T half) { return z < beta ? (T)0.5 * z * z / beta : z - half; }
static inline T FN(bounded)(T z, T delta, T half) { return z <= delta ? (T)0.5 * z * z : delta * (z - half); }
BINARY(squared_difference, , (a - b) * (a - b))
BINARY(smooth_l1, const T beta = (T)p[0]; const T half = (T)(0.5 * p[0]), FN(smooth)(MATH(__builtin_fabs)(a - b), beta, half))
BINARY(huber, const T delta = (T)p[0]; const T half = (T)(0.5 * p[0]), FN(bounded)(MATH(__builtin_fabs)(a - b), delta, half))
#define LEAST_LOG(e) ((e) > -100 || (e) != (e) ? (e) : (T)-100)
FUSED2(bce, 2, , LOAD_AB, -a, HG_LOG1P, a, HG_LOG, (b - 1) * LEAST_LOG(e) - b * LEAST_LOG(f))
#undef LEAST_LOG
FUSED2(bce_logits, 2, , LOAD_AB, -MATH(__builtin_fabs)(a), HG_EXP, e, HG_LOG1P, (1 - b) * a - (((a < 0 || a != a) ? a : (T)0) - f))

/* ---- gradients: a = incoming gradient, b = output or input ---- */
BINARY(sigmoid_backward, , a * (1 - b) * b)
BINARY(tanh_backward, , a * (1 - b * b))
BINARY(relu_backward, , b <= 0 ? (T)0 : a)
BINARY(threshold_backward, const T l = (T)p[0], b <= l ? (T)0 : a)
BINARY(leaky_relu_backward, const T slope = (T)p[0], b > 0 ? a : a * slope)
BINARY(hardtanh_backward, const T lo = (T)p[0]; const T hi = (T)p[1], (b > lo && b < hi) ? a : (T)0)
BINARY(clamp_backward, const T lo = (T)p[0]; const T hi = (T)p[1], (b >= lo && b <= hi) ? a : (T)0)
BINARY(hardsigmoid_backward, , (b > -3 && b < 3) ? a * (T)(1.0f / 6.0f) : (T)0) /* a sixth in single precision, as PyTorch's */
BINARY(hardswish_backward, , b <= -3 ? (T)0 : b >= 3 ? a : a * (b / 3 + (T)0.5))
BINARY(shrink_backward, const T l = (T)p[0], (b > l || b < -l) ? a : (T)0)
static inline T FN(silu_slope)(T x) { const T y = 1 / (1 + FN(quick)(-x)); return y * (1 + x * (1 - y)); }
BINARY(silu_backward, , a * FN(silu_slope)(b))
static inline T FN(lower)(T x) { const T e = FN(expo)(-MATH(__builtin_fabs)(x)); return (x > 0 ? e : (T)1) / (1 + e); }
BINARY(log_sigmoid_backward, , a * FN(lower)(b))
BINARY(softplus_backward, const T beta = (T)p[0]; const T limit = (T)p[1], b * beta > limit ? a : a / (1 + FN(quick)(-b * beta)))
BINARY(elu_backward, const T neg = (T)(p[0] * p[1] * p[2]); const T pos = (T)p[1]; const T in = (T)p[2], 
       b > 0 ? a * pos : a * neg * FN(expo)(b * in))
BINARY(elu_backward_result, const T neg = (T)(p[0] * p[1]); const T pos = (T)p[1]; const T in = (T)p[2],
       b > 0 ? a * pos : a * in * (b + neg))
FUSED(mish_backward, 2, , LOAD_AB, b >= 20 ? (T)20 : b, HG_EXP, b >= 20 ? a : a * MISH_SLOPE(b, e))
FUSED(gelu_tanh_backward, 2, , LOAD_AB, GELU_INNER(b), HG_TANH,
      a * ((T)0.5 * (1 + e) + (T)0.5 * b * (1 - e * e) * ((T)0.79788456080286535588 * (1 + (T)0.134145 * b * b))))
#if KIND == 0
BINARY(gelu_erf_backward, , a * (0.5f * f_one_erf(b * 0.70710678118654752440f) + b * f_quick(b * b * -0.5f) * 0.39894228040143267794f))
#else
FUSED2(gelu_erf_backward, 2, , LOAD_AB, b * (T)0.70710678118654752440, HG_ERF, b * b * (T)-0.5, HG_EXP,
       a * ((T)0.5 * (1 + e) + b * f * (T)0.39894228040143267794))
#endif
BINARY(logit_backward, const T lo = p[0] < 0 ? (T)0 : (T)p[0]; const T hi = p[0] < 0 ? (T)1 : (T)(1 - p[0]); const T no = p[0] < 0 ? (T)NAN : (T)0,
       (b < lo || b > hi) ? no : a / (b * (1 - b)))

static void FN(gelu_backward)(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {
    (((hg_call *)data)->params[0] != 0 ? FN(gelu_tanh_backward) : FN(gelu_erf_backward))(args, dims, steps, data);
}

/* ---- ternary ---- */
TERNARY(lerp, , (c < (T)0.5 && c > (T)-0.5) ? a + c * (b - a) : b - (b - a) * (1 - c))
/* A column or a row as the second or the third is met in addr and in norms written by hand. */
#define PRODUCT(name, expr)                                                                                  \
    TERNARY(name##_each, const T v = (T)p[0], expr)                                                          \
    static void FN(name)(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {           \
        const ptrdiff_t n = dims[0], w = sizeof(T);                                                          \
        const T v = (T)((hg_call *)data)->params[0];                                                         \
        const T *A = (T *)args[0], *B = (T *)args[1], *C = (T *)args[2];                                     \
        T *Y = (T *)args[3];                                                                                 \
        if (steps[3] == w && steps[0] == w && steps[1] == 0 && steps[2] == w) {                              \
            const T b = *B;                                                                                  \
            IVDEP for (ptrdiff_t i = 0; i < n; i++) { const T a = A[i], c = C[i]; Y[i] = (expr); }           \
        } else if (steps[3] == w && steps[0] == w && steps[1] == w && steps[2] == 0) {                       \
            const T c = *C;                                                                                  \
            IVDEP for (ptrdiff_t i = 0; i < n; i++) { const T a = A[i], b = B[i]; Y[i] = (expr); }           \
        } else                                                                                               \
            FN(name##_each)(args, dims, steps, data);                                                        \
    }
PRODUCT(addcmul, a + v * b * c)
PRODUCT(addcdiv, a + v * b / c)
TERNARY(clamp3, const T nan = (T)NAN, (a != a || b != b || c != c) ? nan : (a < b ? b : a) > c ? c : (a < b ? b : a))

/* ---- truth: bool results ---- */
#define TRUTH(name, inputs, expr)                                                                            \
    static void FN(name)(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {           \
        const ptrdiff_t n = dims[0], w = sizeof(T);                                                          \
        (void)data;                                                                                          \
        if (steps[0] == w && steps[inputs] == 1 && (inputs == 1 || steps[1] == w)) {                         \
            const T *A = (T *)args[0], *B = (T *)args[inputs - 1];                                           \
            unsigned char *Y = (unsigned char *)args[inputs];                                                \
            (void)B;                                                                                         \
            IVDEP for (ptrdiff_t i = 0; i < n; i++) { const int a = A[i] != 0, b = B[i] != 0; (void)b; Y[i] = (expr); } \
        } else                                                                                               \
            for (ptrdiff_t i = 0; i < n; i++) {                                                              \
                const int a = *(T *)(args[0] + i * steps[0]) != 0, b = *(T *)(args[inputs - 1] + i * steps[inputs - 1]) != 0; \
                (void)b;                                                                                     \
                args[inputs][i * steps[inputs]] = (expr);                                                    \
            }                                                                                                \
    }
TRUTH(logical_not, 1, !a)
TRUTH(logical_and, 2, a & b)
TRUTH(logical_or, 2, a | b)
TRUTH(logical_xor, 2, a ^ b)

#include "loops_rare.h"
#include "loops_bessel.h"

#define ROW(name, inputs, cost) {#name, CODE, 0, inputs, cost, 0, FN(name)},
static const hg_entry FN(table)[] = {
    ROW(positive, 1, 1) ROW(neg, 1, 1) ROW(abs, 1, 1) ROW(square, 1, 1) ROW(sqrt, 1, 3) ROW(sign, 1, 1) {"sgn", CODE, 0, 1, 1, 0, FN(sign)},
    ROW(reciprocal, 1, 3) ROW(rsqrt, 1, 5) ROW(frac, 1, 1) ROW(deg2rad, 1, 1) ROW(rad2deg, 1, 1) ROW(relu, 1, 1) ROW(relu6, 1, 1)
    ROW(clamp, 1, 1) {"hardtanh", CODE, 0, 1, 1, 0, FN(clamp)}, ROW(leaky_relu, 1, 1) ROW(hardsigmoid, 1, 2) ROW(hardswish, 1, 2)
    ROW(softsign, 1, 3) ROW(softshrink, 1, 1) ROW(hardshrink, 1, 1) ROW(threshold, 1, 1) ROW(nan_to_num, 1, 1)
    ROW(sigmoid, 1, 10) ROW(silu, 1, 10) ROW(mish, 1, 12) ROW(gelu, 1, 15) ROW(elu, 1, 10) ROW(celu, 1, 10) ROW(selu, 1, 10)
    ROW(tanhshrink, 1, 12) ROW(sinc, 1, 12) ROW(logit, 1, 12) ROW(softplus, 1, 20) ROW(log_sigmoid, 1, 20)
    ROW(add, 2, 1) ROW(sub, 2, 1) ROW(mul, 2, 1) ROW(div, 2, 3) ROW(maximum, 2, 1) ROW(minimum, 2, 1) ROW(fmax, 2, 1) ROW(fmin, 2, 1)
    ROW(div_trunc, 2, 3) ROW(copysign, 2, 1) ROW(heaviside, 2, 1) ROW(xlogy, 2, 12) ROW(xlog1py, 2, 16) ROW(ldexp, 2, 12)
    ROW(logaddexp, 2, 20) ROW(logaddexp2, 2, 20) ROW(fmod, 2, 10) ROW(remainder, 2, 10) ROW(floor_divide, 2, 12)
    ROW(sigmoid_backward, 2, 1) ROW(tanh_backward, 2, 1) ROW(relu_backward, 2, 1) ROW(threshold_backward, 2, 1)
    ROW(leaky_relu_backward, 2, 1) ROW(hardtanh_backward, 2, 1) ROW(clamp_backward, 2, 1) ROW(hardsigmoid_backward, 2, 1)
    ROW(hardswish_backward, 2, 3) ROW(shrink_backward, 2, 1) ROW(silu_backward, 2, 12) ROW(log_sigmoid_backward, 2, 12)
    ROW(softplus_backward, 2, 12) ROW(elu_backward, 2, 12) ROW(elu_backward_result, 2, 1) ROW(mish_backward, 2, 14)
    ROW(gelu_backward, 2, 25) ROW(lerp, 3, 2) ROW(addcmul, 3, 1) ROW(addcdiv, 3, 3) ROW(clamp3, 3, 1)
    ROW(logit_backward, 2, 4) ROW(exp2, 1, 3) ROW(nextafter, 2, 2) ROW(i0, 1, 80) ROW(erfinv, 1, 60)
    ROW(cube, 1, 1) ROW(zero_nan, 1, 1) ROW(round_down_to, 1, 3) ROW(round_up_to, 1, 3) ROW(prelu, 2, 1) ROW(squared_difference, 2, 1)
    ROW(smooth_l1, 2, 3) ROW(huber, 2, 1) ROW(bce, 2, 20) ROW(bce_logits, 2, 20) ROW(i1, 1, 80) ROW(digamma, 1, 60) ROW(trigamma, 1, 60)
    ROW(entr, 1, 12) ROW(log_ndtr, 1, 80) ROW(lgamma, 1, 40)
    ROW(i0e, 1, 60) ROW(i1e, 1, 60) ROW(modified_bessel_i1, 1, 80) ROW(modified_bessel_k0, 1, 80) ROW(modified_bessel_k1, 1, 80)
    ROW(scaled_modified_bessel_k0, 1, 80) ROW(scaled_modified_bessel_k1, 1, 80) ROW(spherical_bessel_j0, 1, 20) ROW(erfcx, 1, 40)
    ROW(ndtri, 1, 80)
    {"logical_not", CODE, '?', 1, 1, 0, FN(logical_not)}, {"logical_and", CODE, '?', 2, 1, 0, FN(logical_and)},
    {"logical_or", CODE, '?', 2, 1, 0, FN(logical_or)}, {"logical_xor", CODE, '?', 2, 1, 0, FN(logical_xor)},
#if KIND == 0
    ROW(erf, 1, 4) ROW(exp, 1, 4) ROW(log, 1, 4)
#endif
    {0, 0, 0, 0, 0, 0, 0}};

#undef LOOP
#undef KERNEL
#undef UNARY
#undef BINARY
#undef TERNARY
#undef BLOCKS
#undef EACH
#undef FUSED
#undef FUSED2
#undef ROW
#undef TRUTH
#undef ARITHMETIC
#undef PRODUCT
#undef REGULAR
#undef ONE_BY_ONE
#undef LOAD_A
#undef LOAD_AB
#undef UNUSED
#undef WORD
#undef TOP
#undef CARRY
