/* How often numbers occur, how many lie in each part of a range, which is the k-th, the longest run of equal numbers in
 * sorted lines, and the elements that are marked. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math", "no-math-errno")
#endif
#include "ordering.h"
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

/* The sum of a piece's tables, which are freed, is added to what all pieces count. */
static void add_tables(i64 *tables, hg_size size, hg_size count, i64 *counts)
{
    for (hg_size part = 0; part < count; part++) {
        i64 sum = 0;
        for (int t = 0; t < TABLES; t++)
            sum += tables[t * size + part];
        if (sum)
            __atomic_fetch_add(&counts[part], sum, __ATOMIC_RELAXED);
    }
    free(tables);
}

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
    add_tables(tables, size, j->parts->count, j->counts);
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

/* --------------------------------------------------------------------------------------------------- whole numbers */

typedef struct {
    const i64 *x;
    hg_size size; /* of a table, one more than the largest number */
    i64 *counts;
    i64 most;
    int negative, failed;
} whole_job;

static void find_most(void *context, hg_size low, hg_size high)
{
    whole_job *j = context;
    i64 most = -1, signs = 0, known;
    for (hg_size i = low; i < high; i++) {
        most = j->x[i] > most ? j->x[i] : most;
        signs |= j->x[i];
    }
    if (signs < 0)
        __atomic_store_n(&j->negative, 1, __ATOMIC_RELAXED);
    known = __atomic_load_n(&j->most, __ATOMIC_RELAXED);
    while (known < most && !__atomic_compare_exchange_n(&j->most, &known, most, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

static void count_whole(void *context, hg_size low, hg_size high)
{
    whole_job *j = context;
    hg_size size = j->size, i = low;
    i64 *tables = calloc((size_t)size * TABLES, sizeof *tables);
    if (!tables) {
        __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED);
        return;
    }
    for (; i + TABLES <= high; i += TABLES)
        for (int t = 0; t < TABLES; t++)
            tables[t * size + j->x[i + t]]++;
    for (; i < high; i++)
        tables[j->x[i]]++;
    add_tables(tables, size, size, j->counts);
}

int hg_count(const i64 *x, hg_size n, i64 **table, hg_size *bins, hg_splitter parallel)
{
    whole_job j = {x, 0, NULL, -1, 0, 0};
    if (n <= GRAIN)
        find_most(&j, 0, n);
    else
        parallel(find_most, &j, n, GRAIN);
    if (j.negative)
        return 1;
    j.size = j.most + 1;
    if ((uint64_t)j.size > SIZE_MAX / 16 || !(j.counts = calloc((size_t)j.size + 1, sizeof *j.counts)))
        return -1;
    if (n <= GRAIN || j.size > OWN_PARTS)
        for (hg_size i = 0; i < n; i++)
            j.counts[x[i]]++;
    else
        parallel(count_whole, &j, n, GRAIN);
    if (j.failed) {
        free(j.counts);
        return -1;
    }
    *table = j.counts;
    *bins = j.size;
    return 0;
}

/* --------------------------------------------------------------------------------------------------------- the k-th */

#define DIGIT 12 /* bits looked at in one pass over what is left */
#define DIGITS (1 << DIGIT)

typedef struct {
    const void *numbers;
    int shift;
    uint64_t mask, digit; /* of the digit; which one is kept */
    i64 *counts;
    void *kept;
    hg_size place;
    int failed;
} select_job;

/* Counting a digit, and keeping the numbers that have the digit of the k-th, as their bits. */
#define SELECT(NAME, KEY, KEY_AT) \
static void count_##NAME(void *context, hg_size low, hg_size high) \
{ \
    select_job *j = context; \
    const void *x = j->numbers; \
    hg_size i = low; \
    i64 *tables = calloc((size_t)DIGITS * TABLES, sizeof *tables); \
    if (!tables) { \
        __atomic_store_n(&j->failed, 1, __ATOMIC_RELAXED); \
        return; \
    } \
    for (; i + TABLES <= high; i += TABLES) \
        for (int t = 0; t < TABLES; t++) \
            tables[t * DIGITS + (KEY_AT(x, i + t) >> j->shift & j->mask)]++; \
    for (; i < high; i++) \
        tables[KEY_AT(x, i) >> j->shift & j->mask]++; \
    add_tables(tables, DIGITS, DIGITS, j->counts); \
} \
static void keep_##NAME(void *context, hg_size low, hg_size high) \
{ \
    select_job *j = context; \
    const void *x = j->numbers; \
    KEY found[COUNTED]; \
    for (hg_size i = low; i < high; i += COUNTED) { \
        hg_size end = high - i < COUNTED ? high : i + COUNTED, count = 0; \
        for (hg_size k = i; k < end; k++) { \
            KEY key = KEY_AT(x, k); \
            found[count] = key; \
            count += (key >> j->shift & j->mask) == j->digit; \
        } \
        hg_size place = __atomic_fetch_add(&j->place, count, __ATOMIC_RELAXED); \
        memcpy((KEY *)j->kept + place, found, sizeof *found * (size_t)count); \
    } \
}
#define KEY_F16(x, i) (uint32_t)key_of(HG_F16, x, i)
#define KEY_F32(x, i) (uint32_t)key_of(HG_F32, x, i)
#define KEY_F64(x, i) key_of(HG_F64, x, i)
#define KEY_I32(x, i) (uint32_t)key_of(HG_I32, x, i)
#define KEY_I64(x, i) key_of(HG_I64, x, i)
#define KEPT_32(x, i) ((const uint32_t *)(x))[i]
#define KEPT_64(x, i) ((const uint64_t *)(x))[i]
SELECT(f16, uint32_t, KEY_F16)
SELECT(f32, uint32_t, KEY_F32)
SELECT(f64, uint64_t, KEY_F64)
SELECT(i32, uint32_t, KEY_I32)
SELECT(i64, uint64_t, KEY_I64)
SELECT(u32, uint32_t, KEPT_32)
SELECT(u64, uint64_t, KEPT_64)

static void in_pieces(hg_task task, select_job *j, hg_size n, hg_splitter parallel)
{
    if (n <= GRAIN)
        task(j, 0, n);
    else
        parallel(task, j, n, GRAIN);
}

/* One digit of the k-th of n: how many numbers have it, k counted among them. */
static hg_size next_digit(select_job *j, hg_task count, hg_size n, hg_size *k, hg_splitter parallel)
{
    hg_size digit = 0;
    memset(j->counts, 0, sizeof *j->counts * DIGITS);
    in_pieces(count, j, n, parallel);
    if (j->failed)
        return 0;
    while (*k >= j->counts[digit])
        *k -= j->counts[digit++];
    j->digit = (uint64_t)digit;
    return j->counts[digit];
}

int hg_select(int type, const void *x, hg_size n, hg_size k, void *value, hg_splitter parallel)
{
    static const hg_task counters[HG_TYPES] = {[HG_I32] = count_i32, [HG_I64] = count_i64, [HG_F16] = count_f16,
                                               [HG_F32] = count_f32, [HG_F64] = count_f64};
    static const hg_task keepers[HG_TYPES] = {[HG_I32] = keep_i32, [HG_I64] = keep_i64, [HG_F16] = keep_f16,
                                              [HG_F32] = keep_f32, [HG_F64] = keep_f64};
    int wide = type == HG_I64 || type == HG_F64, bits = wide ? 64 : type == HG_F16 ? 16 : 32;
    hg_task count = counters[type], keep = keepers[type];
    i64 counts[DIGITS];
    uint64_t key = 0;
    void *kept = NULL;
    select_job j = {x, 0, 0, 0, counts, NULL, 0, 0};
    while (bits > 0) {
        int width = bits < DIGIT ? bits : DIGIT;
        bits -= width;
        j.shift = bits, j.mask = ((uint64_t)1 << width) - 1;
        hg_size same = next_digit(&j, count, n, &k, parallel);
        if (j.failed || (same < n && !(j.kept = malloc((size_t)same * (wide ? 8 : 4))))) {
            free(kept);
            return -1;
        }
        key = key << width | j.digit;
        if (same == n)
            continue;
        j.place = 0;
        in_pieces(keep, &j, n, parallel);
        free(kept);
        j.numbers = kept = j.kept, n = same;
        count = wide ? count_u64 : count_u32, keep = wide ? keep_u64 : keep_u32;
    }
    free(kept);
    number_of(type, key, value);
    return 0;
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

/* Marked elements: each piece counts its own, then writes them behind those of the pieces before. */
typedef struct {
    const u8 *marks;
    const char *x;
    char *out;
    i64 *ends;
    hg_size n, item;
} marks_job;

static void count_marks(void *context, hg_size low, hg_size high)
{
    const marks_job *j = context;
    for (hg_size piece = low; piece < high; piece++) {
        const hg_size start = piece * GRAIN, n = j->n - start < GRAIN ? j->n - start : GRAIN;
        i64 sum = 0;
        for (hg_size i = 0; i < n; i += 128) { /* as many as a byte can count */
            u8 some = 0;
            for (hg_size k = i; k < (i + 128 < n ? i + 128 : n); k++)
                some = (u8)(some + (j->marks[start + k] != 0));
            sum += some;
        }
        j->ends[piece] = sum;
    }
}

/* What is not marked is written too, and written over by what is; the last marked one ends the loop, or n, should
   another thread have written to the marks meanwhile. */
#define TAKE_MARKED(NAME, T) \
static void NAME(const u8 *marks, const T *restrict x, T *restrict out, hg_size n, hg_size count) \
{ \
    for (hg_size i = 0, k = 0; i < n && k < count; i++) { \
        out[k] = x[i]; \
        k += marks[i] != 0; \
    } \
}
TAKE_MARKED(take_8, u8)
TAKE_MARKED(take_16, i16)
TAKE_MARKED(take_32, i32)
TAKE_MARKED(take_64, i64)

static void take_marked(void *context, hg_size low, hg_size high)
{
    const marks_job *j = context;
    for (hg_size piece = low; piece < high; piece++) {
        const hg_size start = piece * GRAIN, n = j->n - start < GRAIN ? j->n - start : GRAIN;
        const hg_size before = piece ? j->ends[piece - 1] : 0, count = j->ends[piece] - before;
        const char *x = j->x + start * j->item;
        char *out = j->out + before * j->item;
        const u8 *marks = j->marks + start;
        j->item == 1 ? take_8(marks, (const u8 *)x, (u8 *)out, n, count)
        : j->item == 2 ? take_16(marks, (const i16 *)x, (i16 *)out, n, count)
        : j->item == 4 ? take_32(marks, (const i32 *)x, (i32 *)out, n, count)
                       : take_64(marks, (const i64 *)x, (i64 *)out, n, count);
    }
}

hg_size hg_marked_pieces(hg_size n)
{
    return (n + GRAIN - 1) / GRAIN;
}

hg_size hg_count_marked(const u8 *marks, hg_size n, i64 *ends, hg_splitter parallel)
{
    marks_job j = {marks, NULL, NULL, ends, n, 0};
    hg_size pieces = hg_marked_pieces(n);
    parallel(count_marks, &j, pieces, 2);
    for (hg_size piece = 1; piece < pieces; piece++)
        ends[piece] += ends[piece - 1];
    return pieces ? ends[pieces - 1] : 0;
}

void hg_take_marked(const u8 *marks, const char *x, hg_size n, hg_size item, char *out, const i64 *ends,
                    hg_splitter parallel)
{
    marks_job j = {marks, x, out, (i64 *)ends, n, item};
    parallel(take_marked, &j, hg_marked_pieces(n), 2);
}
