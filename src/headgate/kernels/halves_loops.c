/* float16 to float32 and back with the processor's own conversions where it has them. It must not know Python. */
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
