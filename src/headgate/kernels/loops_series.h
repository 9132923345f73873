/* What loops_rare.h needs once for both types: neighbours, series, and functions over blocks. */

static inline float f_neighbour(float a, float b) {
    uint32_t bits;
    float next;
    memcpy(&bits, &a, 4);
    bits = (a < b) == (a > 0) ? bits + 1 : bits - 1;
    memcpy(&next, &bits, 4);
    next = a == 0 ? __builtin_copysignf(1.40129846e-45f, b) : next;
    return a != a || b != b ? a + b : a == b ? b : next;
}

static inline double d_neighbour(double a, double b) {
    uint64_t bits;
    double next;
    memcpy(&bits, &a, 8);
    bits = (a < b) == (a > 0) ? bits + 1 : bits - 1;
    memcpy(&next, &bits, 8);
    next = a == 0 ? __builtin_copysign(4.9406564584124654e-324, b) : next;
    return a != a || b != b ? a + b : a == b ? b : next;
}

static inline void block_math(int kind, int which, void *x, ptrdiff_t n) {
    const ptrdiff_t size = kind ? 8 : 4, steps[2] = {size, size};
    char *args[2] = {x, x};
    hg_maths[kind][which].inner(args, &n, steps, hg_maths[kind][which].data);
}

/* Where the marks are 1: how many, and their places. */
static inline int places_of(const unsigned char *marks, int n, int *places) {
    int count = 0, i = 0;
#ifdef __AVX512BW__ /* with VL, as loops_avx512.c has it */
    __m512i at = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (; i + 16 <= n; i += 16, at = _mm512_add_epi32(at, _mm512_set1_epi32(16))) {
        const __m128i sixteen = _mm_loadu_si128((const __m128i *)(marks + i));
        const __mmask16 found = _mm_test_epi8_mask(sixteen, sixteen);
        _mm512_storeu_si512(places + count, _mm512_maskz_compress_epi32(found, at)); /* count <= i: there is room */
        count += __builtin_popcount(found);
    }
#endif
    for (; i < n; i++) places[count] = i, count += marks[i];
    return count;
}

/* erfinv(x) / x from w = -log(1 - x^2), to about 1e-7 (Giles 2010, single precision) */
static inline float f_giles(float w) {
    const float u = w - 2.5f, v = __builtin_sqrtf(w < 5 ? 5 : w) - 3;
    float p = 2.81022636e-08f, q = -0.000200214257f;
    p = p * u + 3.43273939e-07f, q = q * v + 0.000100950558f;
    p = p * u - 3.5233877e-06f, q = q * v + 0.00134934322f;
    p = p * u - 4.39150654e-06f, q = q * v - 0.00367342844f;
    p = p * u + 0.00021858087f, q = q * v + 0.00573950773f;
    p = p * u - 0.00125372503f, q = q * v - 0.0076224613f;
    p = p * u - 0.00417768164f, q = q * v + 0.00943887047f;
    p = p * u + 0.246640727f, q = q * v + 1.00167406f;
    p = p * u + 1.50140941f, q = q * v + 2.83297682f;
    return w < 5 ? p : q;
}

/* One Halley step from y, on the side of 1 that keeps the digits. */
static inline float f_inverse_step(float p, float y) {
    const float error = y < 0.95f ? (y + y * f_erf_near(y * y)) - p : (1 - p) - f_erfc_tail(y);
    const float step = error * f_quick(y * y) * 0.88622692545275801365f;
    return y - step / (1 + y * step);
}

/* erfinv(x) / x for s = x^2 <= 9/16 */
static inline float f_erfinv_near(float s) {
    float q = 0.601346314f;
    q = q * s - 0.874619901f;
    q = q * s + 0.683652341f;
    q = q * s - 0.191135988f;
    q = q * s + 0.116899393f;
    q = q * s + 0.0804594085f;
    q = q * s + 0.127908692f;
    q = q * s + 0.232005894f;
    return q * s + 0.886226952f;
}

/* log gamma(2 + u) / u for |u| <= 1/2: 1 - Euler's constant, then (-1)^k (zeta(k) - 1) / k */
static inline double log_gamma_beside_2(double u) {
    double q = 5.731367241678862e-10;
    q = q * u - 1.1921401405860912e-09;
    q = q * u + 2.4836745438024785e-09;
    q = q * u - 5.183475041970047e-09;
    q = q * u + 1.0838659214896955e-08;
    q = q * u - 2.2711094608943164e-08;
    q = q * u + 4.7698101693639804e-08;
    q = q * u - 1.0043224823968099e-07;
    q = q * u + 2.1207184805554665e-07;
    q = q * u - 4.492469198764566e-07;
    q = q * u + 9.55141213040742e-07;
    q = q * u - 2.039215753801366e-06;
    q = q * u + 4.374866789907488e-06;
    q = q * u - 9.439488275268397e-06;
    q = q * u + 2.050721277567069e-05;
    q = q * u - 4.492623673813314e-05;
    q = q * u + 9.945751278180853e-05;
    q = q * u - 0.00022315475845357939;
    q = q * u + 0.0005096695247430425;
    q = q * u - 0.001192753911703261;
    q = q * u + 0.0028905103307415234;
    q = q * u - 0.007385551028673986;
    q = q * u + 0.020580808427784546;
    q = q * u - 0.0673523010531981;
    q = q * u + 0.3224670334241132;
    return q * u + 0.42278433509846713;
}

/* Sums that carry digamma and its derivative from x to x + 8, over pairs of terms: (x + k)(x + 7 - k) = u + k (7 - k). */
static inline double shift_first(double x) {
    const double u = x * (x + 7);
    return (2 * x + 7) * ((2 * u + 6) / (u * (u + 6)) + (2 * u + 22) / ((u + 10) * (u + 12)));
}
static inline double shift_second(double x) {
    const double u = x * (x + 7), a = u + 6, b = u + 10, c = u + 12;
    return (2 * u + 49) / (u * u) + (2 * a + 25) / (a * a) + (2 * b + 9) / (b * b) + (2 * c + 1) / (c * c);
}
