/* Softmax, log-softmax, their gradients and logsumexp, seen from outside. It must not know Python. */
#ifndef HEADGATE_SOFTMAX_LOOPS_H
#define HEADGATE_SOFTMAX_LOOPS_H
#include "levels.h"

enum hg_softmax_kind { HG_SOFTMAX, HG_LOG_SOFTMAX, HG_LOGSUMEXP, HG_SOFTMAX_BACKWARD, HG_LOG_SOFTMAX_BACKWARD };
#define HG_STRIP 128 /* columns worked on together */

#define HG_SOFTMAX_SET(T) struct { \
        T (*top)(const T *x, hg_size n); \
        T (*powers)(const T *x, T *out, hg_size n, T top); \
        void (*scale)(T *x, hg_size n, T factor); \
        void (*lower)(const T *x, T *out, hg_size n, T top, T log_sum); \
        T (*inner)(const T *g, const T *y, hg_size n); \
        void (*back)(const T *g, const T *y, T *out, hg_size n, T total, int log); \
        void (*forward_columns)(const T *x, hg_size step, T *out, hg_size out_step, hg_size n, hg_size w, int what); \
        void (*backward_columns)(const T *g, const T *y, hg_size step, T *out, hg_size out_step, hg_size n, hg_size w, \
                                 int log); \
    }
typedef struct {
    HG_SOFTMAX_SET(f32) f32_;
    HG_SOFTMAX_SET(f64) f64_;
    void (*from_half)(const f16 *x, f32 *out, hg_size n);
    void (*to_half)(const f32 *x, f16 *out, hg_size n);
} hg_softmax_table;

/* Contiguous (outer, n, inner) arrays; y is the output in the gradients, else NULL. logsumexp writes (outer, inner).
 * The same bits for every number of threads. Returns -1 without memory. */
int hg_softmax(int what, int type, const void *x, const void *y, void *out, hg_size outer, hg_size n, hg_size inner,
               hg_splitter parallel);
#endif
