/* Connectionist temporal classification, seen from outside. It must not know Python. */
#ifndef HEADGATE_CTC_LOOPS_H
#define HEADGATE_CTC_LOOPS_H
#include "levels.h"

/* x and grad: (times, samples, classes); labels of sample k: labels[starts[k]] on, lengths[k] of them, all of them
 * classes; alpha: (samples, times, pitch), the forward sums; pitch as hg_ctc_pitch says. */
typedef struct {
    int type; /* HG_F32 or HG_F64 */
    int lost_is_zero, failed;
    hg_size times, samples, classes, pitch, blank;
    const void *x, *g;
    const i64 *labels, *starts, *lengths, *ends;
    f64 *alpha, *losses;
    void *grad;
} hg_ctc;

/* Elements of one step's sums for targets of at most `longest` labels. */
hg_size hg_ctc_pitch(hg_size longest);
/* Fills alpha and losses; the gradient reads them. `failed` is set without memory. */
void hg_ctc_forward(hg_ctc *c, hg_splitter parallel);
void hg_ctc_backward(hg_ctc *c, hg_splitter parallel);
#endif
