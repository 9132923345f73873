/* Rare functions, element by element from the C library or from series: the last rung where no vector form exists.
   Any machine, no instruction set of its own. */
#include <math.h>
#include <string.h>
#include "loops.h"
#include "loops_special.h"

#define SQRT_PI 1.7724538509055160273
#define PI 3.14159265358979323846

/* Asymptotic series from 10 on, recurrence below, reflection for negative arguments. */
double hg_digamma(double x) {
    double total = 0, inverse, series;
    if (x == 0) return copysign(INFINITY, -x);
    if (x < 0) {
        double whole, part = modf(x, &whole);
        if (part == 0) return NAN;
        total = -PI / tan(PI * part);
        x = 1 - x;
    }
    for (; x < 10; x += 1) total -= 1 / x;
    if (x == 10) return total + 2.25175258906672110764;
    if (!(x < 1e17)) return total + log(x);
    inverse = 1 / (x * x);
    series = 1.0 / 12 - inverse * (1.0 / 120 - inverse * (1.0 / 252 - inverse * (1.0 / 240 - inverse *
             (1.0 / 132 - inverse * (691.0 / 32760 - inverse / 12)))));
    return total + log(x) - 0.5 / x - inverse * series;
}

/* The series of the loops behind recurrence, and reflection for negative arguments; infinite at the poles. */
double hg_trigamma(double x) {
    double whole, total = 0, inverse;
    if (x <= 0) {
        const double part = modf(x, &whole), height = sin(PI * part);
        if (!isfinite(x)) return NAN;
        return part == 0 ? INFINITY : PI * PI / (height * height) - hg_trigamma(1 - x);
    }
    for (; x < 10; x += 1) total += 1 / (x * x);
    inverse = 1 / (x * x);
    return total + 1 / x + 0.5 * inverse + inverse / x * (1.0 / 6 - inverse * (1.0 / 30 - inverse * (1.0 / 42 - inverse *
           (1.0 / 30 - inverse * (5.0 / 66)))));
}

#define LOOP(name, T, function)                                                                              \
    static void name(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {               \
        (void)data;                                                                                          \
        for (ptrdiff_t i = 0; i < dims[0]; i++)                                                              \
            *(T *)(args[1] + i * steps[1]) = (T)function(*(T *)(args[0] + i * steps[0]));                    \
    }
#define LIBRARY(name) LOOP(f_##name, float, name##f) LOOP(d_##name, double, name)
LIBRARY(erf)
LIBRARY(erfc)
LIBRARY(exp)
LIBRARY(expm1)
LIBRARY(log)
LIBRARY(log1p)
LIBRARY(tanh)
LIBRARY(sin)
LIBRARY(exp2)

#define ROWS(name, cost) {#name, 'f', 0, 1, cost, 0, f_##name}, {#name, 'd', 0, 1, cost, 0, d_##name},
static const hg_entry table[] = {
    ROWS(erf, 60) ROWS(erfc, 80)
    ROWS(exp, 40) ROWS(expm1, 60) ROWS(log, 40) ROWS(log1p, 60) ROWS(tanh, 60) ROWS(sin, 60) ROWS(exp2, 40) {0, 0, 0, 0, 0, 0, 0}};

const hg_entry *hg_find_special(const char *name, char type) {
    for (const hg_entry *entry = table; entry->name; entry++)
        if (entry->type == type && !strcmp(entry->name, name)) return entry;
    return 0;
}
