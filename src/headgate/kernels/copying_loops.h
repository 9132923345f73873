/* Copies of arrays of any strides (bytes, negative and zero too), with conversion, over the threads; triangles; the
 * positions of what is not zero; ramps. It must not know Python. */
#ifndef HEADGATE_COPYING_LOOPS_H
#define HEADGATE_COPYING_LOOPS_H
#include "levels.h"

#define HG_COPY_DIMS 64

/* One copy: target[i] = (type of target) source[i]. Shape and steps are reordered and joined by hg_copy. */
typedef struct {
    char *target;
    const char *source;
    int rank;
    int to, from;              /* numbers of hg_type; the same for a copy of bytes */
    hg_size to_item, from_item;
    hg_size shape[HG_COPY_DIMS];
    hg_size to_step[HG_COPY_DIMS];
    hg_size from_step[HG_COPY_DIMS];
} hg_copying;

/* Elements must not overlap but where both sides are the same. Bytes are copied for items of 1, 2, 4, 8. */
void hg_copy(hg_copying *c, hg_splitter parallel);

/* A small piece of a transpose: rows of `n` elements, `to_row` bytes apart, from columns `from_column` bytes apart. */
void hg_turn_piece(char *to, const char *from, hg_size rows, hg_size n, hg_size item, hg_size to_row,
                   hg_size from_column);

/* n elements, one after another on both sides. */
void hg_copy_run(char *target, const char *source, int to, int from, hg_size n, hg_size to_item, hg_size from_item,
                 hg_splitter parallel);

/* Bytes of zero. */
void hg_spread(char *target, hg_size nbytes, unsigned long long pattern, hg_splitter parallel);

/* n evenly spaced numbers: first + step * i below `half`, last - step * (n - 1 - i) from there on. Worked out in int64
 * (the whole ones, without an upper half), float32 or float64, then converted. */
typedef struct {
    char *target;
    hg_size n, half, to_item;
    int working, to;
    double first, last, step;
    i64 whole_first, whole_step;
} hg_ramp;
void hg_fill_ramp(hg_ramp *r, hg_splitter parallel);

/* Contiguous matrices: the elements on one side of a diagonal, zero beyond. `x` may be `out`. */
void hg_triangle(const char *x, char *out, hg_size matrices, hg_size rows, hg_size columns, hg_size item,
                 hg_size diagonal, int lower, hg_splitter parallel);
#endif
