/* Includes HG_BODY once per instruction-set level, with HG_SUFFIX and HG_LEVEL set and the level's vectors at hand.
 * A file of its own, since a pragma cannot stand in a macro. It must not know what the loops do. */
#define HG_SUFFIX baseline
#define HG_LEVEL 0
#include "vectors_level.h"
#include HG_BODY
#undef HG_SUFFIX
#undef HG_LEVEL
#if HG_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#define HG_SUFFIX avx2
#define HG_LEVEL 1
#include "vectors_level.h"
#include HG_BODY
#undef HG_SUFFIX
#undef HG_LEVEL
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,prefer-vector-width=512")
#define HG_SUFFIX avx512
#define HG_LEVEL 2
#include "vectors_level.h"
#include HG_BODY
#undef HG_SUFFIX
#undef HG_LEVEL
#pragma GCC pop_options
#endif
#undef HG_BODY
