/* Running sums, products, extremes and log-sums along one axis, seen from outside. It must not know Python. */
#ifndef HEADGATE_SCAN_LOOPS_H
#define HEADGATE_SCAN_LOOPS_H
#include "levels.h"

enum hg_scan_kind { HG_CUMSUM, HG_CUMPROD, HG_LOGCUMSUMEXP, HG_CUMMAX, HG_CUMMIN };

/* Contiguous (outer, n, inner). Sums, products: int64, float32 (accumulated in float64), float64; log-sums: floats;
 * extremes: every type but float16, positions in `places`. The same bits for every number of threads. */
int hg_scan(int what, int type, const void *x, void *out, i64 *places, hg_size outer, hg_size n, hg_size inner,
            hg_splitter parallel);
#endif
