# sources: halves_loops.c
"""float16 arrays to float32 and back, for kernels that work in float32 and round once. Nothing here knows tensors."""

import numpy as np

cimport numpy as cnp
from numpy cimport ndarray

from headgate.kernels.memory cimport fresh
from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "halves_loops.h" nogil:
    ctypedef unsigned short f16
    ctypedef float f32
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    void hg_halves_widen(const f16 *x, f32 *out, Py_ssize_t n, hg_splitter parallel)
    void hg_halves_narrow(const f32 *x, f16 *out, Py_ssize_t n, hg_splitter parallel)


cpdef ndarray widened(ndarray x):
    """A float32 array of x's shape, contiguous; every other dtype is left to NumPy's cast."""
    cdef ndarray out
    if cnp.PyArray_TYPE(x) != cnp.NPY_FLOAT16:
        return np.array(x, dtype=np.float32, order="C")
    if not cnp.PyArray_IS_C_CONTIGUOUS(x) or not cnp.PyArray_ISBEHAVED_RO(x):
        x = np.array(x, dtype=np.float16, order="C")
    out = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.NPY_FLOAT)
    hg_halves_widen(<f16 *> cnp.PyArray_DATA(x), <f32 *> cnp.PyArray_DATA(out), cnp.PyArray_SIZE(x), <hg_splitter> parallel)
    return out


cpdef ndarray narrowed(ndarray x):
    """A float16 array from a contiguous float32 one, to nearest."""
    cdef ndarray out = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.NPY_FLOAT16)
    hg_halves_narrow(<f32 *> cnp.PyArray_DATA(x), <f16 *> cnp.PyArray_DATA(out), cnp.PyArray_SIZE(x), <hg_splitter> parallel)
    return out
