/* The inner loops of every reduction, one copy per instruction-set level: along adjacent elements ("rows") and down
 * adjacent columns. Partial results join in a fixed tree, whatever the level or the number of threads.
 * It must not know Python, nor how work is cut for threads. */

#define BLOCK 4096      /* elements that one run of lanes adds up before the tree */
#define COLUMNS 256     /* columns kept in the first cache at a time */
#define ROWS_A_TURN 64  /* rows added up in order before the tree */
#define DEPTH 40        /* turns of a tree over more rows than memory can hold */

typedef HG(v_i32) HG(m_f32), HG(m_i32);
typedef HG(v_i64) HG(m_f64), HG(m_i64);
typedef HG(v_i16) HG(m_i16);
typedef HG(v_i8) HG(m_i8), HG(m_u8);

/* BLOCKS and ROWS: the reduction of n adjacent elements. LOAD gives a vector of widened elements; MAP is applied to each (c is the
 * centre); element i goes to lane i modulo their number, and the lanes join by halves, whole vectors first. */
#define BLOCKS(NAME, T, ACC, INIT, LOAD, LOAD1, MAP, MAP1, JOIN, JOIN1) \
static ACC HG(block_##NAME)(const T *x, hg_size n, ACC c) \
{ \
    typedef HG(v_##ACC) V; \
    enum { WIDTH = (int)(HG_VECTOR / sizeof(ACC)), VECTORS = HG_LANES / HG_VECTOR, LANES = HG_LANES / sizeof(ACC) }; \
    (void)c; \
    if (n < LANES / 2 || n < 8) { \
        ACC total = INIT; \
        for (hg_size i = 0; i < n; i++) { \
            ACC p = LOAD1(x[i]); \
            p = MAP1(p); \
            total = JOIN1(total, p); \
        } \
        return total; \
    } \
    V sum[VECTORS]; \
    const T *all HG_UNUSED = x; \
    unsigned missing HG_UNUSED = 0; /* where JOIN passes over NaN, it notes it here */ \
    hg_size i = 0; \
    _Pragma("GCC unroll 16") \
    for (int k = 0; k < VECTORS; k++) \
        sum[k] = (V){0} + (ACC)(INIT); \
    for (; i + LANES <= n; i += LANES) { \
        _Pragma("GCC unroll 16") \
        for (int k = 0; k < VECTORS; k++) { \
            V p = LOAD(x + i + k * WIDTH); \
            p = MAP(p); \
            sum[k] = JOIN(sum[k], p); \
        } \
    } \
    n -= i; \
    x += i; \
    _Pragma("GCC unroll 16") \
    for (int k = 0; k < VECTORS - 1; k++) \
        if ((k + 1) * WIDTH <= n) { \
            V p = LOAD(x + k * WIDTH); \
            p = MAP(p); \
            sum[k] = JOIN(sum[k], p); \
        } \
    if (n % WIDTH) { /* the last WIDTH elements, turned so that those not yet counted come first */ \
        V p = LOAD(x + n - WIDTH); \
        p = MAP(p); \
        p = HG_FIRST(V, HG(m_##ACC), p, n % WIDTH, INIT); \
        _Pragma("GCC unroll 16") \
        for (int k = 0; k < VECTORS; k++) \
            if (k == n / WIDTH) \
                sum[k] = JOIN(sum[k], p); \
    } \
    _Pragma("GCC unroll 4") \
    for (int half = VECTORS / 2; half; half /= 2) \
        _Pragma("GCC unroll 16") \
        for (int k = 0; k < half; k++) \
            sum[k] = JOIN(sum[k], sum[k + half]); \
    for (i = 0; missing; i++) { \
        ACC p = LOAD1(all[i]); \
        if (p != p) \
            return p; \
    } \
    _Pragma("GCC unroll 8") \
    for (int half = WIDTH / 2; half; half /= 2) { \
        V turned = HG_TURN(sum[0], HG(m_##ACC), half); \
        sum[0] = JOIN(sum[0], turned); \
    } \
    return sum[0][0]; \
}
#define ROWS(NAME, T, ACC, JOIN1) \
static void HG(rows_##NAME)(const char *data, hg_size count, hg_size stride, hg_size n, void *result, const void *centre) \
{ \
    for (hg_size row = 0; row < count; row++, data += stride) { \
        const T *x = (const T *)data; \
        ACC c = centre ? ((const ACC *)centre)[row] : 0, stack[64], total; \
        if (n <= BLOCK) { \
            ((ACC *)result)[row] = HG(block_##NAME)(x, n, c); \
            continue; \
        } \
        int depth = 0; \
        uint64_t done = 0; \
        for (hg_size i = 0; i < n; i += BLOCK) { \
            total = HG(block_##NAME)(x + i, n - i < BLOCK ? n - i : BLOCK, c); \
            for (uint64_t bits = ++done; !(bits & 1); bits >>= 1) { \
                --depth; \
                total = JOIN1(stack[depth], total); \
            } \
            stack[depth++] = total; \
        } \
        for (total = stack[--depth]; depth;) { \
            --depth; \
            total = JOIN1(stack[depth], total); \
        } \
        ((ACC *)result)[row] = total; \
    } \
}

/* COLUMN: the reduction down n rows: groups of four rows joined as a small tree, ROWS_A_TURN of them in order, turns
 * in a binary tree kept on a stack of partial rows. R is the row type once read, GET where row k is to be found. */
#define COLUMN(NAME, T, R, ACC, INIT, LOAD1, MAP1, JOIN1, GET) \
static void HG(turn_##NAME)(const char *row, hg_size n, hg_size stride, hg_size w, ACC *restrict part, const ACC *cs) \
{ \
    R turned[4][COLUMNS] HG_UNUSED; \
    hg_size i = 0; \
    (void)cs; \
    for (hg_size j = 0; j < w; j++) \
        part[j] = INIT; \
    for (; i + 4 <= n; i += 4, row += 4 * stride) { \
        const R *x0 = GET(0), *x1 = GET(1), *x2 = GET(2), *x3 = GET(3); \
        for (hg_size j = 0; j < w; j++) { \
            ACC c HG_UNUSED = cs[j]; \
            ACC p = LOAD1(x0[j]), q = LOAD1(x1[j]), r = LOAD1(x2[j]), s = LOAD1(x3[j]); \
            p = MAP1(p); q = MAP1(q); r = MAP1(r); s = MAP1(s); \
            p = JOIN1(p, q); r = JOIN1(r, s); p = JOIN1(p, r); \
            part[j] = JOIN1(part[j], p); \
        } \
    } \
    for (; i < n; i++, row += stride) { \
        const R *x0 = GET(0); \
        for (hg_size j = 0; j < w; j++) { \
            ACC c HG_UNUSED = cs[j]; \
            ACC p = LOAD1(x0[j]); \
            p = MAP1(p); \
            part[j] = JOIN1(part[j], p); \
        } \
    } \
} \
static void HG(columns_##NAME)(const char *data, hg_size n, hg_size stride, hg_size width, void *result, const void *centre) \
{ \
    static const ACC nothing[COLUMNS]; \
    for (hg_size start = 0; start < width; start += COLUMNS) { \
        hg_size w = width - start < COLUMNS ? width - start : COLUMNS; \
        const ACC *cs = centre ? (const ACC *)centre + start : nothing; \
        const char *row = data + start * (hg_size)sizeof(T); \
        ACC *out = (ACC *)result + start; \
        if (n <= ROWS_A_TURN) { \
            HG(turn_##NAME)(row, n, stride, w, out, cs); \
            continue; \
        } \
        ACC stack[DEPTH][COLUMNS]; \
        int depth = 0; \
        uint64_t done = 0; \
        for (hg_size r = 0; r < n; r += ROWS_A_TURN, row += ROWS_A_TURN * stride) { \
            HG(turn_##NAME)(row, n - r < ROWS_A_TURN ? n - r : ROWS_A_TURN, stride, w, stack[depth++], cs); \
            for (uint64_t bits = ++done; !(bits & 1); bits >>= 1, depth--) \
                for (hg_size j = 0; j < w; j++) \
                    stack[depth - 2][j] = JOIN1(stack[depth - 2][j], stack[depth - 1][j]); \
        } \
        for (; depth > 1; depth--) \
            for (hg_size j = 0; j < w; j++) \
                stack[depth - 2][j] = JOIN1(stack[depth - 2][j], stack[depth - 1][j]); \
        memcpy(out, stack[0], sizeof(ACC) * (size_t)w); \
    } \
}
#define GET_PLAIN(k) ((const void *)(row + (k) * stride))
#define GET_HALF(k) (HG(from_half)((const f16 *)(row + (k) * stride), turned[k], w), turned[k])

#define BOTH(NAME, T, R, ACC, INIT, LOAD, LOADT, LOADR, MAP, MAP1, JOIN, JOIN1, GET) \
    BLOCKS(NAME, T, ACC, INIT, LOAD, LOADT, MAP, MAP1, JOIN, JOIN1) \
    ROWS(NAME, T, ACC, JOIN1) \
    COLUMN(NAME, T, R, ACC, INIT, LOADR, MAP1, JOIN1, GET)

/* ---- reading, mapping and joining, on vectors and one by one */
#define SAME(p) (p)
#define LOAD_f32(p) HG_LOAD(HG(v_f32), p)
#define LOAD_f64(p) HG_LOAD(HG(v_f64), p)
#define LOAD_i64(p) HG_LOAD(HG(v_i64), p)
#define LOAD_i32(p) HG_LOAD(HG(v_i32), p)
#define LOAD_i16(p) HG_LOAD(HG(v_i16), p)
#define LOAD_i8(p) HG_LOAD(HG(v_i8), p)
#define LOAD_u8(p) HG_LOAD(HG(v_u8), p)
#define LOAD_f16(p) HG_LOAD_HALF(p)
#define WIDE_f32(p) HG_WIDEN(HG(v_f64), HG(e_f32), p)
#define WIDE_i32(p) HG_WIDEN(HG(v_i64), HG(e_i32), p)
#define WIDE_u8(p) HG_WIDEN(HG(v_i64), HG(e_u8), p)

#define ADD(a, b) ((a) + (b))
#define MULTIPLY(a, b) ((a) * (b))
#define SQUARE(p) ((p) * (p))
#define DEVIATE(p) (((p) - c) * ((p) - c))
#define MAGNITUDE_f32(p) HG_PICK((p) < 0, -(p), p, HG(v_f32), HG(v_i32))
#define MAGNITUDE_f64(p) HG_PICK((p) < 0, -(p), p, HG(v_f64), HG(v_i64))
#define PRESENT_f32(p) HG_PICK((p) != 0, (HG(v_f32)){0} + 1, (HG(v_f32)){0}, HG(v_f32), HG(v_i32))
#define PRESENT_f64(p) HG_PICK((p) != 0, (HG(v_f64)){0} + 1, (HG(v_f64)){0}, HG(v_f64), HG(v_i64))
#undef NUMBER_f32
#undef NUMBER_f64
#if HG_LEVEL == 2
#define NUMBER_f32(p) (HG(v_f32))_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(p, p, _CMP_ORD_Q), p)
#define NUMBER_f64(p) (HG(v_f64))_mm512_maskz_mov_pd(_mm512_cmp_pd_mask(p, p, _CMP_ORD_Q), p)
#else
#define NUMBER_f32(p) HG_PICK((p) == (p), p, (HG(v_f32)){0}, HG(v_f32), HG(v_i32))
#define NUMBER_f64(p) HG_PICK((p) == (p), p, (HG(v_f64)){0}, HG(v_f64), HG(v_i64))
#endif
#define NUMBER1(p) ((p) == (p) ? (p) : 0)
#define MAGNITUDE1(p) ((p) < 0 ? -(p) : (p))
#define PRESENT1(p) ((p) != 0 ? 1 : 0)
/* A NaN that comes replaces, and one that is there stays: no comparison with it is true. */
#define MAX1(a, b) ({ __typeof__(a) a1_ = (a), b1_ = (b); a1_ = b1_ > a1_ ? b1_ : a1_; b1_ != b1_ ? b1_ : a1_; })
#define MIN1(a, b) ({ __typeof__(a) a1_ = (a), b1_ = (b); a1_ = b1_ < a1_ ? b1_ : a1_; b1_ != b1_ ? b1_ : a1_; })
#undef REGISTERS
#undef SUM_BYTES
#undef MISSING_f32
#undef MISSING_f64
#if HG_LEVEL == 2
#define REGISTERS(name) _mm512_##name
#define SUM_BYTES(p) _mm512_sad_epu8(_mm512_loadu_si512((const void *)(p)), _mm512_setzero_si512())
#define MISSING_f32(p) _mm512_cmp_ps_mask(p, p, _CMP_UNORD_Q)
#define MISSING_f64(p) _mm512_cmp_pd_mask(p, p, _CMP_UNORD_Q)
#elif HG_LEVEL == 1
#define REGISTERS(name) _mm256_##name
#define SUM_BYTES(p) _mm256_sad_epu8(_mm256_loadu_si256((const void *)(p)), _mm256_setzero_si256())
#define MISSING_f32(p) (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(p, p, _CMP_UNORD_Q))
#define MISSING_f64(p) (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(p, p, _CMP_UNORD_Q))
#elif HG_X86
#define REGISTERS(name) _mm_##name
#define SUM_BYTES(p) _mm_sad_epu8(_mm_loadu_si128((const void *)(p)), _mm_setzero_si128())
#define MISSING_f32(p) (unsigned)_mm_movemask_ps(_mm_cmpunord_ps(p, p))
#define MISSING_f64(p) (unsigned)_mm_movemask_pd(_mm_cmpunord_pd(p, p))
#endif
#if HG_X86 /* these take the second operand if either is NaN: what comes is passed over, and noted */
#define EXTREME(a, b, NAME, MISSING) ({ __typeof__(b) b_ = (b); missing |= MISSING(b_); (__typeof__(b))REGISTERS(NAME)(b_, a); })
#define MAX_f32(a, b) EXTREME(a, b, max_ps, MISSING_f32)
#define MIN_f32(a, b) EXTREME(a, b, min_ps, MISSING_f32)
#define MAX_f64(a, b) EXTREME(a, b, max_pd, MISSING_f64)
#define MIN_f64(a, b) EXTREME(a, b, min_pd, MISSING_f64)
#else
#define MAX_f32(a, b) HG_PICK(((b) > (a)) | ((b) != (b)), b, a, HG(v_f32), HG(v_i32))
#define MIN_f32(a, b) HG_PICK(((b) < (a)) | ((b) != (b)), b, a, HG(v_f32), HG(v_i32))
#define MAX_f64(a, b) HG_PICK(((b) > (a)) | ((b) != (b)), b, a, HG(v_f64), HG(v_i64))
#define MIN_f64(a, b) HG_PICK(((b) < (a)) | ((b) != (b)), b, a, HG(v_f64), HG(v_i64))
#endif
#define MAX_i(a, b) ({ __typeof__(a) a_ = (a), b_ = (b), m_ = (__typeof__(a))(b_ > a_); (b_ & m_) | (a_ & ~m_); })
#define MIN_i(a, b) ({ __typeof__(a) a_ = (a), b_ = (b), m_ = (__typeof__(a))(b_ < a_); (b_ & m_) | (a_ & ~m_); })

#define EASY(NAME, T, INIT, MAP, MAP1, JOIN, JOIN1) \
    BOTH(NAME, T, T, T, INIT, LOAD_##T, SAME, SAME, MAP, MAP1, JOIN, JOIN1, GET_PLAIN)
#define WIDENED(NAME, T, INIT, JOIN) \
    BOTH(NAME, T, T, i64, INIT, WIDE_##T, SAME, SAME, SAME, SAME, JOIN, JOIN, GET_PLAIN)
#define HALVES(NAME, INIT, MAP, MAP1, JOIN, JOIN1) \
    BOTH(NAME, f16, f32, f32, INIT, LOAD_f16, hg_from_half, SAME, MAP, MAP1, JOIN, JOIN1, GET_HALF)

EASY(sum_f32, f32, 0, SAME, SAME, ADD, ADD)
EASY(sum_f64, f64, 0, SAME, SAME, ADD, ADD)
EASY(sum_i64, i64, 0, SAME, SAME, ADD, ADD)
WIDENED(sum_i32, i32, 0, ADD)
#if HG_X86
static i64 HG(block_sum_u8)(const u8 *x, hg_size n, i64 c)
{
    HG(v_i64) sum = {0};
    i64 total = c = 0;
    hg_size i = 0;
    for (; i + HG_VECTOR <= n; i += HG_VECTOR)
        sum += (HG(v_i64))SUM_BYTES(x + i);
    for (int k = 0; k < HG_VECTOR / 8; k++)
        total += sum[k];
    for (; i < n; i++)
        total += x[i];
    return total;
}
ROWS(sum_u8, u8, i64, ADD)
COLUMN(sum_u8, u8, u8, i64, 0, SAME, SAME, ADD, GET_PLAIN)
#else
WIDENED(sum_u8, u8, 0, ADD)
#endif
HALVES(sum_f16, 0, SAME, SAME, ADD, ADD)

EASY(sum_numbers_f32, f32, 0, NUMBER_f32, NUMBER1, ADD, ADD)
EASY(sum_numbers_f64, f64, 0, NUMBER_f64, NUMBER1, ADD, ADD)
HALVES(sum_numbers_f16, 0, NUMBER_f32, NUMBER1, ADD, ADD)

EASY(prod_f32, f32, 1, SAME, SAME, MULTIPLY, MULTIPLY)
EASY(prod_f64, f64, 1, SAME, SAME, MULTIPLY, MULTIPLY)
EASY(prod_i64, i64, 1, SAME, SAME, MULTIPLY, MULTIPLY)
HALVES(prod_f16, 1, SAME, SAME, MULTIPLY, MULTIPLY)

EASY(max_f32, f32, -INFINITY, SAME, SAME, MAX_f32, MAX1)
EASY(max_f64, f64, -INFINITY, SAME, SAME, MAX_f64, MAX1)
EASY(max_i64, i64, INT64_MIN, SAME, SAME, MAX_i, MAX1)
EASY(max_i32, i32, INT32_MIN, SAME, SAME, MAX_i, MAX1)
EASY(max_i16, i16, INT16_MIN, SAME, SAME, MAX_i, MAX1)
EASY(max_i8, i8, INT8_MIN, SAME, SAME, MAX_i, MAX1)
EASY(max_u8, u8, 0, SAME, SAME, MAX_i, MAX1)
HALVES(max_f16, -INFINITY, SAME, SAME, MAX_f32, MAX1)

EASY(min_f32, f32, INFINITY, SAME, SAME, MIN_f32, MIN1)
EASY(min_f64, f64, INFINITY, SAME, SAME, MIN_f64, MIN1)
EASY(min_i64, i64, INT64_MAX, SAME, SAME, MIN_i, MIN1)
EASY(min_i32, i32, INT32_MAX, SAME, SAME, MIN_i, MIN1)
EASY(min_i16, i16, INT16_MAX, SAME, SAME, MIN_i, MIN1)
EASY(min_i8, i8, INT8_MAX, SAME, SAME, MIN_i, MIN1)
EASY(min_u8, u8, UINT8_MAX, SAME, SAME, MIN_i, MIN1)
HALVES(min_f16, INFINITY, SAME, SAME, MIN_f32, MIN1)

EASY(squares_f32, f32, 0, SQUARE, SQUARE, ADD, ADD)
EASY(squares_f64, f64, 0, SQUARE, SQUARE, ADD, ADD)
HALVES(squares_f16, 0, SQUARE, SQUARE, ADD, ADD)
EASY(magnitudes_f32, f32, 0, MAGNITUDE_f32, MAGNITUDE1, ADD, ADD)
EASY(magnitudes_f64, f64, 0, MAGNITUDE_f64, MAGNITUDE1, ADD, ADD)
EASY(nonzero_f32, f32, 0, PRESENT_f32, PRESENT1, ADD, ADD)
EASY(nonzero_f64, f64, 0, PRESENT_f64, PRESENT1, ADD, ADD)
EASY(max_magnitude_f32, f32, 0, MAGNITUDE_f32, MAGNITUDE1, MAX_f32, MAX1)
EASY(max_magnitude_f64, f64, 0, MAGNITUDE_f64, MAGNITUDE1, MAX_f64, MAX1)
EASY(min_magnitude_f32, f32, INFINITY, MAGNITUDE_f32, MAGNITUDE1, MIN_f32, MIN1)
EASY(min_magnitude_f64, f64, INFINITY, MAGNITUDE_f64, MAGNITUDE1, MIN_f64, MIN1)

BOTH(sum_wide_f32, f32, f32, f64, 0, WIDE_f32, SAME, SAME, SAME, SAME, ADD, ADD, GET_PLAIN)
BOTH(deviation_f32, f32, f32, f64, 0, WIDE_f32, SAME, SAME, DEVIATE, DEVIATE, ADD, ADD, GET_PLAIN)
EASY(deviation_f64, f64, 0, DEVIATE, DEVIATE, ADD, ADD)
#define WIDE_f16(p) ({ HG(e_f32) few_; for (int l_ = 0; l_ < HG_VECTOR / 8; l_++) few_[l_] = hg_from_half((p)[l_]); \
                       __builtin_convertvector(few_, HG(v_f64)); })
BOTH(sum_wide_f16, f16, f32, f64, 0, WIDE_f16, hg_from_half, SAME, SAME, SAME, ADD, ADD, GET_HALF)
BOTH(deviation_f16, f16, f32, f64, 0, WIDE_f16, hg_from_half, SAME, DEVIATE, DEVIATE, ADD, ADD, GET_HALF)

/* ---- any and all: does one element pass TEST? `all` is the negation of any with the opposite test. */
#define EXISTS(NAME, T, TEST, FOUND) \
static void HG(rows_##NAME)(const char *data, hg_size count, hg_size stride, hg_size n, void *result, const void *centre) \
{ \
    (void)centre; \
    for (hg_size row = 0; row < count; row++, data += stride) { \
        const T *x = (const T *)data; \
        T found = 0; \
        hg_size i = 0; \
        for (; i + 1024 <= n && !found; i += 1024) \
            for (hg_size j = i; j < i + 1024; j++) \
                found |= TEST(x[j]); \
        for (; i < n && !found; i++) \
            found |= TEST(x[i]); \
        ((u8 *)result)[row] = found ? FOUND : !FOUND; \
    } \
} \
static void HG(columns_##NAME)(const char *data, hg_size n, hg_size stride, hg_size width, void *result, const void *centre) \
{ \
    (void)centre; \
    for (hg_size start = 0; start < width; start += COLUMNS) { \
        hg_size w = width - start < COLUMNS ? width - start : COLUMNS; \
        T found[COLUMNS] = {0}; \
        const char *row = data + start * (hg_size)sizeof(T); \
        for (hg_size r = 0; r < n; r++, row += stride) { \
            const T *x = (const T *)row; \
            for (hg_size j = 0; j < w; j++) \
                found[j] |= TEST(x[j]); \
        } \
        for (hg_size j = 0; j < w; j++) \
            ((u8 *)result)[start + j] = found[j] ? FOUND : !FOUND; \
    } \
}
#define IS(p) ((p) != 0)
#define IS_NOT(p) ((p) == 0)
#define IS_HALF(p) (((p) & 0x7fff) != 0)
#define IS_NOT_HALF(p) (((p) & 0x7fff) == 0)
#define FLOAT32_BITS(p) (((p) & 0x7fffffff) != 0)
#define FLOAT64_BITS(p) (((p) & INT64_MAX) != 0)
#define NO_FLOAT32_BITS(p) (((p) & 0x7fffffff) == 0)
#define NO_FLOAT64_BITS(p) (((p) & INT64_MAX) == 0)
EXISTS(any_1, u8, IS, 1)
EXISTS(any_2, i16, IS, 1)
EXISTS(any_4, i32, IS, 1)
EXISTS(any_8, i64, IS, 1)
EXISTS(any_f16, i16, IS_HALF, 1)
EXISTS(any_f32, i32, FLOAT32_BITS, 1)
EXISTS(any_f64, i64, FLOAT64_BITS, 1)
EXISTS(all_1, u8, IS_NOT, 0)
EXISTS(all_2, i16, IS_NOT, 0)
EXISTS(all_4, i32, IS_NOT, 0)
EXISTS(all_8, i64, IS_NOT, 0)
EXISTS(all_f16, i16, IS_NOT_HALF, 0)
EXISTS(all_f32, i32, NO_FLOAT32_BITS, 0)
EXISTS(all_f64, i64, NO_FLOAT64_BITS, 0)

/* ---- positions of extremes. R is the type compared, I an index of its width. */
#define AHEAD(a, b, OP) ((a) OP (b) || ((a) != (a) && (b) == (b)))
#define ARG(NAME, T, R, I, OP, BLOCK_OF, SEGMENT, GET) \
static void HG(arg_rows_##NAME)(const char *data, hg_size count, hg_size stride, hg_size n, i64 *out) \
{ \
    R turned[1][BLOCK] HG_UNUSED; \
    for (hg_size at = 0; at < count; at++, data += stride) { \
        R best = 0; \
        i64 place = -1; \
        for (hg_size i = 0; i < n; i += BLOCK) { \
            const char *row = data + i * (hg_size)sizeof(T); \
            hg_size w = n - i < BLOCK ? n - i : BLOCK, j = 0; \
            const R *x = SEGMENT; \
            R top = HG(BLOCK_OF)(x, w, 0); \
            if (place >= 0 && !AHEAD(top, best, OP)) \
                continue; \
            for (; j + 64 <= w; j += 64) { \
                int seen = 0; \
                for (hg_size k = j; k < j + 64; k++) \
                    seen |= (x[k] == top) | (x[k] != x[k]); \
                if (seen) \
                    break; \
            } \
            for (; !(x[j] == top || x[j] != x[j]); j++) \
                ; \
            best = top; \
            place = i + j; \
        } \
        out[at] = place; \
    } \
} \
static void HG(arg_columns_##NAME)(const char *data, hg_size n, hg_size stride, hg_size width, i64 *out) \
{ \
    R turned[1][COLUMNS] HG_UNUSED; \
    for (hg_size start = 0; start < width; start += COLUMNS) { \
        hg_size w = width - start < COLUMNS ? width - start : COLUMNS; \
        R best[COLUMNS]; \
        I place[COLUMNS]; \
        const char *row = data + start * (hg_size)sizeof(T); \
        for (hg_size r = 0; r < n; r++, row += stride) { \
            const R *x = GET(0); \
            if (!r) { \
                memcpy(best, x, sizeof(R) * (size_t)w); \
                memset(place, 0, sizeof place); \
                continue; \
            } \
            for (hg_size j = 0; j < w; j++) { \
                int better = (x[j] OP best[j]) | ((x[j] != x[j]) & (best[j] == best[j])); \
                best[j] = better ? x[j] : best[j]; \
                place[j] = better ? (I)r : place[j]; \
            } \
        } \
        for (hg_size j = 0; j < w; j++) \
            out[start + j] = place[j]; \
    } \
}
#define PLAIN_SEGMENT ((const void *)row)
#define ARGS(T, I) \
    ARG(max_##T, T, T, I, >, block_max_##T, PLAIN_SEGMENT, GET_PLAIN) \
    ARG(min_##T, T, T, I, <, block_min_##T, PLAIN_SEGMENT, GET_PLAIN)
ARGS(u8, i64)
ARGS(i8, i64)
ARGS(i16, i64)
ARGS(i32, i64)
ARGS(i64, i64)
ARGS(f32, i64)
ARGS(f64, i64)
ARG(max_f16, f16, f32, i64, >, block_max_f32, GET_HALF(0), GET_HALF)
ARG(min_f16, f16, f32, i64, <, block_min_f32, GET_HALF(0), GET_HALF)

/* ---- the table */
#define ENTRY(NAME, RESULT, COMBINE) {HG(rows_##NAME), HG(columns_##NAME), RESULT, COMBINE}
#define FULL(NAME, OPERATION) \
    [HG_F32] = ENTRY(NAME##_f32, HG_F32, OPERATION), [HG_F64] = ENTRY(NAME##_f64, HG_F64, OPERATION)
#define FLOATS(NAME, OPERATION) [HG_F16] = ENTRY(NAME##_f16, HG_F32, OPERATION), FULL(NAME, OPERATION)
#define EXTREMES(NAME, OPERATION) { \
        [HG_BOOL] = ENTRY(NAME##_u8, HG_BOOL, OPERATION), [HG_U8] = ENTRY(NAME##_u8, HG_U8, OPERATION), \
        [HG_I8] = ENTRY(NAME##_i8, HG_I8, OPERATION), [HG_I16] = ENTRY(NAME##_i16, HG_I16, OPERATION), \
        [HG_I32] = ENTRY(NAME##_i32, HG_I32, OPERATION), [HG_I64] = ENTRY(NAME##_i64, HG_I64, OPERATION), \
        FLOATS(NAME, OPERATION)}
#define TESTS(NAME, OPERATION) { \
        [HG_BOOL] = ENTRY(NAME##_1, HG_BOOL, OPERATION), [HG_U8] = ENTRY(NAME##_1, HG_BOOL, OPERATION), \
        [HG_I8] = ENTRY(NAME##_1, HG_BOOL, OPERATION), [HG_I16] = ENTRY(NAME##_2, HG_BOOL, OPERATION), \
        [HG_I32] = ENTRY(NAME##_4, HG_BOOL, OPERATION), [HG_I64] = ENTRY(NAME##_8, HG_BOOL, OPERATION), \
        [HG_F16] = ENTRY(NAME##_f16, HG_BOOL, OPERATION), [HG_F32] = ENTRY(NAME##_f32, HG_BOOL, OPERATION), \
        [HG_F64] = ENTRY(NAME##_f64, HG_BOOL, OPERATION)}
#define ARG_ENTRY(NAME) {HG(arg_rows_##NAME), HG(arg_columns_##NAME)}
#define PLACES(NAME) { \
        [HG_BOOL] = ARG_ENTRY(NAME##_u8), [HG_U8] = ARG_ENTRY(NAME##_u8), [HG_I8] = ARG_ENTRY(NAME##_i8), \
        [HG_I16] = ARG_ENTRY(NAME##_i16), [HG_I32] = ARG_ENTRY(NAME##_i32), [HG_I64] = ARG_ENTRY(NAME##_i64), \
        [HG_F16] = ARG_ENTRY(NAME##_f16), [HG_F32] = ARG_ENTRY(NAME##_f32), [HG_F64] = ARG_ENTRY(NAME##_f64)}

static const hg_reduction_table HG(reductions) = {
    .reduce = {
        [HG_SUM] = {[HG_BOOL] = ENTRY(sum_u8, HG_I64, HG_SUM), [HG_U8] = ENTRY(sum_u8, HG_I64, HG_SUM),
                    [HG_I32] = ENTRY(sum_i32, HG_I64, HG_SUM), [HG_I64] = ENTRY(sum_i64, HG_I64, HG_SUM),
                    FLOATS(sum, HG_SUM)},
        [HG_PROD] = {[HG_I64] = ENTRY(prod_i64, HG_I64, HG_PROD), FLOATS(prod, HG_PROD)},
        [HG_MAX] = EXTREMES(max, HG_MAX),
        [HG_MIN] = EXTREMES(min, HG_MIN),
        [HG_ANY] = TESTS(any, HG_ANY),
        [HG_ALL] = TESTS(all, HG_ALL),
        [HG_SUM_WIDE] = {[HG_F16] = ENTRY(sum_wide_f16, HG_F64, HG_SUM), [HG_F32] = ENTRY(sum_wide_f32, HG_F64, HG_SUM),
                         [HG_F64] = ENTRY(sum_f64, HG_F64, HG_SUM)},
        [HG_DEVIATION] = {[HG_F16] = ENTRY(deviation_f16, HG_F64, HG_SUM),
                          [HG_F32] = ENTRY(deviation_f32, HG_F64, HG_SUM),
                          [HG_F64] = ENTRY(deviation_f64, HG_F64, HG_SUM)},
        [HG_SUM_NUMBERS] = {FLOATS(sum_numbers, HG_SUM)},
        [HG_SQUARES] = {FLOATS(squares, HG_SUM)},
        [HG_MAGNITUDES] = {FULL(magnitudes, HG_SUM)},
        [HG_NONZERO] = {FULL(nonzero, HG_SUM)},
        [HG_MAX_MAGNITUDE] = {FULL(max_magnitude, HG_MAX)},
        [HG_MIN_MAGNITUDE] = {FULL(min_magnitude, HG_MIN)},
    },
    .arg = {PLACES(max), PLACES(min)},
};
