/* Conversion of runs of elements between the types, as C (and NumPy) convert: integers cut, floats truncated. float16
 * goes through float32, from float64 too: PyTorch rounds twice there. Also fills, lines, ramps, and squares of a
 * transpose, which are turned in registers where AVX is. Included once per level. It must not know Python. */

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
TO_HALF(f64)

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

/* `bytes` of an 8-byte pattern, in the level's widest stores. */
static void HG(spread)(char *target, u64 pattern, hg_size bytes)
{
    const hg_size n = bytes / 8;
    for (hg_size i = 0; i < n; i++)
        memcpy(target + i * 8, &pattern, 8);
    memcpy(target + n * 8, &pattern, (size_t)(bytes - n * 8));
}

/* Lines of a few thousand bytes, where a call per line would cost much beside the bytes. Both may be the same. */
HG_NO_CALLS static void HG(move)(char *target, const char *source, hg_size bytes)
{
    hg_size i = 0;
    HG_APART
    for (; i < bytes / 64 * 64; i++)
        target[i] = source[i];
    for (; i < bytes; i++)
        target[i] = source[i];
}

#define REVERSE(U) \
static void HG(reverse_##U)(U *restrict target, const U *restrict source, hg_size n) \
{ \
    for (hg_size i = 0; i < n; i++) \
        target[i] = source[-i]; \
}
REVERSE(u8)
REVERSE(u16)
REVERSE(u32)
REVERSE(u64)
#undef REVERSE

/* Numbers i to i + m of a ramp. An index is a double plus an int, which every level converts; rounded to T at last. */
#define RAMP(T) \
HG_NO_FUSING static void HG(ramp_##T)(const hg_ramp *r, hg_size i, hg_size m, T *restrict target) \
{ \
    const T first = (T)r->first, last = (T)r->last, step = (T)r->step; \
    const f64 from_first = (f64)i, from_last = (f64)(r->n - 1 - i); \
    i32 end = (i32)m, middle = r->half < i ? 0 : r->half - i < m ? (i32)(r->half - i) : end; \
    for (i32 k = 0; k < middle; k++) \
        target[k] = first + step * (T)(from_first + k); \
    for (i32 k = middle; k < end; k++) \
        target[k] = last - step * (T)(from_last - k); \
}
RAMP(f32)
RAMP(f64)
#undef RAMP

static void HG(ramp_i64)(const hg_ramp *r, hg_size i, hg_size m, u64 *restrict target)
{
    u64 value = (u64)r->whole_first + (u64)r->whole_step * (u64)i, step = (u64)r->whole_step;
    for (hg_size k = 0; k < m; k++)
        target[k] = value + step * (u64)k;
}

#if HG_LEVEL == 1
/* An 8 by 8 square of 4-byte elements: target rows are the source's columns. */
static void square_32_avx2(char *target, const char *source, hg_size to_row, hg_size from_row, hg_size side)
{
    __m256 a[8], b[8];
    (void)side;
    for (int i = 0; i < 4; i++) {
        const char *upper = source + i * from_row, *lower = source + (i + 4) * from_row;
        a[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps((const float *)upper)),
                                    _mm_loadu_ps((const float *)lower), 1);
        a[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps((const float *)(upper + 16))),
                                        _mm_loadu_ps((const float *)(lower + 16)), 1);
    }
    for (int half = 0; half < 8; half += 4) {
        b[half] = _mm256_unpacklo_ps(a[half], a[half + 1]);
        b[half + 1] = _mm256_unpackhi_ps(a[half], a[half + 1]);
        b[half + 2] = _mm256_unpacklo_ps(a[half + 2], a[half + 3]);
        b[half + 3] = _mm256_unpackhi_ps(a[half + 2], a[half + 3]);
        float *to = (float *)(target + half * to_row);
        _mm256_storeu_ps(to, _mm256_shuffle_ps(b[half], b[half + 2], 0x44));
        _mm256_storeu_ps((float *)((char *)to + to_row), _mm256_shuffle_ps(b[half], b[half + 2], 0xee));
        _mm256_storeu_ps((float *)((char *)to + 2 * to_row), _mm256_shuffle_ps(b[half + 1], b[half + 3], 0x44));
        _mm256_storeu_ps((float *)((char *)to + 3 * to_row), _mm256_shuffle_ps(b[half + 1], b[half + 3], 0xee));
    }
}

/* A 4 by 4 square of 8-byte elements. */
static void square_64_avx2(char *target, const char *source, hg_size to_row, hg_size from_row, hg_size side)
{
    __m256d a[4];
    (void)side;
    for (int i = 0; i < 2; i++) {
        const char *upper = source + i * from_row, *lower = source + (i + 2) * from_row;
        a[i] = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd((const double *)upper)),
                                    _mm_loadu_pd((const double *)lower), 1);
        a[i + 2] = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd((const double *)(upper + 16))),
                                        _mm_loadu_pd((const double *)(lower + 16)), 1);
    }
    for (int half = 0; half < 4; half += 2) {
        _mm256_storeu_pd((double *)(target + half * to_row), _mm256_unpacklo_pd(a[half], a[half + 1]));
        _mm256_storeu_pd((double *)(target + (half + 1) * to_row), _mm256_unpackhi_pd(a[half], a[half + 1]));
    }
}
#endif
