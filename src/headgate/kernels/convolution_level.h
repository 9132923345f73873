/* The inner loops of convolutions on one level, for both element types, and the table of their blocks. It must not know
 * Python, nor threads. */
#define T f32
#include "convolution_type.h"
#undef T
#define T f64
#include "convolution_type.h"
#undef T

#define OF(x, t) HG_PASTE(HG_PASTE(x, t), HG_SUFFIX)
#define ROW(t, R) {OF(block##R##1, t), OF(block##R##2, t), OF(block##R##3, t)}
#define FOUR(t, R) OF(dots##R##1, t), OF(dots##R##2, t), OF(dots##R##3, t), OF(dots##R##4, t)
static const hg_conv_table HG(convolutions) = {
    {HG_VECTOR / 4, HG_VECTOR / 8},
#if HG_LEVEL == 2
    8, 3, 4, 6,
    {{ROW(f32, 1), ROW(f32, 2), ROW(f32, 3), ROW(f32, 4), ROW(f32, 5), ROW(f32, 6), ROW(f32, 7), ROW(f32, 8)},
     {ROW(f64, 1), ROW(f64, 2), ROW(f64, 3), ROW(f64, 4), ROW(f64, 5), ROW(f64, 6), ROW(f64, 7), ROW(f64, 8)}},
#define SIX(t, R) {FOUR(t, R), OF(dots##R##5, t), OF(dots##R##6, t)}
    {{SIX(f32, 1), SIX(f32, 2), SIX(f32, 3), SIX(f32, 4)}, {SIX(f64, 1), SIX(f64, 2), SIX(f64, 3), SIX(f64, 4)}},
#undef SIX
#else
    4, 3, 3, 4,
    {{ROW(f32, 1), ROW(f32, 2), ROW(f32, 3), ROW(f32, 4)}, {ROW(f64, 1), ROW(f64, 2), ROW(f64, 3), ROW(f64, 4)}},
    {{{FOUR(f32, 1)}, {FOUR(f32, 2)}, {FOUR(f32, 3)}}, {{FOUR(f64, 1)}, {FOUR(f64, 2)}, {FOUR(f64, 3)}}},
#endif
};
#undef OF
#undef ROW
#undef FOUR
