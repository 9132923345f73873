/* Factors and systems of matrices in batches, by the LAPACK of the packaged OpenBLAS. It must not know Python. */
#ifndef HEADGATE_LAPACK_LOOPS_H
#define HEADGATE_LAPACK_LOOPS_H
#include "levels.h"

enum hg_lapack_job {
    HG_CHOLESKY, HG_INVERSE, HG_SOLVE, HG_TRIANGULAR, HG_CHOLESKY_SOLVE, HG_CHOLESKY_INVERSE, HG_DET, HG_SLOGDET,
    HG_LU, HG_LU_SOLVE, HG_PERMUTATION, HG_QR, HG_SVD, HG_EIGH, HG_PINV, HG_RANK, HG_LSTSQ
};

/* Matrices of m rows and n columns; bytes from one to the next, from row to row and from column to column. */
typedef struct {
    hg_size m, n, step, row, column;
    const char *data;
} hg_matrices;

typedef void *hg_result;
typedef void *(*hg_finder)(const char *name);

/* Results are contiguous row by row, one matrix after the other; NULL where one is not wanted. */
typedef struct {
    int what, type, count;   /* one of the above; HG_F32 or HG_F64; how many matrices */
    int upper, unit, turned; /* which triangle; ones on its diagonal; the transpose of what LU factors */
    int full, fixed, width;  /* square orthogonal factors; LU without exchange of rows; columns of a QR's first result */
    hg_matrices a, b;
    hg_result out[3];
    i32 *numbers, *info;
    double least, relative;  /* what counts as zero: below `least`, or below `relative` times the largest */
} hg_lapack;

int hg_lapack_open(hg_finder find); /* 0 if every routine is there */
/* 0; or what LAPACK said, or -1 without memory, or for what is not finite: then the results are void. */
int hg_lapack_run(const hg_lapack *job);
#endif
