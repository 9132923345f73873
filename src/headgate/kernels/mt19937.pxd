# The compiled Mersenne twister and its fills, for typed use. It must not know tensors or default generators.
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from numpy cimport ndarray


cdef extern from "random_streams.h" nogil:
    ctypedef struct random_engine:
        uint64_t seed
        int32_t left
        int32_t seeded
        uint32_t next
        int32_t has_double
        int32_t has_float
        float next_float
        double next_double
        uint32_t state[624]


cdef class MT19937:
    cdef random_engine engine

    cpdef void seed(self, uint64_t seed)
    cpdef object initial_seed(self)
    cpdef object random(self)
    cpdef object random64(self)
    cpdef MT19937 copy(self)
    cpdef ndarray get_state(self)
    cpdef void set_state(self, ndarray state)
    cpdef void uniform(self, ndarray array, double low, double high)
    cpdef void integers(self, ndarray array, uint64_t span, int64_t base, bint wide)
    cpdef void permutation(self, ndarray array)
    cpdef void permutation_large(self, ndarray array)
    cpdef void normal(self, ndarray array, double mean, double deviation)
    cpdef void normal_serial(self, ndarray array, double mean, double deviation)
    cpdef void log_normal(self, ndarray array, double mean, double deviation)
    cpdef void bernoulli(self, ndarray array, double probability)
    cpdef bint bernoulli_each(self, ndarray array, ndarray probability)
    cpdef void transformed(self, ndarray array, int law, double first, double second)
    cpdef void categories(self, ndarray array, ndarray cumulative)
    cpdef ndarray race(self, ndarray weights)


cpdef int plain(ndarray array)
