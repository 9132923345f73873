/* Products of middling matrices: panels of b that stay in the caches, blocks of c in registers. Every element of c is
 * summed in one order, whatever the number of threads. It must not know Python, nor OpenBLAS. */
#ifndef HEADGATE_PANELS_LOOPS_H
#define HEADGATE_PANELS_LOOPS_H
#include "gemm_loops.h"

#define HG_DEPTH 512 /* rows of a panel at most: 64 KiB of it, on the stack */

/* How many products make one partial sum. A long chain of additions loses digits; and PyTorch's library cuts chains of
   float32 here too (measured with AVX-512), so that the same script sees the same numbers, mostly to the bit. */
static inline hg_size hg_depth_f32(hg_size k)
{
    return k >= 384 ? 192 : k > 192 ? k / 2 : k + !k;
}

static inline hg_size hg_depth_f64(hg_size k)
{
    return k < HG_DEPTH ? k + !k : HG_DEPTH;
}

/* Whether these loops are to be preferred to OpenBLAS for a product of floats. */
int hg_panels_fit(const hg_product *p);
/* c = alpha a b + beta c, or beta times `p->row` for every row of c. Any strides. */
void hg_panels_run(const hg_product *p, const void *a, const void *b, void *c, hg_splitter parallel);

typedef struct {
    void (*tile_f32)(const hg_product *p, const f32 *a, const f32 *b, f32 *c, const f32 *row);
    void (*tile_f64)(const hg_product *p, const f64 *a, const f64 *b, f64 *c, const f64 *row);
} hg_panels_table;
#endif
