# sources: copying_loops.c
"""Copies over the threads, between arrays of any strides and of two dtypes; joins, triangles and ramps beside them.

What has no loop here (odd dtypes, byte orders, arrays that overlap) is left to the NumPy forms. Nothing here knows
tensors.
"""

import numpy as np

from headgate.kernels import reference_copy as reference

cimport numpy as cnp
from libc.string cimport memcpy
from numpy cimport ndarray, npy_intp

from headgate.kernels.halves cimport convert
from headgate.kernels.memory cimport fresh
from headgate.kernels.pool cimport parallel

cnp.import_array()

cdef extern from "copying_loops.h" nogil:
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    ctypedef struct hg_copying:
        char *target
        const char *source
        int rank, to, to_item, from_item
        int kind "from"
        Py_ssize_t shape[64]
        Py_ssize_t to_step[64]
        Py_ssize_t from_step[64]
    void hg_copy(hg_copying *c, hg_splitter parallel)
    void hg_copy_run(char *target, const char *source, int to, int kind, Py_ssize_t n, Py_ssize_t to_item,
                     Py_ssize_t from_item, hg_splitter parallel)
    void hg_turn_piece(char *to, const char *source, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t item,
                       Py_ssize_t to_row, Py_ssize_t from_column)
    void hg_spread(char *target, Py_ssize_t nbytes, unsigned long long pattern, hg_splitter parallel)
    ctypedef struct hg_ramp:
        char *target
        Py_ssize_t n, half, to_item
        int working, to
        double first, last, step
        long long whole_first, whole_step
    void hg_fill_ramp(hg_ramp *r, hg_splitter parallel)
    void hg_triangle(const char *x, char *out, Py_ssize_t matrices, Py_ssize_t rows, Py_ssize_t columns,
                     Py_ssize_t item, Py_ssize_t diagonal, int lower, hg_splitter parallel)

cdef extern from "types.h" nogil:
    enum:
        HG_I64
    int hg_type_of(int number)

cdef extern from *:
    """
    #include <numpy/arrayobject.h>
    /* Gives a fresh array, whose memory is one block, other dims and strides over it. */
    static void hg_lay_out(PyObject *object, int rank, const npy_intp *dims, const npy_intp *steps) {
        PyArrayObject *array = (PyArrayObject *)object;
        for (int d = 0; d < rank; d++)
            PyArray_DIMS(array)[d] = dims[d], PyArray_STRIDES(array)[d] = steps[d];
        PyArray_UpdateFlags(array, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS);
    }
    """
    void hg_lay_out(object array, int rank, const npy_intp *dims, const npy_intp *steps)

cdef enum:
    HELD = 32768     # bytes below which letting go of the interpreter costs more than it gives


# ---- which copies have loops ----------------------------------------------------------------------------------------


cdef inline int type_of(ndarray x) noexcept:
    """The loops' number of the type; for others of 1 or 2 bytes, which are only moved, NumPy's; -1 without loops."""
    cdef int number = cnp.PyArray_TYPE(x), found = hg_type_of(number)
    if found < 0 and number >= 256 and cnp.PyArray_ITEMSIZE(x) <= 2:
        found = number
    return found if cnp.PyArray_ISBEHAVED_RO(x) else -1


cdef inline bint convertible(int to, int kind) noexcept:
    return to == kind and to >= 0 or 0 <= to < 256 and 0 <= kind < 256


cdef void bounds(ndarray x, Py_ssize_t *low, Py_ssize_t *high) noexcept:
    """The addresses between which the elements lie."""
    cdef int d
    cdef Py_ssize_t way
    low[0] = <Py_ssize_t> cnp.PyArray_DATA(x)
    high[0] = low[0] + cnp.PyArray_ITEMSIZE(x)
    for d in range(cnp.PyArray_NDIM(x)):
        way = (cnp.PyArray_DIMS(x)[d] - 1) * cnp.PyArray_STRIDES(x)[d]
        if way > 0:
            high[0] += way
        else:
            low[0] += way


cdef bint apart(ndarray x, ndarray y) noexcept:
    """Whether two arrays surely share no bytes, or are the same elements in the same order."""
    cdef Py_ssize_t x_low, x_high, y_low, y_high
    cdef int d
    bounds(x, &x_low, &x_high)
    bounds(y, &y_low, &y_high)
    if x_high <= y_low or y_high <= x_low:
        return True
    if (cnp.PyArray_DATA(x) != cnp.PyArray_DATA(y) or cnp.PyArray_NDIM(x) != cnp.PyArray_NDIM(y)
            or cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(y)):
        return False
    for d in range(cnp.PyArray_NDIM(x)):
        if cnp.PyArray_STRIDES(x)[d] != cnp.PyArray_STRIDES(y)[d] or cnp.PyArray_DIMS(x)[d] != cnp.PyArray_DIMS(y)[d]:
            return False
    return True


cdef bint expanded(ndarray x) noexcept:
    """Whether several elements of an array have one place (as far as zero strides tell)."""
    cdef int d
    for d in range(cnp.PyArray_NDIM(x)):
        if cnp.PyArray_STRIDES(x)[d] == 0 and cnp.PyArray_DIMS(x)[d] > 1:
            return True
    return False


# ---- running --------------------------------------------------------------------------------------------------------


cdef inline void run(hg_copying *c, Py_ssize_t size) noexcept:
    if size * c.to_item < HELD:
        hg_copy(c, <hg_splitter> parallel)
    else:
        with nogil:
            hg_copy(c, <hg_splitter> parallel)


cdef inline void run_flat(char *target, const char *source, int to, int kind, Py_ssize_t n, Py_ssize_t to_item,
                          Py_ssize_t from_item) noexcept:
    if to == kind and n * to_item < HELD:
        memcpy(target, source, n * to_item)
    elif n * to_item < HELD:
        hg_copy_run(target, source, to, kind, n, to_item, from_item, <hg_splitter> parallel)
    else:
        with nogil:
            hg_copy_run(target, source, to, kind, n, to_item, from_item, <hg_splitter> parallel)


cdef bint write(ndarray target, ndarray source, int to, int kind) noexcept:
    """The copy itself, of types that have loops; False if the source does not broadcast to the target."""
    cdef hg_copying c
    cdef int rank = cnp.PyArray_NDIM(target), less = rank - cnp.PyArray_NDIM(source), d
    cdef Py_ssize_t n
    c.target, c.source = <char *> cnp.PyArray_DATA(target), <char *> cnp.PyArray_DATA(source)
    c.to, c.kind, c.rank = to, kind, rank
    c.to_item, c.from_item = <int> cnp.PyArray_ITEMSIZE(target), <int> cnp.PyArray_ITEMSIZE(source)
    if less < 0:
        return False
    for d in range(rank):
        c.shape[d] = cnp.PyArray_DIMS(target)[d]
        c.to_step[d] = cnp.PyArray_STRIDES(target)[d]
        c.from_step[d] = 0
        if d >= less:
            n = cnp.PyArray_DIMS(source)[d - less]
            if n != 1:
                if n != c.shape[d]:
                    return False
                c.from_step[d] = cnp.PyArray_STRIDES(source)[d - less]
    run(&c, cnp.PyArray_SIZE(target))
    return True


cdef inline bint same_shape(ndarray x, ndarray y) noexcept:
    cdef int d
    if cnp.PyArray_NDIM(x) != cnp.PyArray_NDIM(y):
        return False
    for d in range(cnp.PyArray_NDIM(x)):
        if cnp.PyArray_DIMS(x)[d] != cnp.PyArray_DIMS(y)[d]:
            return False
    return True


cpdef ndarray copy_into(ndarray target, ndarray source):
    """target[...] = source, broadcast and converted as C converts, without a warning. Returns target."""
    cdef int to = type_of(target), kind = type_of(source)
    if not convertible(to, kind) or not cnp.PyArray_ISWRITEABLE(target) or not apart(target, source):
        if (cnp.PyArray_ISWRITEABLE(target) and same_shape(target, source) and apart(target, source)
                and convert(target, source)):
            return target
        return reference.copy_into(target, source)
    if (cnp.PyArray_IS_C_CONTIGUOUS(target) and cnp.PyArray_IS_C_CONTIGUOUS(source) and same_shape(target, source)
            and cnp.PyArray_DATA(target) != cnp.PyArray_DATA(source)):
        run_flat(<char *> cnp.PyArray_DATA(target), <char *> cnp.PyArray_DATA(source), to, kind,
                 cnp.PyArray_SIZE(target), cnp.PyArray_ITEMSIZE(target), cnp.PyArray_ITEMSIZE(source))
    elif expanded(target) or not write(target, source, to, kind):
        return reference.copy_into(target, source)
    return target


cdef void turn_piece(char *to, const char *source, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t item, Py_ssize_t to_row,
                     Py_ssize_t from_column) noexcept nogil:
    """A small piece of a transpose, for loops that read one."""
    hg_turn_piece(to, source, rows, n, item, to_row, from_column)


cpdef ndarray contiguous(ndarray x):
    """A C-contiguous copy."""
    cdef int kind = type_of(x)
    cdef ndarray y
    if kind < 0:
        return reference.contiguous(x)
    y = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x))
    if cnp.PyArray_IS_C_CONTIGUOUS(x):
        run_flat(<char *> cnp.PyArray_DATA(y), <char *> cnp.PyArray_DATA(x), kind, kind, cnp.PyArray_SIZE(x),
                 cnp.PyArray_ITEMSIZE(x), cnp.PyArray_ITEMSIZE(x))
    else:
        write(y, x, kind, kind)
    return y


cpdef ndarray copied(ndarray x):
    """A copy in the layout of x (see `like_layout`)."""
    if is_usual(x):
        return contiguous(x)
    return copy_into(like_layout(x, (<object> x).dtype), x)


cpdef ndarray converted(ndarray x, object kind, bint keep_layout=True):
    """A copy in another dtype, C-contiguous or in the layout of x; numbers that do not fit are cut as C does."""
    cdef ndarray y
    if keep_layout and not is_usual(x):
        y = like_layout(x, kind)
    else:
        y = fresh(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), (<cnp.dtype> kind).type_num)
    return copy_into(y, x)


cpdef ndarray fill(ndarray target, ndarray value):
    """target[...] = value, an array of no dims. Returns target, which may have zero strides."""
    cdef int to = type_of(target), kind = type_of(value)
    if not convertible(to, kind) or not cnp.PyArray_ISWRITEABLE(target) or not apart(target, value):
        return reference.copy_into(target, value)
    if not write(target, value, to, kind):
        return reference.copy_into(target, value)
    return target


cpdef bint clear(ndarray target) noexcept:
    """target[...] = 0, if it has no gaps; False, and nothing written, where it has some or may not be written."""
    if not cnp.PyArray_ISCARRAY(target):
        return False
    if cnp.PyArray_NBYTES(target) < HELD:
        hg_spread(<char *> cnp.PyArray_DATA(target), cnp.PyArray_NBYTES(target), 0, NULL)
    else:
        with nogil:
            hg_spread(<char *> cnp.PyArray_DATA(target), cnp.PyArray_NBYTES(target), 0, <hg_splitter> parallel)
    return True


cdef ndarray _spread(tuple shape, int kind, unsigned long long pattern):
    """A fresh C-contiguous array whose memory repeats eight bytes."""
    cdef npy_intp[64] dims
    cdef int rank = <int> len(shape), d
    cdef ndarray y
    if rank > 64:
        raise ValueError("at most 64 dims")
    for d in range(rank):
        dims[d] = shape[d]
    y = fresh(rank, dims, kind)
    if cnp.PyArray_NBYTES(y) < HELD:
        hg_spread(<char *> cnp.PyArray_DATA(y), cnp.PyArray_NBYTES(y), pattern, NULL)
    else:
        with nogil:
            hg_spread(<char *> cnp.PyArray_DATA(y), cnp.PyArray_NBYTES(y), pattern, <hg_splitter> parallel)
    return y


cpdef ndarray zeros(tuple shape, object kind):
    """A C-contiguous array of zeros, whose memory the cache keeps: the system's own zeroed pages come one by one."""
    return _spread(shape, (<cnp.dtype> kind).type_num, 0)


cpdef ndarray repeated(tuple shape, ndarray value):
    """A C-contiguous array of which every element is `value`, an array of no dims."""
    cdef unsigned long long pattern = 0
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(value), i
    if type_of(value) < 0 or item > 8:
        return reference.repeated(shape, value)
    for i in range(0, 8, item):
        memcpy(<char *> &pattern + i, cnp.PyArray_DATA(value), item)
    return _spread(shape, cnp.PyArray_TYPE(value), pattern)


cpdef ndarray ramp(Py_ssize_t n, object first, object last, object step, object working, object kind):
    """n numbers first + step * i, worked out in the dtype `working` (int64 or a float) and converted to `kind`.

    Unless `last` is None, those of the upper half are counted down from it: last - step * (n - 1 - i).
    """
    cdef hg_ramp r
    cdef npy_intp[1] dims
    cdef ndarray y
    r.working, r.to = hg_type_of((<cnp.dtype> working).type_num), hg_type_of((<cnp.dtype> kind).type_num)
    if r.to < 0:
        return reference.ramp(n, first, last, step, working, kind)
    r.n, r.half, dims[0] = n, n if last is None else n // 2, n
    if r.working == HG_I64:
        r.whole_first, r.whole_step = first, step
    else:
        r.first, r.last, r.step = first, 0 if last is None else last, step
    y = fresh(1, dims, (<cnp.dtype> kind).type_num)
    r.target, r.to_item = <char *> cnp.PyArray_DATA(y), cnp.PyArray_ITEMSIZE(y)
    with nogil:
        hg_fill_ramp(&r, <hg_splitter> parallel)
    return y


# ---- layouts --------------------------------------------------------------------------------------------------------


cdef bint is_usual(ndarray x) noexcept:
    """Whether x has the strides of a fresh array, along dims of one element too: PyTorch keeps and compares those."""
    cdef int d
    cdef Py_ssize_t wanted = cnp.PyArray_ITEMSIZE(x)
    if not cnp.PyArray_IS_C_CONTIGUOUS(x):
        return False
    for d in range(cnp.PyArray_NDIM(x) - 1, -1, -1):
        if cnp.PyArray_STRIDES(x)[d] != wanted:
            return False
        wanted *= cnp.PyArray_DIMS(x)[d]
    return True


cdef bint is_dense(ndarray x, int *order) noexcept:
    """Whether the elements fill a block of memory without gap or overlap; `order` gets the dims by falling stride."""
    cdef int rank = cnp.PyArray_NDIM(x), d, k, one
    cdef npy_intp *dims = cnp.PyArray_DIMS(x)
    cdef npy_intp *steps = cnp.PyArray_STRIDES(x)
    cdef Py_ssize_t wanted = cnp.PyArray_ITEMSIZE(x)
    for d in range(rank):
        order[d] = d
        k = d
        while k > 0 and steps[order[k - 1]] < steps[order[k]]:
            one = order[k]
            order[k], order[k - 1] = order[k - 1], one
            k -= 1
    for d in range(rank - 1, -1, -1):
        if dims[order[d]] == 1:
            continue
        if steps[order[d]] != wanted:
            return False
        wanted *= dims[order[d]]
    return True


cdef void order_of_dims(ndarray x, int *order) noexcept:
    """The dims from the widest stride to the narrowest, dims of doubtful place where they stand (PyTorch's order)."""
    cdef int rank = cnp.PyArray_NDIM(x), i, k, place, one
    cdef npy_intp *dims = cnp.PyArray_DIMS(x)
    cdef npy_intp *steps = cnp.PyArray_STRIDES(x)
    cdef int[64] found
    cdef Py_ssize_t a, b
    for i in range(rank):
        found[i] = rank - 1 - i
    for i in range(1, rank):
        place = i
        for k in range(i - 1, -1, -1):
            a, b = steps[found[k]], steps[found[place]]
            if a == 0 or b == 0 or a == b and dims[found[k]] == dims[found[place]]:
                continue
            if a < b or a == b and dims[found[k]] < dims[found[place]]:
                break
            one = found[k]
            found[k], found[place] = found[place], one
            place = k
    for i in range(rank):
        order[i] = found[rank - 1 - i]


cpdef ndarray like_layout(ndarray x, object kind):
    """An uninitialised array of x's shape: with its strides if it is dense, else with its order of dims."""
    cdef int rank = cnp.PyArray_NDIM(x), d, number = (<cnp.dtype> kind).type_num
    cdef int[64] order
    cdef npy_intp[64] steps
    cdef Py_ssize_t item
    cdef ndarray y = fresh(rank, cnp.PyArray_DIMS(x), number)
    if is_usual(x) or cnp.PyArray_SIZE(x) == 0:
        return y
    item = cnp.PyArray_ITEMSIZE(y)
    if is_dense(x, order):
        for d in range(rank):
            steps[d] = cnp.PyArray_STRIDES(x)[d] // cnp.PyArray_ITEMSIZE(x) * item
    else:
        order_of_dims(x, order)
        for d in range(rank - 1, -1, -1):
            steps[order[d]] = item
            item *= cnp.PyArray_DIMS(x)[order[d]]
    hg_lay_out(y, rank, cnp.PyArray_DIMS(x), steps)
    return y


# ---- joins and triangles --------------------------------------------------------------------------------------------


cdef bint join_one(ndarray target, ndarray source, Py_ssize_t axis, bint stacked, Py_ssize_t at) noexcept:
    """Copy one part to its place along the axis; False if it has no loops or another shape."""
    cdef hg_copying c
    cdef int to = type_of(target), kind = type_of(source), d, k
    if not convertible(to, kind) or cnp.PyArray_NDIM(source) + stacked != cnp.PyArray_NDIM(target):
        return False
    c.to, c.kind, c.rank = to, kind, cnp.PyArray_NDIM(source)
    c.to_item, c.from_item = <int> cnp.PyArray_ITEMSIZE(target), <int> cnp.PyArray_ITEMSIZE(source)
    c.target = <char *> cnp.PyArray_DATA(target) + at * cnp.PyArray_STRIDES(target)[axis]
    c.source = <char *> cnp.PyArray_DATA(source)
    for d in range(c.rank):
        k = d + 1 if stacked and d >= axis else d
        c.shape[d] = cnp.PyArray_DIMS(source)[d]
        if (stacked or d != axis) and c.shape[d] != cnp.PyArray_DIMS(target)[k]:
            return False
        c.to_step[d] = cnp.PyArray_STRIDES(target)[k]
        c.from_step[d] = cnp.PyArray_STRIDES(source)[d]
    run(&c, cnp.PyArray_SIZE(source))
    return True


cpdef ndarray joined(object arrays, Py_ssize_t axis, object kind=None, bint stacked=False):
    """The arrays one after another along an axis, or along a new one (`stacked`), C-contiguous; `kind`: a dtype."""
    cdef ndarray first = arrays[0], part, result
    cdef npy_intp[64] dims
    cdef int rank = cnp.PyArray_NDIM(first) + stacked, d
    cdef Py_ssize_t along = 0
    if rank > 64 or axis < 0 or axis >= rank:
        return reference.joined(arrays, axis, kind, stacked)
    for part in arrays:
        if not stacked and cnp.PyArray_NDIM(part) != rank:
            return reference.joined(arrays, axis, kind, stacked)
        along += 1 if stacked else cnp.PyArray_DIMS(part)[axis]
    for d in range(rank):
        dims[d] = along if d == axis else cnp.PyArray_DIMS(first)[d - 1 if stacked and d > axis else d]
    result = fresh(rank, dims, cnp.PyArray_TYPE(first) if kind is None else (<cnp.dtype> kind).type_num)
    along = 0
    for part in arrays:
        if not join_one(result, part, axis, stacked, along):
            return reference.joined(arrays, axis, kind, stacked)
        along += 1 if stacked else cnp.PyArray_DIMS(part)[axis]
    return result


cpdef ndarray triangle(ndarray x, Py_ssize_t diagonal, bint lower):
    """The elements on and below (`lower`) or on and above a diagonal of each matrix, zero beyond; C-contiguous."""
    cdef int rank = cnp.PyArray_NDIM(x)
    cdef Py_ssize_t rows, columns, size = cnp.PyArray_SIZE(x), item = cnp.PyArray_ITEMSIZE(x)
    cdef ndarray y
    if type_of(x) < 0 or rank < 2 or size == 0:
        return reference.triangle(x, diagonal, lower)
    rows, columns = cnp.PyArray_DIMS(x)[rank - 2], cnp.PyArray_DIMS(x)[rank - 1]
    diagonal = min(max(diagonal, -rows - 1), columns + 1)
    if cnp.PyArray_IS_C_CONTIGUOUS(x):
        y = fresh(rank, cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x))
    else:
        y = x = contiguous(x)
    with nogil:
        hg_triangle(<char *> cnp.PyArray_DATA(x), <char *> cnp.PyArray_DATA(y), size // (rows * columns), rows, columns,
                    item, diagonal, lower, <hg_splitter> parallel)
    return y
