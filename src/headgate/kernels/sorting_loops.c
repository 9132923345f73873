/* Sorting and searching. Sorts go by unsigned keys whose order is that of the values (NaN the largest, both
 * zeros equal): insertion for a few, radix passes for many, two halves merged from both ends for a long line. It must
 * not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math")
#endif
#include "ordering.h"
#include "sorting_loops.h"

#define FEW 48
#define LONG_LINE 65536

/* U: key and place of a pair, 4 or 8 bytes each. */
#define SORTER(U, B) \
typedef struct { U key, place; } pair_##U; \
static void load_##U(int type, const void *x, hg_size n, hg_size step, int descending, U all, hg_size first, pair_##U *out) \
{ \
    U flip = descending ? all : 0; \
    if (type == HG_F32 && step == 1) { \
        for (hg_size i = 0; i < n; i++) \
            out[i] = (pair_##U){(U)key_of(HG_F32, x, first + i) ^ flip, (U)(first + i)}; \
        return; \
    } \
    if (type == HG_F16 && step == 1) { \
        for (hg_size i = 0; i < n; i++) \
            out[i] = (pair_##U){(U)key_of(HG_F16, x, first + i) ^ flip, (U)(first + i)}; \
        return; \
    } \
    if (type == HG_F64 && step == 1) { \
        for (hg_size i = 0; i < n; i++) \
            out[i] = (pair_##U){(U)key_of(HG_F64, x, first + i) ^ flip, (U)(first + i)}; \
        return; \
    } \
    for (hg_size i = 0; i < n; i++) \
        out[i] = (pair_##U){(U)key_of(type, x, (first + i) * step) ^ flip, (U)(first + i)}; \
} \
static void few_##U(pair_##U *p, hg_size n) \
{ \
    for (hg_size i = 1; i < n; i++) { \
        pair_##U e = p[i]; \
        hg_size j = i; \
        for (; j && p[j - 1].key > e.key; j--) \
            p[j] = p[j - 1]; \
        p[j] = e; \
    } \
} \
/* Merges two sorted neighbours: p[0, m) and p[m, n) into out. */ \
static void merge_##U(const pair_##U *p, hg_size m, hg_size n, pair_##U *out) \
{ \
    hg_size i = 0, j = m; \
    while (i < m && j < n) \
        *out++ = p[j].key < p[i].key ? p[j++] : p[i++]; \
    memcpy(out, p + i, sizeof *p * (size_t)(m - i)); \
    memcpy(out + (m - i), p + j, sizeof *p * (size_t)(n - j)); \
} \
static void some_##U(pair_##U *p, pair_##U *spare, hg_size n) \
{ \
    hg_size run = FEW / 2; \
    for (hg_size i = 0; i < n; i += run) \
        few_##U(p + i, n - i < run ? n - i : run); \
    pair_##U *from = p, *to = spare; \
    for (; run < n; run *= 2) { \
        for (hg_size i = 0; i < n; i += 2 * run) { \
            hg_size m = n - i < run ? n - i : run, end = n - i < 2 * run ? n - i : 2 * run; \
            merge_##U(from + i, m, end, to + i); \
        } \
        pair_##U *other = from; \
        from = to; \
        to = other; \
    } \
    if (from != p) \
        memcpy(p, from, sizeof *p * (size_t)n); \
} \
/* Least digit first, one byte a pass; a pass in which all have one digit is left out. The result is in p. */ \
static void radix_##U(pair_##U *p, pair_##U *spare, hg_size n) \
{ \
    if (n <= FEW) { \
        few_##U(p, n); \
        return; \
    } \
    if (n < 256 * (hg_size)sizeof(U) / 4) { \
        some_##U(p, spare, n); \
        return; \
    } \
    hg_size count[B][256]; \
    pair_##U *from = p, *to = spare; \
    memset(count, 0, sizeof count); \
    for (hg_size i = 0; i < n; i++) \
        for (int d = 0; d < B; d++) \
            count[d][p[i].key >> 8 * d & 255]++; \
    for (int d = 0; d < B; d++) { \
        hg_size at = 0, *c = count[d]; \
        if (c[p[0].key >> 8 * d & 255] == n) \
            continue; \
        for (int v = 0; v < 256; v++) { \
            hg_size here = c[v]; \
            c[v] = at; \
            at += here; \
        } \
        for (hg_size i = 0; i < n; i++) \
            to[c[from[i].key >> 8 * d & 255]++] = from[i]; \
        pair_##U *other = from; \
        from = to; \
        to = other; \
    } \
    if (from != p) \
        memcpy(p, from, sizeof *p * (size_t)n); \
} \
/* Two tasks on one long line: sorting its halves, then merging them from either end. */ \
typedef struct { \
    pair_##U *p, *spare; \
    const void *x; \
    hg_size n, step; \
    int type, descending, phase; \
    U all; \
    void *values; \
    i64 *places; \
} halves_##U; \
static void from_either_end_##U(const halves_##U *j, int back) \
{ \
    hg_size m = j->n / 2; \
    const pair_##U *p = j->p; \
    if (!back) { \
        hg_size i = 0, k = m; \
        for (hg_size o = 0; o < m; o++) \
            j->spare[o] = i >= m || (k < j->n && p[k].key < p[i].key) ? p[k++] : p[i++]; \
        return; \
    } \
    hg_size i = m - 1, k = j->n - 1; \
    for (hg_size o = j->n - 1; o >= m; o--) \
        j->spare[o] = k < m || (i >= 0 && p[i].key > p[k].key) ? p[i--] : p[k--]; \
} \
static void write_##U(const pair_##U *p, const void *x, void *values, i64 *places, hg_size low, hg_size high, \
                      hg_size step, int item); \
static void halves_task_##U(void *context, hg_size low, hg_size high) \
{ \
    halves_##U *j = context; \
    hg_size m = j->n / 2; \
    for (hg_size half = low; half < high; half++) { \
        hg_size first = half ? m : 0, n = half ? j->n - m : m; \
        if (j->phase == 0) { \
            load_##U(j->type, j->x, n, j->step, j->descending, j->all, first, j->p + first); \
            radix_##U(j->p + first, j->spare + first, n); \
        } else if (j->phase == 1) \
            from_either_end_##U(j, (int)half); \
        else \
            write_##U(j->spare, j->x, j->values, j->places, first, first + n, j->step, j->type); \
    } \
} \
static void write_##U(const pair_##U *p, const void *x, void *values, i64 *places, hg_size low, hg_size high, \
                      hg_size step, int type) \
{ \
    static const char sizes[HG_TYPES] = {1, 1, 1, 2, 4, 8, 2, 4, 8}; \
    for (hg_size i = low; i < high; i++) \
        places[i * step] = (i64)p[i].place; \
    switch (sizes[type]) { \
    case 1: for (hg_size i = low; i < high; i++) ((u8 *)values)[i * step] = ((const u8 *)x)[(hg_size)p[i].place * step]; break; \
    case 2: for (hg_size i = low; i < high; i++) ((i16 *)values)[i * step] = ((const i16 *)x)[(hg_size)p[i].place * step]; break; \
    case 4: for (hg_size i = low; i < high; i++) ((i32 *)values)[i * step] = ((const i32 *)x)[(hg_size)p[i].place * step]; break; \
    default: for (hg_size i = low; i < high; i++) ((i64 *)values)[i * step] = ((const i64 *)x)[(hg_size)p[i].place * step]; \
    } \
} \
/* Keys of w elements, and the least of them. */ \
static U keys_##U(int type, const void *x, hg_size first, hg_size w, hg_size step, U flip, U *keys) \
{ \
    U least = (U)-1; \
    if (type == HG_F32 && step == 1) \
        for (hg_size i = 0; i < w; i++) \
            keys[i] = (U)key_of(HG_F32, x, first + i) ^ flip; \
    else if (type == HG_F16 && step == 1) \
        for (hg_size i = 0; i < w; i++) \
            keys[i] = (U)key_of(HG_F16, x, first + i) ^ flip; \
    else if (type == HG_F64 && step == 1) \
        for (hg_size i = 0; i < w; i++) \
            keys[i] = (U)key_of(HG_F64, x, first + i) ^ flip; \
    else \
        for (hg_size i = 0; i < w; i++) \
            keys[i] = (U)key_of(type, x, (first + i) * step) ^ flip; \
    for (hg_size i = 0; i < w; i++) \
        least = keys[i] < least ? keys[i] : least; \
    return least; \
} \
/* The k smallest of a long line: those below a limit gather in room for a few times k, which is sorted when full. */ \
static void few_of_many_##U(int type, const void *x, hg_size n, hg_size step, U flip, hg_size k, pair_##U *p, \
                            pair_##U *spare, hg_size room) \
{ \
    hg_size kept = 0; \
    U limit = 0, keys[256]; \
    int limited = 0; \
    for (hg_size start = 0; start < n; start += 256) { \
        hg_size w = n - start < 256 ? n - start : 256; \
        if (keys_##U(type, x, start, w, step, flip, keys) >= limit && limited) \
            continue; \
        for (hg_size i = 0; i < w; i++) { \
            p[kept] = (pair_##U){keys[i], (U)(start + i)}; \
            kept += !limited || keys[i] < limit; \
        } \
        if (kept + 257 > room) { \
            radix_##U(p, spare, kept); \
            kept = k; \
            limit = p[k - 1].key; \
            limited = 1; \
        } \
    } \
    radix_##U(p, spare, kept); \
} \
/* The k smallest (or the k-th alone) by the leading bits of the keys: whole groups are taken, the last is cut. */ \
static void by_leading_bits_##U(int type, const void *x, hg_size n, hg_size step, int descending, U all, hg_size k, \
                                int alone, pair_##U *p, pair_##U *spare) \
{ \
    enum { MOST = 4096 }; \
    const int wide = n >= 16384, key_bits = type <= HG_I8 ? 8 : type == HG_I16 || type == HG_F16 ? 16 : 8 * sizeof(U); \
    const int shift = key_bits > 8 ? key_bits - (wide ? 12 : 11) : 0; \
    hg_size count[MOST], before = 0, kept = 0; \
    U edge = 0; \
    load_##U(type, x, n, step, descending, all, 0, spare); \
    memset(count, 0, sizeof *count * (size_t)((all >> shift) + 1)); \
    for (hg_size i = 0; i < n; i++) \
        count[spare[i].key >> shift]++; \
    for (; before + count[edge] < k; edge++) \
        before += count[edge]; \
    for (hg_size i = 0; i < n; i++) { \
        U group = spare[i].key >> shift; \
        p[kept] = spare[i]; \
        kept += alone ? group == edge : group <= edge; \
    } \
    radix_##U(p, spare, kept); \
    if (alone) \
        p[0] = p[k - before - 1]; \
} \
/* The k smallest, in order and stable, to p[0, k); `alone`: the k-th to p[0]. Room for `room` pairs in both. */ \
static void first_##U(int type, const void *x, hg_size n, hg_size step, int descending, U all, hg_size k, int alone, \
                      pair_##U *p, pair_##U *spare, hg_size room) \
{ \
    if (k > 16 && room == n) { \
        by_leading_bits_##U(type, x, n, step, descending, all, k, alone, p, spare); \
        return; \
    } \
    if (k > 16) { \
        few_of_many_##U(type, x, n, step, descending ? all : 0, k, p, spare, room); \
    } else { \
        hg_size kept = 0; \
        for (hg_size start = 0; start < n; start += 256) { \
            U keys[256]; \
            hg_size w = n - start < 256 ? n - start : 256; \
            U least = keys_##U(type, x, start, w, step, descending ? all : 0, keys); \
            if (kept == k && least >= p[k - 1].key) \
                continue; \
            for (hg_size i = 0; i < w; i++) { \
                if (kept == k && keys[i] >= p[k - 1].key) \
                    continue; \
                hg_size j = kept < k ? kept++ : k - 1; \
                for (; j && p[j - 1].key > keys[i]; j--) \
                    p[j] = p[j - 1]; \
                p[j] = (pair_##U){keys[i], (U)(start + i)}; \
            } \
        } \
    } \
    if (alone) \
        p[0] = p[k - 1]; \
}
SORTER(uint32_t, 4)
SORTER(uint64_t, 8)

/* ------------------------------------------------------------------------------------------------------------- lines */

typedef struct {
    int type, descending, failed;
    const char *x;
    char *values;
    i64 *places;
    hg_size n, inner, k, item;
    int alone;
    hg_size room; /* pairs that a line needs */
} job;

/* Pairs that the k first of n need: all, unless k is small beside n. */
static hg_size room_of(hg_size n, hg_size k)
{
    hg_size few = k <= 16 ? k : 4 * k + 1024;
    return k < n && 4 * few <= n ? few : n;
}

#define LINES(U) \
static void lines_##U(void *context, hg_size low, hg_size high) \
{ \
    job *j = context; \
    U all = j->type <= HG_I8 ? 0xff : j->type == HG_I16 || j->type == HG_F16 ? 0xffff : (U)-1; \
    pair_##U near[256], *p = 2 * j->room <= 256 ? near : malloc(sizeof *p * 2 * (size_t)j->room); \
    if (!p) { \
        __atomic_store_n(&j->failed, -1, __ATOMIC_RELAXED); \
        return; \
    } \
    for (hg_size i = low; i < high; i++) { \
        hg_size a = i / j->inner, b = i % j->inner; \
        const char *x = j->x + (a * j->n * j->inner + b) * j->item; \
        hg_size kept = j->alone ? 1 : j->k, at = a * kept * j->inner + b; \
        if (j->k < j->n || j->alone) \
            first_##U(j->type, x, j->n, j->inner, j->descending, all, j->k, j->alone, p, p + j->room, j->room); \
        else { \
            load_##U(j->type, x, j->n, j->inner, j->descending, all, 0, p); \
            radix_##U(p, p + j->n, j->n); \
        } \
        write_##U(p, x, j->values + at * j->item, j->places + at, 0, kept, j->inner, j->type); \
    } \
    if (p != near) \
        free(p); \
} \
static int long_lines_##U(job *j, hg_size outer, hg_splitter parallel) \
{ \
    U all = j->type <= HG_I8 ? 0xff : j->type == HG_I16 || j->type == HG_F16 ? 0xffff : (U)-1; \
    pair_##U *p = malloc(sizeof *p * 2 * (size_t)j->n); \
    if (!p) \
        return -1; \
    for (hg_size i = 0; i < outer * j->inner; i++) { \
        hg_size at = i / j->inner * j->n * j->inner + i % j->inner; \
        halves_##U h = {p, p + j->n, j->x + at * j->item, j->n, j->inner, j->type, j->descending, 0, all, \
                        j->values + at * j->item, j->places + at}; \
        for (; h.phase < 3; h.phase++) \
            parallel(halves_task_##U, &h, 2, 1); \
    } \
    free(p); \
    return 0; \
}
LINES(uint32_t)
LINES(uint64_t)

int hg_sort(int type, const void *x, void *values, i64 *places, hg_size outer, hg_size n, hg_size inner, hg_size k,
            int descending, int alone, hg_splitter parallel)
{
    static const char sizes[HG_TYPES] = {1, 1, 1, 2, 4, 8, 2, 4, 8};
    job j = {type, descending, 0, x, values, places, n, inner, k, sizes[type], alone, room_of(n, k)};
    int narrow = sizes[type] <= 4 && n < UINT32_MAX;
    hg_size lines = outer * inner;
    if (lines == 0 || n == 0 || k == 0)
        return 0;
    if (k == n && !alone && n >= LONG_LINE && lines < 4)
        return narrow ? long_lines_uint32_t(&j, outer, parallel) : long_lines_uint64_t(&j, outer, parallel);
    hg_size grain = 4096 / n + 1;
    if (lines <= grain)
        (narrow ? lines_uint32_t : lines_uint64_t)(&j, 0, lines);
    else
        parallel(narrow ? lines_uint32_t : lines_uint64_t, &j, lines, grain);
    return j.failed;
}

/* ---------------------------------------------------------------------------------------- places among sorted ones */

typedef struct {
    const void *edges, *values;
    i64 *places;
    hg_size count;
} search_job;

#define AT_ONCE 8 /* searches side by side, so that one waits while another goes on */

/* RIGHT holds where the place is beyond an edge e; for a value v that is NaN it always does. */
#define SEARCH(NAME, T, RIGHT) \
static void NAME##_##T(void *context, hg_size low, hg_size high) \
{ \
    const search_job *j = context; \
    const T *edges = j->edges; \
    for (hg_size i = low; i < high; i += AT_ONCE) { \
        hg_size w = high - i < AT_ONCE ? high - i : AT_ONCE; \
        const T *at[AT_ONCE]; \
        T v[AT_ONCE] = {0}; \
        memcpy(v, (const T *)j->values + i, sizeof(T) * (size_t)w); \
        for (int k = 0; k < AT_ONCE; k++) \
            at[k] = edges; \
        for (hg_size left = j->count; left > 1; left -= left / 2) \
            for (int k = 0; k < AT_ONCE; k++) \
                at[k] += -(hg_size)RIGHT(at[k][left / 2 - 1], v[k]) & (left / 2); /* a branch would be guessed wrong */ \
        for (int k = 0; k < w; k++) \
            j->places[i + k] = at[k] - edges + (RIGHT(*at[k], v[k]) ? 1 : 0); \
    } \
}
#define BEYOND(e, v) (!((e) >= (v)))
#define BEYOND_EQUALS(e, v) (!((e) > (v)))
#define SEARCHES(T) SEARCH(left, T, BEYOND) SEARCH(right, T, BEYOND_EQUALS)
SEARCHES(i32)
SEARCHES(i64)
SEARCHES(f32)
SEARCHES(f64)

void hg_search(int type, const void *edges, hg_size count, const void *values, i64 *places, hg_size n, int right,
               hg_splitter parallel)
{
    search_job j = {edges, values, places, count};
    hg_task task = type == HG_I32 ? (right ? right_i32 : left_i32) : type == HG_I64 ? (right ? right_i64 : left_i64)
                   : type == HG_F32 ? (right ? right_f32 : left_f32) : right ? right_f64 : left_f64;
    if (count == 0)
        memset(places, 0, sizeof *places * (size_t)n);
    else if (n <= 1024)
        task(&j, 0, n);
    else
        parallel(task, &j, n, 1024);
}
