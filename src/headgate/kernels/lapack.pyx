# sources: lapack_loops.c
"""Factors, systems and values of matrices by the LAPACK of the packaged OpenBLAS, one C loop for a batch.

NumPy takes what is large, where its threads win, what is empty, and what fails: it knows the errors. Nothing here knows
tensors.
"""

import numpy as np

from headgate.kernels import reference_lapack as reference
from headgate.kernels.gemm import blas_finder

cimport numpy as cnp
from libc.string cimport memset
from numpy cimport ndarray, npy_intp

from headgate.kernels.memory cimport fresh

cnp.import_array()

cdef extern from "types.h" nogil:
    enum:
        HG_AXES, HG_F32, HG_F64
    int hg_type_of(int number)

cdef extern from "lapack_loops.h" nogil:
    enum:
        HG_CHOLESKY, HG_INVERSE, HG_SOLVE, HG_TRIANGULAR, HG_CHOLESKY_SOLVE, HG_CHOLESKY_INVERSE, HG_DET, HG_SLOGDET
        HG_LU, HG_LU_SOLVE, HG_PERMUTATION, HG_QR, HG_SVD, HG_EIGH, HG_PINV, HG_RANK, HG_LSTSQ
    ctypedef struct hg_matrices:
        Py_ssize_t m, n, step, row, column
        const char *data
    ctypedef void *hg_result
    ctypedef struct hg_lapack:
        int what, type, count, upper, unit, turned, full, fixed, width
        hg_matrices a, b
        hg_result[3] out
        int *numbers
        int *info
        double least, relative
    ctypedef void *(*hg_finder)(const char *name) noexcept
    int hg_lapack_open(hg_finder find)
    int hg_lapack_run(const hg_lapack *job)

cdef int state = 0        # 0 not looked for, 1 open, -1 missing
cdef Py_ssize_t AREA = 65536  # elements of a matrix from which two threads of NumPy's library begin to win
cdef Py_ssize_t HELD = 4096  # multiplications below which letting go of the interpreter costs more than it gives


cdef bint is_open():
    """Whether there is a library with every routine."""
    global state
    cdef hg_finder find
    if not state:
        find = <hg_finder> <size_t> blas_finder()
        state = 1 if find != NULL and hg_lapack_open(find) == 0 else -1
    return state > 0


cdef bint even(ndarray x) noexcept:
    """Whether the batch axes can be walked as one."""
    cdef int i
    for i in range(cnp.PyArray_NDIM(x) - 3):
        if cnp.PyArray_STRIDES(x)[i] != cnp.PyArray_STRIDES(x)[i + 1] * cnp.PyArray_DIMS(x)[i + 1]:
            return False
    return cnp.PyArray_ISBEHAVED_RO(x)


cdef ndarray described(ndarray x, hg_matrices *a, bint turned):
    """x itself, or a copy that can be walked, with its matrices (or their transposes) described."""
    cdef int rank = cnp.PyArray_NDIM(x)
    cdef npy_intp item = cnp.PyArray_ITEMSIZE(x)
    if not even(x):
        x = np.array(x, dtype=x.dtype.newbyteorder("="), order="C")
    a.m, a.n = cnp.PyArray_DIMS(x)[rank - 2], cnp.PyArray_DIMS(x)[rank - 1]
    a.row, a.column = cnp.PyArray_STRIDES(x)[rank - 2], cnp.PyArray_STRIDES(x)[rank - 1]
    if a.n == 1:
        a.column = item
    if a.m == 1:
        a.row = a.n * a.column
    a.step = cnp.PyArray_STRIDES(x)[rank - 3] if rank > 2 else 0
    a.data = <const char *> cnp.PyArray_DATA(x)
    if turned:
        a.m, a.n, a.row, a.column = a.n, a.m, a.column, a.row
    return x


cdef ndarray begun(hg_lapack *job, int what, ndarray x, Py_ssize_t most, bint turned=False):
    """A job over the matrices of x: x or its copy, None where NumPy is to do it (of more than `most` elements)."""
    cdef int rank = cnp.PyArray_NDIM(x), i
    cdef Py_ssize_t count = 1
    memset(job, 0, sizeof(hg_lapack))
    job.what, job.type = what, hg_type_of(cnp.PyArray_TYPE(x))
    if rank < 2 or (job.type != HG_F32 and job.type != HG_F64) or cnp.PyArray_SIZE(x) == 0 or not is_open():
        return None
    if cnp.PyArray_DIMS(x)[rank - 1] * cnp.PyArray_DIMS(x)[rank - 2] > most:
        return None
    for i in range(rank - 2):
        count *= cnp.PyArray_DIMS(x)[i]
    if count > 1 << 30:
        return None
    job.count = count
    return described(x, &job.a, turned)


cdef ndarray room(ndarray x, Py_ssize_t m, Py_ssize_t n, int axes, int number):
    """A fresh array over the batch of x, with these last axes (0, 1 or 2 of them)."""
    cdef npy_intp[HG_AXES] dims
    cdef int i, lead = cnp.PyArray_NDIM(x) - 2
    for i in range(lead):
        dims[i] = cnp.PyArray_DIMS(x)[i]
    if axes:
        dims[lead] = m
    if axes == 2:
        dims[lead + 1] = n
    return fresh(lead + axes, dims, number)


cdef ndarray result(hg_lapack *job, int place, ndarray x, Py_ssize_t m, Py_ssize_t n, int axes):
    """Such an array of x's type as one of the job's results."""
    cdef ndarray made = room(x, m, n, axes, cnp.PyArray_TYPE(x))
    job.out[place] = cnp.PyArray_DATA(made)
    return made


cdef bint failed(hg_lapack *job) noexcept:
    """Run it; True if NumPy is to say what is wrong."""
    cdef int info
    if job.count * job.a.m * job.a.m * job.a.n <= HELD:
        return hg_lapack_run(job) != 0
    with nogil:
        info = hg_lapack_run(job)
    return info != 0


cdef ndarray adjacent(ndarray x, hg_matrices *a, bint turned):
    """x, or a copy, whose matrices have adjacent rows or columns, as a triangle is read where it lies."""
    cdef npy_intp item = cnp.PyArray_ITEMSIZE(x)
    if (a.column == item and a.row >= a.n * item) or (a.row == item and a.column >= a.m * item):
        if a.row % item == 0 and a.column % item == 0:
            return x
    return described(np.array(x, order="C"), a, turned)


cdef bint apart(ndarray a, ndarray b, int last, int beside) noexcept:
    """Whether b, with `last` axes of its own, of which `beside` goes with a's rows, is another batch: NumPy broadcasts."""
    cdef int i, lead = cnp.PyArray_NDIM(a) - 2
    if cnp.PyArray_TYPE(a) != cnp.PyArray_TYPE(b) or cnp.PyArray_NDIM(b) != lead + last or cnp.PyArray_SIZE(b) == 0:
        return True
    for i in range(lead):
        if cnp.PyArray_DIMS(a)[i] != cnp.PyArray_DIMS(b)[i]:
            return True
    return cnp.PyArray_DIMS(b)[lead + beside] != cnp.PyArray_DIMS(a)[lead]


# ---- triangles ------------------------------------------------------------------------------------------------------


cpdef object cholesky(ndarray a):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_CHOLESKY, a, AREA)
    if x is None:
        return reference.cholesky(a)
    made = result(&job, 0, x, job.a.n, job.a.n, 2)
    return reference.cholesky(a) if failed(&job) else made


cpdef object triangular(ndarray a, ndarray b, bint upper, bint unit, bint left):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_TRIANGULAR, a, AREA, not left), y, made
    if x is None or apart(a, b, 2, 0 if left else 1):
        return reference.triangular(a, b, upper, unit, left)
    x = adjacent(x, &job.a, not left)
    y = described(b, &job.b, not left)
    job.upper, job.unit = upper == left, unit
    made = result(&job, 0, y, job.b.m, job.b.n, 2)
    failed(&job)
    return made if left else cnp.PyArray_SwapAxes(made, cnp.PyArray_NDIM(made) - 2, cnp.PyArray_NDIM(made) - 1)


cpdef object cholesky_solve(ndarray b, ndarray factor, bint upper):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_CHOLESKY_SOLVE, factor, AREA), y, made
    if x is None or apart(factor, b, 2, 0):
        return reference.cholesky_solve(b, factor, upper)
    x = adjacent(x, &job.a, False)
    y = described(b, &job.b, False)
    job.upper = upper
    made = result(&job, 0, y, job.b.m, job.b.n, 2)
    failed(&job)
    return made


cpdef object cholesky_inverse(ndarray factor, bint upper):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_CHOLESKY_INVERSE, factor, AREA)
    if x is None:
        return reference.cholesky_inverse(factor, upper)
    job.upper = upper
    made = result(&job, 0, x, job.a.n, job.a.n, 2)
    return reference.cholesky_inverse(factor, upper) if failed(&job) else made


# ---- systems and determinants ---------------------------------------------------------------------------------------


cpdef object inverse(ndarray a):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_INVERSE, a, AREA)
    if x is None:
        return reference.inverse(a)
    made = result(&job, 0, x, job.a.n, job.a.n, 2)
    return reference.inverse(a) if failed(&job) else made


cdef void one_column(ndarray b, hg_matrices *y) noexcept:
    """A batch of vectors as matrices of one column."""
    cdef int rank = cnp.PyArray_NDIM(b)
    y.m, y.n = cnp.PyArray_DIMS(b)[rank - 1], 1
    y.row = y.column = cnp.PyArray_ITEMSIZE(b)
    y.step = y.m * y.row
    y.data = <const char *> cnp.PyArray_DATA(b)


cpdef object solve(ndarray a, ndarray b, bint left, bint vector):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_SOLVE, a, AREA, not left), y, made
    if x is None or apart(a, b, 1 if vector else 2, 0 if left else 1):
        return reference.solve(a, b, left, vector)
    if vector:
        y = np.require(b, None, ["C", "A"])
        one_column(y, &job.b)
        made = result(&job, 0, x, job.b.m, 0, 1)
    else:
        y = described(b, &job.b, not left)
        made = result(&job, 0, y, job.b.m, job.b.n, 2)
    if failed(&job):
        return reference.solve(a, b, left, vector)
    return made if left else cnp.PyArray_SwapAxes(made, cnp.PyArray_NDIM(made) - 2, cnp.PyArray_NDIM(made) - 1)


cpdef object det(ndarray a):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_DET, a, AREA)
    if x is None:
        return reference.det(a)
    made = result(&job, 0, x, 0, 0, 0)
    return reference.det(a) if failed(&job) else made


cpdef tuple slogdet(ndarray a):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_SLOGDET, a, AREA)
    if x is None:
        return reference.slogdet(a)
    pair = result(&job, 0, x, 0, 0, 0), result(&job, 1, x, 0, 0, 0)
    return reference.slogdet(a) if failed(&job) else pair


# ---- LU -------------------------------------------------------------------------------------------------------------


def lu_factor(ndarray a, bint pivot):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_LU, a, 1 << 40), pivots, info
    if x is None:
        return reference.lu_factor(a, pivot)
    made = result(&job, 0, x, job.a.m, job.a.n, 2)
    pivots = room(x, min(job.a.m, job.a.n), 0, 1, cnp.NPY_INT)
    info = room(x, 0, 0, 0, cnp.NPY_INT)
    job.fixed, job.numbers, job.info = not pivot, <int *> cnp.PyArray_DATA(pivots), <int *> cnp.PyArray_DATA(info)
    return reference.lu_factor(a, pivot) if failed(&job) else (made, pivots, info)


def lu(ndarray a, bint pivot):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_LU, a, 1 << 40)
    if x is None:
        return reference.lu(a, pivot)
    count = min(job.a.m, job.a.n)
    parts = (result(&job, 0, x, job.a.m, count, 2), result(&job, 1, x, count, job.a.n, 2),
             result(&job, 2, x, job.a.m, job.a.m, 2))
    job.fixed = not pivot
    return reference.lu(a, pivot) if failed(&job) else parts


def permutation(ndarray pivots, Py_ssize_t rows, kind):
    cdef hg_lapack job
    cdef ndarray like
    cdef int lead = cnp.PyArray_NDIM(pivots) - 1
    if lead < 0:
        return reference.permutation(pivots, rows, kind)
    like = np.empty((<object> pivots).shape[:lead] + (0, 0), kind)
    memset(&job, 0, sizeof(hg_lapack))
    job.what, job.type = HG_PERMUTATION, hg_type_of(cnp.PyArray_TYPE(like))
    job.a.m, job.a.n = rows, cnp.PyArray_DIMS(pivots)[lead]
    job.count = cnp.PyArray_SIZE(pivots) // max(job.a.n, 1)
    if (job.type != HG_F32 and job.type != HG_F64) or job.count == 0:
        return reference.permutation(pivots, rows, kind)
    pivots = np.require(pivots, np.int32, ["C", "A"])
    made = result(&job, 0, like, rows, rows, 2)
    job.numbers = <int *> cnp.PyArray_DATA(pivots)
    return reference.permutation(pivots, rows, kind) if failed(&job) else made


def lu_solve(ndarray packed, ndarray pivots, ndarray b, bint adjoint):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_LU_SOLVE, packed, 1 << 40), y
    if x is None or apart(packed, b, 2, 0):
        return reference.lu_solve(packed, pivots, b, adjoint)
    y = described(b, &job.b, False)
    pivots = np.require(pivots, np.int32, ["C", "A"])
    if cnp.PyArray_SIZE(pivots) != job.count * job.a.n or cnp.PyArray_DIMS(pivots)[cnp.PyArray_NDIM(pivots) - 1] != job.a.n:
        return reference.lu_solve(packed, pivots, b, adjoint)
    made = result(&job, 0, y, job.b.m, job.b.n, 2)
    job.turned, job.numbers = adjoint, <int *> cnp.PyArray_DATA(pivots)
    return reference.lu_solve(packed, pivots, b, adjoint) if failed(&job) else made


# ---- orthogonal factors and values ----------------------------------------------------------------------------------


def qr(ndarray a, str mode):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_QR, a, AREA)
    if x is None:
        return reference.qr(a, mode)
    job.width = job.a.m if mode == "complete" else min(job.a.m, job.a.n)
    q = np.empty((0,), a.dtype) if mode == "r" else result(&job, 0, x, job.a.m, job.width, 2)
    r = result(&job, 1, x, job.width, job.a.n, 2)
    return reference.qr(a, mode) if failed(&job) else (q, r)


def svd(ndarray a, bint full):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_SVD, a, AREA)
    if x is None:
        return reference.svd(a, full)
    count = min(job.a.m, job.a.n)
    job.full = full
    parts = (result(&job, 0, x, job.a.m, job.a.m if full else count, 2), result(&job, 1, x, count, 0, 1),
             result(&job, 2, x, job.a.n if full else count, job.a.n, 2))
    return reference.svd(a, full) if failed(&job) else parts


def svdvals(ndarray a):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_SVD, a, AREA)
    if x is None:
        return reference.svdvals(a)
    values = result(&job, 1, x, min(job.a.m, job.a.n), 0, 1)
    return reference.svdvals(a) if failed(&job) else values


def eigh(ndarray a, str uplo):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_EIGH, a, AREA)
    if x is None:
        return reference.eigh(a, uplo)
    job.upper = uplo == "U"
    pair = result(&job, 0, x, job.a.n, 0, 1), result(&job, 1, x, job.a.n, job.a.n, 2)
    return reference.eigh(a, uplo) if failed(&job) else pair


def eigvalsh(ndarray a, str uplo):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_EIGH, a, AREA)
    if x is None:
        return reference.eigvalsh(a, uplo)
    job.upper = uplo == "U"
    values = result(&job, 0, x, job.a.n, 0, 1)
    return reference.eigvalsh(a, uplo) if failed(&job) else values


cdef bint plain_bounds(hg_lapack *job, least, relative):
    """Whether both bounds are one number each; they are noted then."""
    if np.ndim(least) or np.ndim(relative):
        return False
    job.least, job.relative = least, relative
    return True


def pinv(ndarray a, least, relative):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_PINV, a, AREA)
    if x is None or not plain_bounds(&job, least, relative):
        return reference.pinv(a, least, relative)
    made = result(&job, 0, x, job.a.n, job.a.m, 2)
    return reference.pinv(a, least, relative) if failed(&job) else made


def rank(ndarray a, least, relative):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_RANK, a, AREA), made
    if x is None or not plain_bounds(&job, least, relative):
        return reference.rank(a, least, relative)
    made = room(x, 0, 0, 0, cnp.NPY_INT64)
    job.out[0] = cnp.PyArray_DATA(made)
    return reference.rank(a, least, relative) if failed(&job) else made


def lstsq(ndarray a, ndarray b, double relative):
    cdef hg_lapack job
    cdef ndarray x = begun(&job, HG_LSTSQ, a, AREA), y, found
    if x is None or apart(a, b, 2, 0):
        return reference.lstsq(a, b, relative)
    y = described(b, &job.b, False)
    job.relative = relative
    made = result(&job, 0, y, job.a.n, job.b.n, 2)
    found = room(x, 0, 0, 0, cnp.NPY_INT64)
    job.out[1] = cnp.PyArray_DATA(found)
    return reference.lstsq(a, b, relative) if failed(&job) else (made, found)
