/* float16 and bfloat16 to float32 and back, whole arrays over the threads. It must not know Python. */
#ifndef HEADGATE_HALVES_LOOPS_H
#define HEADGATE_HALVES_LOOPS_H
#include "levels.h"

void hg_halves_widen(const f16 *x, f32 *out, hg_size n, hg_splitter parallel);
void hg_halves_narrow(const f32 *x, f16 *out, hg_size n, hg_splitter parallel); /* to nearest, ties to even */
void hg_brains_widen(const void *x, void *out, hg_size n, hg_splitter parallel);        /* bfloat16 to float32 */
void hg_brains_narrow(const void *x, void *out, hg_size n, hg_splitter parallel);
#endif
