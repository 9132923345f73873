/* The softmax loops once more, for AVX2 and for AVX-512. A separate file only because a pragma cannot be in a macro. */
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#define HG_SUFFIX avx2
#define HG_LEVEL 1
#include "vectors_level.h"
#include "softmax_level.h"
#undef HG_SUFFIX
#undef HG_LEVEL
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c,prefer-vector-width=512")
#define HG_SUFFIX avx512
#define HG_LEVEL 2
#include "vectors_level.h"
#include "softmax_level.h"
#undef HG_SUFFIX
#undef HG_LEVEL
#pragma GCC pop_options
