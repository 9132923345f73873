/* The rules of every optimizer for float32 and float64, one copy per instruction-set level. It must not know Python. */
#if HG_LEVEL
#define FUSED_f32(a, b, c) __builtin_fmaf(a, b, c)
#define FUSED_f64(a, b, c) __builtin_fma(a, b, c)
#else /* without the instruction PyTorch's own kernels round twice as well */
#define FUSED_f32(a, b, c) ((a) * (b) + (c))
#define FUSED_f64(a, b, c) ((a) * (b) + (c))
#endif

#define T f32
#define FUSED FUSED_f32
#define SQRT sqrtf
#define ABS fabsf
#include "optimize_rules.h"
#undef T
#undef FUSED
#undef SQRT
#undef ABS
#define T f64
#define FUSED FUSED_f64
#define SQRT sqrt
#define ABS fabs
#include "optimize_rules.h"
#undef T
#undef FUSED
#undef SQRT
#undef ABS
#undef FUSED_f32
#undef FUSED_f64
