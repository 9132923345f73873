/* What copying_loops.c includes once per level, with HG_SUFFIX and HG_LEVEL set; both are unset at its end. Squares of a
 * transpose are turned in registers where AVX is. It must not know Python. */
#include "vectors_level.h"
#include "copying_level.h"

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

#undef HG_SUFFIX
#undef HG_LEVEL
