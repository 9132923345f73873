/* Sums over all alignments of a target to a sequence, sample by sample; samples are what threads share. Everything is
 * summed in float64 logarithms. It must not know Python. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3", "no-trapping-math")
#endif
#include "ctc_loops.h"
#include "loops_math.h"

typedef struct {
    void (*step)(const f64 *a, const f64 *b, const f64 *c, const f64 *jumps, const f64 *scores, f64 *out, hg_size n);
    void (*through)(const f64 *alpha, const f64 *beta, const f64 *scores, f64 loss, f64 *out, hg_size n);
    void (*powers)(f64 *x, hg_size n);
} ctc_table;

#define HG_BODY "ctc_level.h"
#include "each_level.h"

#define EDGE 2 /* places of -inf before the first one, and behind the last */

hg_size hg_ctc_pitch(hg_size longest)
{
    return 2 * longest + 1 + 2 * EDGE;
}

/* One sample: its places are blank, label, blank, label, ..., blank. */
typedef struct {
    const hg_ctc *c;
    const i64 *labels;
    hg_size sample, length, places, end;
    f64 *scores, *jumps;
} sequence;

static sequence sample_of(const hg_ctc *c, hg_size k, f64 *scratch)
{
    return (sequence){c, c->labels + c->starts[k], k, c->lengths[k], 2 * c->lengths[k] + 1, c->ends[k],
                      scratch, scratch + c->pitch};
}

static hg_size class_of(const sequence *q, hg_size place)
{
    return place % 2 ? q->labels[place / 2] : q->c->blank;
}

static hg_size row_of(const sequence *q, hg_size t)
{
    return (t * q->c->samples + q->sample) * q->c->classes;
}

/* 0 where a place may be reached from the one before the last, which is a blank between two labels that differ. */
static void find_jumps(const sequence *q, int back)
{
    for (hg_size s = 0; s < q->places; s++) {
        hg_size from = back ? s + 2 : s - 2, high = back ? s + 2 : s;
        int may = from >= 0 && high < q->places && class_of(q, s) != class_of(q, from);
        q->jumps[s] = may ? 0 : -INFINITY;
    }
}

static void find_scores(const sequence *q, hg_size t)
{
    const hg_ctc *c = q->c;
    hg_size row = row_of(q, t);
    f64 *scores = q->scores;
    if (c->type == HG_F64) {
        const f64 *x = (const f64 *)c->x + row;
        for (hg_size i = 0; i < q->length; i++)
            scores[2 * i] = x[c->blank], scores[2 * i + 1] = x[q->labels[i]];
        scores[q->places - 1] = x[c->blank];
    } else {
        const f32 *x = (const f32 *)c->x + row;
        for (hg_size i = 0; i < q->length; i++)
            scores[2 * i] = x[c->blank], scores[2 * i + 1] = x[q->labels[i]];
        scores[q->places - 1] = x[c->blank];
    }
}

static void nothing(f64 *x, hg_size n)
{
    for (hg_size i = 0; i < n; i++)
        x[i] = -INFINITY;
}

static f64 join(f64 a, f64 b)
{
    f64 top = a > b ? a : b;
    return top - top != 0 ? a + b == a + b ? top : a + b : top + log(exp(a - top) + exp(b - top));
}

static void forward_sample(const sequence *q)
{
    const hg_ctc *c = q->c;
    f64 *row = c->alpha + q->sample * c->times * c->pitch;
    find_jumps(q, 0);
    for (hg_size t = 0; t < q->end; t++, row += c->pitch) {
        const f64 *before = row - c->pitch + EDGE;
        find_scores(q, t);
        nothing(row, c->pitch);
        if (t == 0) {
            row[EDGE] = q->scores[0];
            if (q->length)
                row[EDGE + 1] = q->scores[1];
        } else
            HG_CHOSEN(ctc).step(before, before - 1, before - 2, q->jumps, q->scores, row + EDGE, q->places);
    }
    const f64 *last = row - c->pitch + EDGE + q->places - 1;
    if (q->end == 0)
        c->losses[q->sample] = q->length ? INFINITY : 0;
    else
        c->losses[q->sample] = -(q->length ? join(last[0], last[-1]) : last[0]);
}

/* e^x minus the shares of the places that show each class, times the gradient. */
static void write_row(const sequence *q, hg_size t, const f64 *through, f64 *powers, int lost)
{
    const hg_ctc *c = q->c;
    hg_size row = row_of(q, t), n = c->classes;
    int wide = c->type == HG_F64;
    f64 *to = (f64 *)c->grad + row, g = wide ? ((const f64 *)c->g)[q->sample] : ((const f32 *)c->g)[q->sample];
    f32 *narrow = (f32 *)c->grad + row;
    for (hg_size i = 0; i < n; i++)
        powers[i] = wide ? ((const f64 *)c->x)[row + i] : ((const f32 *)c->x)[row + i];
    HG_CHOSEN(ctc).powers(powers, n);
    for (hg_size s = 0; s < q->places; s++)
        powers[class_of(q, s)] -= through[s];
    for (hg_size i = 0; i < n; i++) {
        f64 one = lost ? c->lost_is_zero ? 0 : NAN : powers[i] * g;
        if (wide)
            to[i] = one;
        else
            narrow[i] = (f32)one;
    }
}

static void backward_sample(const sequence *q, f64 *scratch)
{
    const hg_ctc *c = q->c;
    f64 *beta = scratch, *before = beta + c->pitch, *through = before + c->pitch, *powers = through + c->pitch, *swap;
    f64 loss = c->losses[q->sample];
    hg_size item = c->type == HG_F64 ? 8 : 4;
    int lost = loss - loss != 0;
    for (hg_size t = q->end; t < c->times; t++)
        memset((char *)c->grad + row_of(q, t) * item, 0, (size_t)(c->classes * item));
    find_jumps(q, 1);
    nothing(beta, c->pitch);
    nothing(before, c->pitch);
    for (hg_size t = q->end - 1; t >= 0; t--) {
        find_scores(q, t);
        if (t == q->end - 1) {
            beta[q->places - 1] = q->scores[q->places - 1];
            if (q->length)
                beta[q->places - 2] = q->scores[q->places - 2];
        } else
            HG_CHOSEN(ctc).step(before, before + 1, before + 2, q->jumps, q->scores, beta, q->places);
        const f64 *alpha = c->alpha + (q->sample * c->times + t) * c->pitch + EDGE;
        HG_CHOSEN(ctc).through(alpha, beta, q->scores, loss, through, q->places);
        write_row(q, t, through, powers, lost);
        swap = before, before = beta, beta = swap;
    }
}

static void samples(void *context, hg_size low, hg_size high)
{
    hg_ctc *c = context;
    f64 *scratch = malloc(sizeof(f64) * (size_t)(5 * c->pitch + c->classes));
    if (!scratch) {
        __atomic_store_n(&c->failed, 1, __ATOMIC_RELAXED);
        return;
    }
    for (hg_size k = low; k < high; k++) {
        sequence q = sample_of(c, k, scratch);
        if (c->grad)
            backward_sample(&q, scratch + 2 * c->pitch);
        else
            forward_sample(&q);
    }
    free(scratch);
}

static void run(hg_ctc *c, hg_splitter parallel)
{
    parallel(samples, c, c->samples, 1 + 2000 / (c->times * c->pitch + 1));
}

void hg_ctc_forward(hg_ctc *c, hg_splitter parallel)
{
    c->grad = NULL;
    run(c, parallel);
}

void hg_ctc_backward(hg_ctc *c, hg_splitter parallel)
{
    run(c, parallel);
}
