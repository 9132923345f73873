/* Convolutions over up to three dims: result, gradient for the input, gradient for the weight. It must not know Python.
 * Arrays are contiguous: x (batch, groups * inputs, in...), w (groups * outputs, inputs, kernel...), y (batch, groups *
 * outputs, out...). */
#ifndef HEADGATE_CONVOLUTION_LOOPS_H
#define HEADGATE_CONVOLUTION_LOOPS_H
#include "levels.h"

#define HG_BLOCK_ROWS 8
#define HG_BLOCK_VECTORS 3
#define HG_DOT_ROWS 4
#define HG_DOT_TAPS 6

typedef struct {
    int type; /* HG_F32 or HG_F64 */
    hg_size batch, groups, inputs, outputs; /* channels of one group */
    hg_size in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
} hg_conv;

/* Part of a vector that is kept: from which lane, how many, and where they go. */
typedef struct {
    hg_size lane, count, to;
} hg_stretch;

/* A vector of adjacent places in the padded planes, and its stretches. */
typedef struct {
    hg_size from, first, last;
} hg_slot;

/* Rows of the result at some slots: out[r][slot] = bias[r] + sum over k of w[k][r] * from[offsets[k] + slot]. */
typedef struct {
    hg_size depth;
    const void *w, *bias;
    const hg_size *offsets;
    const void *from;
    const hg_slot *slots;
    const hg_stretch *stretches;
    void *out;
    hg_size out_row, out_step;
} hg_rows;

typedef void (*hg_block)(const hg_rows *job);
/* out[r][j] += sum over i < length of g[r * pitch + i] * x[offsets[j] + i]; length a multiple of the vector. */
typedef void (*hg_dots)(hg_size length, const void *g, hg_size pitch, const void *x, const hg_size *offsets, void *out,
                        hg_size out_pitch);

typedef struct {
    hg_size width[2]; /* elements of a vector: float32, float64 */
    int rows, vectors, dot_rows, dot_taps; /* how large blocks may be on this level */
    hg_block block[2][HG_BLOCK_ROWS][HG_BLOCK_VECTORS];
    hg_dots dots[2][HG_DOT_ROWS][HG_DOT_TAPS];
} hg_conv_table;

const hg_conv_table *hg_conv_loops(void); /* those of this processor's level */

/* 0, -1 without memory, -2 where the shape is beyond these loops. */
int hg_conv_forward(const hg_conv *c, const void *x, const void *w, const void *bias, void *y, hg_splitter parallel);
int hg_conv_input(const hg_conv *c, const void *y, const void *w, const void *bias, void *x, hg_splitter parallel);
int hg_conv_weight(const hg_conv *c, const void *x, const void *y, void *w, hg_splitter parallel);
#endif
