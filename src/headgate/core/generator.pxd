# C types of generator.py. Arrays stay plain objects there: a typed ndarray would need NumPy's C API in that module.
from numpy cimport import_array
from headgate.kernels.copying cimport copy_into
from headgate.kernels.mt19937 cimport MT19937, plain


cdef class Generator:
    cdef readonly MT19937 engine
    cdef object __weakref__

    cpdef Generator manual_seed(self, object seed)
    cpdef object uniform(self, object array, double low=*, double high=*)
    cpdef object normal(self, object array, double mean=*, double std=*)
    cpdef object bernoulli(self, object array, object p=*)
    cpdef object random_range(self, object array, object low, object high=*)
    cpdef object random_fill(self, object array)
    cpdef object randperm(self, object n, object dtype=*)
    cpdef object multinomial(self, object weights, object count, bint replacement=*)
