/* Vectors in GCC's portable form, as wide as the level's registers (HG_VECTOR bytes). Loops keep HG_LANES bytes of
 * lanes on every level, so the order of every addition is the same on each. Included once per level, before the loops.
 * It must not know Python. */
#undef HG_VECTOR
#undef HG_LOAD_HALF
#undef HG_STORE_HALF
#if HG_LEVEL == 2
#define HG_VECTOR 64
#elif HG_LEVEL == 1
#define HG_VECTOR 32
#else
#define HG_VECTOR 16
#endif
#define HG_LANES 256

typedef f32 HG(v_f32) __attribute__((vector_size(HG_VECTOR)));
typedef f64 HG(v_f64) __attribute__((vector_size(HG_VECTOR)));
typedef i64 HG(v_i64) __attribute__((vector_size(HG_VECTOR)));
typedef i32 HG(v_i32) __attribute__((vector_size(HG_VECTOR)));
typedef i16 HG(v_i16) __attribute__((vector_size(HG_VECTOR)));
typedef i8 HG(v_i8) __attribute__((vector_size(HG_VECTOR)));
typedef u8 HG(v_u8) __attribute__((vector_size(HG_VECTOR)));

/* As many elements as fill a vector once they are widened to 8 bytes. */
typedef f32 HG(e_f32) __attribute__((vector_size(HG_VECTOR / 2)));
typedef i32 HG(e_i32) __attribute__((vector_size(HG_VECTOR / 2)));
typedef u8 HG(e_u8) __attribute__((vector_size(HG_VECTOR / 8)));

#define HG_PICK(mask, a, b, V, M) ((V)(((M)(a) & (M)(mask)) | ((M)(b) & ~(M)(mask))))
#define HG_LOAD(V, pointer) ({ V loaded_; memcpy(&loaded_, (pointer), sizeof loaded_); loaded_; })
/* 0, 1, 2 ... in a vector of integers M. */
#define HG_PLACES(M) ({ \
        M place_; \
        for (unsigned l_ = 0; l_ < sizeof(M) / sizeof place_[0]; l_++) \
            place_[l_] = (__typeof__(place_[0]))l_; \
        place_; })
/* The first r lanes of what the last r hold, and `rest` in the others; M is the vector of integers of V's width. */
#define HG_FIRST(V, M, vector, r, rest) ({ \
        M places_ = HG_PLACES(M); \
        V v_ = HG_TURN(vector, M, sizeof(M) / sizeof places_[0] - (size_t)(r)); \
        HG_PICK(places_ < (__typeof__(places_[0]))(r), v_, (V){0} + (__typeof__(v_[0]))(rest), V, M); })
/* Lane l + by in lane l, around the end. */
#if defined(__clang__) /* its shuffles take constants alone */
#define HG_TURN(vector, M, by) ({ \
        __typeof__(vector) from_ = (vector), turned_; \
        const unsigned count_ = sizeof from_ / sizeof from_[0]; \
        for (unsigned l_ = 0; l_ < count_; l_++) \
            turned_[l_] = from_[(l_ + (unsigned)(by)) % count_]; \
        turned_; })
#else
#define HG_TURN(vector, M, by) __builtin_shuffle(vector, HG_PLACES(M) + (__typeof__(((M){0})[0]))(by))
#endif
#define HG_WIDEN(V, E, pointer) __builtin_convertvector(HG_LOAD(E, pointer), V)

#if HG_LEVEL == 2
#define HG_LOAD_HALF(pointer) ((HG(v_f32))_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(pointer))))
#define HG_STORE_HALF(pointer, v) _mm256_storeu_si256((__m256i *)(pointer), _mm512_cvtps_ph((__m512)(v), 0))
#elif HG_LEVEL == 1
#define HG_LOAD_HALF(pointer) ((HG(v_f32))_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(pointer))))
#define HG_STORE_HALF(pointer, v) _mm_storeu_si128((__m128i *)(pointer), _mm256_cvtps_ph((__m256)(v), 0))
#else
HG_INLINE HG(v_f32) HG(load_half)(const f16 *x)
{
    return (HG(v_f32)){hg_from_half(x[0]), hg_from_half(x[1]), hg_from_half(x[2]), hg_from_half(x[3])};
}
#define HG_LOAD_HALF(pointer) HG(load_half)(pointer)
#define HG_STORE_HALF(pointer, v) do { \
        HG(v_f32) half_ = (v); \
        for (int i_ = 0; i_ < 4; i_++) \
            ((f16 *)(pointer))[i_] = hg_to_half(half_[i_]); \
    } while (0)
#endif

static HG_UNUSED void HG(from_half)(const f16 *x, f32 *restrict out, hg_size n)
{
    hg_size i = 0;
    for (; i + HG_VECTOR / 4 <= n; i += HG_VECTOR / 4) {
        HG(v_f32) v = HG_LOAD_HALF(x + i);
        memcpy(out + i, &v, sizeof v);
    }
    for (; i < n; i++)
        out[i] = hg_from_half(x[i]);
}

static HG_UNUSED void HG(to_half)(const f32 *x, f16 *restrict out, hg_size n)
{
    hg_size i = 0;
    for (; i + HG_VECTOR / 4 <= n; i += HG_VECTOR / 4)
        HG_STORE_HALF(out + i, HG_LOAD(HG(v_f32), x + i));
    for (; i < n; i++)
        out[i] = hg_to_half(x[i]);
}
