/* Factors and systems of matrices in batches: LAPACK's routines looked up by name, and loops around them for rows that
 * are adjacent where LAPACK wants columns. It must not know Python. */
#include "lapack_loops.h"
#include <stdio.h>

#define SMALL_QR_SIDE 48 /* up to which own reflections win over LAPACK's blocks */
#define SMALL_VALUES 32  /* the same for singular values without vectors */
#define SMALL_QR (SMALL_QR_SIDE * SMALL_QR_SIDE)

/* Whether exchanges stay inside a matrix: they may come from anywhere. */
static int inside(const int *pivots, int count, int rows)
{
    int wrong = 0;
    for (int i = 0; i < count; i++)
        wrong |= pivots[i] < 1 || pivots[i] > rows;
    return !wrong;
}

#define T f32
#define LETTER 's'
#define NAME(x) HG_PASTE(x, f32)
#include "lapack_type.h"
#include "lapack_values.h"
#undef T
#undef LETTER
#undef NAME
#define T f64
#define LETTER 'd'
#define NAME(x) HG_PASTE(x, f64)
#include "lapack_type.h"
#include "lapack_values.h"

int hg_lapack_open(hg_finder find)
{
    return open_f32(find) | open_f64(find);
}

#define RUN(type) \
    switch (job->what) { \
    case HG_CHOLESKY: return cholesky_##type(job); \
    case HG_INVERSE: return inverse_##type(job); \
    case HG_SOLVE: return solve_##type(job); \
    case HG_TRIANGULAR: return triangular_##type(job); \
    case HG_CHOLESKY_SOLVE: return cholesky_solve_##type(job); \
    case HG_CHOLESKY_INVERSE: return cholesky_inverse_##type(job); \
    case HG_DET: case HG_SLOGDET: return det_##type(job); \
    case HG_LU: return lu_##type(job); \
    case HG_LU_SOLVE: return lu_solve_##type(job); \
    case HG_PERMUTATION: return permutation_##type(job); \
    case HG_QR: return qr_##type(job); \
    case HG_SVD: case HG_PINV: case HG_RANK: return svd_##type(job); \
    case HG_EIGH: return eigh_##type(job); \
    default: return lstsq_##type(job); \
    }

int hg_lapack_run(const hg_lapack *job)
{
    if (job->type == HG_F32)
        RUN(f32)
    RUN(f64)
}
