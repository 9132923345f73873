/* Half precision through a float32 loop, a block at a time, rounded once to nearest even. With F16C the machine converts;
   without it, integer arithmetic that the compiler can vectorise. */

#ifdef __F16C__
static inline void widen(float *to, const uint16_t *from, ptrdiff_t n) {
    ptrdiff_t i = 0;
#ifdef __AVX512F__
    for (; i + 16 <= n; i += 16) _mm512_storeu_ps(to + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(from + i))));
#endif
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + i))));
    for (; i < n; i++) to[i] = _cvtsh_ss(from[i]);
}
static inline void narrow(uint16_t *to, const float *from, ptrdiff_t n) {
    ptrdiff_t i = 0;
#ifdef __AVX512F__
    for (; i + 16 <= n; i += 16) _mm256_storeu_si256((__m256i *)(to + i), _mm512_cvtps_ph(_mm512_loadu_ps(from + i), 0));
#endif
    for (; i + 8 <= n; i += 8) _mm_storeu_si128((__m128i *)(to + i), _mm256_cvtps_ph(_mm256_loadu_ps(from + i), 0));
    for (; i < n; i++) to[i] = _cvtss_sh(from[i], 0);
}
#else
static inline float widen_one(uint16_t h) {
    const uint32_t magnitude = h & 0x7fff, sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t bits = (magnitude << 13) + (112u << 23); /* exponent bias 127 - 15 */
    const float scale = 5.9604644775390625e-08f;      /* 2^-24: the unit of subnormals */
    float small = (float)(int32_t)magnitude * scale, wide;
    if (magnitude >= 0x7c00) bits += 112u << 23;      /* infinity and NaN */
    if (magnitude < 0x0400) memcpy(&bits, &small, 4);
    bits |= sign;
    memcpy(&wide, &bits, 4);
    return wide;
}
static inline uint16_t narrow_one(float x) {
    uint32_t bits, sign;
    memcpy(&bits, &x, 4);
    sign = (bits >> 16) & 0x8000;
    bits &= 0x7fffffff;
    if (bits > 0x7f800000) return (uint16_t)(sign | 0x7e00 | ((bits >> 13) & 0x3ff));
    if (bits >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (bits < 0x38800000) { /* subnormal: adding 0.5 rounds to the unit 2^-24 */
        float magnitude, half = 0.5f;
        memcpy(&magnitude, &bits, 4);
        magnitude += half;
        memcpy(&bits, &magnitude, 4);
        return (uint16_t)(sign | (bits - 0x3f000000));
    }
    bits += 0xfff + ((bits >> 13) & 1) - (112u << 23);
    return (uint16_t)(sign | (bits >> 13));
}
static inline void widen(float *to, const uint16_t *from, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) to[i] = widen_one(from[i]);
}
static inline void narrow(uint16_t *to, const float *from, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) to[i] = narrow_one(from[i]);
}
#endif

static void widen_strided(float *to, const char *from, ptrdiff_t step, ptrdiff_t n) {
    uint16_t raw[BLOCK];
    if (step == 2) {
        widen(to, (const uint16_t *)from, n);
        return;
    }
    for (ptrdiff_t i = 0; i < n; i++) raw[i] = *(const uint16_t *)(from + i * step);
    widen(to, raw, n);
}

static void narrow_strided(char *to, const float *from, ptrdiff_t step, ptrdiff_t n) {
    uint16_t raw[BLOCK];
    if (step == 2) {
        narrow((uint16_t *)to, from, n);
        return;
    }
    narrow(raw, from, n);
    for (ptrdiff_t i = 0; i < n; i++) *(uint16_t *)(to + i * step) = raw[i];
}

static void half_loop(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {
    hg_call *call = data;
    float buffer[4][BLOCK];
    char *inner_args[4];
    ptrdiff_t inner_steps[4];
    void *inner_data = call->inner_data ? call->inner_data : data;
    for (ptrdiff_t start = 0; start < dims[0]; start += BLOCK) {
        ptrdiff_t m = dims[0] - start < BLOCK ? dims[0] - start : BLOCK;
        for (int k = 0; k <= call->inputs; k++) {
            inner_args[k] = args[k] + start * steps[k];
            inner_steps[k] = steps[k];
            if (!(call->halves >> k & 1)) continue;
            inner_steps[k] = steps[k] ? 4 : 0;
            if (k < call->inputs && (steps[k] || start == 0))
                widen_strided(buffer[k], inner_args[k], steps[k], steps[k] ? m : 1);
            inner_args[k] = (char *)buffer[k];
        }
        call->inner(inner_args, &m, inner_steps, inner_data);
        if (call->halves >> call->inputs & 1)
            narrow_strided(args[call->inputs] + start * steps[call->inputs], buffer[call->inputs], steps[call->inputs], m);
    }
}

/* What touches the sign bit alone needs no conversion. */
#define BITS(name, inputs, expr)                                                                             \
    static void name(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {               \
        const ptrdiff_t n = dims[0];                                                                         \
        (void)data;                                                                                          \
        if (steps[0] == 2 && steps[inputs] == 2 && (inputs == 1 || steps[1] == 2)) {                         \
            const uint16_t *A = (uint16_t *)args[0], *B = (uint16_t *)args[inputs - 1];                      \
            uint16_t *Y = (uint16_t *)args[inputs];                                                          \
            IVDEP for (ptrdiff_t i = 0; i < n; i++) { const uint16_t a = A[i], b = B[i]; (void)b; Y[i] = (uint16_t)(expr); } \
        } else                                                                                               \
            for (ptrdiff_t i = 0; i < n; i++) {                                                              \
                const uint16_t a = *(uint16_t *)(args[0] + i * steps[0]), b = *(uint16_t *)(args[inputs - 1] + i * steps[inputs - 1]); \
                (void)b;                                                                                     \
                *(uint16_t *)(args[inputs] + i * steps[inputs]) = (uint16_t)(expr);                          \
            }                                                                                                \
    }
BITS(half_neg, 1, a ^ 0x8000)
BITS(half_abs, 1, a & 0x7fff)
BITS(half_copysign, 2, (a & 0x7fff) | (b & 0x8000))

static inline uint16_t half_neighbour(uint16_t a, uint16_t b) {
    const int x = a & 0x7fff, y = b & 0x7fff;
    const int from = a & 0x8000 ? -x : x, to = b & 0x8000 ? -y : y;
    const int next = x == 0 ? (b & 0x8000) | 1 : a + ((from < to) == (a < 0x8000) ? 1 : -1);
    return (uint16_t)(x > 0x7c00 ? a : y > 0x7c00 ? b : from == to ? b : next);
}
BITS(half_nextafter, 2, half_neighbour(a, b))
static const hg_entry half_table[] = {
    {"nextafter", 'e', 0, 2, 2, 0, half_nextafter},
    {"neg", 'e', 0, 1, 1, 0, half_neg}, {"abs", 'e', 0, 1, 1, 0, half_abs}, {"copysign", 'e', 0, 2, 1, 0, half_copysign},
    {0, 0, 0, 0, 0, 0, 0}};
