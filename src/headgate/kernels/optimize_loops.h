/* One step of an optimizer over a list of parameters, seen from outside. It must not know Python, nor tensors. */
#ifndef HEADGATE_OPTIMIZE_LOOPS_H
#define HEADGATE_OPTIMIZE_LOOPS_H
#include "levels.h"

enum hg_rule {
    HG_SGD, HG_SGD_MOMENTUM, HG_SGD_NESTEROV, HG_ADAM, HG_ADAM_MAX, HG_ADAMAX, HG_NADAM, HG_RADAM, HG_ADAGRAD,
    HG_ADADELTA, HG_RMSPROP, HG_RMSPROP_CENTERED, HG_RPROP, HG_ASGD, HG_RULES
};
#define HG_RULE_STATES 3
#define HG_RULE_NUMBERS 8

/* One parameter: its memory, its gradient's, that of its state, and the numbers of this step, in double. `fresh`: the
 * state is not filled yet. `negate` and `decay` are applied to the gradient before the rule sees it. */
typedef struct {
    char *param;
    const char *grad;
    char *state[HG_RULE_STATES];
    hg_size n, first; /* elements; chunks before this parameter's */
    int type, fresh, negate;
    double decay, eps; /* eps: for the one rule with more numbers than `c` holds */
    double c[HG_RULE_NUMBERS];
} hg_update;

/* Writes every parameter and its state. Elements do not depend on one another, so neither does the result on threads. */
void hg_optimize(int rule, hg_update *updates, hg_size count, hg_splitter parallel);

/* The sum of squares (power 2), of absolute values (1) or their largest (0) of n elements, in double. */
double hg_gradient_size(int power, int type, const void *x, hg_size n);
void hg_gradient_scale(int type, void *x, hg_size n, double factor);
#endif
