/* The own loops for any machine, and the choice between the levels. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-math-errno", "no-trapping-math", "fp-contract=off")
#endif
#define LEVEL hg_baseline
#define LEVEL_NAME "baseline"
#define VECTOR_PREFIX 0
#define VECTOR_FLOATS 1
#include "loops_template.h"

hg_math hg_maths[2][HG_MATHS];

static const hg_level *chosen = &hg_baseline;

static const hg_level *best(const char *forced) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (forced && !strcmp(forced, "baseline")) return &hg_baseline;
    if (forced && !strcmp(forced, "avx2")) avx512 = 0;
    return avx512 ? &hg_avx512 : avx2 ? &hg_avx2 : &hg_baseline;
#else
    (void)forced;
    return &hg_baseline;
#endif
}

const hg_level *hg_choose(const char *forced) { return chosen = best(forced); }

hg_rows hg_rows_of(hg_inner inner) {
    for (int kind = 0; kind < 2; kind++)
        for (const hg_rows_entry *entry = chosen->rows[kind]; entry->inner; entry++)
            if (entry->inner == inner) return entry->rows;
    return 0;
}

const hg_entry *hg_find(const hg_level *level, const char *name, char type) {
    for (const hg_entry *const *group = level->groups; *group; group++) {
        if ((*group)->type != type && (*group)->type > '8') continue;
        for (const hg_entry *entry = *group; entry->name; entry++)
            if (entry->type == type && !strcmp(entry->name, name)) return entry;
    }
    return 0;
}
