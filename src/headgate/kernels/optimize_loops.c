/* One step of an optimizer over a list of parameters: which pieces a task works on, and the level's loops.
 * It must not know Python. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__) /* only what is written as one rounding is rounded once */
#pragma GCC optimize("O3", "no-trapping-math", "fp-contract=off")
#endif
#include "optimize_loops.h"

#define HG_RULE_BLOCK 512 /* elements of a changed gradient kept at a time */
#define CHUNK 8192         /* elements of one parameter that a task takes at once */

#define HG_BODY "optimize_level.h"
#include "each_level.h"

typedef struct {
    void (*piece_f32)(int rule, const hg_update *u, hg_size low, hg_size high);
    void (*piece_f64)(int rule, const hg_update *u, hg_size low, hg_size high);
    double (*measure_f32)(int power, const f32 *x, hg_size n);
    double (*measure_f64)(int power, const f64 *x, hg_size n);
    void (*scale_f32)(f32 *x, hg_size n, f32 factor);
    void (*scale_f64)(f64 *x, hg_size n, f64 factor);
} rule_table;

#define TABLE(level) {piece_f32_##level, piece_f64_##level, measure_f32_##level, measure_f64_##level, \
                      scale_f32_##level, scale_f64_##level}
static const rule_table *loops(void)
{
    static const rule_table tables[] = {
        TABLE(baseline),
#if HG_X86
        TABLE(avx2), TABLE(avx512),
#endif
    };
    static const rule_table *chosen;
    if (!chosen)
        chosen = &tables[hg_level()];
    return chosen;
}

typedef struct {
    int rule;
    hg_update *updates;
    hg_size count;
} job;

static void piece(int rule, const hg_update *u, hg_size low, hg_size high)
{
    (u->type == HG_F32 ? loops()->piece_f32 : loops()->piece_f64)(rule, u, low, high);
}

static void chunks(void *context, hg_size low, hg_size high)
{
    const job *j = context;
    hg_size k = 0;
    for (hg_size at = low; at < high; at++) {
        while (k + 1 < j->count && j->updates[k + 1].first <= at)
            k++;
        const hg_update *u = &j->updates[k];
        hg_size from = (at - u->first) * CHUNK, to = from + CHUNK;
        piece(j->rule, u, from, to < u->n ? to : u->n);
    }
}

void hg_optimize(int rule, hg_update *updates, hg_size count, hg_splitter parallel)
{
    hg_size total = 0;
    job j = {rule, updates, count};
    for (hg_size k = 0; k < count; k++) {
        updates[k].first = total;
        total += (updates[k].n + CHUNK - 1) / CHUNK;
    }
    if (parallel)
        parallel(chunks, &j, total, 4);
    else
        for (hg_size k = 0; k < count; k++)
            piece(rule, &updates[k], 0, updates[k].n);
}

double hg_gradient_size(int power, int type, const void *x, hg_size n)
{
    return type == HG_F32 ? loops()->measure_f32(power, x, n) : loops()->measure_f64(power, x, n);
}

void hg_gradient_scale(int type, void *x, hg_size n, double factor)
{
    if (type == HG_F32)
        loops()->scale_f32(x, n, (f32)factor);
    else
        loops()->scale_f64(x, n, factor);
}
