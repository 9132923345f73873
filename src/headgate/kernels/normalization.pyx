# sources: normalization_loops.c
"""Normalisation and its gradients: over blocks that lie together (layer, group, rms norm), over channels (batch norm).

float32 and float64 have loops; half types go through float32 and are rounded once. Arrays are made contiguous first.
Nothing here knows tensors.
"""

import numpy as np

cimport numpy as cnp
from numpy cimport ndarray, npy_intp

from headgate.kernels.memory cimport fresh, fresh_like
from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "normalization_loops.h" nogil:
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    enum:
        HG_F32, HG_F64
    ctypedef struct hg_normal:
        int type, centred, fixed
        Py_ssize_t outer, groups, channels, inner
        double eps, momentum
        const void *g
        const void *x
        const void *w
        const void *b
        void *out
        void *gw
        void *gb
        void *mean
        void *rstd
        void *running_mean
        void *running_var
    int hg_normal_blocks(hg_normal job, hg_splitter parallel)
    int hg_normal_channels(hg_normal job, hg_splitter parallel)

cdef Py_ssize_t HELD = 2048      # elements below which letting go of the interpreter costs more than it gives


cdef int working(ndarray x):
    """The element type in which a normalisation of x is computed, as NumPy numbers it."""
    return cnp.NPY_DOUBLE if cnp.PyArray_TYPE(x) == cnp.NPY_DOUBLE else cnp.NPY_FLOAT


cdef ndarray ready(object a, int number):
    """An array of that type, contiguous and in native order; None for None."""
    cdef ndarray x
    if a is None:
        return None
    x = a
    if cnp.PyArray_TYPE(x) == number and cnp.PyArray_IS_C_CONTIGUOUS(x) and cnp.PyArray_ISBEHAVED_RO(x):
        return x
    return np.array(x, dtype=np.float64 if number == cnp.NPY_DOUBLE else np.float32, order="C")


cdef inline void *data(ndarray a) noexcept:
    return cnp.PyArray_DATA(a) if a is not None else NULL


cdef inline object returned(ndarray a, ndarray like):
    """A result in the type of `like`."""
    return a if a is None or cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(like) else (<object> a).astype(like.dtype)


cdef ndarray vector(Py_ssize_t n, int number):
    cdef npy_intp[1] dims
    dims[0] = n
    return fresh(1, dims, number)


cdef int run(hg_normal *job, Py_ssize_t size, bint blocks) except -1:
    cdef int failed
    if size <= HELD:
        failed = (hg_normal_blocks if blocks else hg_normal_channels)(job[0], <hg_splitter> parallel)
    else:
        with nogil:
            failed = (hg_normal_blocks if blocks else hg_normal_channels)(job[0], <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory for the sums of a normalisation")
    return 0


cdef hg_normal job_of(int number, tuple sizes, double eps) except *:
    cdef hg_normal job
    job.type = HG_F64 if number == cnp.NPY_DOUBLE else HG_F32
    job.outer, job.groups, job.channels, job.inner = sizes
    job.centred, job.fixed, job.eps, job.momentum = 1, 0, eps, 0
    job.g = job.x = job.w = job.b = NULL
    job.out = job.gw = job.gb = job.mean = job.rstd = job.running_mean = job.running_var = NULL
    return job


cpdef tuple normalize_blocks(ndarray x, object w, object b, tuple sizes, double eps, bint centred):
    """(y, means, 1 / deviations) of blocks of x. sizes: (blocks, groups, channels of a block, elements of a channel);
    block r has the channels of group r % groups. w, b: one number per channel, or None. Not centred: around zero."""
    cdef int number = working(x)
    cdef hg_normal job = job_of(number, sizes, eps)
    cdef ndarray source = ready(x, number), weight = ready(w, number), bias = ready(b, number)
    cdef ndarray out = fresh_like(source), mean = vector(job.outer, number), rstd = vector(job.outer, number)
    job.centred = centred
    job.x, job.w, job.b = data(source), data(weight), data(bias)
    job.out, job.mean, job.rstd = data(out), data(mean), data(rstd)
    run(&job, cnp.PyArray_SIZE(source), True)
    return returned(out, x), mean, rstd


cpdef tuple normalize_blocks_backward(ndarray g, ndarray x, object w, ndarray mean, ndarray rstd, tuple sizes,
                                      bint centred, int need):
    """Gradients for (x, w, b) of `normalize_blocks`; need: bits of those wanted, the others are None."""
    cdef int number = working(x)
    cdef hg_normal job = job_of(number, sizes, 0)
    cdef ndarray up = ready(g, number), source = ready(x, number), weight = ready(w, number)
    cdef ndarray gx = fresh_like(source) if need & 1 else None
    cdef ndarray gw = vector(job.groups * job.channels, number) if need & 2 else None
    cdef ndarray gb = vector(job.groups * job.channels, number) if need & 4 else None
    job.centred = centred
    job.g, job.x, job.w, job.mean, job.rstd = data(up), data(source), data(weight), data(mean), data(rstd)
    job.out, job.gw, job.gb = data(gx), data(gw), data(gb)
    run(&job, cnp.PyArray_SIZE(source), True)
    return returned(gx, x), gw, gb


cpdef tuple normalize_channels(ndarray x, object w, object b, tuple sizes, double eps, object fixed, object running,
                               double momentum):
    """(y, means, 1 / deviations) of the channels of x. sizes: (batch, 1, channels, elements of a channel).

    fixed: (mean, variance) to use, or None for those of x. running: (mean, variance), which follow those of x in
    place with weight `momentum` (the variance without bias), or None.
    """
    cdef int number = working(x)
    cdef hg_normal job = job_of(number, sizes, eps)
    cdef ndarray source = ready(x, number), weight = ready(w, number), bias = ready(b, number)
    cdef ndarray out = fresh_like(source), mean, rstd, first, second
    job.x, job.w, job.b, job.out, job.momentum = data(source), data(weight), data(bias), data(out), momentum
    if fixed is not None:
        job.fixed = 1
        mean = ready(fixed[0], number)
        with np.errstate(all="ignore"):
            rstd = ready(1 / np.sqrt(np.asarray(fixed[1], np.float64) + eps), number)
    else:
        mean, rstd = vector(job.channels, number), vector(job.channels, number)
    job.mean, job.rstd = data(mean), data(rstd)
    if running is not None:
        first, second = ready(running[0], number), ready(running[1], number)
        job.running_mean, job.running_var = data(first), data(second)
    run(&job, cnp.PyArray_SIZE(source), False)
    if running is not None:
        if first is not running[0]:
            running[0][...] = first
        if second is not running[1]:
            running[1][...] = second
    return returned(out, x), mean, rstd


cpdef tuple normalize_channels_backward(ndarray g, ndarray x, object w, ndarray mean, ndarray rstd, tuple sizes,
                                        bint fixed, int need):
    """Gradients for (x, w, b) of `normalize_channels`; need: bits of those wanted, the others are None."""
    cdef int number = working(x)
    cdef hg_normal job = job_of(number, sizes, 0)
    cdef ndarray up = ready(g, number), source = ready(x, number), weight = ready(w, number)
    cdef ndarray gx = fresh_like(source) if need & 1 else None
    cdef ndarray gw = vector(job.channels, number) if need & 2 else None
    cdef ndarray gb = vector(job.channels, number) if need & 4 else None
    job.fixed = fixed
    job.g, job.x, job.w, job.mean, job.rstd = data(up), data(source), data(weight), data(mean), data(rstd)
    job.out, job.gw, job.gb = data(gx), data(gw), data(gb)
    run(&job, cnp.PyArray_SIZE(source), False)
    return returned(gx, x), gw, gb
