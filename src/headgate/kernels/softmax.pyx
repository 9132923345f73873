# sources: softmax_loops.c scan_loops.c
"""What runs along one axis and keeps it: softmax, log-softmax, their gradients, running sums and extremes; and logsumexp.

The loops want (outer, n, inner) and contiguous arrays, so others are copied first. Odd dtypes go to the NumPy forms.
Nothing here knows tensors.
"""

import numpy as np

from headgate.kernels import reference_reduce as reference

cimport numpy as cnp
from numpy cimport ndarray, npy_intp

from headgate.kernels.copying cimport converted
from headgate.kernels.halves cimport narrowed, widened
from headgate.kernels.memory cimport fresh, fresh_like
from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "softmax_loops.h" nogil:
    ctypedef long long i64
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    enum:
        HG_BOOL, HG_I64, HG_F16, HG_F32, HG_F64
        HG_SOFTMAX, HG_LOG_SOFTMAX, HG_LOGSUMEXP, HG_SOFTMAX_BACKWARD, HG_LOG_SOFTMAX_BACKWARD
    int hg_softmax(int what, int type, const void *x, const void *y, void *out, Py_ssize_t outer, Py_ssize_t n,
                   Py_ssize_t inner, hg_splitter parallel)

cdef extern from "scan_loops.h" nogil:
    enum:
        HG_CUMSUM, HG_CUMPROD, HG_LOGCUMSUMEXP, HG_CUMMAX, HG_CUMMIN
    int hg_scan(int what, int type, const void *x, void *out, i64 *places, Py_ssize_t outer, Py_ssize_t n,
                Py_ssize_t inner, hg_splitter parallel)

cdef extern from "types.h" nogil:
    enum:
        HG_AXES
    int hg_type_of(int number)

cdef struct Box:
    Py_ssize_t outer, n, inner

cdef Py_ssize_t HELD = 2048      # elements below which letting go of the interpreter costs more than it gives


cdef int box_of(ndarray x, Py_ssize_t axis, Box *box) except -1:
    """x as (outer, n, inner) around `axis`; a 0-d array counts as having one axis."""
    cdef int rank = cnp.PyArray_NDIM(x), count = rank if rank else 1, i
    if axis < -count or axis >= count:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {axis})")
    if axis < 0:
        axis += count
    box.outer = box.n = box.inner = 1
    for i in range(rank):
        if i < axis:
            box.outer *= cnp.PyArray_DIMS(x)[i]
        elif i == axis:
            box.n = cnp.PyArray_DIMS(x)[i]
        else:
            box.inner *= cnp.PyArray_DIMS(x)[i]
    return 0


cdef inline ndarray straight(ndarray x):
    """x itself if it is contiguous, aligned and in native order, else such a copy."""
    if cnp.PyArray_IS_C_CONTIGUOUS(x) and cnp.PyArray_ISBEHAVED_RO(x):
        return x
    return np.array(x, dtype=x.dtype.newbyteorder("="), order="C")


cdef int run(int what, int kind, ndarray x, ndarray y, ndarray out, Box *box) except -1:
    cdef int failed
    cdef const void *second = cnp.PyArray_DATA(y) if y is not None else NULL
    if cnp.PyArray_SIZE(x) <= HELD:
        failed = hg_softmax(what, kind, cnp.PyArray_DATA(x), second, cnp.PyArray_DATA(out), box.outer, box.n, box.inner,
                            <hg_splitter> parallel)
    else:
        with nogil:
            failed = hg_softmax(what, kind, cnp.PyArray_DATA(x), second, cnp.PyArray_DATA(out), box.outer, box.n,
                                box.inner, <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory for the partial results of a softmax")
    return 0


cdef ndarray forward(int what, ndarray x, Py_ssize_t axis):
    cdef Box box
    cdef ndarray out
    box_of(x, axis, &box)
    x = straight(x)
    out = fresh_like(x)
    if cnp.PyArray_SIZE(x):
        run(what, hg_type_of(cnp.PyArray_TYPE(x)), x, None, out, &box)
    return out


cdef ndarray backward(int what, ndarray g, ndarray y, Py_ssize_t axis):
    cdef Box box
    cdef ndarray out
    box_of(y, axis, &box)
    g, y = straight(g), straight(y)
    out = fresh_like(y)
    if cnp.PyArray_SIZE(y):
        run(what, hg_type_of(cnp.PyArray_TYPE(y)), g, y, out, &box)
    return out


cdef inline bint is_float(ndarray x) noexcept:
    return hg_type_of(cnp.PyArray_TYPE(x)) >= HG_F16


cdef inline bint alike(ndarray g, ndarray y):
    return is_float(y) and cnp.PyArray_TYPE(g) == cnp.PyArray_TYPE(y) and cnp.PyArray_SAMESHAPE(g, y)


cpdef ndarray softmax(ndarray x, Py_ssize_t axis):
    """exp(x - max) / sum(exp(x - max)) along one axis, in one array; a row of -inf gives NaN."""
    return forward(HG_SOFTMAX, x, axis) if is_float(x) else reference.softmax(x, axis)


cpdef ndarray log_softmax(ndarray x, Py_ssize_t axis):
    """x - max - log(sum(exp(x - max))) along one axis."""
    return forward(HG_LOG_SOFTMAX, x, axis) if is_float(x) else reference.log_softmax(x, axis)


cpdef ndarray softmax_backward(ndarray g, ndarray y, Py_ssize_t axis):
    """y * (g - sum(g * y)): the gradient of softmax from its output."""
    return backward(HG_SOFTMAX_BACKWARD, g, y, axis) if alike(g, y) else reference.softmax_backward(g, y, axis)


cpdef ndarray log_softmax_backward(ndarray g, ndarray y, Py_ssize_t axis):
    """g - exp(y) * sum(g): the gradient of log_softmax from its output."""
    return backward(HG_LOG_SOFTMAX_BACKWARD, g, y, axis) if alike(g, y) else reference.log_softmax_backward(g, y, axis)


cpdef ndarray logsumexp(ndarray x, object axes=None, bint keepdims=False):
    """log(sum(exp(x))) over `axes` (None or (): all), shifted by the maximum where that is finite."""
    cdef Box box
    cdef ndarray out, row
    cdef npy_intp[HG_AXES] dims
    cdef int rank = cnp.PyArray_NDIM(x), kept = 0, i
    if not is_float(x) or cnp.PyArray_SIZE(x) == 0:
        return reference.logsumexp(x, axes, keepdims)
    chosen = reference._axes_of(axes, rank)
    for i in range(rank):
        if i not in chosen:
            dims[kept] = cnp.PyArray_DIMS(x)[i]
            kept += 1
        elif keepdims:
            dims[kept] = 1
            kept += 1
    out = fresh(kept, dims, cnp.PyArray_TYPE(x))
    if len(chosen) > 1 and len(chosen) < rank:        # the axes that go away, behind the others and as one
        row = np.transpose(x, [i for i in range(rank) if i not in chosen] + list(chosen))
        row = np.ascontiguousarray(row).reshape(cnp.PyArray_SIZE(out), -1)
        box_of(row, 1, &box)
    else:
        row = straight(x)
        if len(chosen) == 1:
            box_of(row, chosen[0], &box)
        else:
            box.outer, box.n, box.inner = 1, cnp.PyArray_SIZE(x), 1
    run(HG_LOGSUMEXP, hg_type_of(cnp.PyArray_TYPE(x)), row, None, out, &box)
    return out


cdef int scan_named(str name) except -1:
    cdef object number = {"cumsum": HG_CUMSUM, "cumprod": HG_CUMPROD, "logcumsumexp": HG_LOGCUMSUMEXP,
                          "cummax": HG_CUMMAX, "cummin": HG_CUMMIN}.get(name)
    if number is None:
        raise ValueError(f"unknown running operation {name!r}")
    return number


cpdef object cumulate(str name, ndarray x, Py_ssize_t axis, object out_dtype=None):
    """cumsum, cumprod, logcumsumexp give an array; cummax, cummin (values, int64 indices); see the NumPy form."""
    cdef int what = scan_named(name), kind
    cdef Box box
    cdef ndarray out, places = None
    cdef int wanted = cnp.PyArray_TYPE(x), failed
    if out_dtype is not None and what <= HG_CUMPROD:
        x = x if x.dtype == out_dtype else converted(x, out_dtype)
        if cnp.PyArray_TYPE(x) != cnp.NPY_INT64 and hg_type_of(cnp.PyArray_TYPE(x)) < HG_F16:
            return reference.cumulate(name, x, axis, out_dtype)
        wanted = cnp.PyArray_TYPE(x)
    kind = hg_type_of(wanted)
    if kind < 0 or (what == HG_LOGCUMSUMEXP and kind < HG_F16):
        return reference.cumulate(name, x, axis, out_dtype)
    box_of(x, axis, &box)
    if kind == HG_F16:
        x = widened(x)
    elif what <= HG_CUMPROD and kind < HG_I64:
        x = cnp.PyArray_Cast(x, cnp.NPY_INT64)
        wanted = cnp.NPY_INT64
    x = straight(x)
    out = fresh_like(x)
    if what >= HG_CUMMAX:
        places = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.NPY_INT64)
    failed = scan(what, x, out, places, &box)
    if failed:
        raise MemoryError("no memory for the partial sums of a long row")
    if cnp.PyArray_TYPE(out) != wanted:
        out = narrowed(out)
    return (out, places) if places is not None else out


cdef int scan(int what, ndarray x, ndarray out, ndarray places, Box *box) noexcept:
    cdef int kind = hg_type_of(cnp.PyArray_TYPE(x)), failed
    cdef i64 *at = <i64 *> cnp.PyArray_DATA(places) if places is not None else NULL
    with nogil:
        failed = hg_scan(what, kind, cnp.PyArray_DATA(x), cnp.PyArray_DATA(out), at, box.outer, box.n, box.inner,
                         <hg_splitter> parallel)
    return failed
