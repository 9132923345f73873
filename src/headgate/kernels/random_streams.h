/* The 32-bit Mersenne twister and the fills that read it, on contiguous memory of one dtype, in the order in which
 * PyTorch reads its words. It must not know NumPy, Python, tensors or default generators.
 */
#ifndef HEADGATE_RANDOM_STREAMS_H
#define HEADGATE_RANDOM_STREAMS_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_WORDS 624

/* `left` - 1 words of `state`, from `next` on, have not been read yet. Both cached normals wait for the next serial draw. */
typedef struct {
    uint64_t seed;
    int32_t left;
    int32_t seeded;
    uint32_t next;
    int32_t has_double;
    int32_t has_float;
    float next_float;
    double next_double;
    uint32_t state[RANDOM_WORDS];
} random_engine;

typedef enum { RANDOM_EXPONENTIAL = 0, RANDOM_GEOMETRIC = 1, RANDOM_CAUCHY = 2 } random_law;

/* Chooses the instruction-set level: 0 is the baseline, 1 AVX2 with FMA. Answers the level taken. */
int random_select_level(int wanted);

void random_seed(random_engine *engine, uint64_t seed);
void random_take(random_engine *engine, uint32_t *out, size_t count);
uint32_t random_word(random_engine *engine);
uint64_t random_word64(random_engine *engine);

void random_uniform_float(random_engine *engine, float *out, size_t count, float low, float high);
void random_uniform_double(random_engine *engine, double *out, size_t count, double low, double high);
/* Half types from float32 numbers: `bfloat` says which one. */
void random_uniform_half(random_engine *engine, uint16_t *out, size_t count, float low, float high, int bfloat);
void random_normal_half(random_engine *engine, uint16_t *out, size_t count, float mean, float deviation, int bfloat);
void random_integers(random_engine *engine, int64_t *out, size_t count, uint64_t range, int64_t base, int wide);
void random_permutation(random_engine *engine, int64_t *out, size_t count);
void random_permutation_large(random_engine *engine, int64_t *out, size_t count);

/* Box-Muller on uniforms already in place: `count` is a multiple of 16, pairs are (j, j + 8) of each 16. */
void random_normal_float(float *data, size_t count, float mean, float deviation);
void random_normal_double(double *data, size_t count, double mean, double deviation);
void random_normal_serial(random_engine *engine, double *out, size_t count, double mean, double deviation);
void random_log_normal(random_engine *engine, double *out, size_t count, double mean, double deviation);

void random_below(random_engine *engine, uint8_t *out, size_t count, double probability);
void random_below_each_float(random_engine *engine, uint8_t *out, size_t count, const float *probability);
void random_below_each_double(random_engine *engine, uint8_t *out, size_t count, const double *probability);
void random_transformed(random_engine *engine, double *out, size_t count, random_law law, double first, double second);
void random_categories_float(random_engine *engine, int64_t *out, size_t count, const float *cumulative, size_t size);
void random_categories_double(random_engine *engine, int64_t *out, size_t count, const double *cumulative, size_t size);

#endif
