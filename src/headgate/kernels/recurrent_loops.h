/* Recurrent cells and whole layers of them, seen from outside. Rows are sequences, steps of a batch lie behind one
 * another, and a step may have fewer rows than the one before (packed sequences). It must not know Python. */
#ifndef HEADGATE_RECURRENT_LOOPS_H
#define HEADGATE_RECURRENT_LOOPS_H
#include "levels.h"

enum hg_cell { HG_LSTM, HG_GRU, HG_TANH_CELL, HG_RELU_CELL };

/* One layer in one direction. N is the number of rows of all steps, B of the longest step, G the number of gates (4, 3
 * or 1). Arrays are contiguous, of one type (HG_F32 or HG_F64). */
typedef struct {
    int kind, type;
    int reverse;            /* from the last step to the first */
    int keep;               /* whether `h` and `c` are brought up to date, row by row (not for a single cell) */
    int turned;             /* whether `weight` is (width, G * hidden), else (G * hidden, width) */
    hg_size steps, rows, hidden, width; /* width: of the hidden state that the weight takes */
    const hg_size *sizes;   /* rows of each step */
    const hg_size *starts;  /* and where they begin */
    char *gates;            /* (N, G * hidden): the input's part; then the gates */
    char *aside;            /* (N, hidden): GRU's hidden part of the new state; else NULL */
    char *cells;            /* (N, hidden): LSTM's cell states; else NULL */
    char *out;              /* (N, hidden) */
    char *h, *c;            /* (B, width), (B, hidden): the state before, and after if `keep` */
    const char *weight;
    const char *bias;       /* GRU's hidden bias, or NULL */
    /* of the backward only */
    const char *first_c;    /* (B, hidden): LSTM's first cell state */
    const char *first_h;    /* (B, width) */
    const char *grad_out;   /* (N, hidden), or NULL; h and c hold the final states' gradients, then the first ones' */
    char *grad_gates;       /* (N, G * hidden): of the input's part */
    char *grad_aside;       /* GRU: (N, G * hidden), of the hidden state's part */
} hg_recurrent;

void hg_recurrent_forward(const hg_recurrent *r, hg_splitter parallel);
void hg_recurrent_backward(const hg_recurrent *r, hg_splitter parallel);

/* Products of small matrices: c (m, n) = a b (+ c), a (m, k) with elements am and ak apart. */
void hg_rows_times(int type, hg_size m, hg_size n, hg_size k, const void *a, hg_size am, hg_size ak, const void *b,
                   void *c, int add, hg_splitter parallel);
/* The same with b^T for b (n, k). */
void hg_rows_dot(int type, hg_size m, hg_size n, hg_size k, const void *a, const void *b, void *c, int add,
                 hg_splitter parallel);
void hg_turned(int type, const void *x, hg_size rows, hg_size columns, void *out);
/* out (columns) = the sums over the rows of x; and each of `rows` rows of out = a (+ b), where they are not NULL. */
void hg_column_sums(int type, const void *x, hg_size rows, hg_size columns, void *out);
void hg_fill_rows(int type, const void *a, const void *b, hg_size rows, hg_size columns, void *out);

#define HG_RECURRENT_SET(T) struct { \
        void (*rows_times)(hg_size m, hg_size n, hg_size k, const T *a, hg_size am, hg_size ak, const T *b, hg_size bk, \
                           T *c, hg_size cm, int add); \
        void (*rows_dot)(hg_size m, hg_size n, hg_size k, const T *a, hg_size am, const T *b, hg_size bn, T *c, \
                         hg_size cm, int add); \
        void (*turned)(const T *x, hg_size xs, hg_size rows, hg_size columns, T *out, hg_size os); \
        void (*lstm)(T *gates, const T *c, T *cells, T *out, hg_size n); \
        void (*gru)(T *gates, const T *aside, const T *h, T *out, hg_size n); \
        void (*plain)(int kind, const T *gates, T *out, hg_size n); \
        void (*lstm_back)(const T *gates, const T *c, const T *cells, const T *dh, T *dc, T *dg, hg_size n); \
        void (*gru_back)(const T *gates, const T *aside, const T *h, T *dh, T *dg, T *da, hg_size n); \
        void (*plain_back)(int kind, const T *out, const T *dh, T *dg, hg_size n); \
        void (*add_row)(const T *x, T *out, hg_size n); \
    }
typedef struct {
    HG_RECURRENT_SET(f32) f32_;
    HG_RECURRENT_SET(f64) f64_;
} hg_recurrent_table;
#endif
