/* Drivers for libmvec: a function of whole vectors run over strided arrays. Strided elements and the last few go through
   a padded buffer and the same function, so a value gives the same bits wherever it stands. */

#ifdef VECTOR
#include <immintrin.h>
#define VECTOR_DRIVER(name, T, V, load, store, inputs, call)                                                 \
    static void name(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data) {               \
        enum { W = sizeof(V) / sizeof(T) };                                                                  \
        void (*plain)(void) = ((hg_vector *)data)->function;                                                 \
        ptrdiff_t i = 0, n = dims[0];                                                                        \
        int direct = steps[0] == sizeof(T) && steps[inputs] == sizeof(T) && (inputs < 2 || steps[1] == sizeof(T)); \
        if (direct)                                                                                          \
            for (; i + W <= n; i += W) {                                                                     \
                const V a = load((T *)args[0] + i);                                                          \
                const V b = inputs < 2 ? a : load((T *)args[1] + i);                                         \
                (void)b;                                                                                     \
                store((T *)args[inputs] + i, call);                                                          \
            }                                                                                                \
        for (; i < n; i += W) {                                                                              \
            T x[2][W], y[W];                                                                                 \
            ptrdiff_t m = n - i < W ? n - i : W;                                                             \
            for (ptrdiff_t j = 0; j < W; j++)                                                                \
                for (int k = 0; k < inputs; k++)                                                             \
                    x[k][j] = *(T *)(args[k] + (i + (j < m ? j : 0)) * steps[k]);                            \
            const V a = load(x[0]);                                                                          \
            const V b = load(x[inputs - 1]);                                                                 \
            (void)b;                                                                                         \
            store(y, call);                                                                                  \
            for (ptrdiff_t j = 0; j < m; j++) *(T *)(args[inputs] + (i + j) * steps[inputs]) = y[j];         \
        }                                                                                                    \
    }
VECTOR_DRIVER(vector_f1, float, VECTOR_F, VECTOR(loadu_ps), VECTOR(storeu_ps), 1, ((VECTOR_F (*)(VECTOR_F))plain)(a))
VECTOR_DRIVER(vector_f2, float, VECTOR_F, VECTOR(loadu_ps), VECTOR(storeu_ps), 2, ((VECTOR_F (*)(VECTOR_F, VECTOR_F))plain)(a, b))
VECTOR_DRIVER(vector_d1, double, VECTOR_D, VECTOR(loadu_pd), VECTOR(storeu_pd), 1, ((VECTOR_D (*)(VECTOR_D))plain)(a))
VECTOR_DRIVER(vector_d2, double, VECTOR_D, VECTOR(loadu_pd), VECTOR(storeu_pd), 2, ((VECTOR_D (*)(VECTOR_D, VECTOR_D))plain)(a, b))
#else
#define vector_f1 0
#define vector_f2 0
#define vector_d1 0
#define vector_d2 0
#endif
