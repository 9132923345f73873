/* The reduction loops seen from outside: what each combination of operation and element type offers, and the driver
 * that cuts a reduction into fixed pieces for the threads. It must not know Python. */
#ifndef HEADGATE_REDUCTION_LOOPS_H
#define HEADGATE_REDUCTION_LOOPS_H
#include "levels.h"

enum hg_reduction {
    HG_SUM, HG_PROD, HG_MAX, HG_MIN, HG_ANY, HG_ALL,
    HG_SUM_WIDE,   /* float16/32 added up in float64 */
    HG_DEVIATION,  /* sum of (x - centre)^2, in float64 */
    HG_SUM_NUMBERS, /* NaN left out */
    HG_SQUARES, HG_MAGNITUDES, HG_NONZERO, HG_MAX_MAGNITUDE, HG_MIN_MAGNITUDE,
    HG_REDUCTIONS
};

/* out[row] = the reduction of n adjacent elements, for `count` rows `stride` bytes apart. */
typedef void (*hg_rows)(const char *x, hg_size count, hg_size stride, hg_size n, void *out, const void *centre);
/* out[column] = the reduction of n rows `stride` bytes apart, for `width` adjacent columns. */
typedef void (*hg_columns)(const char *x, hg_size n, hg_size stride, hg_size width, void *out, const void *centre);
/* Positions of the first NaN, else of the first extreme: along adjacent elements, and down the columns. */
typedef void (*hg_arg_rows)(const char *x, hg_size count, hg_size stride, hg_size n, i64 *out);
typedef void (*hg_arg_columns)(const char *x, hg_size n, hg_size stride, hg_size width, i64 *out);

typedef struct {
    hg_rows rows;
    hg_columns columns;
    int result;  /* hg_type of what is written */
    int combine; /* the reduction that joins partial results */
} hg_reducer;

typedef struct {
    hg_arg_rows rows;
    hg_arg_columns columns;
} hg_arg_reducer;

typedef struct {
    hg_reducer reduce[HG_REDUCTIONS][HG_TYPES];
    hg_arg_reducer arg[2][HG_TYPES]; /* 0 argmax, 1 argmin */
} hg_reduction_table;

const hg_reduction_table *hg_reduction_loops(void);

/* x seen as (outer, n, inner): outer and n with strides in bytes, inner adjacent. With inner 1, n is adjacent too.
 * Writes outer * inner results. Cut the same way for every number of threads. Returns -1 without memory. */
int hg_reduce(int operation, int type, const char *x, hg_size outer, hg_size outer_stride, hg_size n, hg_size stride,
              hg_size inner, char *out, const char *centre, hg_splitter parallel);
int hg_arg_reduce(int smallest, int type, const char *x, hg_size outer, hg_size outer_stride, hg_size n,
                  hg_size stride, hg_size inner, i64 *out, hg_splitter parallel);
#endif
