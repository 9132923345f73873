/* Normalisation with its gradients on contiguous arrays of float32 or float64: over blocks that lie together (layer,
 * group and rms norm), and over channels (batch norm). It must not know Python. */
#ifndef HEADGATE_NORMALIZATION_LOOPS_H
#define HEADGATE_NORMALIZATION_LOOPS_H
#include "levels.h"

#define HG_STRIP 64

#define HG_NORMAL(T) struct { \
    double (*sum)(const T *, hg_size); \
    double (*squares)(const T *, hg_size, T); \
    void (*products)(const T *, const T *, const T *, hg_size, T, double *); \
    void (*scale)(const T *, T *, hg_size, T, T, T); \
    void (*affine)(const T *, T *, hg_size, T, T, const T *, const T *); \
    void (*back)(const T *, const T *, const T *, T *, hg_size, T, T, T, T); \
    void (*collect)(const T *, const T *, hg_size, T, T, T *, T *); \
    void (*column_sums)(const T *, hg_size, hg_size, hg_size, const T *, double *); \
    void (*column_products)(const T *, const T *, hg_size, hg_size, hg_size, const T *, double *, double *); \
    void (*column_scale)(const T *, T *, hg_size, hg_size, hg_size, const T *, const T *, const T *); \
    void (*column_back)(const T *, const T *, T *, hg_size, hg_size, hg_size, const T *, const T *, const T *, \
                        const T *); \
}
typedef struct {
    HG_NORMAL(f32) f32_;
    HG_NORMAL(f64) f64_;
} hg_normal_table;

/* One normalisation. Blocks: `outer` runs of channels * inner elements, block r having the channels from
 * (r % groups) * channels on. Channels: (outer, channels, inner), groups 1. Pointers that are not wanted are NULL. */
typedef struct {
    int type, centred, fixed; /* fixed: mean and rstd are given, and constants for the gradient */
    hg_size outer, groups, channels, inner;
    double eps, momentum;
    const void *g, *x, *w, *b;
    void *out, *gw, *gb, *mean, *rstd, *running_mean, *running_var;
    double *partial; /* sums of pieces of blocks */
    hg_size piece;
    int failed;
} hg_normal;

/* Forward where g is NULL, else backward. The same bits for every number of threads. Return -1 without memory. */
int hg_normal_blocks(hg_normal job, hg_splitter parallel);
int hg_normal_channels(hg_normal job, hg_splitter parallel);
#endif
