/* Products feeding sums are fused into one rounding here, as PyTorch's are. The own loops for x86-64 with AVX2, FMA and F16C. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx2,fma,f16c,bmi,bmi2")
#pragma GCC optimize("no-math-errno", "no-trapping-math")
#define LEVEL hg_avx2
#define LEVEL_NAME "avx2"
#define VECTOR_PREFIX "d"
#define VECTOR_FLOATS 8
#define VECTOR(name) _mm256_##name
#define VECTOR_F __m256
#define VECTOR_D __m256d
#include "loops_template.h"
#endif
