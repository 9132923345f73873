/* How many numbers lie in each part of a range, and the longest run of equal numbers in sorted lines. It must not know
 * Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math", "no-math-errno")
#endif
#include "sorting_loops.h"

#define COUNTED 512      /* numbers placed together, so that they stay in the cache */
#define TABLES 4         /* two neighbours in one part need not wait for each other */
#define OWN_PARTS 4096   /* up to so many, each piece of the work counts on its own */
#define GRAIN 32768

typedef void (*hg_placer)(const void *numbers, hg_size n, const hg_parts *p, i32 *restrict places);

#define HG_BODY "counting_level.h"
#include "each_level.h"

typedef struct {
    const char *x;
    hg_size item;
    const hg_parts *parts;
    hg_placer place;
    i64 *counts;
    int failed;
} parts_job;

static void count_parts(void *context, hg_size low, hg_size high)
{
    parts_job *j = context;
    hg_size size = j->parts->count + 1; /* the last is for what lies outside */
    i32 places[COUNTED];
    i64 *tables = calloc((size_t)size * TABLES, sizeof *tables);
    if (!tables) {
        __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
        return;
    }
    for (hg_size i = low; i < high; i += COUNTED) {
        hg_size n = high - i < COUNTED ? high - i : COUNTED, k = 0;
        j->place(j->x + i * j->item, n, j->parts, places);
        for (; k + TABLES <= n; k += TABLES)
            for (int t = 0; t < TABLES; t++)
                tables[t * size + places[k + t]]++;
        for (; k < n; k++)
            tables[places[k]]++;
    }
    for (hg_size part = 0; part < j->parts->count; part++) {
        i64 sum = 0;
        for (int t = 0; t < TABLES; t++)
            sum += tables[t * size + part];
        if (sum)
            __atomic_fetch_add(&j->counts[part], sum, __ATOMIC_RELAXED);
    }
    free(tables);
}

int hg_count_parts(int type, const void *x, hg_size n, const hg_parts *parts, i64 *counts, hg_splitter parallel)
{
    parts_job j = {x, type == HG_F16 ? 2 : type == HG_F32 ? 4 : 8, parts, HG_CHOSEN(placers)[type - HG_F16], counts, 0};
    memset(counts, 0, sizeof *counts * (size_t)parts->count);
    if (n <= GRAIN || parts->count > OWN_PARTS)
        count_parts(&j, 0, n);
    else
        parallel(count_parts, &j, n, GRAIN);
    return j.failed ? -1 : 0;
}

/* ------------------------------------------------------------------------------------------------------------ runs */

typedef struct {
    const char *x;
    hg_size n;
    i64 *places;
} runs_job;

/* The first of the longest runs; equal is what compares so, and NaN does not. */
#define RUNS(NAME, T, VALUE) \
static void NAME(void *context, hg_size low, hg_size high) \
{ \
    const runs_job *j = context; \
    for (hg_size r = low; r < high; r++) { \
        const T *line = (const T *)j->x + r * j->n; \
        hg_size start = 0, most = 0, place = 0; \
        for (hg_size i = 0; i < j->n; i++) { \
            if (i + 1 < j->n && VALUE(line[i]) == VALUE(line[i + 1])) \
                continue; \
            if (i + 1 - start > most) \
                most = i + 1 - start, place = i; \
            start = i + 1; \
        } \
        j->places[r] = place; \
    } \
}
#define SAME(v) (v)
RUNS(runs_8, u8, SAME)
RUNS(runs_16, i16, SAME)
RUNS(runs_32, i32, SAME)
RUNS(runs_64, i64, SAME)
RUNS(runs_f16, f16, hg_from_half)
RUNS(runs_f32, f32, SAME)
RUNS(runs_f64, f64, SAME)

void hg_longest_runs(int type, const void *x, hg_size lines, hg_size n, i64 *places, hg_splitter parallel)
{
    static const hg_task tasks[HG_TYPES] = {runs_8, runs_8, runs_8, runs_16, runs_32, runs_64, runs_f16, runs_f32, runs_f64};
    runs_job j = {x, n, places};
    if (lines * n <= GRAIN)
        tasks[type](&j, 0, lines);
    else
        parallel(tasks[type], &j, lines, GRAIN / n + 1);
}
