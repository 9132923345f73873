/* Instruction-set levels, element types and the small helpers that every loop file shares: what "float32" or
 * "AVX-512" is called here. It must not know Python, nor any operation.
 *
 * Loops are in a header that is included once per level; HG(name) gives each copy its own name, and the table of the
 * level that this processor (or HEADGATE_CPU) allows is picked once. */
#ifndef HEADGATE_LEVELS_H
#define HEADGATE_LEVELS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define HG_X86 1
#include <immintrin.h>
#else
#define HG_X86 0
#endif

typedef intptr_t hg_size;
typedef uint8_t u8;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef uint16_t f16; /* the bits of a float16 */
typedef float f32;
typedef double f64;

enum hg_type { HG_BOOL, HG_U8, HG_I8, HG_I16, HG_I32, HG_I64, HG_F16, HG_F32, HG_F64, HG_TYPES };

/* The pool's door: fn over pieces of [0, n), none smaller than grain (but the last). */
typedef void (*hg_task)(void *context, hg_size low, hg_size high);
typedef void (*hg_splitter)(hg_task fn, void *context, hg_size n, hg_size grain);

#define HG_PASTE2(a, b) a##_##b
#define HG_PASTE(a, b) HG_PASTE2(a, b)
#define HG(name) HG_PASTE(name, HG_SUFFIX)
#define HG_INLINE static inline __attribute__((always_inline, unused))
#define HG_UNUSED __attribute__((unused))

static inline int hg_find_level(void)
{
#if HG_X86
    const char *forced = getenv("HEADGATE_CPU");
    int level = 0;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"))
        level = 1;
    if (level && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        level = 2;
    if (forced && !strcmp(forced, "baseline"))
        level = 0;
    if (forced && !strcmp(forced, "avx2") && level > 1)
        level = 1;
    return level;
#else
    return 0;
#endif
}

/* 0 baseline, 1 AVX2 + FMA + F16C, 2 AVX-512 (F, BW, DQ, VL). */
static inline int hg_level(void)
{
    static int found = -1;
    if (found < 0)
        found = hg_find_level();
    return found;
}

/* The copy of a function or a table that this processor is to use. */
#if HG_X86
#define HG_CHOSEN(name) (*(hg_level() == 2 ? &name##_avx512 : hg_level() == 1 ? &name##_avx2 : &name##_baseline))
#else
#define HG_CHOSEN(name) name##_baseline
#endif

/* ------------------------------------------------------------------------------------------------- float16, one by one */

HG_INLINE float hg_from_half(uint16_t half)
{
    /* Multiplying by 2^112 puts normals and subnormals right; only infinity and NaN need their exponent set. */
    union { uint32_t bits; float value; } number, scale;
    number.bits = (uint32_t)(half & 0x7fff) << 13;
    scale.bits = 0x77800000u;
    number.value *= scale.value;
    number.bits |= number.value >= 65536.0f ? 0x7f800000u : 0;
    number.bits |= (half & 0x7fffu) > 0x7c00u ? 0x7fc00000u : 0;
    number.bits |= (uint32_t)(half & 0x8000) << 16;
    return number.value;
}

HG_INLINE uint16_t hg_to_half(float value)
{
    union { uint32_t bits; float value; } number, magic;
    number.value = value;
    uint32_t sign = (number.bits >> 16) & 0x8000;
    number.bits &= 0x7fffffff;
    if (number.bits > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (number.bits >= 0x477ff000) /* rounds to 2^16 or more */
        return (uint16_t)(sign | 0x7c00);
    if (number.bits < 0x38800000) { /* a subnormal: let the adder round it */
        magic.bits = 0x3f000000;
        number.value += magic.value;
        return (uint16_t)(sign | (number.bits - magic.bits));
    }
    uint32_t odd = (number.bits >> 13) & 1;
    number.bits += 0xc8000fffu + odd;
    return (uint16_t)(sign | (number.bits >> 13));
}

#endif
