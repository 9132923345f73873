/* The 32-bit Mersenne twister (Matsumoto and Nishimura, 1998) and the fills that read it, as declared in random_streams.h.
 * Loops that gain from vectors are written once and compiled twice, for the baseline and for AVX2 with FMA; both give
 * the same bits, since every fused operation is spelled out. It must not know NumPy, Python, tensors or default generators.
 */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("O3", "fp-contract=off", "no-math-errno", "no-trapping-math")
#endif

#include "random_streams.h"

#include <math.h>
#include <string.h>

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define FUSED(a, b, c) __builtin_fmaf(a, b, c)
#define FUSED_DOUBLE(a, b, c) __builtin_fma(a, b, c)
#else
#define INLINE static inline
#define FUSED(a, b, c) fmaf(a, b, c)
#define FUSED_DOUBLE(a, b, c) fma(a, b, c)
#endif

#if defined(__GNUC__) && defined(__x86_64__)
#define HAVE_LEVELS 1
#define FAST __attribute__((target("avx2,fma")))
#else
#define HAVE_LEVELS 0
#endif

static int level = 0;

int random_select_level(int wanted) {
    level = 0;
#if HAVE_LEVELS
    __builtin_cpu_init();
    if (wanted > 0 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) level = 1;
#endif
    return level;
}

/* Defines `name` from the inline body `name_body`, at each level. */
#if HAVE_LEVELS
#define LEVELS(name, parameters, arguments)                           \
    FAST static void name##_fast parameters { name##_body arguments; } \
    static void name##_plain parameters { name##_body arguments; }     \
    static void name parameters {                                      \
        if (level) name##_fast arguments;                              \
        else name##_plain arguments;                                   \
    }
#else
#define LEVELS(name, parameters, arguments) \
    static void name parameters { name##_body arguments; }
#endif

/* ---- the engine ---- */

void random_seed(random_engine *engine, uint64_t seed) {
    engine->seed = seed;
    engine->state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < RANDOM_WORDS; i++) {
        uint32_t before = engine->state[i - 1];
        engine->state[i] = 1812433253u * (before ^ (before >> 30)) + i;
    }
    engine->left = 1;
    engine->seeded = 1;
    engine->next = 0;
    engine->has_double = engine->has_float = 0;
}

INLINE uint32_t twist(uint32_t high, uint32_t low) {
    return (((high & 0x80000000u) | (low & 0x7fffffffu)) >> 1) ^ (0x9908b0dfu & (0u - (low & 1u)));
}

INLINE void renew_body(uint32_t *state) {
    for (int i = 0; i < 227; i++) state[i] = state[i + 397] ^ twist(state[i], state[i + 1]);
    for (int i = 227; i < 623; i++) state[i] = state[i - 227] ^ twist(state[i], state[i + 1]);
    state[623] = state[396] ^ twist(state[623], state[0]);
}
LEVELS(renew, (uint32_t *state), (state))

INLINE uint32_t temper(uint32_t y) {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

INLINE void temper_many_body(uint32_t *restrict out, const uint32_t *restrict state, size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = temper(state[i]);
}
LEVELS(temper_many, (uint32_t *out, const uint32_t *state, size_t count), (out, state, count))

/* Words are made ready 624 at a time, and only when one is asked for: the saved state says how many were read. */
INLINE void make_ready(random_engine *engine) {
    if (engine->left > 1) return;
    renew(engine->state);
    engine->left = RANDOM_WORDS + 1;
    engine->next = 0;
}

uint32_t random_word(random_engine *engine) {
    make_ready(engine);
    engine->left--;
    return temper(engine->state[engine->next++]);
}

uint64_t random_word64(random_engine *engine) {
    uint64_t high = random_word(engine);
    return high << 32 | random_word(engine);
}

void random_take(random_engine *engine, uint32_t *out, size_t count) {
    while (count) {
        make_ready(engine);
        size_t ready = (size_t)engine->left - 1, now = count < ready ? count : ready;
        temper_many(out, engine->state + engine->next, now);
        engine->left -= (int32_t)now;
        engine->next += (uint32_t)now;
        out += now;
        count -= now;
    }
}

/* ---- uniform: 24 bits of a word, or 53 bits of two, the first one high ---- */

#define SMALLER(a, b) ((a) < (b) ? (a) : (b))
#define PAIRS (RANDOM_WORDS / 2)

INLINE void to_float_body(float *restrict out, const uint32_t *restrict words, size_t count, float low, float high) {
    float width = high - low;
    if (low == 0.0f && high == 1.0f) {
        for (size_t i = 0; i < count; i++) out[i] = (float)(int32_t)(words[i] & 0xffffffu) * 0x1p-24f;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        float value = FUSED((float)(int32_t)(words[i] & 0xffffffu) * 0x1p-24f, width, low);
        out[i] = value == high ? low : value;
    }
}
LEVELS(to_float, (float *out, const uint32_t *words, size_t count, float low, float high), (out, words, count, low, high))

INLINE double unit_double(const uint32_t *pair) {
    double high = (double)(int32_t)(pair[0] & 0x1fffffu), low = (double)pair[1];
    return (high * 0x1p32 + low) * 0x1p-53;
}

INLINE void to_double_body(double *restrict out, const uint32_t *restrict words, size_t count, double low, double high) {
    double width = high - low;
    if (low == 0.0 && high == 1.0) {
        for (size_t i = 0; i < count; i++) out[i] = unit_double(words + 2 * i);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        double value = FUSED_DOUBLE(unit_double(words + 2 * i), width, low);
        out[i] = value == high ? low : value;
    }
}
LEVELS(to_double, (double *out, const uint32_t *words, size_t count, double low, double high), (out, words, count, low, high))

void random_uniform_float(random_engine *engine, float *out, size_t count, float low, float high) {
    uint32_t words[RANDOM_WORDS];
    for (size_t now; count; out += now, count -= now) {
        now = SMALLER(count, RANDOM_WORDS);
        random_take(engine, words, now);
        to_float(out, words, now, low, high);
    }
}

void random_uniform_double(random_engine *engine, double *out, size_t count, double low, double high) {
    uint32_t words[2 * PAIRS];
    for (size_t now; count; out += now, count -= now) {
        now = SMALLER(count, PAIRS);
        random_take(engine, words, 2 * now);
        to_double(out, words, now, low, high);
    }
}

/* ---- half types: float32 rounded to the nearest, ties to even ---- */

INLINE uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Below 2**-14 the bits fall into place by adding 1/2, whose unit in the last place is a half's smallest number. */
INLINE uint16_t to_half(float value) {
    uint32_t bits = bits_of(value), sign = bits & 0x80000000u, size = bits ^ sign;
    float magnitude;
    memcpy(&magnitude, &size, sizeof magnitude);
    uint32_t tiny = bits_of(magnitude + 0.5f) - 0x3f000000u;
    uint32_t usual = (size - 0x38000000u + 0xfffu + (size >> 13 & 1u)) >> 13;
    uint32_t special = size > 0x7f800000u ? 0x7e00u : 0x7c00u;
    uint32_t half = size >= 0x47800000u ? special : size < 0x38800000u ? tiny : usual;
    return (uint16_t)(half | sign >> 16);
}

INLINE uint16_t to_bfloat(float value) {
    uint32_t bits = bits_of(value);
    return (uint16_t)(value != value ? 0x7fc0u : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

INLINE void shorten_body(uint16_t *restrict out, const float *restrict values, size_t count, int bfloat) {
    if (bfloat) {
        for (size_t i = 0; i < count; i++) out[i] = to_bfloat(values[i]);
    } else {
        for (size_t i = 0; i < count; i++) out[i] = to_half(values[i]);
    }
}
LEVELS(shorten, (uint16_t *out, const float *values, size_t count, int bfloat), (out, values, count, bfloat))

/* What was rounded up to the upper bound becomes the lower one; both zeros are one number. */
INLINE void below_bound_body(uint16_t *out, size_t count, uint16_t low, uint16_t high) {
    uint16_t mask = high & 0x7fffu ? 0xffffu : 0x7fffu;
    for (size_t i = 0; i < count; i++) out[i] = (out[i] & mask) == (high & mask) ? low : out[i];
}
LEVELS(below_bound, (uint16_t *out, size_t count, uint16_t low, uint16_t high), (out, count, low, high))

void random_uniform_half(random_engine *engine, uint16_t *out, size_t count, float low, float high, int bfloat) {
    uint32_t words[RANDOM_WORDS];
    float values[RANDOM_WORDS], bounds[2] = {low, high};
    uint16_t short_bounds[2];
    shorten(short_bounds, bounds, 2, bfloat);
    for (size_t now; count; out += now, count -= now) {
        now = SMALLER(count, RANDOM_WORDS);
        random_take(engine, words, now);
        to_float(values, words, now, low, high);
        shorten(out, values, now, bfloat);
        below_bound(out, now, short_bounds[0], short_bounds[1]);
    }
}

/* Whole blocks of 16, then one more over the last 16 where some are left: no words for the rest in between. */
void random_normal_half(random_engine *engine, uint16_t *out, size_t count, float mean, float deviation, int bfloat) {
    float values[RANDOM_WORDS];
    size_t whole = count - count % 16;
    for (size_t at = 0, now; at < whole; at += now) {
        now = SMALLER(whole - at, RANDOM_WORDS);
        random_uniform_float(engine, values, now, 0.0f, 1.0f);
        random_normal_float(values, now, mean, deviation);
        shorten(out + at, values, now, bfloat);
    }
    if (whole == count) return;
    random_uniform_float(engine, values, 16, 0.0f, 1.0f);
    random_normal_float(values, 16, mean, deviation);
    shorten(out + count - 16, values, 16, bfloat);
}

/* ---- integers: word % range + base; one word below 2**28, two from there on (or where `wide` says so) ---- */

static void narrow_integers(int64_t *out, const uint32_t *words, size_t count, uint32_t range, int64_t base) {
    if ((range & (range - 1)) == 0) {
        for (size_t i = 0; i < count; i++) out[i] = (int64_t)(words[i] & (range - 1)) + base;
        return;
    }
    for (size_t i = 0; i < count; i++) out[i] = (int64_t)(words[i] % range) + base;
}

void random_integers(random_engine *engine, int64_t *out, size_t count, uint64_t range, int64_t base, int wide) {
    uint32_t words[2 * PAIRS];
    for (size_t now; count; out += now, count -= now) {
        now = SMALLER(count, wide ? PAIRS : RANDOM_WORDS);
        random_take(engine, words, wide ? 2 * now : now);
        if (!wide) {
            narrow_integers(out, words, now, (uint32_t)range, base);
            continue;
        }
        for (size_t i = 0; i < now; i++) {
            uint64_t word = (uint64_t)words[2 * i] << 32 | words[2 * i + 1];
            out[i] = (int64_t)((range ? word % range : word) + (uint64_t)base);
        }
    }
}

void random_permutation(random_engine *engine, int64_t *out, size_t count) {
    for (size_t i = 0; i < count; i++) out[i] = (int64_t)i;
    for (size_t i = 0; i + 1 < count; i++) {
        size_t other = i + random_word(engine) % (uint32_t)(count - i);
        int64_t kept = out[i];
        out[i] = out[other];
        out[other] = kept;
    }
}

void random_permutation_large(random_engine *engine, int64_t *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t other = (size_t)(random_word64(engine) % (i + 1));
        out[i] = (int64_t)i;
        out[i] = out[other];
        out[other] = (int64_t)i;
    }
}

/* ---- normal ---- */

/* Natural logarithm in float32 for 0 < x <= 1, and sine and cosine for 0 <= x <= 2 pi: the polynomials of S. Moshier's
 * Cephes library (1992), evaluated with the fused operations and in the order of PyTorch's AVX2 build. */
INLINE float fast_log(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    float exponent = (float)((int32_t)(bits >> 23) - 126);
    bits = (bits & 0x007fffffu) | 0x3f000000u;
    memcpy(&x, &bits, sizeof x);
    int small = x < 0.707106781186547524f;
    float doubled = small ? x : 0.0f;
    exponent -= small ? 1.0f : 0.0f;
    x = (x - 1.0f) + doubled;
    float square = x * x, y = 7.0376836292E-2f;
    y = FUSED(y, x, -1.1514610310E-1f);
    y = FUSED(y, x, 1.1676998740E-1f);
    y = FUSED(y, x, -1.2420140846E-1f);
    y = FUSED(y, x, 1.4249322787E-1f);
    y = FUSED(y, x, -1.6668057665E-1f);
    y = FUSED(y, x, 2.0000714765E-1f);
    y = FUSED(y, x, -2.4999993993E-1f);
    y = FUSED(y, x, 3.3333331174E-1f);
    y = FUSED(y * x, square, exponent * -2.12194440e-4f);
    y = FUSED(square, -0.5f, y);
    return FUSED(exponent, 0.693359375f, x + y);
}

INLINE void fast_sincos(float x, float *sine, float *cosine) {
    int32_t octant = ((int32_t)(x * 1.27323954473516f) + 1) & ~1;
    float turns = (float)octant;
    x = FUSED(turns, -0.78515625f, x);
    x = FUSED(turns, -2.4187564849853515625e-4f, x);
    x = FUSED(turns, -3.77489497744594108e-8f, x);
    float square = x * x, even = 2.443315711809948E-005f, odd = -1.9515295891E-4f;
    even = FUSED(even, square, -1.388731625493765E-003f);
    even = FUSED(even, square, 4.166664568298827E-002f) * square;
    even = FUSED(even, square, square * -0.5f) + 1.0f;
    odd = FUSED(odd, square, 8.3321608736E-3f);
    odd = FUSED(odd, square, -1.6666654611E-1f) * square;
    odd = FUSED(odd, x, x);
    int swapped = octant & 2;
    float s = swapped ? even : odd, c = swapped ? odd : even;
    *sine = octant & 4 ? -s : s;
    *cosine = (octant - 2) & 4 ? c : -c;
}

INLINE void normal_float_body(float *data, size_t count, float mean, float deviation) {
    for (size_t i = 0; i < count; i += 16) {
        float *first = data + i, *second = first + 8;
        for (int j = 0; j < 8; j++) {
            float sine, cosine, radius = __builtin_sqrtf(-2.0f * fast_log(1.0f - first[j]));
            fast_sincos(6.283185307179586f * second[j], &sine, &cosine);
            first[j] = FUSED(radius * cosine, deviation, mean);
            second[j] = FUSED(radius * sine, deviation, mean);
        }
    }
}
LEVELS(normal_float, (float *data, size_t count, float mean, float deviation), (data, count, mean, deviation))

void random_normal_float(float *data, size_t count, float mean, float deviation) {
    normal_float(data, count, mean, deviation);
}

void random_normal_double(double *data, size_t count, double mean, double deviation) {
    for (size_t i = 0; i < count; i += 16) {
        for (size_t j = i; j < i + 8; j++) {
            double radius = sqrt(-2 * log(1 - data[j])), angle = 6.283185307179586 * data[j + 8];
            data[j] = fma(radius * cos(angle), deviation, mean);
            data[j + 8] = fma(radius * sin(angle), deviation, mean);
        }
    }
}

static double serial_normal(random_engine *engine) {
    if (engine->has_double) {
        engine->has_double = 0;
        return engine->next_double;
    }
    uint32_t words[4];
    random_take(engine, words, 4);
    double radius = sqrt(-2.0 * log1p(-unit_double(words + 2))), angle = 6.283185307179586 * unit_double(words);
    engine->next_double = radius * sin(angle);
    engine->has_double = 1;
    return radius * cos(angle);
}

void random_normal_serial(random_engine *engine, double *out, size_t count, double mean, double deviation) {
    for (size_t i = 0; i < count; i++) out[i] = fma(serial_normal(engine), deviation, mean);
}

void random_log_normal(random_engine *engine, double *out, size_t count, double mean, double deviation) {
    random_normal_serial(engine, out, count, mean, deviation);
    for (size_t i = 0; i < count; i++) out[i] = exp(out[i]);
}

/* ---- bernoulli: 1 where a uniform is below the probability ---- */

INLINE void below_body(uint8_t *restrict out, const uint32_t *restrict words, size_t count, double probability) {
    for (size_t i = 0; i < count; i++) out[i] = unit_double(words + 2 * i) < probability;
}
LEVELS(below, (uint8_t *out, const uint32_t *words, size_t count, double probability), (out, words, count, probability))

void random_below(random_engine *engine, uint8_t *out, size_t count, double probability) {
    uint32_t words[2 * PAIRS];
    for (size_t now; count; out += now, count -= now) {
        now = SMALLER(count, PAIRS);
        random_take(engine, words, 2 * now);
        below(out, words, now, probability);
    }
}

void random_below_each_float(random_engine *engine, uint8_t *out, size_t count, const float *probability) {
    uint32_t words[RANDOM_WORDS];
    for (size_t now; count; out += now, probability += now, count -= now) {
        now = SMALLER(count, RANDOM_WORDS);
        random_take(engine, words, now);
        for (size_t i = 0; i < now; i++) out[i] = (float)(int32_t)(words[i] & 0xffffffu) * 0x1p-24f < probability[i];
    }
}

void random_below_each_double(random_engine *engine, uint8_t *out, size_t count, const double *probability) {
    uint32_t words[2 * PAIRS];
    for (size_t now; count; out += now, probability += now, count -= now) {
        now = SMALLER(count, PAIRS);
        random_take(engine, words, 2 * now);
        for (size_t i = 0; i < now; i++) out[i] = unit_double(words + 2 * i) < probability[i];
    }
}

/* ---- laws that are a function of one double uniform ---- */

static double transformed(double u, random_law law, double first, double second) {
    if (law == RANDOM_EXPONENTIAL) return -1.0 / first * log1p(-u);
    if (law == RANDOM_GEOMETRIC) return ceil(log(u) / log1p(-first));
    return fma(second, tan(3.141592653589793 * (u - 0.5)), first);
}

void random_transformed(random_engine *engine, double *out, size_t count, random_law law, double first, double second) {
    random_uniform_double(engine, out, count, 0.0, 1.0);
    for (size_t i = 0; i < count; i++) out[i] = transformed(out[i], law, first, second);
}

/* The first category whose cumulative probability is not below the uniform; the last one counts as 1. */
#define CATEGORIES(name, type)                                                                                 \
    void name(random_engine *engine, int64_t *out, size_t count, const type *cumulative, size_t size) {       \
        for (size_t i = 0; i < count; i++) {                                                                   \
            uint32_t words[2];                                                                                 \
            random_take(engine, words, 2);                                                                     \
            double uniform = unit_double(words);                                                               \
            size_t low = 0, high = size - 1;                                                                   \
            while (low < high) {                                                                               \
                size_t middle = low + (high - low) / 2;                                                        \
                if (cumulative[middle] < uniform) low = middle + 1;                                            \
                else high = middle;                                                                            \
            }                                                                                                  \
            out[i] = (int64_t)low;                                                                             \
        }                                                                                                      \
    }
CATEGORIES(random_categories_float, float)
CATEGORIES(random_categories_double, double)
