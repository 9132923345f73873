/* Matrix products: which road each takes, OpenBLAS opened at the first that needs it, integers in plain loops.
 * It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math")
#endif
#include "panels_loops.h"
#include <dlfcn.h>

#define HG_BODY "gemm_level.h"
#include "each_level.h"

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

static void (*sgemm)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
static void (*dgemm)(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *, int);
static void (*blas_threads)(int);
static void *library;

static const hg_gemm_table *loops(void)
{
    return &HG_CHOSEN(gemm);
}

int hg_blas_open(const char *path)
{
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return -1;
    *(void **)&dgemm = dlsym(library, "scipy_cblas_dgemm");
    *(void **)&blas_threads = dlsym(library, "scipy_openblas_set_num_threads");
    if (dgemm && blas_threads)
        *(void **)&sgemm = dlsym(library, "scipy_cblas_sgemm");
    if (sgemm)
        blas_threads(1); /* our pool splits: threads of two pools take the cores from each other */
    return sgemm ? 0 : -1;
}

void *hg_blas_find(const char *name)
{
    return library ? dlsym(library, name) : NULL;
}

int hg_blas_is_open(void)
{
    return sgemm != NULL;
}

/* ------------------------------------------------------------------------------------------------------ which road */

#define SMALL_WORK 32768 /* multiplications below which the own loop wins over OpenBLAS's preparations */
#define WHOLE_WORK 163840 /* the same where columns fill AVX-512's vectors: then nothing is lost at the edges */
#define SERIAL_WORK 262144 /* and below which two threads lose to one */
#define LARGE_SIDE 512     /* of a tile at most, where there are many threads */

int hg_product_is_small(const hg_product *p)
{
    if (p->type != HG_F32 && p->type != HG_F64)
        return 1;
    if (p->m == 1 || p->n == 1 || p->k == 0) /* products with a vector are bound by memory */
        return 1;
    hg_size most = hg_level() == 2 && p->n % 16 == 0 ? WHOLE_WORK : SMALL_WORK;
    return p->m * p->n <= SMALL_WORK && p->m * p->n * p->k <= most && p->n * p->k <= HG_PACK / 2;
}

static int leading(hg_size rows, hg_size columns, hg_size row_step, hg_size column_step, int *flag, int *step)
{
    if (rows > INT32_MAX || columns > INT32_MAX)
        return 0;
    if ((column_step == 1 || columns == 1) && (row_step >= columns || rows == 1)) {
        *flag = PLAIN;
        *step = (int)(rows == 1 ? columns : row_step);
        return rows == 1 || row_step <= INT32_MAX;
    }
    if ((row_step == 1 || rows == 1) && (column_step >= rows || columns == 1)) {
        *flag = TRANSPOSED;
        *step = (int)(columns == 1 ? rows : column_step);
        return columns == 1 || column_step <= INT32_MAX;
    }
    return 0;
}

int hg_product_fits_blas(const hg_product *p)
{
    int flag, step;
    return leading(p->m, p->k, p->am, p->ak, &flag, &step) && leading(p->k, p->n, p->bk, p->bn, &flag, &step)
           && p->cm <= INT32_MAX;
}

static void run_blas(const hg_product *p, const void *a, const void *b, void *c)
{
    int flag_a = PLAIN, flag_b = PLAIN, step_a = 1, step_b = 1;
    leading(p->m, p->k, p->am, p->ak, &flag_a, &step_a);
    leading(p->k, p->n, p->bk, p->bn, &flag_b, &step_b);
    if (p->type == HG_F32)
        sgemm(ROW_MAJOR, flag_a, flag_b, (int)p->m, (int)p->n, (int)p->k, (float)p->alpha, a, step_a, b, step_b,
              (float)p->beta, c, (int)p->cm);
    else
        dgemm(ROW_MAJOR, flag_a, flag_b, (int)p->m, (int)p->n, (int)p->k, p->alpha, a, step_a, b, step_b, p->beta, c,
              (int)p->cm);
}

typedef struct {
    const hg_product *p;
    const char *a, *b;
    char *c;
    hg_size rows, columns, across; /* of a tile of c, and how many tiles lie side by side */
} tiles_job;

static void some_tiles(void *context, hg_size low, hg_size high)
{
    const tiles_job *j = context;
    hg_size item = j->p->type == HG_F32 ? 4 : 8;
    for (hg_size tile = low; tile < high; tile++) {
        hg_product q = *j->p;
        hg_size first = tile / j->across * j->rows, column = tile % j->across * j->columns;
        q.m = q.m - first < j->rows ? q.m - first : j->rows;
        q.n = q.n - column < j->columns ? q.n - column : j->columns;
        run_blas(&q, j->a + first * q.am * item, j->b + column * q.bn * item, j->c + (first * q.cm + column) * item);
    }
}

static hg_size half_side(hg_size side)
{
    return ((side + 1) / 2 + 15) / 16 * 16;
}

/* One product in tiles of c that depend on its sizes alone: large enough that packing operands again for each costs
   little, and several for each thread. */
static void run_tiles(const hg_product *p, const void *a, const void *b, void *c, hg_splitter parallel)
{
    tiles_job j = {p, a, b, c, p->m, p->n, 1};
    hg_size least = p->m * p->n * p->k / 8;
    if (least < SERIAL_WORK / 2)
        least = SERIAL_WORK / 2;
    while ((j.rows > 32 || j.columns > 32)
           && (j.rows * j.columns * p->k > least || j.rows > LARGE_SIDE || j.columns > LARGE_SIDE)) {
        if (j.rows >= j.columns)
            j.rows = half_side(j.rows);
        else
            j.columns = half_side(j.columns);
    }
    j.across = (p->n + j.columns - 1) / j.columns;
    parallel(some_tiles, &j, j.across * ((p->m + j.rows - 1) / j.rows), 1);
}

/* ------------------------------------------------------------------------------------------- products with a vector */

#define PIECE 65536

typedef struct {
    const hg_product *p;
    const char *a, *b;
    char *c;
    hg_size length; /* of a dot product, or rows of a block */
} vector_job;

#define STORE(T) \
static void store_##T(const hg_product *p, T *out, T value) \
{ \
    value *= (T)p->alpha; \
    *out = p->beta == 0 ? value : value + (T)p->beta * *out; \
}
STORE(f32)
STORE(f64)

/* E: the type of the elements, T: of their sum */
#define LONG_DOT(E, T) \
static void dot_pieces_##E(void *context, hg_size low, hg_size high) \
{ \
    const vector_job *j = context; \
    for (hg_size i = low; i < high; i++) { \
        hg_size first = i * PIECE, n = j->length - first < PIECE ? j->length - first : PIECE; \
        ((T *)j->c)[i] = loops()->dot_##E((const E *)j->a + first, (const E *)j->b + first, n); \
    } \
} \
static int long_dot_##E(const hg_product *p, const E *a, const E *b, T *c, hg_splitter parallel) \
{ \
    hg_size pieces = (p->k + PIECE - 1) / PIECE; \
    T *partial = malloc(sizeof(T) * (size_t)pieces), total; \
    vector_job j = {p, (const char *)a, (const char *)b, (char *)partial, p->k}; \
    if (!partial) \
        return -1; \
    parallel(dot_pieces_##E, &j, pieces, 1); \
    for (; pieces > 1; pieces = (pieces + 1) / 2) \
        for (hg_size i = 0; i < pieces / 2; i++) \
            partial[i] += partial[pieces - 1 - i]; \
    total = partial[0]; \
    free(partial); \
    store_##T(p, c, total); \
    return 0; \
}
LONG_DOT(f32, f32)
LONG_DOT(f64, f64)
LONG_DOT(f16, f32)

int hg_dot_halves(const f16 *a, const f16 *b, hg_size n, f32 *out, hg_splitter parallel)
{
    hg_product p = {HG_F32, 1, 1, n, 0, 1, 1, 0, 1, 1, 0};
    return long_dot_f16(&p, a, b, out, parallel);
}

#define VECTOR(T) \
/* rows of a times x: adjacent elements in both */ \
static void rows_dot_##T(void *context, hg_size low, hg_size high) \
{ \
    const vector_job *j = context; \
    for (hg_size i = low; i < high; i++) \
        store_##T(j->p, (T *)j->c + i, loops()->dot_##T((const T *)j->a + i * j->length, (const T *)j->b, j->p->k)); \
} \
/* x times rows of b, a block of columns at a time */ \
static void columns_dot_##T(void *context, hg_size low, hg_size high) \
{ \
    const vector_job *j = context; \
    const hg_product *p = j->p; \
    for (hg_size block = low; block < high; block++) { \
        T sum[512], part[512]; \
        hg_size first = block * 512, n = p->n - first < 512 ? p->n - first : 512; \
        memset(sum, 0, sizeof sum); \
        for (hg_size q = 0; q < p->k; q += 1024) { /* added up in stretches, for accuracy */ \
            memset(part, 0, sizeof(T) * (size_t)n); \
            loops()->rows_into_##T((const T *)j->b + q * p->bk + first, p->bk, (const T *)j->a + q * p->ak, p->ak, \
                                   p->k - q < 1024 ? p->k - q : 1024, part, n); \
            for (hg_size i = 0; i < n; i++) \
                sum[i] += part[i]; \
        } \
        for (hg_size i = 0; i < n; i++) \
            store_##T(p, (T *)j->c + first + i, sum[i]); \
    } \
} \
static int run_vector_##T(const hg_product *p, const T *a, const T *b, T *c, hg_splitter parallel) \
{ \
    vector_job j = {p, (const char *)a, (const char *)b, (char *)c, 0}; \
    if (p->m == 1 && p->n == 1 && p->ak == 1 && p->bk == 1) { \
        if (p->k > PIECE) \
            return long_dot_##T(p, a, b, c, parallel); \
        store_##T(p, c, loops()->dot_##T(a, b, p->k)); \
        return 0; \
    } \
    if (p->n == 1 && p->ak == 1 && p->bk == 1 && p->cm == 1) { \
        j.length = p->am; \
        parallel(rows_dot_##T, &j, p->m, 32768 / (p->k + 8) + 1); \
        return 0; \
    } \
    if (p->m == 1 && p->bn == 1) { \
        parallel(columns_dot_##T, &j, (p->n + 511) / 512, 64 / (p->k + 1) + 1); \
        return 0; \
    } \
    if (p->m == 1 && p->bk == 1 && p->ak == 1) { /* dots with the columns of b: the transposed product */ \
        hg_product q = {p->type, p->n, 1, p->k, p->bn, 1, 1, 1, 1, p->alpha, p->beta}; \
        vector_job t = {&q, (const char *)b, (const char *)a, (char *)c, p->bn}; \
        parallel(rows_dot_##T, &t, p->n, 32768 / (p->k + 8) + 1); \
        return 0; \
    } \
    if (p->n == 1 && p->am == 1 && p->cm == 1) { \
        hg_product q = {p->type, 1, p->m, p->k, 0, p->bk, p->ak, 1, p->m, p->alpha, p->beta}; \
        vector_job t = {&q, (const char *)b, (const char *)a, (char *)c, 0}; \
        parallel(columns_dot_##T, &t, (p->m + 511) / 512, 64 / (p->k + 1) + 1); \
        return 0; \
    } \
    loops()->product_##T(p->m, p->n, p->k, a, p->am, p->ak, b, p->bk, p->bn, c, p->cm, (T)p->alpha, (T)p->beta); \
    return 0; \
}
VECTOR(f32)
VECTOR(f64)

/* -------------------------------------------------------------------------------------------------------- integers */

#define INTEGER(T, U) \
static void product_##T(const hg_product *p, const T *a, const T *b, T *c) \
{ \
    U alpha = (U)(T)p->alpha, beta = (U)(T)p->beta; \
    for (hg_size i = 0; i < p->m; i++) { \
        U *restrict out = (U *)c + i * p->cm; \
        for (hg_size j = 0; j < p->n; j++) \
            out[j] = beta ? (U)(beta * out[j]) : 0; \
        for (hg_size q = 0; q < p->k; q++) { \
            U x = (U)(alpha * (U)a[i * p->am + q * p->ak]); \
            const U *y = (const U *)b + q * p->bk; \
            if (p->bn == 1) \
                for (hg_size j = 0; j < p->n; j++) \
                    out[j] = (U)(out[j] + x * y[j]); \
            else \
                for (hg_size j = 0; j < p->n; j++) \
                    out[j] = (U)(out[j] + x * y[j * p->bn]); \
        } \
    } \
}
/* U is the unsigned type of the same width: it wraps without being undefined. */
INTEGER(u8, uint8_t)
INTEGER(i8, uint8_t)
INTEGER(i16, uint16_t)
INTEGER(i32, uint32_t)
INTEGER(i64, uint64_t)

typedef struct {
    const hg_product *p;
    const char *a, *b;
    char *c;
    hg_size item;
} rows_job;

static void integer_rows(void *context, hg_size low, hg_size high)
{
    const rows_job *j = context;
    hg_product p = *j->p;
    p.m = high - low;
    const void *a = j->a + low * p.am * j->item;
    void *c = j->c + low * p.cm * j->item;
    switch (p.type) {
    case HG_U8: product_u8(&p, a, (const void *)j->b, c); break;
    case HG_I8: product_i8(&p, a, (const void *)j->b, c); break;
    case HG_I16: product_i16(&p, a, (const void *)j->b, c); break;
    case HG_I32: product_i32(&p, a, (const void *)j->b, c); break;
    default: product_i64(&p, a, (const void *)j->b, c); break;
    }
}

/* ------------------------------------------------------------------------------------------------------ running them */

int hg_product_run(const hg_product *p, const void *a, const void *b, void *c, int threads, hg_splitter parallel)
{
    static const char items[HG_TYPES] = {1, 1, 1, 2, 4, 8, 2, 4, 8};
    if (p->m == 0 || p->n == 0)
        return 0;
    if (p->type < HG_F16) {
        rows_job j = {p, a, b, c, items[p->type]};
        parallel(integer_rows, &j, p->m, 65536 / (p->n * p->k + 1) + 1);
        return 0;
    }
    if (!hg_product_is_small(p) && hg_panels_fit(p)) {
        hg_panels_run(p, a, b, c, parallel);
        return 0;
    }
    if (sgemm && !hg_product_is_small(p)) {
        if (threads < 2 || p->m * p->n * p->k < SERIAL_WORK)
            run_blas(p, a, b, c);
        else
            run_tiles(p, a, b, c, parallel);
        return 0;
    }
    if (p->m == 1 || p->n == 1)
        return p->type == HG_F32 ? run_vector_f32(p, a, b, c, parallel) : run_vector_f64(p, a, b, c, parallel);
    if (p->type == HG_F32)
        loops()->product_f32(p->m, p->n, p->k, a, p->am, p->ak, b, p->bk, p->bn, c, p->cm, (f32)p->alpha, (f32)p->beta);
    else
        loops()->product_f64(p->m, p->n, p->k, a, p->am, p->ak, b, p->bk, p->bn, c, p->cm, p->alpha, p->beta);
    return 0;
}

typedef struct {
    const hg_product *p;
    const char *a, *b;
    char *c;
    const hg_size *offsets;
    int failed;
} batch_job;

static void serially(hg_task fn, void *context, hg_size n, hg_size grain)
{
    (void)grain;
    fn(context, 0, n);
}

static void run_batch(void *context, hg_size low, hg_size high)
{
    batch_job *j = context;
    for (hg_size i = low; i < high; i++) {
        const hg_size *o = j->offsets + 3 * i;
        if (hg_product_run(j->p, j->a + o[0], j->b + o[1], j->c + o[2], 1, serially))
            __atomic_store_n(&j->failed, -1, __ATOMIC_RELAXED);
    }
}

int hg_products_run(const hg_product *p, const char *a, const char *b, char *c, const hg_size *offsets, hg_size count,
                    int threads, hg_splitter parallel)
{
    batch_job j = {p, a, b, c, offsets, 0};
    hg_size work = p->m * p->n * p->k + 16;
    if (count == 1 || (count < threads && work > SERIAL_WORK)) {
        for (hg_size i = 0; i < count && !j.failed; i++)
            j.failed = hg_product_run(p, a + offsets[3 * i], b + offsets[3 * i + 1], c + offsets[3 * i + 2], threads, parallel);
        return j.failed;
    }
    parallel(run_batch, &j, count, 65536 / work + 1);
    return j.failed;
}
