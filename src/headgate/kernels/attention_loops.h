/* Scaled dot-product attention, forward and backward, block by block of queries: no score matrix is kept. It must not
 * know Python. */
#ifndef HEADGATE_ATTENTION_LOOPS_H
#define HEADGATE_ATTENTION_LOOPS_H
#include "levels.h"

/* One tensor of (batch, heads, rows, width): width adjacent, the other strides in elements. */
typedef struct {
    char *data;
    hg_size batch, head, row;
} hg_heads;

typedef struct {
    int type, causal, failed;
    hg_size batch, heads, queries, keys, width, wide; /* width: of queries and keys; wide: of values */
    double scale;
    hg_heads q, k, v, out;
    hg_heads mask;          /* added to the scores; data NULL without */
    hg_size mask_column;
    char *logs;             /* (batch, heads, queries): the logarithm of each row's sum */
    hg_heads g, dq, dk, dv; /* of the backward only */
} hg_attention;

/* Returns -1 without memory. */
int hg_attention_forward(const hg_attention *a, hg_splitter parallel);
int hg_attention_backward(const hg_attention *a, hg_splitter parallel);

#define HG_ATTENTION_SET(T) struct { \
        void (*rows_times)(hg_size m, hg_size n, hg_size k, const T *a, hg_size am, hg_size ak, const T *b, hg_size bk, \
                           T *c, hg_size cm, int add); \
        void (*turned)(const T *x, hg_size xs, hg_size rows, hg_size columns, T *out, hg_size os); \
        T (*powers)(T *x, hg_size n, T *log); \
        void (*scaled)(T *x, hg_size n, T scale, const T *mask, hg_size step); \
        void (*again)(T *x, hg_size n, T log); \
        void (*times)(T *x, hg_size n, T factor); \
        void (*slope)(const T *p, T *d, hg_size n, T inner, T scale); \
        T (*inner)(const T *x, const T *y, hg_size n); \
    }
typedef struct {
    HG_ATTENTION_SET(f32) f32_;
    HG_ATTENTION_SET(f64) f64_;
} hg_attention_table;
#endif
