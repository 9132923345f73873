/* Every own loop for one instruction-set level; loops_baseline.c, loops_avx2.c and loops_avx512.c include it under their
   own target. All functions are static: the level's record, defined here, is the only name that leaves the file. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __F16C__
#include <immintrin.h>
#endif
#include "loops.h"
#include "loops_special.h"

#define BLOCK 512
#if defined(__GNUC__) && !defined(__clang__)
#define IVDEP _Pragma("GCC ivdep")
#else
#define IVDEP
#endif
#define GLUE_(a, b) a##b
#define GLUE(a, b) GLUE_(a, b)

#define CLAMP(x, lo, hi) ((x) < (lo) ? (T)(lo) : (x) > (hi) ? (T)(hi) : (T)(x))
#define GELU_INNER(x) ((T)0.79788456080286535588 * ((x) + (T)0.044715 * (x) * (x) * (x)))
/* mish'(x) from e = exp(x): tanh(softplus) = w / (w + 2), w = e (e + 2); sech^2 = 4 (e + 1)^2 / (w + 2)^2 */
#define MISH_SLOPE(x, e) ((e) * ((e) + 2) / ((e) * ((e) + 2) + 2) + (x) * 4 * (e) * ((e) + 1) / \
                          (((e) * ((e) + 2) + 2) * ((e) * ((e) + 2) + 2)))

#include "loops_math.h"
#include "loops_series.h"
#include "loops_chebyshev.h"

#define T float
#define FN(name) GLUE(f_, name)
#define MATH(name) GLUE(name, f)
#define KIND 0
#define CODE 'f'
#define FMOD_LIMIT 4194304.0
#define FMOD_SMALL 1e-30
#include "loops_float.h"
#undef T
#undef FN
#undef MATH
#undef KIND
#undef CODE
#undef FMOD_LIMIT
#undef FMOD_SMALL

#define T double
#define FN(name) GLUE(d_, name)
#define MATH(name) name
#define KIND 1
#define CODE 'd'
#define FMOD_LIMIT 2251799813685248.0
#define FMOD_SMALL 1e-280
#include "loops_float.h"
#undef T
#undef FN
#undef MATH
#undef KIND
#undef CODE

#define T int8_t
#define U uint8_t
#define FN(name) GLUE(i8_, name)
#define CODE 'b'
#define IS_SIGNED 1
#define LOWEST INT8_MIN
#define HIGHEST INT8_MAX
#include "loops_integer.h"
#undef T
#undef U
#undef FN
#undef CODE
#undef LOWEST
#undef HIGHEST
#define T int16_t
#define U uint16_t
#define FN(name) GLUE(i16_, name)
#define CODE 'h'
#define LOWEST INT16_MIN
#define HIGHEST INT16_MAX
#include "loops_integer.h"
#undef T
#undef U
#undef FN
#undef CODE
#undef LOWEST
#undef HIGHEST
#define T int32_t
#define U uint32_t
#define FN(name) GLUE(i32_, name)
#define CODE 'i'
#define LOWEST INT32_MIN
#define HIGHEST INT32_MAX
#include "loops_integer.h"
#undef T
#undef U
#undef FN
#undef CODE
#undef LOWEST
#undef HIGHEST
#define T int64_t
#define U uint64_t
#define FN(name) GLUE(i64_, name)
#define CODE 'q'
#define LOWEST INT64_MIN
#define HIGHEST INT64_MAX
#include "loops_integer.h"
#undef T
#undef U
#undef FN
#undef CODE
#undef LOWEST
#undef HIGHEST
#undef IS_SIGNED
#define T uint8_t
#define U uint8_t
#define FN(name) GLUE(u8_, name)
#define CODE 'B'
#define IS_SIGNED 0
#define LOWEST 0
#define HIGHEST UINT8_MAX
#include "loops_integer.h"
#undef T
#undef U
#undef FN
#undef CODE
#undef LOWEST
#undef HIGHEST

/* where(c, x, y) moves bytes, so one loop serves every type of a size. */
#define WHERE(bits)                                                                                          \
    static void where_##bits(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {       \
        typedef uint##bits##_t W;                                                                            \
        const ptrdiff_t n = dims[0], w = sizeof(W);                                                          \
        const unsigned char *c = (unsigned char *)args[0];                                                   \
        const W *x = (W *)args[1], *y = (W *)args[2];                                                        \
        W *z = (W *)args[3];                                                                                 \
        (void)data;                                                                                          \
        if (steps[0] == 1 && steps[3] == w && steps[1] == w && steps[2] == w)                                \
            IVDEP for (ptrdiff_t i = 0; i < n; i++) { const W p = x[i], q = y[i]; z[i] = c[i] ? p : q; }      \
        else if (steps[0] == 1 && steps[3] == w && steps[1] == w && steps[2] == 0) {                         \
            const W q = *y;                                                                                  \
            IVDEP for (ptrdiff_t i = 0; i < n; i++) { const W p = x[i]; z[i] = c[i] ? p : q; }                \
        } else if (steps[0] == 1 && steps[3] == w && steps[1] == 0 && steps[2] == w) {                       \
            const W p = *x;                                                                                  \
            IVDEP for (ptrdiff_t i = 0; i < n; i++) { const W q = y[i]; z[i] = c[i] ? p : q; }                \
        } else if (steps[0] == 1 && steps[3] == w && steps[1] == 0 && steps[2] == 0) {                       \
            const W p = *x, q = *y;                                                                          \
            IVDEP for (ptrdiff_t i = 0; i < n; i++) z[i] = c[i] ? p : q;                                      \
        } else                                                                                               \
            for (ptrdiff_t i = 0; i < n; i++)                                                                \
                *(W *)(args[3] + i * steps[3]) =                                                             \
                    args[0][i * steps[0]] ? *(W *)(args[1] + i * steps[1]) : *(W *)(args[2] + i * steps[2]); \
    }
WHERE(8)
WHERE(16)
WHERE(32)
WHERE(64)
static const hg_entry size_table[] = {
    {"where", '1', 0, 3, 1, 0, where_8}, {"where", '2', 0, 3, 1, 0, where_16}, {"where", '4', 0, 3, 1, 0, where_32},
    {"where", '8', 0, 3, 1, 0, where_64}, {0, 0, 0, 0, 0, 0, 0}};

#include "loops_half.h"
#include "loops_vector.h"

static const hg_entry *const groups[] = {f_table, d_table, i8_table, i16_table, i32_table, i64_table, u8_table, half_table, size_table, 0};
const hg_level LEVEL = {LEVEL_NAME, groups, half_loop, {vector_f1, vector_f2}, {vector_d1, vector_d2}, VECTOR_PREFIX, VECTOR_FLOATS,
                        {f_rows, d_rows}};
