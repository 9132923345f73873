/* Own loops for one integer type, included once per type with T, U (unsigned), FN, CODE, LOWEST and HIGHEST defined.
   Arithmetic wraps; division by zero and negative powers are reported through the call record. */

#define AT(type, k) (*(type *)(args[k] + i * steps[k]))
#define LOOP(name, inputs, pre, statement)                                                                   \
    static void FN(name)(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {           \
        hg_call *call = data; (void)call; pre;                                                               \
        IVDEP for (ptrdiff_t i = 0; i < dims[0]; i++) { const T a = AT(T, 0);                                 \
            const T b = inputs > 1 ? AT(T, 1) : (T)0; const T c = inputs > 2 ? AT(T, 2) : (T)0;              \
            (void)b; (void)c; statement; } }

/* A parameter as T, saturated: clamp(-inf, 3) must not overflow the conversion. */
static inline T FN(saturate)(double x) {
    return x <= (double)LOWEST ? LOWEST : x >= (double)HIGHEST ? HIGHEST : (T)x;
}

/* Division by -1 is a wrapping negation: the machine's instruction traps on the lowest value. */
static inline T FN(quotient)(T a, T b) { return IS_SIGNED && b == (T)-1 ? (T)(0 - (U)a) : (T)(a / b); }
static inline T FN(rest)(T a, T b) { return IS_SIGNED && b == (T)-1 ? (T)0 : (T)(a % b); }

static inline T FN(power)(T a, T b) {
    if (IS_SIGNED && b < 0) return a == 1 ? (T)1 : a == (T)-1 ? (b % 2 ? (T)-1 : (T)1) : (T)0;
    U base = (U)a, result = 1;
    for (U e = (U)b; e; e >>= 1) {
        if (e & 1) result = (U)((unsigned long long)result * base);
        base = (U)((unsigned long long)base * base);
    }
    return (T)result;
}

#define ZERO_CHECK if (b == 0) { call->error = HG_ZERO_DIVISION; return; }
LOOP(sign, 1, , AT(T, 1) = (T)((a > 0) - (IS_SIGNED && a < 0)))
LOOP(relu, 1, , AT(T, 1) = IS_SIGNED && a < 0 ? (T)0 : a)
LOOP(relu6, 1, , AT(T, 1) = IS_SIGNED && a < 0 ? (T)0 : a > 6 ? (T)6 : a)
LOOP(clamp, 1, const T lo = FN(saturate)(call->params[0]); const T hi = FN(saturate)(call->params[1]),
     const T raised = a < lo ? lo : a; AT(T, 1) = raised > hi ? hi : raised)
LOOP(threshold, 1, const double limit = call->params[0]; const T value = FN(saturate)(call->params[1]),
     AT(T, 1) = (double)a <= limit ? value : a)
LOOP(div_trunc, 2, , ZERO_CHECK AT(T, 2) = FN(quotient)(a, b))
LOOP(fmod, 2, , ZERO_CHECK AT(T, 2) = FN(rest)(a, b))
LOOP(floor_divide, 2, , ZERO_CHECK const T q = FN(quotient)(a, b);
     AT(T, 2) = IS_SIGNED && FN(rest)(a, b) != 0 && (a < 0) != (b < 0) ? (T)(q - 1) : q)
LOOP(remainder, 2, , ZERO_CHECK const T r = FN(rest)(a, b);
     AT(T, 2) = IS_SIGNED && r != 0 && (r < 0) != (b < 0) ? (T)((U)r + (U)b) : r)
LOOP(pow, 2, , AT(T, 2) = FN(power)(a, b))
LOOP(heaviside, 2, , AT(T, 2) = a == 0 ? b : (T)(a > 0))
LOOP(addcmul, 3, const U value = (U)FN(saturate)(call->params[0]),
     AT(T, 3) = (T)((U)a + (U)((U)(value * (unsigned long long)(U)b) * (unsigned long long)(U)c)))
LOOP(clamp3, 3, , const T raised = a < b ? b : a; AT(T, 3) = raised > c ? c : raised)

#define ROW(name, inputs, cost, fails) {#name, CODE, 0, inputs, cost, fails, FN(name)},
static const hg_entry FN(table)[] = {
    ROW(sign, 1, 2, 0) {"sgn", CODE, 0, 1, 2, 0, FN(sign)}, ROW(relu, 1, 2, 0) ROW(relu6, 1, 2, 0) ROW(clamp, 1, 2, 0)
    {"hardtanh", CODE, 0, 1, 2, 0, FN(clamp)}, ROW(threshold, 1, 2, 0) ROW(div_trunc, 2, 20, 1) ROW(fmod, 2, 20, 1)
    ROW(floor_divide, 2, 20, 1) ROW(remainder, 2, 20, 1) ROW(pow, 2, 40, 0) ROW(heaviside, 2, 2, 0)
    ROW(addcmul, 3, 2, 0) ROW(clamp3, 3, 2, 0)
    {0, 0, 0, 0, 0, 0, 0}};
#undef AT
#undef LOOP
#undef ZERO_CHECK
#undef ROW
