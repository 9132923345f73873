/* Half precision combined at positions, in float32 and rounded once, by the processor's own conversions where it has
 * them. Included once per level. It must not know Python. */
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
COMBINE(HG(amax_f16), f16, (hg_from_half(b) > hg_from_half(a)) | (hg_from_half(b) != hg_from_half(b)) ? b : a)
COMBINE(HG(amin_f16), f16, (hg_from_half(b) < hg_from_half(a)) | (hg_from_half(b) != hg_from_half(b)) ? b : a)

static const line HG(combine_halves)[4] = {HG(add_f16), HG(multiply_f16), HG(amax_f16), HG(amin_f16)};
