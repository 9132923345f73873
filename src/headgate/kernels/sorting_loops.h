/* Sorting, the k first, searching and counting, seen from outside. It must not know Python. */
#ifndef HEADGATE_SORTING_LOOPS_H
#define HEADGATE_SORTING_LOOPS_H
#include "levels.h"

/* Contiguous (outer, n, inner) to values and places of (outer, k, inner), each line in order: stable, NaN the largest.
 * k == n sorts; with `alone` only the k-th is written, to (outer, inner). The result is the same for every number of threads. Returns -1 without memory. */
int hg_sort(int type, const void *x, void *values, i64 *places, hg_size outer, hg_size n, hg_size inner, hg_size k,
            int descending, int alone, hg_splitter parallel);

/* The place of each value among `count` sorted edges of the same type (int32, int64, float32 or float64): the first
 * that keeps the order, the last with `right`. NaN goes to the end. */
void hg_search(int type, const void *edges, hg_size count, const void *values, i64 *places, hg_size n, int right,
               hg_splitter parallel);

/* How often each number from 0 to the largest occurs, in a table to be freed. Returns -1 without memory, 1 if a number
 * is negative. */
int hg_count(const i64 *x, hg_size n, i64 **table, hg_size *bins, hg_splitter parallel);

/* The k-th of n numbers (int32, int64 or floats) in order, from 0, NaN last. Returns -1 without memory. */
int hg_select(int type, const void *x, hg_size n, hg_size k, void *value, hg_splitter parallel);

/* Equal parts of [low, high]: their number, below 2^31, and how many there are to one. All are numbers of x's type. */
typedef struct {
    hg_size count;
    double low, high, scale, parts, width; /* half precision has the last two, the others their quotient */
} hg_parts;

/* How many of n floats lie in each part; the last one includes its upper end. Returns -1 without memory. */
int hg_count_parts(int type, const void *x, hg_size n, const hg_parts *parts, i64 *counts, hg_splitter parallel);

/* For each sorted line of n numbers the end of its longest run of equal ones, of the first of several. */
void hg_longest_runs(int type, const void *x, hg_size lines, hg_size n, i64 *places, hg_splitter parallel);

/* The elements of items of 1, 2, 4 or 8 bytes that are marked, in order. First their number, with where those of each
 * piece end; then, with room for them, they themselves. */
hg_size hg_marked_pieces(hg_size n);
hg_size hg_count_marked(const u8 *marks, hg_size n, i64 *ends, hg_splitter parallel);
void hg_take_marked(const u8 *marks, const char *x, hg_size n, hg_size item, char *out, const i64 *ends,
                    hg_splitter parallel);
#endif
