# sources: reduction_loops.c
"""Reductions: sum, prod, mean, extremes and their positions, any, all, variance and norms, over any set of axes.

An array is read as (outer, reduced, inner) without a copy where its strides allow it, else it is copied first. The C
loops do the work; odd dtypes go to the NumPy forms. Nothing here knows tensors.
"""

import numpy as np

from headgate.kernels import reference_reduce as reference

cimport numpy as cnp
from libc.math cimport sqrt
from libc.stdlib cimport free, malloc
from numpy cimport ndarray, npy_intp

from headgate.kernels.copying cimport converted
from headgate.kernels.halves cimport narrowed, widened
from headgate.kernels.memory cimport fresh
from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "reduction_loops.h" nogil:
    ctypedef long long i64
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    enum:
        HG_SUM, HG_PROD, HG_MAX, HG_MIN, HG_ANY, HG_ALL, HG_SUM_WIDE, HG_DEVIATION
        HG_SUM_NUMBERS, HG_SQUARES, HG_MAGNITUDES, HG_NONZERO, HG_MAX_MAGNITUDE, HG_MIN_MAGNITUDE
        HG_BOOL, HG_U8, HG_I8, HG_I16, HG_I32, HG_I64, HG_F16, HG_F32, HG_F64
    ctypedef struct hg_reducer:
        void (*rows)(const char *x, Py_ssize_t count, Py_ssize_t stride, Py_ssize_t n, void *out, const void *c) noexcept
        void *columns
        int result
        int combine
    ctypedef struct hg_arg_reducer:
        void (*rows)(const char *x, Py_ssize_t count, Py_ssize_t stride, Py_ssize_t n, i64 *out) noexcept
    ctypedef struct hg_reduction_table:
        hg_reducer reduce[13][9]
        hg_arg_reducer arg[2][9]
    const hg_reduction_table *hg_reduction_loops()
    int hg_reduce(int operation, int type, const char *x, Py_ssize_t outer, Py_ssize_t outer_stride, Py_ssize_t n,
                  Py_ssize_t stride, Py_ssize_t inner, char *out, const char *centre, hg_splitter parallel)
    int hg_arg_reduce(int smallest, int type, const char *x, Py_ssize_t outer, Py_ssize_t outer_stride, Py_ssize_t n,
                      Py_ssize_t stride, Py_ssize_t inner, i64 *out, hg_splitter parallel)
    unsigned short hg_to_half(float value)

cdef extern from "types.h" nogil:
    enum:
        HG_AXES
    int hg_type_of(int number)
    int hg_number_of(int type)
    Py_ssize_t hg_item_of(int type)

cdef struct Plan:
    int count                    # groups of axes, by falling stride
    int last                     # the last reduced group, -1 if there is none
    int reduced_groups
    Py_ssize_t size[HG_AXES]
    Py_ssize_t stride[HG_AXES]
    bint reduced[HG_AXES]

cdef const hg_reduction_table *table = hg_reduction_loops()
cdef Py_ssize_t SMALL = 16384    # elements of a contiguous array that go straight to one run of the loop


cdef int kind_of(ndarray x) noexcept:
    """The loops' type of x; -1 if it is foreign, byte-swapped or misaligned."""
    return hg_type_of(cnp.PyArray_TYPE(x)) if cnp.PyArray_ISBEHAVED_RO(x) else -1


cdef inline int rank_of(ndarray x) noexcept:
    return cnp.PyArray_NDIM(x)


cdef int axis_number(Py_ssize_t axis, int rank) except -1:
    """The axis from 0; a 0-d array counts as having one."""
    cdef int count = rank if rank else 1
    if axis < -count or axis >= count:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {axis})")
    return <int> (axis + count if axis < 0 else axis)


cdef unsigned long long axes_mask(object axes, int rank) except? 0:
    """Bit i set: axis i is reduced. None and the empty tuple mean all."""
    cdef unsigned long long mask = 0, bit
    cdef object axis
    if axes is None:
        return (<unsigned long long> -1)
    if isinstance(axes, int):
        return <unsigned long long> 1 << axis_number(axes, rank)
    for axis in axes:
        bit = <unsigned long long> 1 << axis_number(axis, rank)
        if mask & bit:
            raise RuntimeError(f"dim {axis_number(axis, rank)} appears multiple times in the list of dims")
        mask |= bit
    return mask if mask else (<unsigned long long> -1)


cdef bint order_axes(ndarray x, unsigned long long mask, Plan *plan, int *order) noexcept:
    """Axes longer than 1 by falling stride; False if a stride is not positive or kept axes change places."""
    cdef npy_intp *strides = cnp.PyArray_STRIDES(x)
    cdef npy_intp *dims = cnp.PyArray_DIMS(x)
    cdef int i, j, count = 0, kept = -1
    for i in range(rank_of(x)):
        if dims[i] == 1:
            continue
        if strides[i] <= 0:
            return False
        j = count
        while j > 0 and strides[order[j - 1]] < strides[i]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = i
        count += 1
    for i in range(count):
        if not mask >> order[i] & 1:
            if order[i] < kept:
                return False
            kept = order[i]
    plan.count = count
    return True


cdef bint make_plan(ndarray x, unsigned long long mask, Plan *plan) noexcept:
    """Joins neighbouring axes of one kind; False where the loops could not walk the result."""
    cdef int[HG_AXES] order
    cdef npy_intp *strides = cnp.PyArray_STRIDES(x)
    cdef npy_intp *dims = cnp.PyArray_DIMS(x)
    cdef int i, g = -1
    cdef bint reduced
    if not order_axes(x, mask, plan, order):
        return False
    for i in range(plan.count):
        reduced = mask >> order[i] & 1
        if g >= 0 and plan.reduced[g] == reduced and plan.stride[g] == dims[order[i]] * strides[order[i]]:
            plan.size[g] *= dims[order[i]]
            plan.stride[g] = strides[order[i]]
            continue
        g += 1
        plan.size[g], plan.stride[g], plan.reduced[g] = dims[order[i]], strides[order[i]], reduced
    plan.count = g + 1
    plan.last = -1
    plan.reduced_groups = 0
    for i in range(plan.count):
        if plan.reduced[i]:
            plan.last = i
            plan.reduced_groups += 1
    return walkable(plan, cnp.PyArray_ITEMSIZE(x))


cdef bint walkable(Plan *plan, Py_ssize_t item) noexcept:
    """Elements adjacent in the last group, one group at most behind the reduced one, those before it uniform."""
    cdef int i
    if plan.count == 0:
        return True
    if plan.stride[plan.count - 1] != item or plan.count - 1 - plan.last > 1:
        return False
    for i in range(plan.last - 1):
        if plan.stride[i] != plan.size[i + 1] * plan.stride[i + 1]:
            return False
    return True


cdef Py_ssize_t run_step(Plan *plan, int operation, int kind, const char *data, char *out, const char *centre) except -2:
    """Reduces the last reduced group of the plan into `out`, which is contiguous."""
    cdef Py_ssize_t outer = 1, outer_stride = 0, n = 1, stride = 0, inner = 1
    cdef int i, p = plan.last, failed
    if p < 0:
        if plan.count:
            inner = plan.size[0]
    else:
        for i in range(p):
            outer *= plan.size[i]
            outer_stride = plan.stride[i]
        n, stride = plan.size[p], plan.stride[p]
        if plan.count > p + 1:
            inner = plan.size[p + 1]
    with nogil:
        failed = hg_reduce(operation, kind, data, outer, outer_stride, n, stride, inner, out, centre, <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory for the partial results of a reduction")
    return 0


cdef int drop_reduced(Plan *plan, Py_ssize_t item) noexcept:
    """The plan of what run_step wrote: without the group that is reduced now, contiguous."""
    cdef int i, p = plan.last
    cdef Py_ssize_t step = item
    for i in range(p, plan.count - 1):
        plan.size[i], plan.reduced[i] = plan.size[i + 1], plan.reduced[i + 1]
    plan.count -= 1
    plan.reduced_groups -= 1
    if p > 0 and p < plan.count and plan.reduced[p - 1] == plan.reduced[p]:    # groups of one kind are one now
        plan.size[p - 1] *= plan.size[p]
        plan.count -= 1
    for i in range(plan.count - 1, -1, -1):
        plan.stride[i] = step
        step *= plan.size[i]
    plan.last = -1
    for i in range(plan.count):
        if plan.reduced[i]:
            plan.last = i
    return 0


cdef int reduce_into(ndarray x, unsigned long long mask, int operation, int kind, char *out, const char *centre) except -1:
    """Writes the reduction of a non-empty array, in the loop's result type and in order of the kept axes."""
    cdef Plan plan
    cdef hg_reducer loop
    cdef char *partial = NULL
    cdef char *before = NULL
    cdef const char *data
    cdef Py_ssize_t left, i
    if not make_plan(x, mask, &plan) or (centre != NULL and plan.reduced_groups > 1):
        x = reduced_last(x, mask) if centre != NULL else cnp.PyArray_GETCONTIGUOUS(x)
        mask = last_axes(x, mask) if centre != NULL else mask
        if not make_plan(x, mask, &plan):
            raise SystemError("a contiguous array without a plan")
    data = <const char *> cnp.PyArray_DATA(x)
    try:
        while plan.reduced_groups > 1:
            loop = table.reduce[operation][kind]
            left = 8
            for i in range(plan.count):
                if i != plan.last:
                    left *= plan.size[i]
            partial = <char *> malloc(left)
            if partial == NULL:
                raise MemoryError("no memory for the partial results of a reduction")
            run_step(&plan, operation, kind, data, partial, NULL)
            free(before)
            before, data, partial = partial, partial, NULL
            operation, kind = loop.combine, loop.result
            drop_reduced(&plan, hg_item_of(kind))
        run_step(&plan, operation, kind, data, out, centre)
    finally:
        free(before)
        free(partial)
    return 0


cdef ndarray reduced_last(ndarray x, unsigned long long mask):
    """A contiguous copy with the reduced axes behind the kept ones."""
    kept = [i for i in range(rank_of(x)) if not mask >> i & 1]
    return np.ascontiguousarray(x.transpose(kept + [i for i in range(rank_of(x)) if mask >> i & 1]))


cdef unsigned long long last_axes(ndarray x, unsigned long long mask) noexcept:
    """The mask that goes with reduced_last."""
    cdef int i, kept = 0
    for i in range(rank_of(x)):
        if not mask >> i & 1:
            kept += 1
    return (<unsigned long long> -1) << kept if kept < 64 else 0


cdef ndarray new_result(ndarray x, unsigned long long mask, bint keepdims, int number):
    """An uninitialised array with the reduced axes dropped, or of size 1."""
    cdef npy_intp[HG_AXES] dims
    cdef npy_intp *old = cnp.PyArray_DIMS(x)
    cdef int i, rank = 0
    for i in range(rank_of(x)):
        if not mask >> i & 1:
            dims[rank] = old[i]
            rank += 1
        elif keepdims:
            dims[rank] = 1
            rank += 1
    return fresh(rank, dims, number)


cdef Py_ssize_t reduced_count(ndarray x, unsigned long long mask) noexcept:
    cdef Py_ssize_t count = 1
    cdef int i
    for i in range(rank_of(x)):
        if mask >> i & 1:
            count *= cnp.PyArray_DIMS(x)[i]
    return count


cdef ndarray finish(ndarray wide, int number, double divisor):
    """Divides the loops' float result and rounds it to the dtype wanted."""
    cdef Py_ssize_t i, n = cnp.PyArray_SIZE(wide)
    cdef float *single = <float *> cnp.PyArray_DATA(wide)
    cdef double *double_ = <double *> cnp.PyArray_DATA(wide)
    cdef ndarray narrow
    cdef int from_ = cnp.PyArray_TYPE(wide)
    if divisor != 1 and from_ == cnp.NPY_FLOAT:
        for i in range(n):
            single[i] = single[i] / <float> divisor
    elif divisor != 1:
        for i in range(n):
            double_[i] = double_[i] / divisor
    if number == from_:
        return wide
    narrow = fresh(rank_of(wide), cnp.PyArray_DIMS(wide), number)
    if number == cnp.NPY_FLOAT16:
        for i in range(n):
            (<unsigned short *> cnp.PyArray_DATA(narrow))[i] = hg_to_half(
                single[i] if from_ == cnp.NPY_FLOAT else <float> double_[i])
    else:
        for i in range(n):
            (<float *> cnp.PyArray_DATA(narrow))[i] = <float> double_[i]
    return narrow


cdef ndarray run(ndarray x, unsigned long long mask, bint keepdims, int operation, int kind, int number, double divisor):
    """One reduction with its loop; `number` is the result's NumPy type."""
    cdef const hg_reducer *loop = &table.reduce[operation][kind]
    cdef Py_ssize_t n = cnp.PyArray_SIZE(x)
    cdef ndarray result = new_result(x, mask, keepdims, hg_number_of(loop.result))
    if n <= SMALL and cnp.PyArray_SIZE(result) == 1 and cnp.PyArray_IS_C_CONTIGUOUS(x) and n:
        loop.rows(<const char *> cnp.PyArray_DATA(x), 1, 0, n, cnp.PyArray_DATA(result), NULL)
    elif n:
        reduce_into(x, mask, operation, kind, <char *> cnp.PyArray_DATA(result), NULL)
    else:
        result[...] = 1 if operation == HG_PROD or operation == HG_ALL else 0
    if loop.result < HG_F16 or (divisor == 1 and number == hg_number_of(loop.result)):
        return result
    return finish(result, number, divisor)


cdef int operation_named(str name) except -1:
    """sum prod max min any all nansum; mean is 100."""
    cdef Py_UCS4 first = name[0], second = name[1]
    if first == u"s":
        return HG_SUM
    if first == u"m":
        return HG_MAX if second == u"a" else HG_MIN if second == u"i" else 100
    if first == u"p":
        return HG_PROD
    if first == u"n":
        return HG_SUM_NUMBERS
    if first == u"a":
        return HG_ANY if second == u"n" else HG_ALL
    raise ValueError(f"unknown reduction {name!r}")


cdef int refuse_empty(str name, ndarray x, unsigned long long mask, bint everything) except -1:
    """Extremes have no value over nothing."""
    cdef int i
    for i in range(rank_of(x)):
        if mask >> i & 1 and cnp.PyArray_DIMS(x)[i] == 0:
            reference._refuse_empty(name, x, tuple(k for k in range(rank_of(x)) if mask >> k & 1), everything)
    return 0


cpdef ndarray reduce(str name, ndarray x, object axes=None, bint keepdims=False, object out_dtype=None):
    """sum, prod, max, min, any, all, nansum (of floats) or mean over `axes` (None or (): all); see the NumPy form."""
    cdef int kind = kind_of(x), operation = operation_named(name), number
    cdef unsigned long long mask
    if out_dtype is not None:
        return reduce_as(name, x, axes, keepdims, np.dtype(out_dtype))
    if kind < 0 or operation == HG_SUM_NUMBERS and kind < HG_F16:
        return reference.reduce(name, x, axes, keepdims)
    mask = axes_mask(axes, rank_of(x))
    number = cnp.PyArray_TYPE(x)
    if operation == 100:
        if kind < HG_F16:
            raise TypeError("mean wants floats")
        return run(x, mask, keepdims, HG_SUM, kind, number, <double> reduced_count(x, mask))
    if operation == HG_MAX or operation == HG_MIN:
        if cnp.PyArray_SIZE(x) == 0:
            refuse_empty(name, x, mask, axes is None)
    elif operation == HG_PROD and kind < HG_I64 or operation == HG_SUM and (kind == HG_I8 or kind == HG_I16):
        x = cnp.PyArray_Cast(x, cnp.NPY_INT64)
        kind = HG_I64
    return run(x, mask, keepdims, operation, kind, number, 1)


cdef ndarray reduce_as(str name, ndarray x, object axes, bint keepdims, object dtype):
    """sum, prod or mean with the elements cast to `dtype` first."""
    cdef int kind = kind_of(x), wanted = dtype.num
    if wanted == cnp.NPY_BOOL:
        return reduce("any" if name == "sum" else "all", x, axes, keepdims)
    if name == "sum" and wanted == cnp.NPY_DOUBLE and (kind == HG_F16 or kind == HG_F32):
        return run(x, axes_mask(axes, rank_of(x)), keepdims, HG_SUM_WIDE, kind, wanted, 1)
    if x.dtype != dtype and not (wanted == cnp.NPY_INT64 and 0 <= kind < HG_I64):
        x = converted(x, dtype)
    return reduce(name, x, axes, keepdims).astype(dtype, copy=False)


cpdef ndarray arg_reduce(str name, ndarray x, object axis=None, bint keepdims=False):
    """argmax or argmin: int64 positions of the first NaN, else of the first extreme; axis None: in flattened x."""
    cdef int kind = kind_of(x), smallest = name == "argmin", at, i, failed
    cdef unsigned long long mask
    cdef Py_ssize_t outer = 1, n = 1, inner = 1, item
    cdef npy_intp *dims
    cdef ndarray result
    if kind < 0:
        return reference.arg_reduce(name, x, axis, keepdims)
    mask = axes_mask(axis, rank_of(x))
    if cnp.PyArray_SIZE(x) == 0:
        refuse_empty(name, x, mask, axis is None)
    result = new_result(x, mask, keepdims, cnp.NPY_INT64)
    if not cnp.PyArray_IS_C_CONTIGUOUS(x):
        x = cnp.PyArray_GETCONTIGUOUS(x)
    dims = cnp.PyArray_DIMS(x)
    item = cnp.PyArray_ITEMSIZE(x)
    if axis is None:
        n = cnp.PyArray_SIZE(x)
    else:
        at = axis_number(axis, rank_of(x))
        for i in range(rank_of(x)):
            if i < at:
                outer *= dims[i]
            elif i == at:
                n = dims[i]
            else:
                inner *= dims[i]
    if cnp.PyArray_SIZE(x) == 0:
        return result
    with nogil:
        failed = hg_arg_reduce(smallest, kind, <const char *> cnp.PyArray_DATA(x), outer, n * inner * item, n,
                               inner * item, inner, <i64 *> cnp.PyArray_DATA(result), <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory for the partial results of a reduction")
    return result


cpdef ndarray variance(ndarray x, object axes=None, double correction=1, bint keepdims=False):
    """sum((x - mean)^2) / max(0, n - correction) in two passes that add up in float64."""
    cdef int kind = kind_of(x), number = cnp.PyArray_TYPE(x)
    cdef unsigned long long mask
    cdef double count, divisor
    cdef ndarray centre, result
    if kind < HG_F16:
        return reference.variance(x, axes, correction, keepdims)
    mask = axes_mask(axes, rank_of(x))
    count = <double> reduced_count(x, mask)
    divisor = count - correction if count > correction else 0
    centre = run(x, mask, keepdims, HG_SUM_WIDE, kind, cnp.NPY_DOUBLE, count)
    result = new_result(x, mask, keepdims, cnp.NPY_DOUBLE)
    if cnp.PyArray_SIZE(x):
        reduce_into(x, mask, HG_DEVIATION, kind, <char *> cnp.PyArray_DATA(result), <char *> cnp.PyArray_DATA(centre))
    else:
        result[...] = 0
    return finish(result, number, divisor)


cpdef ndarray norm(ndarray x, double order=2, object axes=None, bint keepdims=False):
    """The vector norm of any order over `axes`; orders 0, 1, 2, inf and -inf have loops of their own."""
    cdef int kind = kind_of(x), number = cnp.PyArray_TYPE(x), operation
    cdef unsigned long long mask
    cdef ndarray result
    cdef Py_ssize_t i
    if order == 2:
        operation = HG_SQUARES
    elif order == 1:
        operation = HG_MAGNITUDES
    elif order == 0:
        operation = HG_NONZERO
    elif order > 0 and order * 0 != 0:
        operation = HG_MAX_MAGNITUDE
    else:
        operation = HG_MIN_MAGNITUDE if order * 0 != 0 else -1
    if operation < 0 or kind < HG_F16 or cnp.PyArray_SIZE(x) == 0:
        return reference.norm(x, order, axes, keepdims)
    if kind == HG_F16 and operation != HG_SQUARES:
        return narrowed(norm(widened(x), order, axes, keepdims))
    mask = axes_mask(axes, rank_of(x))
    if order != 2:
        return run(x, mask, keepdims, operation, kind, number, 1)
    result = run(x, mask, keepdims, operation, kind, hg_number_of(table.reduce[operation][kind].result), 1)
    take_roots(result)
    return finish(result, number, 1)


cdef int take_roots(ndarray x) noexcept:
    """x = sqrt(x) in place."""
    cdef Py_ssize_t i
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT:
        for i in range(cnp.PyArray_SIZE(x)):
            (<float *> cnp.PyArray_DATA(x))[i] = <float> sqrt((<float *> cnp.PyArray_DATA(x))[i])
    else:
        for i in range(cnp.PyArray_SIZE(x)):
            (<double *> cnp.PyArray_DATA(x))[i] = sqrt((<double *> cnp.PyArray_DATA(x))[i])
    return 0
