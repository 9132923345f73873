/* Which products are made of panels, and the tiles of c that threads take. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
/* A copy of the loops for rows one element apart would take lanes out of vectors, which is slower than loading each. */
#pragma GCC optimize("O3", "no-trapping-math", "no-version-loops-for-strides")
#endif
#include "panels_loops.h"

#define HG_BODY "panels_level.h"
#include "each_level.h"

#define LARGE_WORK ((double)(1 << 28)) /* multiplications above which OpenBLAS's deeper blocking wins */
#define TILE_WORK 131072               /* of a tile at least: some microseconds */
#define TILES 8                        /* at least, where there is work for them, for threads of uneven speed */
#define TALL 1024                      /* rows of a tile at most: what of a is read again and again stays near */

/* Blocks for AVX2 are too low for a transposed a: they use a third of each cache line. */
int hg_panels_fit(const hg_product *p)
{
    double work = (double)p->m * (double)p->n * (double)p->k;
    return hg_level() > (p->ak == 1 ? 0 : 1) && p->m > 3 && p->n > 3 && work <= LARGE_WORK;
}

typedef struct {
    const hg_product *p;
    const char *a, *b, *row;
    char *c;
    hg_size rows, columns, across; /* of a tile of c, and how many tiles lie side by side */
} tiles_job;

static void some_tiles(void *context, hg_size low, hg_size high)
{
    const tiles_job *j = context;
    hg_size item = j->p->type == HG_F32 ? 4 : 8;
    for (hg_size tile = low; tile < high; tile++) {
        hg_product q = *j->p;
        hg_size first = tile / j->across * j->rows, column = tile % j->across * j->columns;
        q.m = q.m - first < j->rows ? q.m - first : j->rows;
        q.n = q.n - column < j->columns ? q.n - column : j->columns;
        const void *a = j->a + first * q.am * item, *b = j->b + column * q.bn * item;
        const void *row = j->row ? j->row + column * item : NULL;
        void *c = j->c + (first * q.cm + column) * item;
        if (q.type == HG_F32)
            HG_CHOSEN(panels).tile_f32(&q, a, b, c, row);
        else
            HG_CHOSEN(panels).tile_f64(&q, a, b, c, row);
    }
}

static hg_size pieces(hg_size whole, hg_size part)
{
    return (whole + part - 1) / part;
}

/* Columns are split first: every tile of rows more lays out a panel of b again, which costs as much as multiplying it
   with a dozen rows where b is transposed. */
void hg_panels_run(const hg_product *p, const void *a, const void *b, void *c, hg_splitter parallel)
{
    hg_size panel = (hg_level() == 2 ? 128 : 64) / (p->type == HG_F32 ? 4 : 8), least = p->bn == 1 ? 64 : 192;
    hg_size panels = pieces(p->n, panel), wanted = p->m * p->n * p->k / TILE_WORK, down;
    tiles_job j = {p, a, b, p->row, c, p->m, panel, 1};
    wanted = wanted < 1 ? 1 : wanted > TILES ? TILES : wanted;
    if (panels > wanted)
        j.columns = panels / wanted * panel;
    j.across = pieces(p->n, j.columns);
    down = pieces(wanted, j.across);
    if (p->m < down * least)
        down = pieces(p->m, least);
    if (p->m > down * TALL)
        down = pieces(p->m, TALL);
    j.rows = pieces(pieces(p->m, down), 8) * 8;
    parallel(some_tiles, &j, j.across * pieces(p->m, j.rows), 1);
}
