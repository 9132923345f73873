/* Resampling planes by taps along their rows and columns; and sliding blocks as columns, and back. It must not know
 * Python, nor how taps come about. */
#ifndef HEADGATE_RESAMPLING_LOOPS_H
#define HEADGATE_RESAMPLING_LOOPS_H
#include "levels.h"

/* Output o of an axis is the sum of weights[o][k] times the element at places[o][k]; without weights each is 1, without
 * places the axis is left as it is. */
typedef struct {
    hg_size from, to, count;
    const i64 *places;
    const void *weights;
} hg_taps;

typedef struct {
    int type; /* HG_F32 or HG_F64 */
    int failed;
    hg_size planes;
    hg_taps rows, columns;
} hg_resampling;

/* Blocks of planes (size[0], size[1]): columns are (planes, kernel[0], kernel[1], count[0], count[1]). */
typedef struct {
    int type;
    hg_size planes, size[2], kernel[2], dilation[2], padding[2], stride[2], count[2];
} hg_blocks;

/* `failed` is set without memory. */
void hg_resample(hg_resampling *r, const void *x, void *y, hg_splitter parallel);
void hg_unfold(const hg_blocks *b, const void *x, void *columns, hg_splitter parallel);
void hg_fold(const hg_blocks *b, const void *columns, void *x, hg_splitter parallel);
#endif
