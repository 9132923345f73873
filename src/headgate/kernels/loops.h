/* What the typed loops and the door agree on: NumPy's inner-loop signature, the record that carries parameters to a loop
   and an error back, and the tables of loops per instruction set. It knows elements and strides, not arrays. */
#ifndef HEADGATE_LOOPS_H
#define HEADGATE_LOOPS_H
#include <stddef.h>

typedef void (*hg_inner)(char **args, const ptrdiff_t *dims, const ptrdiff_t *steps, void *data);

/* Rows of `n` elements, `next` bytes apart, where operand `one` has a single number for each. */
typedef void (*hg_rows)(char **args, ptrdiff_t n, ptrdiff_t rows, const ptrdiff_t *next, int one);
typedef struct { hg_inner inner; hg_rows rows; } hg_rows_entry;

#define HG_PARAMS 8

enum { HG_FINE = 0, HG_ZERO_DIVISION = 1 };

/* The data pointer of every loop of our own. `inner` is the float32 loop behind a half-precision one; bit k of `halves`
   says that argument k (inputs, then the output) is half precision. */
typedef struct {
    double params[HG_PARAMS];
    int error;
    int inputs;
    unsigned halves;
    hg_inner inner;
    void *inner_data; /* NULL: this record itself */
} hg_call;

/* Types by NumPy's character codes: ? b B h i q f d; in `type` also 1 2 4 8: any type of that many bytes. */
typedef struct {
    const char *name;
    char type, out; /* out: 0 = as type */
    unsigned char inputs;
    unsigned char cost;  /* about tenths of a nanosecond per element */
    unsigned char fails; /* may report an error */
    hg_inner inner;
} hg_entry;

typedef struct {
    const char *level;
    const hg_entry *const *groups; /* each ends with a NULL name, the list with a NULL group */
    hg_inner half;                 /* converts, runs hg_call.inner, converts back */
    hg_inner vector_float[2];      /* runs a libmvec function of one or two arguments: data is a hg_vector */
    hg_inner vector_double[2];
    const char *prefix;            /* of libmvec's symbols, for this vector width: "d" or "e", NULL for none */
    int width;                     /* floats in a vector */
    const hg_rows_entry *rows[2];  /* each ends with a NULL loop */
} hg_level;

typedef struct {
    void (*function)(void); /* libmvec's function, of the level's vector type */
} hg_vector;

/* Vector forms of the functions that fused loops call on blocks: float first, then double. */
enum { HG_EXP, HG_EXPM1, HG_LOG, HG_LOG1P, HG_TANH, HG_ERF, HG_ERFC, HG_SIN, HG_EXP2, HG_MATHS };
typedef struct { hg_inner inner; void *data; } hg_math;
extern hg_math hg_maths[2][HG_MATHS];

extern const hg_level hg_baseline, hg_avx2, hg_avx512;
const hg_level *hg_choose(const char *forced); /* NULL: the best this machine has */
const hg_entry *hg_find(const hg_level *level, const char *name, char type);
hg_rows hg_rows_of(hg_inner inner); /* the form for many short rows of a loop of the level that was chosen, or NULL */
#endif
