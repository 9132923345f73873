/* Strided copies: dims are put in the order of the target's steps and joined where both sides allow it; what is left
 * is one run, lines of it, or a transpose that is done in square blocks. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math")
#endif
#include "copying_loops.h"

#if defined(__GNUC__) && !defined(__clang__)
#define HG_NO_CALLS __attribute__((optimize("no-tree-loop-distribute-patterns"))) /* loops stay loops */
#define HG_APART _Pragma("GCC ivdep")
#define HG_NO_FUSING __attribute__((optimize("fp-contract=off"))) /* the same bits on every level */
#else
#define HG_NO_CALLS
#define HG_APART
#define HG_NO_FUSING
#endif
#define SHORT_LINE 16384   /* bytes */

typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef u8 truth;
typedef void (*hg_converter)(const void *source, void *target, hg_size n);

#define HG_BODY "copying_level.h"
#include "each_level.h"

#define GRAIN_BYTES 131072
#define BLOCK 64           /* elements along each side of a transposed block */
#define PIECE 256          /* elements converted at a time where they are strided */

static hg_converter converter(int from, int to)
{
    return HG_CHOSEN(converters)[from][to];
}

/* -------------------------------------------------------------------------------------------------------- one run */

typedef struct {
    char *target;
    const char *source;
    hg_size to_item, from_item;
    hg_converter convert;
} run_job;

static void run(void *context, hg_size low, hg_size high)
{
    const run_job *j = context;
    char *target = j->target + low * j->to_item;
    const char *source = j->source + low * j->from_item;
    if (j->convert)
        j->convert(source, target, high - low);
    else
        memmove(target, source, (size_t)((high - low) * j->to_item));
}

void hg_copy_run(char *target, const char *source, int to, int from, hg_size n, hg_size to_item, hg_size from_item,
                 hg_splitter parallel)
{
    run_job j = {target, source, to_item, from_item, to == from ? NULL : converter(from, to)};
    hg_size grain = GRAIN_BYTES / (to_item > from_item ? to_item : from_item);
    if (n <= grain)
        run(&j, 0, n);
    else
        parallel(run, &j, n, grain);
}

typedef struct {
    char *target;
    u64 pattern;
} spread_job;

static void spread(void *context, hg_size low, hg_size high)
{
    const spread_job *j = context;
    HG_CHOSEN(spread)(j->target + low, j->pattern, high - low);
}

/* Serially without a splitter. It cuts at multiples of eight bytes. */
void hg_spread(char *target, hg_size nbytes, unsigned long long pattern, hg_splitter parallel)
{
    spread_job j = {target, pattern};
    if (parallel)
        parallel(spread, &j, nbytes, GRAIN_BYTES);
    else
        spread(&j, 0, nbytes);
}

/* ---------------------------------------------------------------------------------------------------------- ramps */

static void ramp(void *context, hg_size low, hg_size high)
{
    const hg_ramp *r = context;
    hg_converter convert = r->to == r->working ? NULL : converter(r->working, r->to);
    double piece[PIECE];
    for (hg_size i = low; i < high; i += PIECE) {
        hg_size m = high - i < PIECE ? high - i : PIECE;
        char *target = r->target + i * r->to_item;
        void *place = convert ? (void *)piece : target;
        if (r->working == HG_I64)
            HG_CHOSEN(ramp_i64)(r, i, m, place);
        else if (r->working == HG_F32)
            HG_CHOSEN(ramp_f32)(r, i, m, place);
        else
            HG_CHOSEN(ramp_f64)(r, i, m, place);
        if (convert)
            convert(place, target, m);
    }
}

void hg_fill_ramp(hg_ramp *r, hg_splitter parallel)
{
    if (r->n <= GRAIN_BYTES / 8)
        ramp(r, 0, r->n);
    else
        parallel(ramp, r, r->n, GRAIN_BYTES / 8);
}

/* ---------------------------------------------------------------------------------------------------------- planes */

/* Two dims of a copy: `rows` lines of n elements. */
typedef struct {
    hg_size rows, to_row, from_row, n, to_step, from_step;
} plane;

#define COPY_PLANE(U) \
static void plane_##U(char *target, const char *source, const plane *p) \
{ \
    const hg_size n = p->n, ts = p->to_step, ss = p->from_step; \
    for (hg_size r = 0; r < p->rows; r++, target += p->to_row, source += p->from_row) { \
        if (ts == (hg_size)sizeof(U) && ss == (hg_size)sizeof(U)) { \
            if (n * (hg_size)sizeof(U) >= SHORT_LINE) { \
                memmove(target, source, (size_t)n * sizeof(U)); \
            } else if (n * (hg_size)sizeof(U) >= 64) { \
                HG_CHOSEN(move)(target, source, n * (hg_size)sizeof(U)); \
            } else { \
                for (hg_size i = 0; i < n; i++) \
                    ((U *)target)[i] = ((const U *)source)[i]; \
            } \
        } else if (ts == (hg_size)sizeof(U) && ss == 0) { \
            HG_CHOSEN(spread)(target, *(const U *)source * (~(u64)0 / (U)~(U)0), n * (hg_size)sizeof(U)); \
        } else if (ts == (hg_size)sizeof(U) && ss == -(hg_size)sizeof(U)) { \
            HG_CHOSEN(reverse_##U)((U *)target, (const U *)source, n); \
        } else if (ts == (hg_size)sizeof(U) && ss == 2 * (hg_size)sizeof(U)) { \
            for (hg_size i = 0; i < n; i++) \
                ((U *)target)[i] = ((const U *)source)[2 * i]; \
        } else { \
            for (hg_size i = 0; i < n; i++) \
                *(U *)(target + i * ts) = *(const U *)(source + i * ss); \
        } \
    } \
}
COPY_PLANE(u8)
COPY_PLANE(u16)
COPY_PLANE(u32)
COPY_PLANE(u64)

typedef void (*plane_copier)(char *target, const char *source, const plane *p);

static plane_copier copier(hg_size item)
{
    return item == 1 ? plane_u8 : item == 2 ? plane_u16 : item == 4 ? plane_u32 : plane_u64;
}

/* Lines with conversion: strided elements are brought together before and spread after. */
static void convert_plane(char *target, const char *source, const plane *p, const hg_copying *c, hg_converter convert)
{
    char from[PIECE * 8], to[PIECE * 8];
    for (hg_size r = 0; r < p->rows; r++) {
        for (hg_size i = 0; i < p->n; i += PIECE) {
            hg_size m = p->n - i < PIECE ? p->n - i : PIECE;
            char *t = target + r * p->to_row + i * p->to_step;
            const char *s = source + r * p->from_row + i * p->from_step;
            int straight = p->to_step == c->to_item;
            if (p->from_step != c->from_item) {
                plane gather = {1, 0, 0, m, c->from_item, p->from_step};
                copier(c->from_item)(from, s, &gather);
                s = from;
            }
            convert(s, straight ? t : to, m);
            if (!straight) {
                plane spread = {1, 0, 0, m, p->to_step, c->to_item};
                copier(c->to_item)(t, to, &spread);
            }
        }
    }
}

/* ------------------------------------------------------------------------------------------------- putting in order */

static hg_size size_of(hg_size step)
{
    return step < 0 ? -step : step;
}

static void swap_dims(hg_copying *c, int a, int b)
{
    hg_size n = c->shape[a], t = c->to_step[a], s = c->from_step[a];
    c->shape[a] = c->shape[b], c->to_step[a] = c->to_step[b], c->from_step[a] = c->from_step[b];
    c->shape[b] = n, c->to_step[b] = t, c->from_step[b] = s;
}

/* Drops dims of length 1, turns the target's negative steps, sorts by its steps, joins neighbours. 0 if it is empty. */
static int arrange(hg_copying *c)
{
    int rank = 0;
    for (int d = 0; d < c->rank; d++) {
        hg_size n = c->shape[d], t = c->to_step[d], s = c->from_step[d];
        if (n == 0)
            return 0;
        if (n == 1)
            continue;
        if (t < 0) {
            c->target += (n - 1) * t, c->source += (n - 1) * s;
            t = -t, s = -s;
        }
        c->shape[rank] = n, c->to_step[rank] = t, c->from_step[rank] = s;
        for (int k = rank++; k > 0 && c->to_step[k - 1] < c->to_step[k]; k--)
            swap_dims(c, k - 1, k);
    }
    int last = 0;
    for (int d = 1; d < rank; d++) {
        if (c->to_step[last] == c->to_step[d] * c->shape[d] && c->from_step[last] == c->from_step[d] * c->shape[d]) {
            c->shape[last] *= c->shape[d];
            c->to_step[last] = c->to_step[d], c->from_step[last] = c->from_step[d];
        } else {
            last++;
            c->shape[last] = c->shape[d], c->to_step[last] = c->to_step[d], c->from_step[last] = c->from_step[d];
        }
    }
    c->rank = rank ? last + 1 : 0;
    return 1;
}

/* ------------------------------------------------------------------------------------------------ many dims, threads */

typedef struct {
    const hg_copying *c;
    hg_converter convert;
    plane_copier copy;
    void (*square)(char *target, const char *source, hg_size to_row, hg_size from_row, hg_size side);
    hg_size side;          /* of the blocks that `square` copies */
    int outer;             /* dims before the last two */
    hg_size rows_at_once, columns_at_once, row_pieces, column_pieces;
} plane_job;

/* Short lines are walked across, so that the inner loop is the long one. */
static void copy_part(const plane_job *j, char *target, const char *source, const plane *p)
{
    plane across = {p->n, p->to_step, p->from_step, p->rows, p->to_row, p->from_row};
    if (p->n < 8 && p->rows > p->n)
        p = &across;
    if (j->convert)
        convert_plane(target, source, p, j->c, j->convert);
    else
        j->copy(target, source, p);
}

/* A block of a transpose: whole squares first, then what is left at two of its sides. */
static void copy_block(const plane_job *j, char *target, const char *source, const plane *p)
{
    hg_size side = j->side, rows = p->rows / side * side, columns = p->n / side * side;
    for (hg_size r = 0; r < rows; r += side)
        for (hg_size i = 0; i < columns; i += side)
            j->square(target + r * p->to_row + i * p->to_step, source + r * p->from_row + i * p->from_step, p->to_row,
                      p->from_step, side);
    if (columns < p->n) {
        plane right = {rows, p->to_row, p->from_row, p->n - columns, p->to_step, p->from_step};
        j->copy(target + columns * p->to_step, source + columns * p->from_step, &right);
    }
    if (rows < p->rows) {
        plane below = {p->rows - rows, p->to_row, p->from_row, p->n, p->to_step, p->from_step};
        j->copy(target + rows * p->to_row, source + rows * p->from_row, &below);
    }
}

static void planes(void *context, hg_size low, hg_size high)
{
    const plane_job *j = context;
    const hg_copying *c = j->c;
    int row = c->rank - 2, column = c->rank - 1;
    for (hg_size at = low; at < high; at++) {
        hg_size rest = at;
        hg_size first_column = rest % j->column_pieces * j->columns_at_once;
        rest /= j->column_pieces;
        hg_size first_row = rest % j->row_pieces * j->rows_at_once;
        rest /= j->row_pieces;
        char *target = c->target + first_row * c->to_step[row] + first_column * c->to_step[column];
        const char *source = c->source + first_row * c->from_step[row] + first_column * c->from_step[column];
        for (int d = row - 1; d >= 0; d--) {
            hg_size place = rest % c->shape[d];
            rest /= c->shape[d];
            target += place * c->to_step[d], source += place * c->from_step[d];
        }
        hg_size rows = c->shape[row] - first_row, columns = c->shape[column] - first_column;
        plane p = {rows < j->rows_at_once ? rows : j->rows_at_once, c->to_step[row], c->from_step[row],
                   columns < j->columns_at_once ? columns : j->columns_at_once, c->to_step[column],
                   c->from_step[column]};
        if (j->square)
            copy_block(j, target, source, &p);
        else
            copy_part(j, target, source, &p);
    }
}

#define SQUARE(U) \
static void square_##U(char *target, const char *source, hg_size to_row, hg_size from_row, hg_size side) \
{ \
    for (hg_size r = 0; r < side; r++) \
        for (hg_size i = 0; i < side; i++) \
            *(U *)(target + r * to_row + i * (hg_size)sizeof(U)) = *(const U *)(source + i * from_row + r * (hg_size)sizeof(U)); \
}
SQUARE(u8)
SQUARE(u16)
SQUARE(u32)
SQUARE(u64)

/* The dim along which the source is read with the smallest step, but for the last dim; -1 if that is the last one. */
static int fastest_of_source(const hg_copying *c)
{
    int last = c->rank - 1, best = -1;
    hg_size step = size_of(c->from_step[last]);
    if (step == 0)
        return -1;
    for (int d = last - 1; d >= 0; d--) {
        hg_size own = size_of(c->from_step[d]);
        if (own && own < step)
            best = d, step = own;
    }
    return best;
}

static void choose_square(plane_job *j, hg_size item)
{
    j->side = item == 1 ? 16 : item == 8 ? 4 : 8;
    j->square = item == 1 ? square_u8 : item == 2 ? square_u16 : item == 4 ? square_u32 : square_u64;
#if HG_X86
    if (hg_level() > 0 && item == 4)
        j->square = square_32_avx2;
    if (hg_level() > 0 && item == 8)
        j->square = square_64_avx2;
#endif
}

void hg_turn_piece(char *to, const char *from, hg_size rows, hg_size n, hg_size item, hg_size to_row,
                   hg_size from_column)
{
    plane p = {rows, to_row, item, n, item, from_column};
    plane_job j = {NULL, NULL, copier(item), NULL, 0, 0, 0, 0, 0, 0};
    choose_square(&j, item);
    copy_block(&j, to, from, &p);
}

static void plan_planes(plane_job *j, hg_copying *c)
{
    hg_size last = c->shape[c->rank - 1];
    int fastest = fastest_of_source(c);
    if (fastest >= 0) {
        for (int d = fastest; d < c->rank - 2; d++)
            swap_dims(c, d, d + 1);
        j->rows_at_once = j->columns_at_once = BLOCK;
        if (!j->convert && c->to_step[c->rank - 1] == c->to_item && c->from_step[c->rank - 2] == c->to_item)
            choose_square(j, c->to_item);
    } else {
        j->columns_at_once = last < 16384 ? last : 16384;
        j->rows_at_once = 16384 / j->columns_at_once;
    }
    j->row_pieces = (c->shape[c->rank - 2] + j->rows_at_once - 1) / j->rows_at_once;
    j->column_pieces = (last + j->columns_at_once - 1) / j->columns_at_once;
}

static void copy_planes(hg_copying *c, hg_splitter parallel)
{
    plane_job j = {c, c->to == c->from ? NULL : converter(c->from, c->to), copier(c->to_item), NULL, 0,
                   c->rank - 2, 0, 0, 0, 0};
    plan_planes(&j, c);
    hg_size pieces = j.row_pieces * j.column_pieces;
    for (int d = 0; d < j.outer; d++)
        pieces *= c->shape[d];
    hg_size rows = c->shape[c->rank - 2] < j.rows_at_once ? c->shape[c->rank - 2] : j.rows_at_once;
    hg_size columns = c->shape[c->rank - 1] < j.columns_at_once ? c->shape[c->rank - 1] : j.columns_at_once;
    hg_size grain = GRAIN_BYTES / 4 / (rows * columns * c->to_item) + 1;
    if (pieces <= grain)
        planes(&j, 0, pieces);
    else
        parallel(planes, &j, pieces, grain);
}

void hg_copy(hg_copying *c, hg_splitter parallel)
{
    if (!arrange(c))
        return;
    if (c->rank == 0 || (c->rank == 1 && c->to_step[0] == c->to_item && c->from_step[0] == c->from_item)) {
        hg_copy_run(c->target, c->source, c->to, c->from, c->rank ? c->shape[0] : 1, c->to_item, c->from_item, parallel);
        return;
    }
    if (c->rank == 1) { /* one line: as a plane of one row */
        c->shape[1] = c->shape[0], c->to_step[1] = c->to_step[0], c->from_step[1] = c->from_step[0];
        c->shape[0] = 1, c->to_step[0] = c->from_step[0] = 0;
        c->rank = 2;
    }
    copy_planes(c, parallel);
}

/* ------------------------------------------------------------------------------------------------------- triangles */

typedef struct {
    const char *x;
    char *out;
    hg_size rows, columns, item, diagonal;
    int lower;
} triangle_job;

static void triangle_rows(void *context, hg_size low, hg_size high)
{
    const triangle_job *j = context;
    for (hg_size at = low; at < high; at++) {
        hg_size edge = at % j->rows + j->diagonal + (j->lower ? 1 : 0), width = j->columns * j->item;
        edge = (edge < 0 ? 0 : edge > j->columns ? j->columns : edge) * j->item;
        char *out = j->out + at * width;
        const char *x = j->x + at * width;
        hg_size from = j->lower ? 0 : edge, end = j->lower ? edge : width;
        if (x != out)
            memcpy(out + from, x + from, (size_t)(end - from));
        memset(out, 0, (size_t)from);
        memset(out + end, 0, (size_t)(width - end));
    }
}

void hg_triangle(const char *x, char *out, hg_size matrices, hg_size rows, hg_size columns, hg_size item,
                 hg_size diagonal, int lower, hg_splitter parallel)
{
    triangle_job j = {x, out, rows, columns, item, diagonal, lower};
    hg_size lines = matrices * rows, grain = GRAIN_BYTES / (columns * item + 16) + 1;
    if (lines <= grain)
        triangle_rows(&j, 0, lines);
    else
        parallel(triangle_rows, &j, lines, grain);
}
