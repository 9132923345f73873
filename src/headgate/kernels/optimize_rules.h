/* The rules of every optimizer for one element type T: PyTorch's arithmetic for one tensor, operation by operation and
 * rounded as there, in one pass over the memory. Included once per level and type. It must not know Python. */
#define NAME(name) HG(HG_PASTE(name, T))
#define STATE(k) ((T *)u->state[k] + low)
#define NUMBER(k) ((T)u->c[k])
#define EACH _Pragma("GCC ivdep") for (hg_size i = 0; i < n; i++)

HG_INLINE T NAME(larger)(T a, T b)
{
    return a != a || a > b ? a : b;
}

HG_INLINE T NAME(sign)(T x)
{
    return (T)((x > 0) - (x < 0));
}

/* What `lerp` does: from the nearer end. */
HG_INLINE T NAME(between)(T start, T end, T weight)
{
    int near = weight < (T)0.5 && weight > (T)-0.5;
    return FUSED(near ? weight : weight - 1, end - start, near ? start : end);
}

static void NAME(sgd)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low;
    const T rate = NUMBER(0);
    EACH
        p[i] = FUSED(g[i], rate, p[i]);
}

static void NAME(sgd_momentum)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *buffer = STATE(0);
    const T rate = NUMBER(0), momentum = NUMBER(1), damped = NUMBER(2);
    if (u->fresh) {
        EACH {
            buffer[i] = g[i];
            p[i] = FUSED(g[i], rate, p[i]);
        }
        return;
    }
    EACH {
        T b = FUSED(g[i], damped, buffer[i] * momentum);
        buffer[i] = b;
        p[i] = FUSED(b, rate, p[i]);
    }
}

static void NAME(sgd_nesterov)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *buffer = STATE(0);
    const T rate = NUMBER(0), momentum = NUMBER(1), damped = NUMBER(2);
    const int fresh = u->fresh;
    EACH {
        T b = fresh ? g[i] : FUSED(g[i], damped, buffer[i] * momentum);
        buffer[i] = b;
        p[i] = FUSED(FUSED(b, momentum, g[i]), rate, p[i]);
    }
}

static void NAME(adam)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *mean = STATE(0), *square = STATE(1);
    const T keep = NUMBER(0), w1 = NUMBER(1), b2 = NUMBER(2), w2 = NUMBER(3), root = NUMBER(4), eps = NUMBER(5);
    const T rate = NUMBER(6);
    EACH {
        T m = NAME(between)(mean[i], g[i], w1), v = FUSED(w2 * g[i], g[i], square[i] * b2);
        mean[i] = m;
        square[i] = v;
        p[i] = p[i] * keep + rate * m / (SQRT(v) / root + eps);
    }
}

static void NAME(adam_max)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *mean = STATE(0), *square = STATE(1), *largest = STATE(2);
    const T keep = NUMBER(0), w1 = NUMBER(1), b2 = NUMBER(2), w2 = NUMBER(3), root = NUMBER(4), eps = NUMBER(5);
    const T rate = NUMBER(6);
    EACH {
        T m = NAME(between)(mean[i], g[i], w1), v = FUSED(w2 * g[i], g[i], square[i] * b2);
        T top = NAME(larger)(largest[i], v);
        mean[i] = m;
        square[i] = v;
        largest[i] = top;
        p[i] = p[i] * keep + rate * m / (SQRT(top) / root + eps);
    }
}

static void NAME(adamax)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *mean = STATE(0), *top = STATE(1);
    const T w1 = NUMBER(0), b2 = NUMBER(1), eps = NUMBER(2), rate = NUMBER(3);
    EACH {
        T m = NAME(between)(mean[i], g[i], w1), t = NAME(larger)(top[i] * b2, ABS(g[i]) + eps);
        mean[i] = m;
        top[i] = t;
        p[i] = p[i] + rate * m / t;
    }
}

static void NAME(nadam)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *mean = STATE(0), *square = STATE(1);
    const T keep = NUMBER(0), w1 = NUMBER(1), b2 = NUMBER(2), w2 = NUMBER(3), correction = NUMBER(4), eps = NUMBER(5);
    const T rate = NUMBER(6), rate_next = NUMBER(7);
    EACH {
        T m = NAME(between)(mean[i], g[i], w1), v = FUSED(w2 * g[i], g[i], square[i] * b2);
        T below = SQRT(v / correction) + eps;
        mean[i] = m;
        square[i] = v;
        p[i] = (p[i] * keep + rate * g[i] / below) + rate_next * m / below;
    }
}

static void NAME(radam)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *mean = STATE(0), *square = STATE(1);
    const T keep = NUMBER(0), w1 = NUMBER(1), b2 = NUMBER(2), w2 = NUMBER(3), correction = NUMBER(4), rate = NUMBER(5);
    const T root = NUMBER(6), rectified = NUMBER(7), eps = (T)u->eps;
    const int adaptive = u->c[6] > 0;
    EACH {
        T m = NAME(between)(mean[i], g[i], w1), v = FUSED(w2 * g[i], g[i], square[i] * b2);
        T change = m / correction * rate;
        mean[i] = m;
        square[i] = v;
        if (adaptive)
            change = change * (1 / (SQRT(v) + eps) * root) * rectified;
        p[i] = p[i] * keep - change;
    }
}

static void NAME(adagrad)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *sum = STATE(0);
    const T eps = NUMBER(0), rate = NUMBER(1);
    EACH {
        T s = FUSED(g[i], g[i], sum[i]);
        sum[i] = s;
        p[i] = p[i] + rate * g[i] / (SQRT(s) + eps);
    }
}

static void NAME(adadelta)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *square = STATE(0), *moved = STATE(1);
    const T rho = NUMBER(0), w = NUMBER(1), eps = NUMBER(2), rate = NUMBER(3);
    EACH {
        T v = FUSED(w * g[i], g[i], square[i] * rho);
        T delta = SQRT(moved[i] + eps) / SQRT(v + eps) * g[i];
        square[i] = v;
        moved[i] = FUSED(w * delta, delta, moved[i] * rho);
        p[i] = FUSED(delta, rate, p[i]);
    }
}

/* With a momentum, its buffer is the last state. */
HG_INLINE void NAME(rmsprop_move)(const hg_update *u, T *p, T *buffer, T g, T mean, hg_size i)
{
    const T momentum = NUMBER(3), rate = NUMBER(4);
    if (buffer) {
        T b = buffer[i] * momentum + g / mean;
        buffer[i] = b;
        p[i] = FUSED(b, rate, p[i]);
    } else
        p[i] = p[i] + rate * g / mean;
}

static void NAME(rmsprop)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *square = STATE(0), *buffer = u->c[3] > 0 ? STATE(1) : NULL;
    const T alpha = NUMBER(0), w = NUMBER(1), eps = NUMBER(2);
    EACH {
        T v = FUSED(w * g[i], g[i], square[i] * alpha);
        square[i] = v;
        NAME(rmsprop_move)(u, p, buffer, g[i], SQRT(v) + eps, i);
    }
}

static void NAME(rmsprop_centered)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *square = STATE(0), *mean = STATE(1), *buffer = u->c[3] > 0 ? STATE(2) : NULL;
    const T alpha = NUMBER(0), w = NUMBER(1), eps = NUMBER(2);
    EACH {
        T v = FUSED(w * g[i], g[i], square[i] * alpha), m = NAME(between)(mean[i], g[i], w);
        square[i] = v;
        mean[i] = m;
        NAME(rmsprop_move)(u, p, buffer, g[i], SQRT(FUSED(-m, m, v)) + eps, i);
    }
}

static void NAME(rprop)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *before = STATE(0), *size = STATE(1);
    const T minus = NUMBER(0), plus = NUMBER(1), least = NUMBER(2), most = NUMBER(3);
    EACH {
        T product = g[i] * before[i], turned = g[i];
        T factor = product > 0 ? plus : product < 0 ? minus : 1;
        T s = size[i] * factor;
        s = s < least ? least : s;
        s = s > most ? most : s;
        turned = factor == minus ? 0 : turned;
        size[i] = s;
        before[i] = turned;
        p[i] = FUSED(-NAME(sign)(turned), s, p[i]);
    }
}

static void NAME(asgd)(const hg_update *u, const T *g, hg_size low, hg_size n)
{
    T *p = (T *)u->param + low, *average = STATE(0);
    const T keep = NUMBER(0), rate = NUMBER(1), weight = NUMBER(2);
    const int whole = u->c[2] == 1;
    EACH {
        T q = FUSED(g[i], rate, p[i] * keep);
        p[i] = q;
        average[i] = whole ? q : average[i] + (q - average[i]) * weight;
    }
}

/* The gradient as the rule is to see it: turned round for a maximum, and with the decay of the weights. */
static void NAME(decayed)(const hg_update *u, const T *g, T *out, hg_size low, hg_size n)
{
    const T *p = (const T *)u->param + low;
    const T decay = (T)u->decay;
    const int negate = u->negate;
    if (u->decay == 0)
        EACH
            out[i] = -g[i];
    else
        EACH
            out[i] = FUSED(p[i], decay, negate ? -g[i] : g[i]);
}

static void NAME(piece)(int rule, const hg_update *u, hg_size low, hg_size high)
{
    static void (*const rules[HG_RULES])(const hg_update *, const T *, hg_size, hg_size) = {
        NAME(sgd), NAME(sgd_momentum), NAME(sgd_nesterov), NAME(adam), NAME(adam_max), NAME(adamax), NAME(nadam),
        NAME(radam), NAME(adagrad), NAME(adadelta), NAME(rmsprop), NAME(rmsprop_centered), NAME(rprop), NAME(asgd),
    };
    T buffer[HG_RULE_BLOCK];
    const T *g = (const T *)u->grad;
    if (!u->negate && u->decay == 0) {
        rules[rule](u, g + low, low, high - low);
        return;
    }
    for (; low < high; low += HG_RULE_BLOCK) {
        hg_size n = high - low < HG_RULE_BLOCK ? high - low : HG_RULE_BLOCK;
        NAME(decayed)(u, g + low, buffer, low, n);
        rules[rule](u, buffer, low, n);
    }
}

static double NAME(measure)(int power, const T *x, hg_size n)
{
    double sum[8] = {0};
    hg_size i = 0;
    if (power == 0) {
        T top = 0;
        for (; i < n; i++)
            top = NAME(larger)(top, ABS(x[i]));
        return (double)top;
    }
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++) {
            double e = (double)x[i + k];
            sum[k] += power == 2 ? e * e : fabs(e);
        }
    for (int k = 0; i < n; i++, k++) {
        double e = (double)x[i];
        sum[k] += power == 2 ? e * e : fabs(e);
    }
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

static void NAME(scale)(T *x, hg_size n, T factor)
{
    EACH
        x[i] *= factor;
}
#undef NAME
#undef STATE
#undef NUMBER
#undef EACH
