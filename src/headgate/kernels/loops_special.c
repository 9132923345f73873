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

/* q^-s, by products where s is a small whole number. */
static double lowered(double q, double s) {
    if (!(s >= 0 && s <= 16 && s == floor(s))) return pow(q, -s);
    double result = 1, factor = q;
    for (int n = (int)s; n; n >>= 1, factor *= factor)
        if (n & 1) result *= factor;
    return 1 / result;
}

/* The sum of (k + q)^-s over k >= 0: terms one by one while they count, Euler and Maclaurin's for the rest. */
static double rest_of_zeta(double s, double a) {
    static const double terms[] = {1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1209600, 1.0 / 47900160,
                                   -691.0 / 1307674368000.0, 1.0 / 74724249600.0, -3617.0 / 10670622842880000.0};
    double power = lowered(a, s), factor = s * power / a, total = power * (a / (s - 1) + 0.5);
    for (int k = 0; k < 8 && factor != 0; k++) {
        total += terms[k] * factor;
        factor *= (s + 2 * k + 1) / a * ((s + 2 * k + 2) / a);
    }
    return total;
}

static double zeta(double s, double q) {
    double total = 0, term;
    if (s <= 1) return s == 1 ? INFINITY : NAN;
    if (q <= 0 && q == floor(q)) return INFINITY;
    if (q == INFINITY && s == s) return 0;
    if (q < 0 && s != floor(s)) return NAN;
    if (q < -1e5) { /* no more of the terms before 0 than that */
        for (int k = 0; k < 100000; k++) total += lowered(q + k, s);
        return total + zeta(s, q - floor(q));
    }
    for (; q < 10 + s; q += 1) {
        term = lowered(q, s);
        total += term;
        if (q > 0 && term <= 1e-17 * fabs(total)) return total;
    }
    return total + rest_of_zeta(s, q);
}

static double polygamma(double x, double n) {
    if (n == 0) return hg_digamma(x);
    return x == INFINITY ? 0 : (fmod(n, 2) == 0 ? -1 : 1) * tgamma(n + 1) * zeta(n + 1, x);
}

/* Orthogonal polynomials by recurrence, in the arrays' own type. A degree's whole part counts; below 0 they are 0. */
enum { CHEBYSHEV_T, CHEBYSHEV_U, CHEBYSHEV_V, CHEBYSHEV_W, HERMITE_H, HERMITE_HE, LAGUERRE, LEGENDRE };
#define POLYNOMIAL(T, P)                                                                                     \
    static T P##_climb(int kind, T x, T degree, T now) {                                                     \
        T before = 1, next;                                                                                  \
        if (degree < 1) return degree == 0;                                                                  \
        for (long long k = 1; k < degree; k++) {                                                             \
            const T n = (T)k, twice = (T)(2 * k), odd = (T)(2 * k + 1), above = (T)(k + 1);                  \
            if (kind <= CHEBYSHEV_W) next = (x + x) * now - before;                                          \
            else if (kind == HERMITE_H) next = (x + x) * now - twice * before;                               \
            else if (kind == HERMITE_HE) next = x * now - n * before;                                        \
            else if (kind == LAGUERRE) next = ((twice + (1 - x)) * now - n * before) / above;                \
            else next = (odd * x * now - n * before) / above;                                                \
            before = now, now = next;                                                                        \
        }                                                                                                    \
        return now;                                                                                          \
    }                                                                                                        \
    static T P##_polynomial(int kind, int shifted, T x, T n) {                                               \
        const T whole = (T)trunc((double)n), degree = isfinite(n) ? whole : -1;                              \
        T high, low;                                                                                         \
        if (kind == HERMITE_H) return P##_climb(kind, x, degree, x + x);                                     \
        if (kind == LAGUERRE) return P##_climb(kind, x, degree, 1 - x);                                      \
        if (kind > CHEBYSHEV_W) return P##_climb(kind, x, degree, x);                                        \
        x = shifted ? x + x - 1 : x;                                                                         \
        if (whole < 0) return 0;                                                                             \
        if (x == 1 || x == -1) {                                                                             \
            high = kind == CHEBYSHEV_U ? whole + 1 : kind == CHEBYSHEV_W ? whole + whole + 1 : whole * 0 + 1; \
            low = kind == CHEBYSHEV_U ? whole + 1 : kind == CHEBYSHEV_V ? whole + whole + 1 : whole * 0 + 1; \
            return x == 1 ? high : fmod((double)whole, 2) == 0 ? low : -low;                                 \
        }                                                                                                    \
        return P##_climb(kind, x, degree, kind == CHEBYSHEV_T ? x : kind == CHEBYSHEV_U ? x + x              \
                                         : kind == CHEBYSHEV_V ? x + x - 1 : x + x + 1);                     \
    }
POLYNOMIAL(float, f)
POLYNOMIAL(double, d)

#define PAIRS(name, T, function)                                                                             \
    static void name(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {               \
        (void)data;                                                                                          \
        for (ptrdiff_t i = 0; i < dims[0]; i++)                                                              \
            *(T *)(args[2] + i * steps[2]) =                                                                 \
                (T)function(*(T *)(args[0] + i * steps[0]), *(T *)(args[1] + i * steps[1]));                 \
    }
#define FAMILY(name, kind, shifted)                                                                          \
    static float f_##name##_at(float x, float n) { return f_polynomial(kind, shifted, x, n); }               \
    static double d_##name##_at(double x, double n) { return d_polynomial(kind, shifted, x, n); }            \
    PAIRS(f_##name, float, f_##name##_at) PAIRS(d_##name, double, d_##name##_at)
FAMILY(chebyshev_polynomial_t, CHEBYSHEV_T, 0) FAMILY(shifted_chebyshev_polynomial_t, CHEBYSHEV_T, 1)
FAMILY(chebyshev_polynomial_u, CHEBYSHEV_U, 0) FAMILY(shifted_chebyshev_polynomial_u, CHEBYSHEV_U, 1)
FAMILY(chebyshev_polynomial_v, CHEBYSHEV_V, 0) FAMILY(shifted_chebyshev_polynomial_v, CHEBYSHEV_V, 1)
FAMILY(chebyshev_polynomial_w, CHEBYSHEV_W, 0) FAMILY(shifted_chebyshev_polynomial_w, CHEBYSHEV_W, 1)
FAMILY(hermite_polynomial_h, HERMITE_H, 0) FAMILY(hermite_polynomial_he, HERMITE_HE, 0)
FAMILY(laguerre_polynomial_l, LAGUERRE, 0) FAMILY(legendre_polynomial_p, LEGENDRE, 0)
PAIRS(f_zeta, float, zeta)
PAIRS(d_zeta, double, zeta)

#define ORDERED(name, T)                                                                                     \
    static void name(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {               \
        const double n = ((const hg_call *)data)->params[0];                                                 \
        for (ptrdiff_t i = 0; i < dims[0]; i++)                                                              \
            *(T *)(args[1] + i * steps[1]) = (T)polygamma(*(T *)(args[0] + i * steps[0]), n);                \
    }
ORDERED(f_polygamma, float)
ORDERED(d_polygamma, double)

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

#define TWO(name, cost) {#name, 'f', 0, 2, cost, 0, f_##name}, {#name, 'd', 0, 2, cost, 0, d_##name},
#define ROWS(name, cost) {#name, 'f', 0, 1, cost, 0, f_##name}, {#name, 'd', 0, 1, cost, 0, d_##name},
static const hg_entry table[] = {
    ROWS(erf, 60) ROWS(erfc, 80)
    ROWS(exp, 40) ROWS(expm1, 60) ROWS(log, 40) ROWS(log1p, 60) ROWS(tanh, 60) ROWS(sin, 60) ROWS(exp2, 40)
    ROWS(polygamma, 250) TWO(zeta, 250) TWO(chebyshev_polynomial_t, 100) TWO(shifted_chebyshev_polynomial_t, 100)
    TWO(chebyshev_polynomial_u, 100) TWO(shifted_chebyshev_polynomial_u, 100) TWO(chebyshev_polynomial_v, 100)
    TWO(shifted_chebyshev_polynomial_v, 100) TWO(chebyshev_polynomial_w, 100) TWO(shifted_chebyshev_polynomial_w, 100)
    TWO(hermite_polynomial_h, 100) TWO(hermite_polynomial_he, 100) TWO(laguerre_polynomial_l, 100)
    TWO(legendre_polynomial_p, 100) {0, 0, 0, 0, 0, 0, 0}};

const hg_entry *hg_find_special(const char *name, char type) {
    for (const hg_entry *entry = table; entry->name; entry++)
        if (entry->type == type && !strcmp(entry->name, name)) return entry;
    return 0;
}
