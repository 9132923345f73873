/* What happens to one time step of alignments, one copy per instruction-set level. The loops are plain, so the compiler
 * makes vectors of them. It must not know samples, threads nor Python. */

/* log of 1 <= x <= 3, by log((1 + f) / (1 - f)); the series is that of fdlibm's log (Sun Microsystems 1993). */
HG_INLINE f64 HG(ctc_log)(f64 x)
{
    int big = x > 1.4142135623730951;
    f64 y = big ? x * 0.5 : x, f = (y - 1) / (y + 1), s = f * f, p = 1.479819860511658591e-1;
    p = p * s + 1.531383769920937332e-1;
    p = p * s + 1.818357216161805012e-1;
    p = p * s + 2.222219843214978396e-1;
    p = p * s + 2.857142874366239149e-1;
    p = p * s + 3.999999999940941908e-1;
    p = p * s + 6.666666666666735130e-1;
    return (2 * f + f * s * p) + (big ? 0.6931471805599453094 : 0);
}

/* out = log(e^a + e^b + e^(c + jump)) + score, each of them -inf or a number; NaN where one is NaN. */
static void HG(ctc_step)(const f64 *a, const f64 *b, const f64 *c, const f64 *jumps, const f64 *scores,
                         f64 *restrict out, hg_size n)
{
    for (hg_size i = 0; i < n; i++) {
        f64 third = c[i] + jumps[i], all = a[i] + b[i] + third;
        f64 high = a[i] > b[i] ? a[i] : b[i], low = a[i] > b[i] ? b[i] : a[i];
        f64 top = high > third ? high : third, middle = high > third ? third : high;
        f64 sum = top + HG(ctc_log)(1 + d_quick(low - top) + d_quick(middle - top));
        out[i] = (top == -INFINITY || all != all ? all : sum) + scores[i];
    }
}

/* The share of all alignments that pass each place. */
static void HG(ctc_through)(const f64 *alpha, const f64 *beta, const f64 *scores, f64 loss, f64 *restrict out, hg_size n)
{
    for (hg_size i = 0; i < n; i++) {
        f64 both = alpha[i] + beta[i], share = d_expo(both + loss - scores[i]);
        out[i] = both - both == 0 ? share : 0;
    }
}

static void HG(ctc_powers)(f64 *x, hg_size n)
{
    for (hg_size i = 0; i < n; i++)
        x[i] = d_expo(x[i]);
}

static const ctc_table HG(ctc) = {HG(ctc_step), HG(ctc_through), HG(ctc_powers)};
