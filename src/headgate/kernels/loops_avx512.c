/* Products feeding sums are fused into one rounding here, as PyTorch's are. The own loops for x86-64 with AVX-512 (F, BW, DQ, VL). */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi,bmi2,prefer-vector-width=512")
#pragma GCC optimize("no-math-errno", "no-trapping-math")
#define LEVEL hg_avx512
#define LEVEL_NAME "avx512"
#define VECTOR_PREFIX "e"
#define VECTOR_FLOATS 16
#define VECTOR(name) _mm512_##name
#define VECTOR_F __m512
#define VECTOR_D __m512d
#include "loops_template.h"
#endif
