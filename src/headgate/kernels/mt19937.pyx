# sources: random_streams.c
"""The 32-bit Mersenne twister with PyTorch's fills, compiled: NumPy arrays in, filled in place, C-contiguous and of exactly
the dtypes named. Layouts, other dtypes and argument checks belong to `core.generator`; this file must not know them,
nor tensors, nor the default generator. `reference_random.py` holds the same class in NumPy.
"""
import os

cimport numpy as cnp
from libc.stdint cimport uint16_t
from libc.string cimport memcpy, memset
from numpy cimport (
    NPY_BOOL,
    NPY_FLOAT16,
    NPY_FLOAT32,
    NPY_FLOAT64,
    NPY_INT64,
    NPY_UINT8,
    PyArray_DATA,
    PyArray_DIMS,
    PyArray_ISCARRAY,
    PyArray_NDIM,
    PyArray_SIZE,
    PyArray_TYPE,
    ndarray,
    npy_intp,
)

from headgate.kernels.memory cimport fresh

import numpy as np

cnp.import_array()

cdef extern from "random_streams.h" nogil:
    ctypedef enum random_law:
        pass

    int random_select_level(int wanted)
    void random_seed(random_engine *engine, uint64_t seed)
    uint32_t random_word(random_engine *engine)
    uint64_t random_word64(random_engine *engine)
    void random_uniform_float(random_engine *engine, float *out, size_t count, float low, float high)
    void random_uniform_double(random_engine *engine, double *out, size_t count, double low, double high)
    void random_uniform_half(random_engine *engine, uint16_t *out, size_t count, float low, float high, int bfloat)
    void random_normal_half(random_engine *engine, uint16_t *out, size_t count, float mean, float deviation, int bfloat)
    void random_integers(random_engine *engine, int64_t *out, size_t count, uint64_t span, int64_t base, int wide)
    void random_permutation(random_engine *engine, int64_t *out, size_t count)
    void random_permutation_large(random_engine *engine, int64_t *out, size_t count)
    void random_normal_float(float *data, size_t count, float mean, float deviation)
    void random_normal_double(double *data, size_t count, double mean, double deviation)
    void random_normal_serial(random_engine *engine, double *out, size_t count, double mean, double deviation)
    void random_log_normal(random_engine *engine, double *out, size_t count, double mean, double deviation)
    void random_below(random_engine *engine, uint8_t *out, size_t count, double probability)
    void random_below_each_float(random_engine *engine, uint8_t *out, size_t count, const float *probability)
    void random_below_each_double(random_engine *engine, uint8_t *out, size_t count, const double *probability)
    void random_transformed(random_engine *engine, double *out, size_t count, random_law law, double first, double second)
    void random_categories_float(
        random_engine *engine, int64_t *out, size_t count, const float *cumulative, size_t size)
    void random_categories_double(
        random_engine *engine, int64_t *out, size_t count, const double *cumulative, size_t size)


# The layout of the bytes of torch.get_rng_state(): the words are kept as 64-bit numbers.
cdef struct saved_state:
    uint64_t seed
    int32_t left
    int32_t seeded
    uint64_t next
    uint64_t state[624]
    double normal_x
    double normal_y
    double normal_rho
    int32_t has_double
    int32_t space
    float next_float
    uint8_t has_float


STATE_SIZE = 5056


cpdef str select_level(bint fast):
    """Take the fastest instruction-set level of this machine, or the baseline; answers its name. Both give equal bits."""
    return "avx2+fma" if random_select_level(fast) else "baseline"


select_level(os.environ.get("HEADGATE_CPU", "").lower() != "baseline")


cpdef int plain(ndarray array):
    """What a fill can take as it is: 1 float32, 2 float64, 3 float16, 4 bfloat16, 5 int64, 6 bool and uint8; else 0."""
    cdef int number = PyArray_TYPE(array)
    if not PyArray_ISCARRAY(array):
        return 0
    if number == NPY_FLOAT32 or number == NPY_FLOAT64:
        return 1 if number == NPY_FLOAT32 else 2
    if number == NPY_FLOAT16:
        return 3
    if number == NPY_INT64:
        return 5
    if number == NPY_UINT8 or number == NPY_BOOL:
        return 6
    return 4 if number > NPY_FLOAT16 and array.dtype.name == "bfloat16" else 0


cdef inline bint is_float(ndarray array):
    return PyArray_TYPE(array) == NPY_FLOAT32


cdef inline bint is_double(ndarray array):
    return PyArray_TYPE(array) == NPY_FLOAT64


ctypedef fused real:
    float
    double


cdef bint lawful(const real *weights, size_t rows, size_t size) noexcept nogil:
    """Whether every row holds weights that are finite and not negative, one of them positive."""
    cdef size_t row, i
    cdef bint positive
    for row in range(rows):
        positive = False
        for i in range(row * size, (row + 1) * size):
            if not (weights[i] >= 0 and weights[i] * 0 == 0):  # infinity times 0 is nan
                return False
            positive = positive or weights[i] > 0
        if not positive:
            return False
    return True


cdef void race_rows(random_engine *engine, const real *weights, int64_t *out, size_t rows, size_t size) noexcept nogil:
    """For each row the first place with the largest of weight / exponential; nan counts as the largest of all."""
    cdef double chunk[64]
    cdef size_t row, i, now, at
    cdef int64_t best
    cdef real score, largest
    for row in range(rows):
        best, largest, at = -1, 0, 0
        while at < size:
            now = min(size - at, <size_t>64)
            random_transformed(engine, chunk, now, <random_law>0, 1.0, 0.0)
            for i in range(now):
                score = weights[row * size + at + i] / <real>chunk[i]
                if best < 0 or score > largest or (score != score and largest == largest):
                    best, largest = at + i, score
            at += now
        out[row] = best


cdef class MT19937:
    """A stream of 32-bit words, seeded with the low 32 bits of `seed` as in PyTorch, and its fills."""

    def __cinit__(self, uint64_t seed=67280421310721):
        random_seed(&self.engine, seed)

    cpdef void seed(self, uint64_t seed):
        """Start again from `seed`; cached normals are dropped."""
        random_seed(&self.engine, seed)

    cpdef object initial_seed(self):
        """The seed that the stream was started from, 64 bits."""
        return self.engine.seed

    cpdef object random(self):
        """The next 32-bit word."""
        return random_word(&self.engine)

    cpdef object random64(self):
        """The next two words as one, the first one high."""
        return random_word64(&self.engine)

    cpdef MT19937 copy(self):
        """An engine of its own at the same position."""
        cdef MT19937 other = MT19937()
        other.engine = self.engine
        return other

    cpdef ndarray get_state(self):
        """The position as the 5056 bytes of `torch.get_rng_state()`."""
        cdef ndarray out = np.zeros(STATE_SIZE, np.uint8)
        cdef saved_state *saved = <saved_state *>PyArray_DATA(out)
        cdef int i
        saved.seed, saved.left, saved.seeded = self.engine.seed, self.engine.left, self.engine.seeded
        saved.next = self.engine.next
        for i in range(624):
            saved.state[i] = self.engine.state[i]
        if self.engine.has_double:
            saved.has_double, saved.normal_y = 1, self.engine.next_double
        if self.engine.has_float:
            saved.has_float, saved.next_float = 1, self.engine.next_float
        return out

    cpdef void set_state(self, ndarray state):
        """Take the position from 5056 contiguous bytes that `core.generator` has checked."""
        cdef saved_state saved
        cdef int i
        memset(&saved, 0, sizeof(saved))
        memcpy(&saved, PyArray_DATA(state), sizeof(saved))
        self.engine.seed, self.engine.left, self.engine.seeded = saved.seed, saved.left, saved.seeded
        self.engine.next = <uint32_t>saved.next
        for i in range(624):
            self.engine.state[i] = <uint32_t>saved.state[i]
        self.engine.has_double, self.engine.next_double = saved.has_double != 0, saved.normal_y
        self.engine.has_float, self.engine.next_float = saved.has_float != 0, saved.next_float

    cpdef void uniform(self, ndarray array, double low, double high):
        """Any float dtype, in [low, high): u * (high - low) + low with one rounding in float32 or float64; half types
        are rounded from float32. A result of high becomes low."""
        cdef size_t count = PyArray_SIZE(array)
        cdef void *data = PyArray_DATA(array)
        if is_float(array):
            random_uniform_float(&self.engine, <float *>data, count, low, high)
        elif is_double(array):
            random_uniform_double(&self.engine, <double *>data, count, low, high)
        else:
            random_uniform_half(&self.engine, <uint16_t *>data, count, low, high, PyArray_TYPE(array) != NPY_FLOAT16)

    cpdef void integers(self, ndarray array, uint64_t span, int64_t base, bint wide):
        """int64: word % span + base, of one word or (wide) of two; span 0 stands for 2**64."""
        random_integers(&self.engine, <int64_t *>PyArray_DATA(array), PyArray_SIZE(array), span, base, wide)

    cpdef void permutation(self, ndarray array):
        """int64: 0 .. n-1, element i exchanged with element i + word % (n - i)."""
        random_permutation(&self.engine, <int64_t *>PyArray_DATA(array), PyArray_SIZE(array))

    cpdef void permutation_large(self, ndarray array):
        """int64: 0 .. n-1 by the inside-out shuffle with two words an element, PyTorch's from (2**32 - 1) // 20 on."""
        random_permutation_large(&self.engine, <int64_t *>PyArray_DATA(array), PyArray_SIZE(array))

    cpdef void normal(self, ndarray array, double mean, double deviation):
        """Any float dtype, at least 16: uniforms, then Box-Muller in blocks of 16; a rest redraws the last 16. Half
        types are rounded from float32, and draw nothing for the rest but that block."""
        cdef size_t count = PyArray_SIZE(array)
        cdef size_t whole = count - count % 16
        cdef float *floats = <float *>PyArray_DATA(array)
        cdef double *doubles = <double *>PyArray_DATA(array)
        if is_float(array):
            random_uniform_float(&self.engine, floats, count, 0, 1)
            random_normal_float(floats, whole, mean, deviation)
            if count != whole:
                random_uniform_float(&self.engine, floats + count - 16, 16, 0, 1)
                random_normal_float(floats + count - 16, 16, mean, deviation)
        elif is_double(array):
            random_uniform_double(&self.engine, doubles, count, 0, 1)
            random_normal_double(doubles, whole, mean, deviation)
            if count != whole:
                random_uniform_double(&self.engine, doubles + count - 16, 16, 0, 1)
                random_normal_double(doubles + count - 16, 16, mean, deviation)
        else:
            random_normal_half(
                &self.engine, <uint16_t *>floats, count, mean, deviation, PyArray_TYPE(array) != NPY_FLOAT16)

    cpdef void normal_serial(self, ndarray array, double mean, double deviation):
        """float64 or float32: Box-Muller one at a time in float64, the second of each pair cached for the next call."""
        cdef float *out = <float *>PyArray_DATA(array)
        cdef size_t i, count = PyArray_SIZE(array)
        cdef double value
        if is_float(array):
            for i in range(count):
                random_normal_serial(&self.engine, &value, 1, mean, deviation)
                out[i] = <float>value
        else:
            random_normal_serial(&self.engine, <double *>out, count, mean, deviation)

    cpdef void log_normal(self, ndarray array, double mean, double deviation):
        """float64: exp of what `normal_serial` gives."""
        random_log_normal(&self.engine, <double *>PyArray_DATA(array), PyArray_SIZE(array), mean, deviation)

    cpdef void bernoulli(self, ndarray array, double probability):
        """uint8, bool, float32 or float64: 1 where a double uniform (two words) is below `probability`."""
        cdef uint8_t chunk[512]
        cdef float *floats = <float *>PyArray_DATA(array)
        cdef double *doubles = <double *>PyArray_DATA(array)
        cdef size_t i, now, at = 0, count = PyArray_SIZE(array)
        cdef bint single = is_float(array)
        if not single and not is_double(array):
            random_below(&self.engine, <uint8_t *>floats, count, probability)
            return
        while at < count:
            now = min(count - at, <size_t>512)
            random_below(&self.engine, chunk, now, probability)
            if single:
                for i in range(now):
                    floats[at + i] = <float>chunk[i]
            else:
                for i in range(now):
                    doubles[at + i] = <double>chunk[i]
            at += now

    cpdef bint bernoulli_each(self, ndarray array, ndarray probability):
        """uint8, bool, float32 or float64: 1 where a uniform of the dtype of `probability` (float32 or float64, same
        size) is below it. False, and nothing drawn, unless all probabilities are in [0, 1]."""
        cdef uint8_t chunk[512]
        cdef float *floats = <float *>PyArray_DATA(array)
        cdef double *doubles = <double *>PyArray_DATA(array)
        cdef float *p = <float *>PyArray_DATA(probability)
        cdef double *q = <double *>PyArray_DATA(probability)
        cdef size_t i, now, at = 0, count = PyArray_SIZE(array)
        cdef bint narrow = is_float(probability), single = is_float(array), whole = not single and not is_double(array)
        cdef uint8_t *out
        for i in range(count):
            if not (0 <= p[i] <= 1 if narrow else 0 <= q[i] <= 1):
                return False
        while at < count:
            now = min(count - at, <size_t>512)
            out = <uint8_t *>floats + at if whole else chunk
            if narrow:
                random_below_each_float(&self.engine, out, now, p + at)
            else:
                random_below_each_double(&self.engine, out, now, q + at)
            if single:
                for i in range(now):
                    floats[at + i] = <float>chunk[i]
            elif not whole:
                for i in range(now):
                    doubles[at + i] = <double>chunk[i]
            at += now
        return True

    cpdef void transformed(self, ndarray array, int law, double first, double second):
        """float64 or float32, functions of a float64 uniform u: law 0, exponential, -1 / first * log1p(-u); law 1,
        geometric, ceil(log(u) / log1p(-first)); law 2, Cauchy, first + second * tan(pi * (u - 1/2))."""
        cdef double chunk[256]
        cdef float *out = <float *>PyArray_DATA(array)
        cdef size_t i, now, at = 0, count = PyArray_SIZE(array)
        if not is_float(array):
            random_transformed(&self.engine, <double *>out, count, <random_law>law, first, second)
            return
        while at < count:
            now = min(count - at, <size_t>256)
            random_transformed(&self.engine, chunk, now, <random_law>law, first, second)
            for i in range(now):
                out[at + i] = <float>chunk[i]
            at += now

    cpdef void categories(self, ndarray array, ndarray cumulative):
        """int64: for each a double uniform's place in `cumulative` (float32 or float64, rising to 1)."""
        cdef int64_t *out = <int64_t *>PyArray_DATA(array)
        cdef void *c = PyArray_DATA(cumulative)
        if is_float(cumulative):
            random_categories_float(&self.engine, out, PyArray_SIZE(array), <float *>c, PyArray_SIZE(cumulative))
        else:
            random_categories_double(&self.engine, out, PyArray_SIZE(array), <double *>c, PyArray_SIZE(cumulative))

    cpdef ndarray race(self, ndarray weights):
        """For each row of weights (float32 or float64) the place whose weight divided by an exponential number is the
        largest, as a last dimension of 1. None, and nothing drawn, for rows that are no weights."""
        cdef int last = PyArray_NDIM(weights) - 1
        cdef size_t size = PyArray_DIMS(weights)[last]
        cdef size_t rows = PyArray_SIZE(weights) // size if size else 0
        cdef npy_intp dims[2]
        cdef ndarray winners
        cdef void *w = PyArray_DATA(weights)
        if rows == 0 or not (lawful[float](<float *>w, rows, size) if is_float(weights)
                             else lawful[double](<double *>w, rows, size)):
            return None
        dims[0] = PyArray_DIMS(weights)[0]
        dims[last] = 1
        winners = fresh(last + 1, dims, NPY_INT64)
        if is_float(weights):
            race_rows[float](&self.engine, <float *>w, <int64_t *>PyArray_DATA(winners), rows, size)
        else:
            race_rows[double](&self.engine, <double *>w, <int64_t *>PyArray_DATA(winners), rows, size)
        return winners
