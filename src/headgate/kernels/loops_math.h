/* Inline exponentials, a logarithm and erf, free of branches, so that a loop around them becomes vector code at every
   level. The polynomials interpolate at Chebyshev nodes; results are within 1.5 ulp (erf: 2; exp and log in single
   precision: 1, where libmvec is off by 2.5 and 3.9), subnormals and infinities included. */

/* 2^n p, where t = n + 1.5 * 2^mantissa holds the integer n in its low bits, in two factors so that neither overflows. */
static inline float f_scale(float p, float n) {
    const float magic = 12582912.0f, t = n + magic, half = n * 0.5f + magic;
    int32_t whole, first;
    uint32_t one, two;
    float x, y;
    memcpy(&whole, &t, 4);
    memcpy(&first, &half, 4);
    whole -= 0x4b400000, first -= 0x4b400000;
    one = (uint32_t)(first + 127) << 23, two = (uint32_t)(whole - first + 127) << 23;
    memcpy(&x, &one, 4);
    memcpy(&y, &two, 4);
    return p * x * y;
}

static inline double d_scale(double p, double n) {
    const double magic = 6755399441055744.0, t = n + magic, half = n * 0.5 + magic;
    int64_t whole, first;
    uint64_t one, two;
    double x, y;
    memcpy(&whole, &t, 8);
    memcpy(&first, &half, 8);
    whole -= 0x4338000000000000, first -= 0x4338000000000000;
    one = (uint64_t)(first + 1023) << 52, two = (uint64_t)(whole - first + 1023) << 52;
    memcpy(&x, &one, 8);
    memcpy(&y, &two, 8);
    return p * x * y;
}

/* e^r for |r| <= ln(2) / 2 */
static inline float f_exp_core(float r) {
    float q = 0.00019890990824673654f;
    q = q * r + 0.0013933649996309251f;
    q = q * r + 0.0083333109254809f;
    q = q * r + 0.041666464925285904f;
    q = q * r + 0.16666666681623232f;
    q = q * r + 0.500000001346581f;
    return 1.0f + (r + r * r * q);
}

static inline double d_exp_core(double r) {
    double q = 2.0914686968086876e-09;
    q = q * r + 2.5105217004720745e-08;
    q = q * r + 2.75572736431103e-07;
    q = q * r + 2.7557255400206422e-06;
    q = q * r + 2.4801587325547743e-05;
    q = q * r + 0.00019841269874820627;
    q = q * r + 0.0013888888888883748;
    q = q * r + 0.008333333333326136;
    q = q * r + 0.04166666666666667;
    q = q * r + 0.1666666666666667;
    q = q * r + 0.5;
    return 1.0 + (r + r * r * q);
}

static inline float f_expo(float x) {
    const float magic = 12582912.0f;
    x = x > 90.0f ? 90.0f : x < -110.0f ? -110.0f : x;
    const float n = (x * 1.44269504088896341f + magic) - magic;
    return f_scale(f_exp_core((x - n * 0.693359375f) + n * 2.12194440054690583e-4f), n);
}

static inline double d_expo(double x) {
    const double magic = 6755399441055744.0;
    x = x > 710.0 ? 710.0 : x < -760.0 ? -760.0 : x;
    const double n = (x * 1.44269504088896340736 + magic) - magic;
    return d_scale(d_exp_core((x - n * 0.693145751953125) - n * 1.42860682030941723212e-6), n);
}

/* log of 2^less times x, x positive and no subnormal: of the mantissa m in [1/sqrt 2, sqrt 2) by a series in m - 1, beside
   the exponent times ln 2 in two parts. */
static inline float f_log_normal(float x, float less) {
    uint32_t bits;
    float m;
    memcpy(&bits, &x, 4);
    bits -= 0x3f3504f3u; /* 1/sqrt 2 */
    const float e = (float)((int32_t)bits >> 23) + less;
    bits = (bits & 0x7fffffu) + 0x3f3504f3u;
    memcpy(&m, &bits, 4);
    const float f = m - 1.0f, high = e * 0.693359375f, sum = high + f;
    float q = 0.067466386f;
    q = q * f - 0.11675651f;
    q = q * f + 0.11888163f;
    q = q * f - 0.12405589f;
    q = q * f + 0.14219552f;
    q = q * f - 0.16667996f;
    q = q * f + 0.20002119f;
    q = q * f - 0.2500001f;
    q = q * f + 0.33333313f;
    /* one product in each sum: which of two a compiler fuses would be its choice, and change bits */
    const float low = (high - sum) + f + e * -2.12194440054690583e-4f;
    return sum + (low + f * f * (q * f - 0.5f));
}

static inline float f_logo(float x) {
    const int small = x < 1.17549435e-38f;
    const float y = f_log_normal(small ? x * 8388608.0f : x, small ? -23.0f : 0.0f);
    return x > 0.0f && x < INFINITY ? y : x == 0.0f ? -INFINITY : x < 0.0f ? NAN : x;
}

/* The same without subnormals, for sums with 1 and for tails: one factor; results below 2^-126 are 0. */
static inline float f_quick(float x) {
    const float magic = 12582912.0f;
    uint32_t one;
    float scale;
    x = x > 89.0f ? 89.0f : x < -87.3f ? -87.3f : x;
    const float t = x * 1.44269504088896341f + magic, n = t - magic;
    const float p = f_exp_core((x - n * 0.693359375f) + n * 2.12194440054690583e-4f);
    memcpy(&one, &t, 4);
    one = (one - 0x4b400000u + 126u) << 23;
    memcpy(&scale, &one, 4);
    return (p + p) * scale;
}

static inline double d_quick(double x) {
    const double magic = 6755399441055744.0;
    uint64_t one;
    double scale;
    x = x > 709.9 ? 709.9 : x < -708.3 ? -708.3 : x;
    const double t = x * 1.44269504088896340736 + magic, n = t - magic;
    const double p = d_exp_core((x - n * 0.693145751953125) - n * 1.42860682030941723212e-6);
    memcpy(&one, &t, 8);
    one = (one - 0x4338000000000000u + 1022u) << 52;
    memcpy(&scale, &one, 8);
    return (p + p) * scale;
}

static inline float f_expo2(float x) {
    const float magic = 12582912.0f;
    uint32_t whole, first, one, two;
    float low, high;
    x = x > 130.0f ? 130.0f : x < -160.0f ? -160.0f : x;
    const float t = x + magic, r = x - (t - magic);
    float q = 1.5297323760701075e-05f;
    q = q * r + 0.0001546144469856913f;
    q = q * r + 0.001333350238616277f;
    q = q * r + 0.009618056678524637f;
    q = q * r + 0.055504108839096185f;
    q = q * r + 0.24022650922288757f;
    q = q * r + 0.6931471805599453f;
    memcpy(&whole, &t, 4);
    whole = whole - 0x4b400000u + 254u; /* n + 254, split over two factors */
    first = whole >> 1;
    one = first << 23, two = (whole - first) << 23;
    memcpy(&low, &one, 4);
    memcpy(&high, &two, 4);
    return (1.0f + r * q) * low * high;
}

static inline double d_expo2(double x) {
    const double magic = 6755399441055744.0;
    uint64_t whole, first, one, two;
    double low, high;
    x = x > 1030.0 ? 1030.0 : x < -1100.0 ? -1100.0 : x;
    const double t = x + magic, r = x - (t - magic);
    double q = 4.4549605981865186e-10;
    q = q * r + 7.072585949269223e-09;
    q = q * r + 1.0178062445845774e-07;
    q = q * r + 1.321544258792169e-06;
    q = q * r + 1.525273382983612e-05;
    q = q * r + 0.0001540353044173605;
    q = q * r + 0.0013333558146416936;
    q = q * r + 0.009618129107606888;
    q = q * r + 0.0555041086648216;
    q = q * r + 0.24022650695910097;
    q = q * r + 0.6931471805599453;
    memcpy(&whole, &t, 8);
    whole = whole - 0x4338000000000000u + 2046u;
    first = whole >> 1;
    one = first << 52, two = (whole - first) << 52;
    memcpy(&low, &one, 8);
    memcpy(&high, &two, 8);
    return (1.0 + r * q) * low * high;
}

/* erfc(t) for 0.95 <= t, to 1e-9 absolutely and about 2e-6 of itself; 0 from 4.1 on. */
static inline float f_erfc_tail(float t) {
    float q = 1.6015373233959375e-06f;
    q = q * t - 4.538157545416722e-05f;
    q = q * t + 0.0005913400886107587f;
    q = q * t - 0.0047351053152229474f;
    q = q * t + 0.026354667109082748f;
    q = q * t - 0.10996832880707681f;
    q = q * t - 0.6319396488157616f;
    q = q * t - 1.1301696046490297f;
    q = q * t + 0.0003049479262427581f;
    return t > 4.1f ? 0.0f : f_quick(q);
}

/* erf(x) / x - 1 for s = x^2 <= 1 */
static inline float f_erf_near(float s) {
    float q = 7.875875062685488e-05f;
    q = q * s - 0.000801686428716587f;
    q = q * s + 0.005189087423433974f;
    q = q * s - 0.026854212010626412f;
    q = q * s + 0.11283594715160218f;
    q = q * s - 0.37612626666720334f;
    return q * s + 0.12837916584835093f;
}

static inline float f_erfo(float x) {
    const float t = __builtin_fabsf(x);
    return t < 1.0f ? x + x * f_erf_near(x * x) : t != t ? x : __builtin_copysignf(1.0f - f_erfc_tail(t), x);
}

/* 1 + erf(x), twice the normal distribution, to 4e-7 absolutely: a rational form without exponentials, for gelu, whose
   own formula in PyTorch is as coarse. Exactly 0 and 2 outside +-3.92. */
static inline float f_one_erf(float x) {
    const float s = x * x;
    float p = 2.0500991720207506e-06f, q = 3.8091850828089405e-05f;
    p = p * s + 0.0002848829345807179f, q = q * s + 0.0011625321130576938f;
    p = p * s + 0.003765597767098917f, q = q * s + 0.014969176787702466f;
    p = p * s + 0.05274866369846488f, q = q * s + 0.11410890031498375f;
    p = p * s + 0.1904059293082896f, q = q * s + 0.5020756022682555f;
    p = p * s + 1.1283791461530255f, q = q * s + 1.0f;
    return 1.0f + (s > 15.3664f ? __builtin_copysignf(1.0f, x) : x * p / q);
}
