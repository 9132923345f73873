/* Which pieces of an array a normalisation's task works on. Pieces depend on the shape alone, so that the bits do not
 * depend on the number of threads. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math")
#endif
#include "normalization_loops.h"

#define HG_BODY "normalization_level.h"
#include "each_level.h"

#define PIECES 16 /* of the blocks, each with sums of its own for the weights */
#define FLUSH 64  /* blocks that are added in the element type before they go to double */

static const hg_normal_table *loops(void)
{
    static const hg_normal_table *chosen;
    if (!chosen) {
        chosen = &normal_baseline;
#if HG_X86
        int level = hg_level();
        chosen = level == 2 ? &normal_avx512 : level == 1 ? &normal_avx2 : chosen;
#endif
    }
    return chosen;
}

#define WORK(T) \
/* ---- blocks ---- */ \
static void forward_blocks_##T(void *context, hg_size low, hg_size high) \
{ \
    const hg_normal *j = context; \
    hg_size n = j->channels * j->inner; \
    for (hg_size r = low; r < high; r++) { \
        const T *x = (const T *)j->x + r * n, *w = j->w, *b = j->b; \
        T *out = (T *)j->out + r * n; \
        T mean = j->centred ? (T)(loops()->T##_.sum(x, n) / n) : 0; \
        T rstd = (T)(1 / sqrt(loops()->T##_.squares(x, n, mean) / n + j->eps)); \
        hg_size first = r % j->groups * j->channels; \
        ((T *)j->mean)[r] = mean; \
        ((T *)j->rstd)[r] = rstd; \
        if (j->inner == 1) { \
            loops()->T##_.affine(x, out, n, mean, rstd, w ? w + first : NULL, b ? b + first : NULL); \
            continue; \
        } \
        for (hg_size c = 0; c < j->channels; c++) \
            loops()->T##_.scale(x + c * j->inner, out + c * j->inner, j->inner, mean, w ? rstd * w[first + c] : rstd, \
                                b ? b[first + c] : 0); \
    } \
} \
/* One block: its sums of g w and g w (x - mean), the gradient of x, and what each channel adds to its weight. */ \
static void back_channels_##T(const hg_normal *j, hg_size r, double *gw, double *gb) \
{ \
    hg_size n = j->channels * j->inner, first = r % j->groups * j->channels; \
    const T *g = (const T *)j->g + r * n, *x = (const T *)j->x + r * n, *w = j->w; \
    T mean = ((const T *)j->mean)[r], rstd = ((const T *)j->rstd)[r]; \
    double plain = 0, product = 0; \
    for (hg_size c = 0; c < j->channels; c++) { \
        double sums[2] = {0, 0}; \
        loops()->T##_.products(g + c * j->inner, x + c * j->inner, NULL, j->inner, mean, sums); \
        gw[first + c] += sums[1] * rstd; \
        gb[first + c] += sums[0]; \
        plain += w ? w[first + c] * sums[0] : sums[0]; \
        product += w ? w[first + c] * sums[1] : sums[1]; \
    } \
    if (!j->out) \
        return; \
    T b = (T)(-product * rstd * rstd * rstd / n), shift = j->centred ? (T)(-plain * rstd / n) : 0; \
    for (hg_size c = 0; c < j->channels; c++) \
        loops()->T##_.back(g + c * j->inner, x + c * j->inner, NULL, (T *)j->out + r * n + c * j->inner, j->inner, mean, \
                           w ? rstd * w[first + c] : rstd, b, shift); \
} \
static void back_row_##T(const hg_normal *j, hg_size r, T *gw, T *gb) \
{ \
    hg_size n = j->channels, first = r % j->groups * j->channels; \
    const T *g = (const T *)j->g + r * n, *x = (const T *)j->x + r * n, *w = j->w ? (const T *)j->w + first : NULL; \
    T mean = ((const T *)j->mean)[r], rstd = ((const T *)j->rstd)[r]; \
    if (gw) \
        loops()->T##_.collect(g, x, n, mean, rstd, gw + first, gb + first); \
    if (!j->out) \
        return; \
    double sums[2] = {0, 0}; \
    loops()->T##_.products(g, x, w, n, mean, sums); \
    loops()->T##_.back(g, x, w, (T *)j->out + r * n, n, mean, rstd, (T)(-sums[1] * rstd * rstd * rstd / n), \
                       j->centred ? (T)(-sums[0] * rstd / n) : 0); \
} \
static void backward_blocks_##T(void *context, hg_size low, hg_size high) \
{ \
    hg_normal *j = context; \
    hg_size all = j->groups * j->channels; \
    int wanted = j->gw || j->gb; \
    T *sums = wanted && j->inner == 1 ? calloc((size_t)all * 2, sizeof(T)) : NULL; \
    if (wanted && j->inner == 1 && !sums) { \
        __atomic_store_n(&j->failed, -1, __ATOMIC_RELAXED); \
        return; \
    } \
    for (hg_size p = low; p < high; p++) { \
        double *gw = j->partial + p * all * 2, *gb = gw + all; \
        hg_size end = (p + 1) * j->piece < j->outer ? (p + 1) * j->piece : j->outer; \
        for (hg_size r = p * j->piece; r < end; r++) { \
            if (j->inner != 1) { \
                back_channels_##T(j, r, gw, gb); \
                continue; \
            } \
            back_row_##T(j, r, sums, sums ? sums + all : NULL); \
            if (sums && ((r + 1) % FLUSH == 0 || r + 1 == end)) { \
                for (hg_size c = 0; c < 2 * all; c++) \
                    gw[c] += sums[c]; \
                memset(sums, 0, sizeof(T) * (size_t)all * 2); \
            } \
        } \
    } \
    free(sums); \
} \
static void join_pieces_##T(const hg_normal *j, hg_size pieces) \
{ \
    hg_size all = j->groups * j->channels; \
    for (hg_size c = 0; c < all; c++) { \
        double gw = 0, gb = 0; \
        for (hg_size p = 0; p < pieces; p++) { \
            gw += j->partial[p * all * 2 + c]; \
            gb += j->partial[p * all * 2 + all + c]; \
        } \
        if (j->gw) \
            ((T *)j->gw)[c] = (T)gw; \
        if (j->gb) \
            ((T *)j->gb)[c] = (T)gb; \
    } \
} \
/* ---- channels ---- */ \
/* Keeps a channel's statistics, and lets the running ones follow. */ \
static void keep_##T(const hg_normal *j, hg_size c, double mean, double squares) \
{ \
    double n = (double)j->outer * (double)j->inner; \
    ((T *)j->rstd)[c] = (T)(1 / sqrt(squares / n + j->eps)); \
    if (j->running_mean) { \
        T *to = (T *)j->running_mean + c; \
        *to = (T)(j->momentum * mean + (1 - j->momentum) * *to); \
    } \
    if (j->running_var) { \
        T *to = (T *)j->running_var + c; \
        *to = (T)(j->momentum * (squares / (n - 1)) + (1 - j->momentum) * *to); \
    } \
} \
static void forward_channel_##T(const hg_normal *j, hg_size c) \
{ \
    hg_size step = j->channels * j->inner, n = j->inner; \
    const T *x = (const T *)j->x + c * n, *w = j->w, *b = j->b; \
    if (!j->fixed) { \
        double total = 0, squares = 0; \
        for (hg_size r = 0; r < j->outer; r++) \
            total += loops()->T##_.sum(x + r * step, n); \
        T mean = (T)(total / ((double)j->outer * n)); \
        ((T *)j->mean)[c] = mean; \
        for (hg_size r = 0; r < j->outer; r++) \
            squares += loops()->T##_.squares(x + r * step, n, mean); \
        keep_##T(j, c, mean, squares); \
    } \
    T mean = ((const T *)j->mean)[c], rstd = ((const T *)j->rstd)[c]; \
    for (hg_size r = 0; r < j->outer; r++) \
        loops()->T##_.scale(x + r * step, (T *)j->out + c * n + r * step, n, mean, w ? rstd * w[c] : rstd, \
                            b ? b[c] : 0); \
} \
static void backward_channel_##T(const hg_normal *j, hg_size c) \
{ \
    hg_size step = j->channels * j->inner, n = j->inner; \
    const T *g = (const T *)j->g + c * n, *x = (const T *)j->x + c * n, *w = j->w; \
    T mean = ((const T *)j->mean)[c], rstd = ((const T *)j->rstd)[c], a = w ? rstd * w[c] : rstd; \
    double sums[2] = {0, 0}, all = (double)j->outer * n; \
    if (j->gw || j->gb || !j->fixed) \
        for (hg_size r = 0; r < j->outer; r++) \
            loops()->T##_.products(g + r * step, x + r * step, NULL, n, mean, sums); \
    if (j->gw) \
        ((T *)j->gw)[c] = (T)(sums[1] * rstd); \
    if (j->gb) \
        ((T *)j->gb)[c] = (T)sums[0]; \
    if (!j->out) \
        return; \
    T b = j->fixed ? 0 : (T)(-a * (double)rstd * rstd * sums[1] / all), d = j->fixed ? 0 : (T)(-a * sums[0] / all); \
    for (hg_size r = 0; r < j->outer; r++) \
        loops()->T##_.back(g + r * step, x + r * step, NULL, (T *)j->out + c * n + r * step, n, mean, a, b, d); \
} \
static void channels_##T(void *context, hg_size low, hg_size high) \
{ \
    const hg_normal *j = context; \
    for (hg_size c = low; c < high; c++) \
        if (j->g) \
            backward_channel_##T(j, c); \
        else \
            forward_channel_##T(j, c); \
} \
static void forward_strip_##T(const hg_normal *j, hg_size first, hg_size w) \
{ \
    const T *x = (const T *)j->x + first; \
    T a[HG_STRIP], b[HG_STRIP], *mean = (T *)j->mean + first, *rstd = (T *)j->rstd + first; \
    double sums[HG_STRIP]; \
    if (!j->fixed) { \
        loops()->T##_.column_sums(x, j->channels, j->outer, w, NULL, sums); \
        for (hg_size c = 0; c < w; c++) \
            mean[c] = (T)(sums[c] / j->outer); \
        loops()->T##_.column_sums(x, j->channels, j->outer, w, mean, sums); \
        for (hg_size c = 0; c < w; c++) \
            keep_##T(j, first + c, mean[c], sums[c]); \
    } \
    for (hg_size c = 0; c < w; c++) { \
        a[c] = j->w ? rstd[c] * ((const T *)j->w)[first + c] : rstd[c]; \
        b[c] = j->b ? ((const T *)j->b)[first + c] : 0; \
    } \
    loops()->T##_.column_scale(x, (T *)j->out + first, j->channels, j->outer, w, mean, a, b); \
} \
static void backward_strip_##T(const hg_normal *j, hg_size first, hg_size w) \
{ \
    const T *g = (const T *)j->g + first, *x = (const T *)j->x + first; \
    const T *mean = (const T *)j->mean + first, *rstd = (const T *)j->rstd + first; \
    T a[HG_STRIP], b[HG_STRIP], d[HG_STRIP]; \
    double plain[HG_STRIP], product[HG_STRIP]; \
    loops()->T##_.column_products(g, x, j->channels, j->outer, w, mean, plain, product); \
    for (hg_size c = 0; c < w; c++) { \
        a[c] = j->w ? rstd[c] * ((const T *)j->w)[first + c] : rstd[c]; \
        b[c] = j->fixed ? 0 : (T)(-a[c] * (double)rstd[c] * rstd[c] * product[c] / j->outer); \
        d[c] = j->fixed ? 0 : (T)(-a[c] * plain[c] / j->outer); \
        if (j->gw) \
            ((T *)j->gw)[first + c] = (T)(product[c] * rstd[c]); \
        if (j->gb) \
            ((T *)j->gb)[first + c] = (T)plain[c]; \
    } \
    if (j->out) \
        loops()->T##_.column_back(g, x, (T *)j->out + first, j->channels, j->outer, w, mean, a, b, d); \
} \
static void strips_##T(void *context, hg_size low, hg_size high) \
{ \
    const hg_normal *j = context; \
    for (hg_size i = low; i < high; i++) { \
        hg_size first = i * HG_STRIP, w = j->channels - first < HG_STRIP ? j->channels - first : HG_STRIP; \
        if (j->g) \
            backward_strip_##T(j, first, w); \
        else \
            forward_strip_##T(j, first, w); \
    } \
}
WORK(f32)
WORK(f64)

int hg_normal_blocks(hg_normal job, hg_splitter parallel)
{
    hg_size n = job.channels * job.inner, pieces, all = job.groups * job.channels;
    job.failed = 0;
    if (!job.g) {
        parallel(job.type == HG_F32 ? forward_blocks_f32 : forward_blocks_f64, &job, job.outer, 16384 / (n + 8) + 1);
        return 0;
    }
    job.piece = (job.outer + PIECES - 1) / PIECES;
    job.piece = job.piece * n < 16384 ? 16384 / (n + 1) + 1 : job.piece;
    pieces = (job.outer + job.piece - 1) / job.piece;
    job.partial = calloc((size_t)(pieces * all * 2 + 1), sizeof(double));
    if (!job.partial)
        return -1;
    parallel(job.type == HG_F32 ? backward_blocks_f32 : backward_blocks_f64, &job, pieces, 1);
    if (job.type == HG_F32)
        join_pieces_f32(&job, pieces);
    else
        join_pieces_f64(&job, pieces);
    free(job.partial);
    return job.failed;
}

int hg_normal_channels(hg_normal job, hg_splitter parallel)
{
    if (job.inner == 1)
        parallel(job.type == HG_F32 ? strips_f32 : strips_f64, &job, (job.channels + HG_STRIP - 1) / HG_STRIP,
                 16384 / (job.outer * HG_STRIP + 1) + 1);
    else
        parallel(job.type == HG_F32 ? channels_f32 : channels_f64, &job, job.channels,
                 16384 / (job.outer * job.inner + 1) + 1);
    return 0;
}
