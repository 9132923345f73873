/* Half precision combined at positions, in float32 and rounded once, by the processor's own conversions where it has
 * them; floats added; positions picked. Included once per level. It must not know Python. */
#undef WIDE
#undef NARROW
#if HG_LEVEL
#define WIDE(e) _cvtsh_ss(e)
#define NARROW(e) _cvtss_sh(e, 0)
#else
#define WIDE(e) hg_from_half(e)
#define NARROW(e) hg_to_half(e)
#endif
#undef ALPHA
#define ALPHA ((float)w->alpha)
COMBINE(HG(add_f16), f16, NARROW(WIDE(a) + WIDE(b) * ALPHA))
COMBINE(HG(multiply_f16), f16, NARROW(WIDE(a) * WIDE(b)))
/* Whole rows of these become vectors, which the processor's conversions of single numbers would prevent. */
#define EITHER(condition) ({ f16 mask = (f16)-(condition); (f16)((b & mask) | (a & ~mask)); })
COMBINE(HG(amax_f16), f16, EITHER((hg_from_half(b) > hg_from_half(a)) | (hg_from_half(b) != hg_from_half(b))))
COMBINE(HG(amin_f16), f16, EITHER((hg_from_half(b) < hg_from_half(a)) | (hg_from_half(b) != hg_from_half(b))))
#undef EITHER

NO_FUSING COMBINE(HG(add_f32), f32, a + b * alpha)
NO_FUSING COMBINE(HG(add_f64), f64, a + b * alpha)
static const line HG(add_floats)[2] = {HG(add_f32), HG(add_f64)};
static const line HG(combine_halves)[4] = {HG(add_f16), HG(multiply_f16), HG(amax_f16), HG(amin_f16)};

/* Whether one of n positions is outside: below 0, which its sign tells, or above the last, which the difference's does. */
static int HG(outside)(const char *places, hg_size step, hg_size n, uint64_t limit)
{
    uint64_t signs = 0;
    hg_size i = 0;
#if HG_LEVEL == 2
    __m512i all = _mm512_setzero_si512();
    const __m512i last = _mm512_set1_epi64((long long)(limit - 1));
    for (; step == sizeof(i64) && i + 8 <= n; i += 8) {
        __m512i some = _mm512_loadu_si512((const void *)(places + i * step));
        all = _mm512_or_si512(all, _mm512_or_si512(some, _mm512_sub_epi64(last, some)));
    }
    signs = (uint64_t)_mm512_reduce_or_epi64(all);
#endif
    for (; i < n; i++) {
        uint64_t at = *(const uint64_t *)(places + i * step);
        signs |= at | (limit - 1 - at);
    }
    return (int)(signs >> 63);
}

/* Those of up to 512 positions that are in [low, high), counted from low, with their number above bit TAG. */
static int HG(pick)(const i64 *index, int n, hg_size low, hg_size high, uint64_t *picked)
{
    int count = 0, i = 0;
#if HG_LEVEL == 2
    const __m512i first = _mm512_set1_epi64(low), size = _mm512_set1_epi64(high - low);
    const __m512i eight = _mm512_set1_epi64((i64)8 << TAG);
    __m512i number = _mm512_mullo_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), _mm512_set1_epi64((i64)1 << TAG));
    for (; i + 8 <= n; i += 8, number = _mm512_add_epi64(number, eight)) {
        __m512i at = _mm512_sub_epi64(_mm512_loadu_si512(index + i), first);
        __mmask8 own = _mm512_cmplt_epu64_mask(at, size);
        _mm512_storeu_si512(picked + count, _mm512_maskz_compress_epi64(own, _mm512_or_si512(at, number)));
        count += __builtin_popcount(own);
    }
#endif
    for (; i < n; i++) {
        uint64_t at = (uint64_t)index[i] - (uint64_t)low;
        picked[count] = at | (uint64_t)i << TAG;
        count += at < (uint64_t)(high - low);
    }
    return count;
}
