/* Conversion of runs of elements between the types, as C (and NumPy) convert: integers cut, floats truncated. float16
 * goes through float32; from float64 it is rounded once, as through a float32 rounded to odd. Included once per level,
 * after vectors_level.h. It must not know Python. */

#define CONVERT(F, T, EXPRESSION) \
static void HG(F##_to_##T)(const void *source, void *target, hg_size n) \
{ \
    const F *restrict from = source; \
    T *restrict to = target; \
    for (hg_size i = 0; i < n; i++) { \
        F v = from[i]; \
        to[i] = (T)(EXPRESSION); \
    } \
}
#define TO_INTEGERS(F, SMALL) \
    CONVERT(F, truth, v != 0) \
    CONVERT(F, u8, SMALL v) \
    CONVERT(F, i8, SMALL v) \
    CONVERT(F, i16, SMALL v) \
    CONVERT(F, i32, v) \
    CONVERT(F, i64, v)
#define NOTHING
TO_INTEGERS(u8, NOTHING)
TO_INTEGERS(i8, NOTHING)
TO_INTEGERS(i16, NOTHING)
TO_INTEGERS(i32, NOTHING)
TO_INTEGERS(i64, NOTHING)
TO_INTEGERS(f32, (i32))
TO_INTEGERS(f64, (i32))
#define TO_FLOATS(F) CONVERT(F, f32, v) CONVERT(F, f64, v)
TO_FLOATS(u8)
TO_FLOATS(i8)
TO_FLOATS(i16)
TO_FLOATS(i32)
TO_FLOATS(i64)
CONVERT(f32, f64, v)
CONVERT(f64, f32, v)

static void HG(f16_to_f32)(const void *source, void *target, hg_size n)
{
    HG(from_half)(source, target, n);
}

static void HG(f32_to_f16)(const void *source, void *target, hg_size n)
{
    HG(to_half)(source, target, n);
}

#define HALF_PIECE 512

/* A double cut to what a float holds, its last bit set if that lost something: rounding it again is exact. */
static void HG(f64_to_f16)(const void *source, void *target, hg_size n)
{
    const char *from = source;
    f32 piece[HALF_PIECE];
    for (hg_size i = 0; i < n; i += HALF_PIECE) {
        hg_size m = n - i < HALF_PIECE ? n - i : HALF_PIECE;
        for (hg_size k = 0; k < m; k++) {
            u64 bits, lost;
            f64 cut;
            memcpy(&bits, from + (i + k) * 8, 8);
            lost = bits & 0x1fffffff;
            bits = (bits ^ lost) | (lost ? (u64)0x20000000 : 0);
            memcpy(&cut, &bits, 8);
            piece[k] = (f32)cut;
        }
        HG(to_half)(piece, (f16 *)target + i, m);
    }
}

#define FROM_HALF(T) \
static void HG(f16_to_##T)(const void *source, void *target, hg_size n) \
{ \
    f32 piece[HALF_PIECE]; \
    for (hg_size i = 0; i < n; i += HALF_PIECE) { \
        hg_size m = n - i < HALF_PIECE ? n - i : HALF_PIECE; \
        HG(from_half)((const f16 *)source + i, piece, m); \
        HG(f32_to_##T)(piece, (T *)target + i, m); \
    } \
}
#define TO_HALF(F) \
static void HG(F##_to_f16)(const void *source, void *target, hg_size n) \
{ \
    f32 piece[HALF_PIECE]; \
    for (hg_size i = 0; i < n; i += HALF_PIECE) { \
        hg_size m = n - i < HALF_PIECE ? n - i : HALF_PIECE; \
        HG(F##_to_f32)((const F *)source + i, piece, m); \
        HG(to_half)(piece, (f16 *)target + i, m); \
    } \
}
FROM_HALF(truth)
FROM_HALF(u8)
FROM_HALF(i8)
FROM_HALF(i16)
FROM_HALF(i32)
FROM_HALF(i64)
FROM_HALF(f64)
TO_HALF(u8)
TO_HALF(i8)
TO_HALF(i16)
TO_HALF(i32)
TO_HALF(i64)

/* [from][to]; NULL between a type and itself. */
#define ROW(F) {HG(F##_to_truth), HG(F##_to_u8), HG(F##_to_i8), HG(F##_to_i16), HG(F##_to_i32), HG(F##_to_i64), \
                HG(F##_to_f16), HG(F##_to_f32), HG(F##_to_f64)}
#define HG_f16_to_f16 NULL
static const hg_converter HG(converters)[HG_TYPES][HG_TYPES] = {
    ROW(u8), ROW(u8), ROW(i8), ROW(i16), ROW(i32), ROW(i64),
    {HG(f16_to_truth), HG(f16_to_u8), HG(f16_to_i8), HG(f16_to_i16), HG(f16_to_i32), HG(f16_to_i64), NULL,
     HG(f16_to_f32), HG(f16_to_f64)},
    {HG(f32_to_truth), HG(f32_to_u8), HG(f32_to_i8), HG(f32_to_i16), HG(f32_to_i32), HG(f32_to_i64), HG(f32_to_f16),
     NULL, HG(f32_to_f64)},
    {HG(f64_to_truth), HG(f64_to_u8), HG(f64_to_i8), HG(f64_to_i16), HG(f64_to_i32), HG(f64_to_i64), HG(f64_to_f16),
     HG(f64_to_f32), NULL},
};
#undef ROW
#undef HG_f16_to_f16
#undef TO_HALF
#undef FROM_HALF
#undef HALF_PIECE
#undef TO_FLOATS
#undef NOTHING
#undef TO_INTEGERS
#undef CONVERT
