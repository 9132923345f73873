/* Matrix products: own loops for small ones and for integers, OpenBLAS for the rest. It must not know Python. */
#ifndef HEADGATE_GEMM_LOOPS_H
#define HEADGATE_GEMM_LOOPS_H
#include "levels.h"

#define HG_PACK 8192 /* elements of B that the small product may pack on the stack */

typedef struct {
    void (*product_f32)(hg_size m, hg_size n, hg_size k, const f32 *a, hg_size am, hg_size ak, const f32 *b, hg_size bk,
                        hg_size bn, f32 *c, hg_size cm, f32 alpha, f32 beta);
    void (*product_f64)(hg_size m, hg_size n, hg_size k, const f64 *a, hg_size am, hg_size ak, const f64 *b, hg_size bk,
                        hg_size bn, f64 *c, hg_size cm, f64 alpha, f64 beta);
    f32 (*dot_f32)(const f32 *x, const f32 *y, hg_size n);
    f64 (*dot_f64)(const f64 *x, const f64 *y, hg_size n);
    void (*rows_into_f32)(const f32 *a, hg_size am, const f32 *x, hg_size xs, hg_size m, f32 *out, hg_size n);
    void (*rows_into_f64)(const f64 *a, hg_size am, const f64 *x, hg_size xs, hg_size m, f64 *out, hg_size n);
    f32 (*dot_f16)(const f16 *x, const f16 *y, hg_size n);
} hg_gemm_table;

/* One product c = alpha * a b + beta * c. Strides in elements; rows of c are adjacent elements, cm apart. */
typedef struct {
    int type;
    hg_size m, n, k;
    hg_size am, ak, bk, bn, cm;
    double alpha, beta;
    const void *row; /* n adjacent elements in place of every row of c on the right; NULL but for `hg_panels_fit` */
} hg_product;

int hg_blas_open(const char *path); /* 0 if the library and its functions are there */
int hg_blas_is_open(void);
void *hg_blas_find(const char *name); /* a routine of the library that was opened; NULL if it has none of that name */
/* Whether own loops are to be preferred; if not, whether OpenBLAS can take these strides. */
int hg_product_is_small(const hg_product *p);
int hg_product_fits_blas(const hg_product *p);
/* Runs it, on at most `threads` threads. Returns -1 without memory. */
int hg_product_run(const hg_product *p, const void *a, const void *b, void *c, int threads, hg_splitter parallel);
/* The sum of n > 0 products, in float32. */
int hg_dot_halves(const f16 *a, const f16 *b, hg_size n, f32 *out, hg_splitter parallel);
/* `count` products; offsets in bytes of each operand, three per product. */
int hg_products_run(const hg_product *p, const char *a, const char *b, char *c, const hg_size *offsets, hg_size count,
                    int threads, hg_splitter parallel);
#endif
