/* The inner loops of convolutions for one element type T on one level: blocks of rows by vectors, and blocks of dot
 * products. Included twice by convolution_level.h. It must not know shapes, Python, nor threads. */
#define V HG_PASTE(HG_PASTE(v, T), HG_SUFFIX)
#define NAME(x) HG_PASTE(HG_PASTE(x, T), HG_SUFFIX)
#if HG_LEVEL == 2
#define PUT(to, from, count) NAME(put)(to, from, count)
HG_INLINE void NAME(put)(T *to, const T *from, hg_size count)
{
    if (sizeof(T) == 4) {
        __mmask16 mask = (__mmask16)((1u << count) - 1);
        _mm512_mask_storeu_ps(to, mask, _mm512_maskz_loadu_ps(mask, from));
    } else {
        __mmask8 mask = (__mmask8)((1u << count) - 1);
        _mm512_mask_storeu_pd(to, mask, _mm512_maskz_loadu_pd(mask, from));
    }
}
#else
#define PUT(to, from, count) \
    for (hg_size i_ = 0; i_ < (count); i_++) \
        (to)[i_] = (from)[i_]
#endif
#define WIDTH ((hg_size)(HG_VECTOR / sizeof(T)))

/* Keeps the stretches of a block of results. */
static void NAME(keep)(int rows, int vectors, const T *lanes, const hg_rows *job)
{
    for (int v = 0; v < vectors; v++)
        for (hg_size s = job->slots[v].first; s < job->slots[v].last; s++) {
            const hg_stretch *part = job->stretches + s;
            const T *from = lanes + v * WIDTH + part->lane;
            T *to = (T *)job->out + part->to;
            hg_size count = part->count, step = job->out_step;
            for (int r = 0; r < rows; r++, from += vectors * WIDTH, to += job->out_row)
                if (step != 1)
                    for (hg_size i = 0; i < count; i++)
                        to[i * step] = from[i];
                else if (count == WIDTH)
                    memcpy(to, from, HG_VECTOR);
                else
                    PUT(to, from, count);
        }
}

HG_INLINE void NAME(block)(const int rows, const int vectors, const hg_rows *job)
{
    V sum[HG_BLOCK_ROWS][HG_BLOCK_VECTORS];
    const T *from[HG_BLOCK_VECTORS], *w = job->w, *bias = job->bias;
    T lanes[HG_BLOCK_ROWS * HG_BLOCK_VECTORS][HG_VECTOR / sizeof(T)] __attribute__((aligned(64)));
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++)
        from[v] = (const T *)job->from + job->slots[v].from;
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sum[r][v] = (V){0} + (bias ? bias[r] : (T)0);
    for (hg_size k = 0; k < job->depth; k++, w += rows) {
        hg_size at = job->offsets[k];
        V x[HG_BLOCK_VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            x[v] = HG_LOAD(V, from[v] + at);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                sum[r][v] += w[r] * x[v];
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            memcpy(lanes[r * vectors + v], &sum[r][v], HG_VECTOR);
    NAME(keep)(rows, vectors, lanes[0], job);
}

HG_INLINE T NAME(total)(V x)
{
    typedef T half __attribute__((vector_size(HG_VECTOR / 2)));
    half low, high;
    T lane[HG_VECTOR / 2 / sizeof(T)];
    memcpy(&low, &x, sizeof low);
    memcpy(&high, (const char *)&x + sizeof low, sizeof high);
    low += high;
    memcpy(lane, &low, sizeof lane);
    for (hg_size n = WIDTH / 4; n; n /= 2)
        for (hg_size i = 0; i < n; i++)
            lane[i] += lane[i + n];
    return lane[0];
}

static void NAME(add_totals)(int rows, int taps, const T *lanes, T *out, hg_size out_pitch)
{
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < taps; j++)
            out[r * out_pitch + j] += NAME(total)(HG_LOAD(V, lanes + (r * taps + j) * WIDTH));
}

HG_INLINE void NAME(dots)(const int rows, const int taps, hg_size length, const T *g, hg_size pitch, const T *x,
                          const hg_size *offsets, T *out, hg_size out_pitch)
{
    V sum[HG_DOT_ROWS][HG_DOT_TAPS];
    T lanes[HG_DOT_ROWS * HG_DOT_TAPS][HG_VECTOR / sizeof(T)] __attribute__((aligned(64)));
    const T *from[HG_DOT_TAPS];
#pragma GCC unroll 8
    for (int j = 0; j < taps; j++)
        from[j] = x + offsets[j];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int j = 0; j < taps; j++)
            sum[r][j] = (V){0};
    for (hg_size i = 0; i < length; i += WIDTH) {
        V a[HG_DOT_ROWS];
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
            a[r] = HG_LOAD(V, g + r * pitch + i);
#pragma GCC unroll 8
        for (int j = 0; j < taps; j++) {
            V b = HG_LOAD(V, from[j] + i);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++)
                sum[r][j] += a[r] * b;
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int j = 0; j < taps; j++)
            memcpy(lanes[r * taps + j], &sum[r][j], HG_VECTOR);
    NAME(add_totals)(rows, taps, lanes[0], out, out_pitch);
}

#define BLOCK(R, N) \
static void NAME(block##R##N)(const hg_rows *job) \
{ \
    NAME(block)(R, N, job); \
}
#define BLOCKS(R) BLOCK(R, 1) BLOCK(R, 2) BLOCK(R, 3)
#define DOT(R, J) \
static void NAME(dots##R##J)(hg_size length, const void *g, hg_size pitch, const void *x, const hg_size *offsets, \
                             void *out, hg_size out_pitch) \
{ \
    NAME(dots)(R, J, length, g, pitch, x, offsets, out, out_pitch); \
}
BLOCKS(1) BLOCKS(2) BLOCKS(3) BLOCKS(4)
#if HG_LEVEL == 2
BLOCKS(5) BLOCKS(6) BLOCKS(7) BLOCKS(8)
#endif
#define DOTS(R) DOT(R, 1) DOT(R, 2) DOT(R, 3) DOT(R, 4)
DOTS(1) DOTS(2) DOTS(3)
#if HG_LEVEL == 2
DOTS(4)
DOT(1, 5) DOT(2, 5) DOT(3, 5) DOT(4, 5) DOT(1, 6) DOT(2, 6) DOT(3, 6) DOT(4, 6)
#endif
#undef V
#undef NAME
#undef WIDTH
#undef BLOCK
#undef BLOCKS
#undef DOT
#undef DOTS
#undef PUT
