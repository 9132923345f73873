/* Reductions: the loops compiled once per instruction-set level, and the driver that cuts one reduction into pieces.
 * Pieces depend on the shape alone, so every number of threads gives the same bits. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2", "tree-vectorize", "vect-cost-model=dynamic", "no-trapping-math")
#endif
#include "reduction_loops.h"

#define HG_BODY "reduction_level.h"
#include "each_level.h"

static const char item_size[HG_TYPES] = {1, 1, 1, 2, 4, 8, 2, 4, 8};

#define PIECE 65536 /* elements of one reduction that one task works on */
#define GRAIN 32768 /* elements below which a task is not worth a thread */

const hg_reduction_table *hg_reduction_loops(void)
{
    return &HG_CHOSEN(reductions);
}

/* One reduction cut into pieces of `part` along n: piece p of outer row a is task a * pieces + p. */
typedef struct {
    const hg_reducer *loop;
    const hg_arg_reducer *arg;
    const char *x;
    hg_size outer_stride, n, stride, inner, part, pieces, item, result_item, centre_item;
    char *out;
    const char *centre;
} job;

static void run_rows(void *context, hg_size low, hg_size high)
{
    const job *j = context;
    const char *x = j->x + low * j->outer_stride, *centre = j->centre ? j->centre + low * j->centre_item : NULL;
    if (j->arg)
        j->arg->rows(x, high - low, j->outer_stride, j->n, (i64 *)j->out + low);
    else
        j->loop->rows(x, high - low, j->outer_stride, j->n, j->out + low * j->result_item, centre);
}

static void run_pieces(void *context, hg_size low, hg_size high)
{
    const job *j = context;
    for (hg_size task = low; task < high; task++) {
        hg_size a = task / j->pieces, first = task % j->pieces * j->part;
        hg_size n = j->n - first < j->part ? j->n - first : j->part;
        const char *x = j->x + a * j->outer_stride + first * j->stride;
        char *out = j->out + task * j->inner * j->result_item;
        const char *centre = j->centre ? j->centre + a * j->inner * j->centre_item : NULL;
        if (j->arg)
            j->inner == 1 ? j->arg->rows(x, 1, 0, n, (i64 *)out) : j->arg->columns(x, n, j->stride, j->inner, (i64 *)out);
        else if (j->inner == 1)
            j->loop->rows(x, 1, 0, n, out, centre);
        else
            j->loop->columns(x, n, j->stride, j->inner, out, centre);
    }
}

/* (n, inner) with a narrow inner is read as (n / k, k * inner): long adjacent rows for the column loop. */
static int reduce_narrow(job *j, hg_size outer, int operation, int type, hg_splitter parallel)
{
    hg_size k = 256 / j->inner, width = k * j->inner, rows = j->n / k, rest = j->n - rows * k;
    const hg_reducer *loop = j->loop;
    char *partial = malloc((size_t)((outer * width + 2 * j->inner) * j->result_item));
    char *tile = malloc((size_t)(outer * width * j->centre_item) + 1);
    int failed = !partial || !tile;
    for (hg_size i = 0; !failed && j->centre && i < outer * k; i++)
        memcpy(tile + i * j->inner * j->centre_item, j->centre + i / k * j->inner * j->centre_item,
               (size_t)(j->inner * j->centre_item));
    if (!failed)
        failed = hg_reduce(operation, type, j->x, outer, j->outer_stride, rows, j->stride * k, width, partial,
                           j->centre ? tile : NULL, parallel);
    const hg_reducer *join = &hg_reduction_loops()->reduce[loop->combine][loop->result];
    for (hg_size a = 0; !failed && a < outer; a++) {
        char *out = j->out + a * j->inner * j->result_item, *main = partial + a * width * j->result_item;
        char *spare = partial + outer * width * j->result_item;
        const char *x = j->x + a * j->outer_stride + rows * k * j->stride;
        join->columns(main, k, j->inner * j->result_item, j->inner, rest ? spare : out, NULL);
        if (!rest)
            continue;
        loop->columns(x, rest, j->stride, j->inner, spare + j->inner * j->result_item,
                      j->centre ? j->centre + a * j->inner * j->centre_item : NULL);
        join->columns(spare, 2, j->inner * j->result_item, j->inner, out, NULL);
    }
    free(partial);
    free(tile);
    return failed ? -1 : 0;
}

/* Rows of one piece so that it holds about PIECE elements; all of n if cutting gives nothing. */
static hg_size piece_of(hg_size n, hg_size inner)
{
    hg_size part = PIECE / (inner > 0 ? inner : 1);
    if (inner > 1 && part < 128)
        part = 128;
    return n > part + part / 2 ? part : n;
}

int hg_reduce(int operation, int type, const char *x, hg_size outer, hg_size outer_stride, hg_size n, hg_size stride,
              hg_size inner, char *out, const char *centre, hg_splitter parallel)
{
    const hg_reducer *loop = &hg_reduction_loops()->reduce[operation][type];
    job j = {loop, NULL, x, outer_stride, n, stride, inner, 0, 1, item_size[type], item_size[loop->result],
             centre ? item_size[loop->result] : 0, out, centre};
    if (outer <= 0 || inner <= 0)
        return 0;
    if (inner > 1 && inner <= 64 && stride == inner * j.item && n >= 1024 / inner)
        return reduce_narrow(&j, outer, operation, type, parallel);
    hg_size per_outer = n * inner + 8;
    j.part = piece_of(n, inner);
    if (j.part >= n) {
        j.part = n > 0 ? n : 1;
        hg_size grain = GRAIN / per_outer + 1;
        if (outer <= grain)
            inner == 1 ? run_rows(&j, 0, outer) : run_pieces(&j, 0, outer);
        else
            parallel(inner == 1 ? run_rows : run_pieces, &j, outer, grain);
        return 0;
    }
    j.pieces = (n + j.part - 1) / j.part;
    j.out = malloc((size_t)(outer * j.pieces * inner * j.result_item));
    if (!j.out)
        return -1;
    parallel(run_pieces, &j, outer * j.pieces, 1);
    int failed = hg_reduce(loop->combine, loop->result, j.out, outer, j.pieces * inner * j.result_item, j.pieces,
                           inner * j.result_item, inner, out, NULL, parallel);
    free(j.out);
    return failed;
}

/* The winners of the pieces of each row are compared once more, as a row of their own. */
static int join_winners(const job *j, hg_size outer, i64 *out)
{
    char *winners = malloc((size_t)(j->pieces * j->item));
    if (!winners)
        return -1;
    for (hg_size a = 0; a < outer; a++)
        for (hg_size column = 0; column < j->inner; column++) {
            const i64 *places = (const i64 *)j->out + a * j->pieces * j->inner + column;
            const char *x = j->x + a * j->outer_stride + column * j->item;
            for (hg_size p = 0; p < j->pieces; p++)
                memcpy(winners + p * j->item, x + (p * j->part + places[p * j->inner]) * j->stride, (size_t)j->item);
            i64 best;
            j->arg->rows(winners, 1, 0, j->pieces, &best);
            out[a * j->inner + column] = best * j->part + places[best * j->inner];
        }
    free(winners);
    return 0;
}

int hg_arg_reduce(int smallest, int type, const char *x, hg_size outer, hg_size outer_stride, hg_size n,
                  hg_size stride, hg_size inner, i64 *out, hg_splitter parallel)
{
    const hg_arg_reducer *loop = &hg_reduction_loops()->arg[smallest][type];
    job j = {NULL, loop, x, outer_stride, n, stride, inner, 0, 1, item_size[type], sizeof(i64), 0, (char *)out, NULL};
    if (outer <= 0 || inner <= 0)
        return 0;
    j.part = piece_of(n, inner);
    if (j.part >= n) {
        hg_size grain = GRAIN / (n * inner + 8) + 1;
        if (outer <= grain)
            inner == 1 ? run_rows(&j, 0, outer) : run_pieces(&j, 0, outer);
        else
            parallel(inner == 1 ? run_rows : run_pieces, &j, outer, grain);
        return 0;
    }
    j.pieces = (n + j.part - 1) / j.part;
    j.out = malloc((size_t)(outer * j.pieces * inner) * sizeof(i64));
    if (!j.out)
        return -1;
    parallel(run_pieces, &j, outer * j.pieces, 1);
    int failed = join_winners(&j, outer, out);
    free(j.out);
    return failed;
}
