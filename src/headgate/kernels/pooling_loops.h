/* Pooling over planes of up to three dims by tables of windows: largest element and where it is, averages, and the ways
 * back. It must not know Python, nor how windows come about. */
#ifndef HEADGATE_POOLING_LOOPS_H
#define HEADGATE_POOLING_LOOPS_H
#include "levels.h"

typedef const i64 *hg_table;

/* Window o of dim d is start[d][o] .. end[d][o] by step[d]; an average divides by count[d][o] of each dim. */
typedef struct {
    int type; /* HG_F32 or HG_F64 */
    int successive; /* divide dim after dim, as PyTorch's adaptive averages do */
    hg_size planes, in[3], out[3], step[3];
    hg_table start[3], end[3], count[3];
} hg_pool;

void hg_pool_max(const hg_pool *p, const void *x, void *values, i64 *indices, hg_splitter parallel);
void hg_pool_average(const hg_pool *p, const void *x, void *y, hg_splitter parallel);
void hg_pool_average_back(const hg_pool *p, const void *g, void *x, hg_splitter parallel);
/* x[plane][indices[i]] += g[i], and the way back. Indices must be inside. */
void hg_pool_put(int type, hg_size planes, hg_size in, hg_size out, const void *g, const i64 *indices, void *x,
                 hg_splitter parallel);
void hg_pool_take(int type, hg_size planes, hg_size in, hg_size out, const void *x, const i64 *indices, void *y,
                  hg_splitter parallel);
#endif
