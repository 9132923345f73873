/* Sorting and the k first, seen from outside. It must not know Python. */
#ifndef HEADGATE_SORTING_LOOPS_H
#define HEADGATE_SORTING_LOOPS_H
#include "levels.h"

/* Contiguous (outer, n, inner) to values and places of (outer, k, inner), each line in order: stable, NaN the largest.
 * k == n sorts. The result is the same for every number of threads. Returns -1 without memory. */
int hg_sort(int type, const void *x, void *values, i64 *places, hg_size outer, hg_size n, hg_size inner, hg_size k,
            int descending, hg_splitter parallel);
#endif
