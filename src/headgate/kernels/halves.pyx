# sources: halves_loops.c
"""float16 and bfloat16 arrays to float32 and back, for kernels that work in float32 and round once. It knows no tensors."""

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
    void hg_brains_widen(const void *x, void *out, Py_ssize_t n, hg_splitter parallel)
    void hg_brains_narrow(const void *x, void *out, Py_ssize_t n, hg_splitter parallel)


cdef bint is_brain(ndarray x) noexcept:
    return cnp.PyArray_TYPE(x) >= 256 and cnp.PyArray_ITEMSIZE(x) == 2


cpdef ndarray widened(ndarray x):
    """A float32 array of x's shape, contiguous; every other dtype is left to NumPy's cast."""
    cdef ndarray out
    if is_brain(x):
        if cnp.PyArray_IS_F_CONTIGUOUS(x) and not cnp.PyArray_IS_C_CONTIGUOUS(x):
            return (<object> widened((<object> x).T)).T  # laid out as it came, which products take as well
    elif cnp.PyArray_TYPE(x) != cnp.NPY_FLOAT16:
        return np.array(x, dtype=np.float32, order="C")
    if not cnp.PyArray_IS_C_CONTIGUOUS(x) or not cnp.PyArray_ISBEHAVED_RO(x):
        x = np.array(x, order="C")
    out = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.NPY_FLOAT)
    if cnp.PyArray_TYPE(x) >= 256:
        hg_brains_widen(cnp.PyArray_DATA(x), cnp.PyArray_DATA(out), cnp.PyArray_SIZE(x), <hg_splitter> parallel)
    else:
        hg_halves_widen(<f16 *> cnp.PyArray_DATA(x), <f32 *> cnp.PyArray_DATA(out), cnp.PyArray_SIZE(x),
                        <hg_splitter> parallel)
    return out


cpdef ndarray narrowed(ndarray x):
    """A float16 array from a contiguous float32 one, to nearest."""
    cdef ndarray out = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.NPY_FLOAT16)
    hg_halves_narrow(<f32 *> cnp.PyArray_DATA(x), <f16 *> cnp.PyArray_DATA(out), cnp.PyArray_SIZE(x), <hg_splitter> parallel)
    return out


cpdef ndarray narrowed_to(ndarray x, object kind):
    """A float16 or bfloat16 array, as `kind` says, from a contiguous float32 one, to nearest."""
    cdef ndarray out
    cdef int number = (<cnp.dtype> kind).type_num
    if number == cnp.NPY_FLOAT16:
        return narrowed(x)
    out = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), number)
    hg_brains_narrow(cnp.PyArray_DATA(x), cnp.PyArray_DATA(out), cnp.PyArray_SIZE(x), <hg_splitter> parallel)
    return out


cdef bint convert(ndarray target, ndarray source):
    """Write float32 as bfloat16 or back, between contiguous arrays of one shape that lie apart; False for others."""
    if not (cnp.PyArray_IS_C_CONTIGUOUS(target) and cnp.PyArray_IS_C_CONTIGUOUS(source)
            and cnp.PyArray_ISBEHAVED(target) and cnp.PyArray_ISBEHAVED_RO(source)):
        return False
    if is_brain(source) and cnp.PyArray_TYPE(target) == cnp.NPY_FLOAT:
        hg_brains_widen(cnp.PyArray_DATA(source), cnp.PyArray_DATA(target), cnp.PyArray_SIZE(source),
                        <hg_splitter> parallel)
        return True
    if is_brain(target) and cnp.PyArray_TYPE(source) == cnp.NPY_FLOAT:
        hg_brains_narrow(cnp.PyArray_DATA(source), cnp.PyArray_DATA(target), cnp.PyArray_SIZE(source),
                         <hg_splitter> parallel)
        return True
    return False
