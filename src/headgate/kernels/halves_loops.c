/* float16 and bfloat16 to float32 and back, with the processor's own conversions where it has them. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif
#include "halves_loops.h"

#define HG_SUFFIX baseline
#define HG_LEVEL 0
#include "vectors_level.h"
#undef HG_SUFFIX
#undef HG_LEVEL
#if HG_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#define HG_SUFFIX avx2
#define HG_LEVEL 1
#include "vectors_level.h"
#undef HG_SUFFIX
#undef HG_LEVEL
#pragma GCC pop_options
#endif

/* bfloat16 is the upper half of a float32. */
#define BRAINS(suffix)                                                                                        \
    static void from_brain_##suffix(const unsigned short *x, unsigned int *out, hg_size n)                    \
    {                                                                                                         \
        for (hg_size i = 0; i < n; i++)                                                                       \
            out[i] = (unsigned int)x[i] << 16;                                                                \
    }                                                                                                         \
    static void to_brain_##suffix(const unsigned int *x, unsigned short *out, hg_size n)                      \
    {                                                                                                         \
        for (hg_size i = 0; i < n; i++) {                                                                     \
            unsigned int b = x[i], nearest = (b + 0x7fff + ((b >> 16) & 1)) >> 16;                            \
            out[i] = (unsigned short)((b & 0x7fffffff) > 0x7f800000 ? (b >> 16 & 0x8000) | 0x7fc0 : nearest); \
        }                                                                                                     \
    }
BRAINS(baseline)
#if HG_X86
#pragma GCC push_options
#pragma GCC target("avx2")
BRAINS(avx2)
#pragma GCC pop_options
#endif

#define GRAIN 32768

typedef struct {
    const void *x;
    void *out;
    int vectors;
} job;

static void widen(void *context, hg_size low, hg_size high)
{
    const job *j = context;
#if HG_X86
    if (j->vectors) {
        from_half_avx2((const f16 *)j->x + low, (f32 *)j->out + low, high - low);
        return;
    }
#endif
    from_half_baseline((const f16 *)j->x + low, (f32 *)j->out + low, high - low);
}

static void narrow(void *context, hg_size low, hg_size high)
{
    const job *j = context;
#if HG_X86
    if (j->vectors) {
        to_half_avx2((const f32 *)j->x + low, (f16 *)j->out + low, high - low);
        return;
    }
#endif
    to_half_baseline((const f32 *)j->x + low, (f16 *)j->out + low, high - low);
}

static void widen_brain(void *context, hg_size low, hg_size high)
{
    const job *j = context;
#if HG_X86
    if (j->vectors) {
        from_brain_avx2((const unsigned short *)j->x + low, (unsigned int *)j->out + low, high - low);
        return;
    }
#endif
    from_brain_baseline((const unsigned short *)j->x + low, (unsigned int *)j->out + low, high - low);
}

static void narrow_brain(void *context, hg_size low, hg_size high)
{
    const job *j = context;
#if HG_X86
    if (j->vectors) {
        to_brain_avx2((const unsigned int *)j->x + low, (unsigned short *)j->out + low, high - low);
        return;
    }
#endif
    to_brain_baseline((const unsigned int *)j->x + low, (unsigned short *)j->out + low, high - low);
}

static void run(hg_task task, const void *x, void *out, hg_size n, hg_splitter parallel)
{
    static int level = -1;
    if (level < 0)
        level = hg_level();
    job j = {x, out, level > 0};
    if (n <= GRAIN)
        task(&j, 0, n);
    else
        parallel(task, &j, n, GRAIN);
}

void hg_halves_widen(const f16 *x, f32 *out, hg_size n, hg_splitter parallel)
{
    run(widen, x, out, n, parallel);
}

void hg_halves_narrow(const f32 *x, f16 *out, hg_size n, hg_splitter parallel)
{
    run(narrow, x, out, n, parallel);
}

void hg_brains_widen(const void *x, void *out, hg_size n, hg_splitter parallel)
{
    run(widen_brain, x, out, n, parallel);
}

void hg_brains_narrow(const void *x, void *out, hg_size n, hg_splitter parallel)
{
    run(narrow_brain, x, out, n, parallel);
}
