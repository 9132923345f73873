/* Reading and writing at positions. Writes to one place come in the order of the index, whatever the number of threads:
 * work is split only across an axis that is not the indexed one. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math")
#endif
#include "indexing_loops.h"

#define GRAIN 32768
#define BLOCK 512 /* positions worked out together, so that they stay in the cache from one dim to the next */
#define CHECKED 128 /* positions that are checked together */
#define STRIP 128 /* elements of a line that a thread takes at least */
#define TAG 48    /* bits of a position that was picked; above them is its number in the block */

typedef struct {
    const i64 *index;
    hg_size limit;
    i64 bad;
    int found;
} check_job;

static void check(void *context, hg_size low, hg_size high)
{
    check_job *j = context;
    for (hg_size i = low; i < high;) {
        hg_size end = high - i < 1024 ? high : i + 1024;
        uint64_t signs = 0, last = (uint64_t)j->limit - 1; /* the sign bit tells of a position outside */
        for (hg_size k = i; k < end; k++)
            signs |= (uint64_t)j->index[k] | (last - (uint64_t)j->index[k]);
        if (signs >> 63) {
            __atomic_store_n(&j->found, 1, __ATOMIC_RELAXED);
            return;
        }
        i = end;
    }
}

typedef struct {
    const i64 *const *parts;
    const hg_size *sizes;
    i64 *out;
    int count, bad;
} linear_job;

static void linear(void *context, hg_size low, hg_size high)
{
    linear_job *j = context;
    uint64_t signs = 0;
    for (hg_size i = low; i < high; i += BLOCK) {
        hg_size end = high - i < BLOCK ? high : i + BLOCK;
        for (int k = 0; k < j->count; k++) {
            const i64 *part = j->parts[k], size = j->sizes[k];
            for (hg_size e = i; e < end; e++) {
                i64 at = part[e] + (part[e] < 0 ? size : 0);
                signs |= (uint64_t)at | (uint64_t)(size - 1 - at);
                j->out[e] = k ? j->out[e] * size + at : at;
            }
        }
    }
    if (signs >> 63)
        __atomic_store_n(&j->bad, 1, __ATOMIC_RELAXED);
}

int hg_index_linear(const i64 *const *parts, const hg_size *sizes, int count, hg_size n, i64 *out, hg_splitter parallel)
{
    linear_job j = {parts, sizes, out, count, 0};
    if (n <= GRAIN)
        linear(&j, 0, n);
    else
        parallel(linear, &j, n, GRAIN);
    return !j.bad;
}

int hg_index_outside(const i64 *index, hg_size n, hg_size limit, i64 *bad, hg_splitter parallel)
{
    check_job j = {index, limit, 0, 0};
    if (n <= GRAIN)
        check(&j, 0, n);
    else
        parallel(check, &j, n, GRAIN);
    if (!j.found)
        return 0;
    for (hg_size i = 0; i < n; i++)
        if ((uint64_t)index[i] >= (uint64_t)limit) {
            *bad = index[i];
            return 1;
        }
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------ walking */

typedef struct {
    const hg_walk *w;
    char *far;
    char *near;
    const char *index;
    void (*line)(const hg_walk *w, char *far, char *near, const char *index);
    int *bad; /* where not NULL: positions are looked at first, and the walk ends where one is outside */
    const char *origin; /* where not NULL: what a line holds before it is written to */
} walk_job;

static int some_outside(const char *places, hg_size step, hg_size n, uint64_t limit);

/* One line of n elements. Where positions are to be checked, so many are before those are used, while they are in the
   first cache; whether all are inside. */
static int run_line(const walk_job *j, hg_walk *part, hg_size n, char *far, char *near, const char *index)
{
    const int last = part->rank - 1;
    const hg_size step = part->index_step[last];
    part->shape[last] = n;
    if (!j->bad) {
        j->line(part, far, near, index);
        return 1;
    }
    for (hg_size at = 0; at < n; at += CHECKED) {
        hg_size some = n - at < CHECKED ? n - at : CHECKED;
        const char *places = index + at * step;
        if (some_outside(places, step, some, (uint64_t)part->limit)) {
            __atomic_store_n(j->bad, 1, __ATOMIC_RELAXED);
            return 0;
        }
        part->shape[last] = some;
        j->line(part, far + at * part->far_step[last], near + at * part->near_step[last], places);
    }
    return 1;
}

/* Lines along the last axis, for positions [low, high) of the first one. */
static void walk(void *context, hg_size low, hg_size high)
{
    const walk_job *j = context;
    const hg_walk *w = j->w;
    hg_size at[HG_DIMS] = {0};
    int last = w->rank - 1;
    char *far = j->far, *near = j->near;
    const char *index = j->index;
    hg_walk part = *w;
    if (last == 0) {
        run_line(j, &part, high - low, far + low * w->far_step[0], near + low * w->near_step[0],
                 index + low * w->index_step[0]);
        return;
    }
    at[0] = low;
    far += low * w->far_step[0];
    near += low * w->near_step[0];
    index += low * w->index_step[0];
    for (;;) {
        if (j->origin)
            memcpy(far, j->origin + (far - j->far), (size_t)(w->limit * w->item));
        if (!run_line(j, &part, w->shape[last], far, near, index))
            return;
        int d = last - 1;
        for (; d >= 0; d--) {
            at[d]++;
            far += w->far_step[d];
            near += w->near_step[d];
            index += w->index_step[d];
            if (at[d] < (d ? w->shape[d] : high))
                break;
            if (!d)
                return;
            far -= at[d] * w->far_step[d];
            near -= at[d] * w->near_step[d];
            index -= at[d] * w->index_step[d];
            at[d] = 0;
        }
    }
}

/* All lines, of each the elements [low, high): what is added to one place comes from one thread, in order. */
static void walk_strip(void *context, hg_size low, hg_size high)
{
    const walk_job *j = context;
    hg_walk part = *j->w;
    int last = part.rank - 1;
    walk_job strip = {&part, j->far + low * part.far_step[last], j->near + low * part.near_step[last],
                      j->index + low * part.index_step[last], j->line, j->bad, NULL};
    part.shape[last] = high - low;
    walk(&strip, 0, part.shape[0]);
}

/* The grain that gives each thread one piece. */
static hg_size a_part(const hg_walk *w, hg_size n, hg_size least)
{
    hg_size part = (n + w->threads - 1) / w->threads;
    return part < least ? least : part;
}

/* Rows that go to one place each, of which these threads write to [low, high) only. */
static void walk_targets(void *context, hg_size low, hg_size high)
{
    const walk_job *j = context;
    for (hg_size r = 0; r < j->w->shape[0]; r++) {
        hg_size place = *(const i64 *)(j->index + r * j->w->index_step[0]);
        if (place >= low && place < high)
            walk(context, r, r + 1);
    }
}

/* Whether rows go to one place each, and no quarter of the places gets most of them. */
static int rows_spread(const walk_job *j)
{
    const hg_walk *w = j->w;
    hg_size counts[4] = {0};
    if (w->axis != 0 || w->rank < 2 || w->limit < 4)
        return 0;
    for (int d = 1; d < w->rank; d++)
        if (w->index_step[d])
            return 0;
    for (hg_size r = 0; r < w->shape[0]; r++)
        counts[*(const i64 *)(j->index + r * w->index_step[0]) * 4 / w->limit]++;
    for (int k = 0; k < 4; k++)
        if (counts[k] * 2 > w->shape[0])
            return 0;
    return 1;
}

static void run_lines(walk_job *j, int ordered, hg_splitter parallel)
{
    const hg_walk *w = j->w;
    hg_size per = 1, wide = w->shape[w->rank - 1];
    for (int d = 0; d < w->rank; d++) {
        if (!w->shape[d])
            return;
        per *= d ? w->shape[d] : 1;
    }
    if (per * w->shape[0] <= GRAIN)
        walk(j, 0, w->shape[0]);
    else if (!ordered || w->axis)
        parallel(walk, j, w->shape[0], GRAIN / per + 1);
    else if (per >= STRIP && rows_spread(j))
        parallel(walk_targets, j, w->limit, a_part(w, w->limit, 1));
    else if (w->rank > 1 && wide >= 2 * STRIP)
        parallel(walk_strip, j, wide, STRIP);
    else
        walk(j, 0, w->shape[0]);
}

/* Axes of one element at the end are left out: else each line would be one element. */
static void run(walk_job *j, int ordered, hg_splitter parallel)
{
    hg_walk cut;
    if (j->w->rank > 1 && j->w->shape[j->w->rank - 1] == 1) {
        cut = *j->w;
        while (cut.rank > 1 && cut.shape[cut.rank - 1] == 1)
            cut.rank--;
        j->w = &cut;
    }
    run_lines(j, ordered, parallel);
}

#define LINE_SETUP \
    int last = w->rank - 1; \
    hg_size n = w->shape[last], fs = w->far_step[last], ns = w->near_step[last], is = w->index_step[last], along = w->along;
#define PLACE (*(const i64 *)(index + i * is) * along + i * fs)

typedef void (*line)(const hg_walk *w, char *far, char *near, const char *index);

/* Loads from anywhere are not worth putting together to vectors. */
#if defined(__GNUC__) && !defined(__clang__)
#define ONE_BY_ONE __attribute__((optimize("no-tree-vectorize")))
#define NO_FUSING __attribute__((optimize("fp-contract=off"))) /* the same bits on every level */
#else
#define ONE_BY_ONE
#define NO_FUSING
#endif

#define MOVES(U) \
ONE_BY_ONE static void gather_##U(const hg_walk *w, char *far, char *near, const char *index) \
{ \
    LINE_SETUP \
    if (ns == (hg_size)sizeof(U) && is == 8 && fs == 0 && along == (hg_size)sizeof(U)) { \
        U *restrict out = (U *)near; \
        const U *restrict from = (const U *)far; \
        const i64 *restrict at = (const i64 *)index; \
        for (hg_size i = 0; i < n; i++) \
            out[i] = from[at[i]]; \
        return; \
    } \
    for (hg_size i = 0; i < n; i++) \
        *(U *)(near + i * ns) = *(const U *)(far + PLACE); \
} \
ONE_BY_ONE static void set_##U(const hg_walk *w, char *far, char *near, const char *index) \
{ \
    LINE_SETUP \
    if (ns == (hg_size)sizeof(U) && is == 8 && fs == 0 && along == (hg_size)sizeof(U)) { \
        U *restrict to = (U *)far; \
        const U *restrict from = (const U *)near; \
        const i64 *restrict at = (const i64 *)index; \
        for (hg_size i = 0; i < n; i++) \
            to[at[i]] = from[i]; \
        return; \
    } \
    for (hg_size i = 0; i < n; i++) \
        *(U *)(far + PLACE) = *(const U *)(near + i * ns); \
}
MOVES(u8)
MOVES(f16)
MOVES(i32)
MOVES(i64)

#define COMBINE(FUNCTION, T, EXPRESSION) \
static void FUNCTION(const hg_walk *w, char *far, char *near, const char *index) \
{ \
    LINE_SETUP \
    T alpha HG_UNUSED = (T)w->alpha; \
    if (is == 0 && fs == (hg_size)sizeof(T) && ns == (hg_size)sizeof(T)) { /* a whole row at one position */ \
        T *restrict to = (T *)(far + *(const i64 *)index * along); \
        const T *restrict from = (const T *)near; \
        for (hg_size i = 0; i < n; i++) { \
            T a = to[i], b = from[i]; \
            to[i] = EXPRESSION; \
        } \
        return; \
    } \
    if (is == 8 && fs == 0 && ns == (hg_size)sizeof(T) && along == (hg_size)sizeof(T)) { \
        T *to = (T *)far; \
        const T *restrict from = (const T *)near; \
        const i64 *restrict at = (const i64 *)index; \
        for (hg_size i = 0; i < n; i++) { \
            T a = to[at[i]], b = from[i]; \
            to[at[i]] = EXPRESSION; \
        } \
        return; \
    } \
    for (hg_size i = 0; i < n; i++) { \
        T *to = (T *)(far + PLACE), a = *to, b = *(const T *)(near + i * ns); \
        *to = EXPRESSION; \
    } \
}
#define NUMBER(T) /* a jump for NaN, which is rare, and none for the order, which nobody can foretell */ \
    COMBINE(multiply_##T, T, (T)(a * b)) \
    COMBINE(amax_##T, T, ({ T top = b > a ? b : a; b != b ? b : top; })) \
    COMBINE(amin_##T, T, ({ T low = b < a ? b : a; b != b ? b : low; }))
typedef uint32_t u32; /* unsigned where addition may wrap */
typedef uint64_t u64;
typedef uint16_t u16;
#define WHOLE(T) COMBINE(add_##T, T, (T)(a + b * alpha)) NUMBER(T)
WHOLE(u8)
WHOLE(i8)
WHOLE(i16)
WHOLE(i32)
WHOLE(i64)
NUMBER(f32)
NUMBER(f64)
typedef u8 truth;
COMBINE(any_truth, truth, (b && alpha) || a)
COMBINE(both_truth, truth, a && b)
#define HG_BODY "indexing_level.h"
#include "each_level.h"

static int some_outside(const char *places, hg_size step, hg_size n, uint64_t limit)
{
    return HG_CHOSEN(outside)(places, step, n, limit);
}

int hg_gather(const hg_walk *w, const char *far, char *near, const char *index, hg_splitter parallel)
{
    int bad = 0;
    line by_size = w->item == 1 ? gather_u8 : w->item == 2 ? gather_f16 : w->item == 4 ? gather_i32 : gather_i64;
    walk_job j = {w, (char *)far, near, index, by_size, &bad, NULL};
    run(&j, 0, parallel);
    return !bad;
}

/* A line written by several threads. Each has a part of it, looks at every position and writes to those that are its
   own, in order: the last of several values for one place wins. */
#define SHARED 65536     /* positions from which it is worth it */
#define SHARED_LINE 8192 /* and elements of the line */

#define WRITE_PICKED(U) \
static void write_picked_##U(char *target, const char *source, const uint64_t *picked, int count) \
{ \
    U *restrict to = (U *)target; \
    const U *restrict from = (const U *)source; \
    for (int k = 0; k < count; k++) \
        to[picked[k] & (((uint64_t)1 << TAG) - 1)] = from[picked[k] >> TAG]; \
}
WRITE_PICKED(u8)
WRITE_PICKED(u16)
WRITE_PICKED(u32)
WRITE_PICKED(u64)

static void write_part(void *context, hg_size low, hg_size high)
{
    const walk_job *j = context;
    const i64 *index = (const i64 *)j->index;
    hg_size n = j->w->shape[0], item = j->w->item;
    void (*write)(char *, const char *, const uint64_t *, int) =
        item == 1 ? write_picked_u8 : item == 2 ? write_picked_u16 : item == 4 ? write_picked_u32 : write_picked_u64;
    uint64_t picked[BLOCK + 8];
    for (hg_size i = 0; i < n; i += BLOCK) {
        int count = HG_CHOSEN(pick)(index + i, (int)(n - i < BLOCK ? n - i : BLOCK), low, high, picked);
        write(j->far + low * item, j->near + i * item, picked, count);
    }
}

/* The processor must be able to put together those of eight positions that are its own. */
static int worth_sharing(const hg_walk *w)
{
    hg_size item = w->item;
    return w->threads > 1 && hg_level() == 2 && w->mode == HG_SET && w->rank == 1 && w->shape[0] >= SHARED
        && w->limit >= SHARED_LINE && w->limit >> TAG == 0 && w->along == item && w->near_step[0] == item
        && w->far_step[0] == 0 && w->index_step[0] == sizeof(i64);
}

static line writer(const hg_walk *w)
{
    static const line combine[4][HG_TYPES] = {
        {any_truth, add_u8, add_i8, add_i16, add_i32, add_i64, NULL, NULL, NULL},
        {both_truth, multiply_u8, multiply_i8, multiply_i16, multiply_i32, multiply_i64, NULL, multiply_f32,
         multiply_f64},
        {any_truth, amax_u8, amax_i8, amax_i16, amax_i32, amax_i64, NULL, amax_f32, amax_f64},
        {both_truth, amin_u8, amin_i8, amin_i16, amin_i32, amin_i64, NULL, amin_f32, amin_f64},
    };
    if (w->mode == HG_SET)
        return w->item == 1 ? set_u8 : w->item == 2 ? set_f16 : w->item == 4 ? set_i32 : set_i64;
    if (w->type == HG_F16)
        return HG_CHOSEN(combine_halves)[w->mode - HG_ADD];
    if (w->mode == HG_ADD && w->type >= HG_F32)
        return HG_CHOSEN(add_floats)[w->type - HG_F32];
    return combine[w->mode - HG_ADD][w->type];
}

void hg_scatter(const hg_walk *w, char *far, const char *near, const char *index, hg_splitter parallel)
{
    walk_job j = {w, far, (char *)near, index, writer(w), NULL, NULL};
    if (worth_sharing(w))
        parallel(write_part, &j, w->limit, a_part(w, w->limit, SHARED_LINE / 2));
    else
        run(&j, 1, parallel);
}

int hg_scattered(const hg_walk *w, const char *origin, char *far, const char *near, const char *index,
                 hg_splitter parallel)
{
    int bad = 0;
    walk_job j = {w, far, (char *)near, index, writer(w), &bad, origin};
    hg_size per = 1;
    for (int d = 1; d < w->rank; d++)
        per *= w->shape[d];
    parallel(walk, &j, w->shape[0], GRAIN / per + 1);
    return !bad;
}

/* ------------------------------------------------------------------------------------------------------------- rows */

typedef struct {
    const char *x;
    char *out;
    const i64 *index;
    hg_size n, count, bytes;
} take_job;

#define TAKE(U) \
ONE_BY_ONE static void take_##U(const U *restrict x, const i64 *restrict index, U *restrict out, hg_size n) \
{ \
    for (hg_size i = 0; i < n; i++) \
        out[i] = x[index[i]]; \
}
TAKE(u8)
TAKE(u16)
TAKE(u32)
TAKE(u64)

static void take(void *context, hg_size low, hg_size high)
{
    const take_job *j = context;
    if (j->n * j->bytes == 0)
        return;
    for (hg_size i = low; i < high;) {
        hg_size a = i / j->count, first = i % j->count, n = j->count - first < high - i ? j->count - first : high - i;
        const char *x = j->x + a * j->n * j->bytes;
        const i64 *index = j->index + first;
        char *out = j->out + i * j->bytes;
        switch (j->bytes) {
        case 1: take_u8((const u8 *)x, index, (u8 *)out, n); break;
        case 2: take_u16((const u16 *)x, index, (u16 *)out, n); break;
        case 4: take_u32((const u32 *)x, index, (u32 *)out, n); break;
        case 8: take_u64((const u64 *)x, index, (u64 *)out, n); break;
        default:
            for (hg_size k = 0; k < n; k++)
                memcpy(out + k * j->bytes, x + index[k] * j->bytes, (size_t)j->bytes);
        }
        i += n;
    }
}

void hg_take(const char *x, char *out, const i64 *index, hg_size outer, hg_size n, hg_size count, hg_size bytes,
             hg_splitter parallel)
{
    take_job j = {x, out, index, n, count, bytes};
    hg_size total = outer * count, grain = 65536 / (bytes + 4) + 1;
    if (total == 0)
        return;
    if (total <= grain)
        take(&j, 0, total);
    else
        parallel(take, &j, total, grain);
}
