# sources: gemm_loops.c panels_loops.c
"""Matrix products: 1-D, 2-D and batched, any layout that is one transposition away from a plain one without a copy.

Small and middling ones run in own loops; the packaged OpenBLAS, opened at the first product that needs it, does the
rest, and np.matmul where it is missing. Nothing here knows tensors.
"""

import importlib.util
import os
import sys

import numpy as np

from headgate.kernels import reference_reduce as reference

cimport numpy as cnp
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from numpy cimport ndarray, npy_intp

from headgate.kernels.halves cimport is_brain, narrowed, narrowed_to, widened
from headgate.kernels.memory cimport fresh
from headgate.kernels.pool cimport get_num_threads, parallel

cnp.import_array()

cdef extern from "types.h" nogil:
    enum:
        HG_AXES, HG_BOOL, HG_I64, HG_F16, HG_F32, HG_F64
    int hg_type_of(int number)

cdef extern from "gemm_loops.h" nogil:
    ctypedef void (*hg_task)(void *context, Py_ssize_t low, Py_ssize_t high) noexcept
    ctypedef void (*hg_splitter)(hg_task fn, void *context, Py_ssize_t n, Py_ssize_t grain) noexcept
    ctypedef struct hg_product:
        int type
        Py_ssize_t m, n, k, am, ak, bk, bn, cm
        double alpha, beta
        const void *row
    int hg_blas_open(const char *path)
    int hg_blas_is_open()
    void *hg_blas_find(const char *name)
    int hg_product_is_small(const hg_product *p)
    int hg_product_fits_blas(const hg_product *p)
    int hg_dot_halves(const unsigned short *a, const unsigned short *b, Py_ssize_t n, float *out,
                      hg_splitter parallel)
    int hg_product_run(const hg_product *p, const void *a, const void *b, void *c, int threads, hg_splitter parallel)
    int hg_products_run(const hg_product *p, const char *a, const char *b, char *c, const Py_ssize_t *offsets,
                        Py_ssize_t count, int threads, hg_splitter parallel)

cdef extern from "panels_loops.h" nogil:
    int hg_panels_fit(const hg_product *p)

cdef int blas_state = 0          # 0 not looked for, 1 open, -1 missing
cdef Py_ssize_t HELD = 4096      # multiplications below which letting go of the interpreter costs more than it gives


cdef bint open_blas():
    """Opens the packaged OpenBLAS if it is installed, without importing its package (which takes 55 ms)."""
    global blas_state
    cdef object found, folder, name
    if blas_state:
        return blas_state > 0
    blas_state = -1
    try:
        found = importlib.util.find_spec("scipy_openblas32")
    except (ImportError, ValueError):
        found = None
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        for name in library_names(os.path.join(folder, "lib")):
            if hg_blas_open(os.fsencode(name)) == 0:
                blas_state = 1
                return True
    return False


def library_names(folder):
    """Files in `folder` that look like the library, by name."""
    if not os.path.isdir(folder):
        return []
    ends = (".so", ".dylib", ".dll")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))
            if "openblas" in name and (name.endswith(ends) or ".so." in name)]


def blas_finder():
    """Where the C function is that finds a routine of the library by name; 0 without the library."""
    return <size_t> &hg_blas_find if open_blas() else 0


cpdef str blas_in_use():
    """Which library multiplies large matrices: opens it if it was not."""
    return "scipy-openblas32" if open_blas() else "NumPy"


cdef ndarray plain(ndarray x):
    """A C-contiguous, aligned copy in native byte order."""
    return np.array(x, dtype=x.dtype.newbyteorder("="), order="C")


cdef inline bint even_strides(ndarray x, int first) noexcept:
    """Whether the last axes' strides are non-negative multiples of the item size."""
    cdef int i
    for i in range(first, cnp.PyArray_NDIM(x)):
        if cnp.PyArray_STRIDES(x)[i] < 0 or cnp.PyArray_STRIDES(x)[i] % cnp.PyArray_ITEMSIZE(x):
            return False
    return cnp.PyArray_ISBEHAVED_RO(x)


cdef int refuse(ndarray a, ndarray b) except -1:
    """PyTorch's words for shapes that do not go together."""
    cdef int rank = cnp.PyArray_NDIM(a), other = cnp.PyArray_NDIM(b)
    x, y = a.shape, b.shape
    if not rank or not other:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {rank}D and {other}D")
    if rank == 1 and other == 1:
        raise RuntimeError(f"inconsistent tensor size, expected tensor [{x[0]}] and src [{y[0]}] to have the same number "
                           f"of elements, but got {x[0]} and {y[0]} elements respectively")
    if rank == 2 and other == 1:
        raise RuntimeError(f"size mismatch, got input ({x[0]}), mat ({x[0]}x{x[1]}), vec ({y[0]})")
    if rank > 2 and other > 2:
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: [{y[0]}, {x[rank - 1]}] "
                           f"but got: [{y[0]}, {y[other - 2]}].")
    rows = a.size // x[rank - 1] if x[rank - 1] else 0
    raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows if rank != 1 else 1}x{x[rank - 1]} and "
                       f"{y[other - 2] if other > 1 else y[0]}x{y[other - 1] if other > 1 else 1})")


cdef int describe(hg_product *p, ndarray a, ndarray b) except -1:
    """Sizes and strides of the last two axes; a 1-D operand is a row on the left and a column on the right."""
    cdef int rank = cnp.PyArray_NDIM(a), other = cnp.PyArray_NDIM(b)
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(a)
    cdef npy_intp *steps
    if not rank or not other:
        refuse(a, b)
    p.k = cnp.PyArray_DIMS(a)[rank - 1]
    p.m = cnp.PyArray_DIMS(a)[rank - 2] if rank > 1 else 1
    p.n = cnp.PyArray_DIMS(b)[other - 1] if other > 1 else 1
    if p.k != cnp.PyArray_DIMS(b)[other - 2 if other > 1 else 0]:
        refuse(a, b)
    steps = cnp.PyArray_STRIDES(a)
    p.ak = steps[rank - 1] // item if p.k > 1 else 1
    p.am = steps[rank - 2] // item if p.m > 1 else p.k
    steps = cnp.PyArray_STRIDES(b)
    p.bn = steps[other - 1] // item if p.n > 1 else 1
    p.bk = steps[other - 2 if other > 1 else 0] // item if p.k > 1 else p.n
    p.cm = p.n
    p.row = NULL
    return 0


cdef ndarray new_product(ndarray a, ndarray b, hg_product *p, int batch, npy_intp *dims):
    """The result's array: batch axes, then m and n where they exist; dims receives its shape."""
    cdef int rank = batch
    if cnp.PyArray_NDIM(a) > 1:
        dims[rank] = p.m
        rank += 1
    if cnp.PyArray_NDIM(b) > 1:
        dims[rank] = p.n
        rank += 1
    return fresh(rank, dims, cnp.PyArray_TYPE(a))


cdef ndarray numpy_product(ndarray a, ndarray b, ndarray out):
    return reference.matmul(a, b, out)


cdef ndarray rounded(ndarray result, ndarray like):
    """A product of float32 in the narrow type of an operand."""
    if not cnp.PyArray_IS_C_CONTIGUOUS(result):
        result = np.ascontiguousarray(result)
    return narrowed_to(result, (<object> like).dtype)


cpdef ndarray matmul(ndarray a, ndarray b, ndarray out=None):
    """NumPy's matmul; float16 is multiplied in float32 and rounded once, integers wrap."""
    cdef hg_product p
    cdef npy_intp[HG_AXES] dims
    cdef int kind = hg_type_of(cnp.PyArray_TYPE(a))
    cdef ndarray result
    if out is not None:
        return product_into(a, b, out)
    if is_brain(a) and cnp.PyArray_TYPE(b) == cnp.PyArray_TYPE(a) and not is_dot(a, b):
        return rounded(matmul(widened(a), widened(b)), a)
    if kind <= HG_BOOL or cnp.PyArray_TYPE(b) != cnp.PyArray_TYPE(a):
        describe(&p, a, b)
        return numpy_product(a, b, None)
    if kind == HG_F16:
        if is_dot(a, b):
            axes = max(cnp.PyArray_NDIM(a), cnp.PyArray_NDIM(b)) - (cnp.PyArray_NDIM(a) == 1) - (cnp.PyArray_NDIM(b) == 1)
            return narrowed(dot_halves(a, b)).reshape((1,) * axes)
        return narrowed(matmul(widened(a), widened(b)))
    if cnp.PyArray_NDIM(a) > 2 or cnp.PyArray_NDIM(b) > 2:
        return batched(a, b)
    if not even_strides(a, 0):
        a = plain(a)
    if not even_strides(b, 0):
        b = plain(b)
    describe(&p, a, b)
    p.type, p.alpha, p.beta = kind, 1, 0
    result = new_product(a, b, &p, 0, dims)
    run_product(&p, a, b, result)
    return result


cdef bint is_dot(ndarray a, ndarray b) noexcept:
    """Whether a long row meets a long column, whatever axes of length 1 are around them."""
    cdef int rank = cnp.PyArray_NDIM(a), other = cnp.PyArray_NDIM(b)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(a)
    return (rank > 0 and other > 0 and n > HELD and cnp.PyArray_SIZE(b) == n and cnp.PyArray_DIMS(a)[rank - 1] == n
            and cnp.PyArray_DIMS(b)[other - 1 if other == 1 else other - 2] == n)


cdef ndarray dot_halves(ndarray a, ndarray b):
    """The product of two vectors of float16, as float32."""
    cdef ndarray result = fresh(0, NULL, cnp.NPY_FLOAT)
    cdef int failed
    a, b = np.require(a, None, ["C", "A"]), np.require(b, None, ["C", "A"])
    with nogil:
        failed = hg_dot_halves(<unsigned short *> cnp.PyArray_DATA(a), <unsigned short *> cnp.PyArray_DATA(b),
                               cnp.PyArray_SIZE(a), <float *> cnp.PyArray_DATA(result), <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory for the partial results of a product")
    return result


cdef int run_product(hg_product *p, ndarray a, ndarray b, ndarray c) except -1:
    """c = alpha * a b + beta * c for operands of at most two axes."""
    cdef int failed, threads
    if hg_product_is_small(p):
        if (p.m == 1 or p.n == 1) and p.m * p.n * p.k > HELD and not vector_layout(p):
            a, b = plain(a), plain(b)
            describe(p, a, b)
    elif not hg_panels_fit(p):
        if not open_blas():
            return without_blas(p, a, b, c)
        if not hg_product_fits_blas(p):
            a, b = plain(a), plain(b)
            describe(p, a, b)
            if not hg_product_fits_blas(p):
                return without_blas(p, a, b, c)
    if p.m * p.n * p.k <= HELD:
        return hg_product_run(p, cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), cnp.PyArray_DATA(c), 1, <hg_splitter> parallel)
    threads = get_num_threads()
    with nogil:
        failed = hg_product_run(p, cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), cnp.PyArray_DATA(c), threads,
                                <hg_splitter> parallel)
    if failed:
        raise MemoryError("no memory for the partial results of a product")
    return 0


cdef inline bint vector_layout(hg_product *p) noexcept:
    """Whether one of the loops for products with a vector can walk these strides."""
    if p.m == 1:
        return p.bn == 1 or (p.bk == 1 and p.ak == 1)
    return (p.ak == 1 and p.bk == 1) or p.am == 1


cdef int without_blas(hg_product *p, ndarray a, ndarray b, ndarray c) except -1:
    """The same through np.matmul."""
    product = np.matmul(a, b)
    if p.alpha != 1:
        product = product * a.dtype.type(p.alpha)
    c[...] = product if p.beta == 0 else product + c * a.dtype.type(p.beta)
    return 0


cdef ndarray product_into(ndarray a, ndarray b, ndarray out):
    """A product stored in `out`, which may overlap the operands."""
    cdef ndarray result = matmul(a, b)
    wanted, given = (<object> result).shape, (<object> out).shape
    if wanted != given:
        raise RuntimeError(f"out has shape {list(given)} where the product has {list(wanted)}")
    cnp.PyArray_CopyInto(out, result)
    return out


cdef bint uniform_batch(ndarray a) noexcept:
    """Whether all axes before the last can be read as one."""
    cdef int i
    for i in range(cnp.PyArray_NDIM(a) - 2):
        if cnp.PyArray_STRIDES(a)[i] != cnp.PyArray_STRIDES(a)[i + 1] * cnp.PyArray_DIMS(a)[i + 1]:
            return False
    return True


cdef ndarray batched(ndarray a, ndarray b):
    """Products over broadcast leading axes; many rows times one matrix are one product."""
    cdef hg_product p
    cdef int rank = cnp.PyArray_NDIM(a), other = cnp.PyArray_NDIM(b), batch, i
    cdef npy_intp[HG_AXES] dims
    cdef ndarray result
    cdef Py_ssize_t count = 1
    if not even_strides(a, 0):
        a = plain(a)
    if not even_strides(b, 0):
        b = plain(b)
    describe(&p, a, b)
    p.type, p.alpha, p.beta = hg_type_of(cnp.PyArray_TYPE(a)), 1, 0
    batch = max(rank, other) - 2
    for i in range(batch):
        dims[i] = batch_size(a, b, i - batch)
        count *= dims[i]
    result = new_product(a, b, &p, batch, dims)
    if count == 0 or p.m == 0 or p.n == 0:
        return result
    if other <= 2 and rank > 2 and uniform_batch(a):
        p.m *= count
        if p.am == p.k and cnp.PyArray_DIMS(a)[rank - 2] == 1:
            p.am = cnp.PyArray_STRIDES(a)[rank - 2] // cnp.PyArray_ITEMSIZE(a)
        run_product(&p, a.reshape(p.m, p.k), b, result)
        return result
    run_batches(&p, a, b, result, batch, count)
    return result


cdef Py_ssize_t batch_size(ndarray a, ndarray b, int at) except -1:
    """The broadcast size of batch axis `at`, counted from the end (-1 is the last batch axis)."""
    cdef int i = cnp.PyArray_NDIM(a) - 2 + at, j = cnp.PyArray_NDIM(b) - 2 + at
    cdef Py_ssize_t x = cnp.PyArray_DIMS(a)[i] if i >= 0 else 1
    cdef Py_ssize_t y = cnp.PyArray_DIMS(b)[j] if j >= 0 else 1
    if x != y and x != 1 and y != 1:
        raise RuntimeError(f"The size of tensor a ({x}) must match the size of tensor b ({y}) at non-singleton dimension "
                           f"{max(i, j)}")
    return y if x == 1 else x


cdef int run_batches(hg_product *p, ndarray a, ndarray b, ndarray result, int batch, Py_ssize_t count) except -1:
    """One product per batch element, the batch split over threads."""
    cdef Py_ssize_t *offsets
    cdef int failed, threads = get_num_threads()
    if not hg_product_is_small(p) and not hg_panels_fit(p) and (not open_blas() or not hg_product_fits_blas(p)):
        if blas_state < 0:
            np.matmul(a, b, out=result)
            return 0
        a, b = plain(a), plain(b)
        describe(p, a, b)
    offsets = <Py_ssize_t *> malloc(count * 3 * sizeof(Py_ssize_t))
    if offsets == NULL:
        raise MemoryError("no memory for the offsets of a batch")
    fill_offsets(offsets, a, b, result, batch, count, p.m * p.n * cnp.PyArray_ITEMSIZE(a))
    with nogil:
        failed = hg_products_run(p, <char *> cnp.PyArray_DATA(a), <char *> cnp.PyArray_DATA(b),
                                 <char *> cnp.PyArray_DATA(result), offsets, count, threads, <hg_splitter> parallel)
    free(offsets)
    if failed:
        raise MemoryError("no memory for the partial results of a product")
    return 0


cdef void fill_offsets(Py_ssize_t *offsets, ndarray a, ndarray b, ndarray result, int batch, Py_ssize_t count,
                       Py_ssize_t step) noexcept:
    """Where each product's operands begin, in bytes, in C order of the batch axes."""
    cdef Py_ssize_t i, rest, at
    cdef int axis, lead = batch - (cnp.PyArray_NDIM(a) - 2), other = batch - (cnp.PyArray_NDIM(b) - 2)
    for i in range(count):
        rest = i
        offsets[3 * i] = offsets[3 * i + 1] = 0
        offsets[3 * i + 2] = i * step
        for axis in range(batch - 1, -1, -1):
            at = rest % cnp.PyArray_DIMS(result)[axis]
            rest = rest // cnp.PyArray_DIMS(result)[axis]
            if axis >= lead and cnp.PyArray_DIMS(a)[axis - lead] > 1:
                offsets[3 * i] += at * cnp.PyArray_STRIDES(a)[axis - lead]
            if axis >= other and cnp.PyArray_DIMS(b)[axis - other] > 1:
                offsets[3 * i + 1] += at * cnp.PyArray_STRIDES(b)[axis - other]


cdef int spread(ndarray c, ndarray out, Py_ssize_t m, Py_ssize_t n) except -1:
    """out = c, broadcast."""
    cdef Py_ssize_t i, row = n * cnp.PyArray_ITEMSIZE(out)
    cdef char *to = <char *> cnp.PyArray_DATA(out)
    if cnp.PyArray_TYPE(c) == cnp.PyArray_TYPE(out) and cnp.PyArray_IS_C_CONTIGUOUS(c):
        if cnp.PyArray_NDIM(c) == 2 and cnp.PyArray_DIMS(c)[0] == m and cnp.PyArray_DIMS(c)[1] == n:
            memcpy(to, cnp.PyArray_DATA(c), m * row)
            return 0
        if cnp.PyArray_NDIM(c) == 1 and cnp.PyArray_DIMS(c)[0] == n:
            for i in range(m):
                memcpy(to + i * row, cnp.PyArray_DATA(c), row)
            return 0
    np.copyto(out, c)
    return 0


cpdef ndarray addmm(ndarray c, ndarray a, ndarray b, double beta, double alpha):
    """beta * c + alpha * (a @ b) with c broadcast to (m, n); with beta 0, NaN and infinity in c do not count."""
    cdef hg_product p
    cdef npy_intp[HG_AXES] dims
    cdef int kind = hg_type_of(cnp.PyArray_TYPE(a))
    cdef ndarray result
    if is_brain(a) and is_brain(b) and is_brain(c) and cnp.PyArray_NDIM(a) == 2 and cnp.PyArray_NDIM(b) == 2:
        return rounded(addmm(widened(c), widened(a), widened(b), beta, alpha), a)
    if kind <= HG_BOOL or cnp.PyArray_TYPE(b) != cnp.PyArray_TYPE(a) or cnp.PyArray_NDIM(a) != 2 or cnp.PyArray_NDIM(b) != 2:
        return reference.addmm(c, a, b, beta, alpha)
    if kind == HG_F16:
        return narrowed(addmm(widened(c), widened(a), widened(b), beta, alpha))
    if not even_strides(a, 0):
        a = plain(a)
    if not even_strides(b, 0):
        b = plain(b)
    describe(&p, a, b)
    p.type, p.alpha, p.beta = kind, alpha, beta
    result = new_product(a, b, &p, 0, dims)
    if beta != 0:
        if is_row(c, p.n, cnp.PyArray_TYPE(a)) and not hg_product_is_small(&p) and hg_panels_fit(&p):
            p.row = cnp.PyArray_DATA(c)
        else:
            spread(c, result, p.m, p.n)
    run_product(&p, a, b, result)
    return result


cdef bint is_row(ndarray c, Py_ssize_t n, int number) noexcept:
    """Whether c is n adjacent elements of that type."""
    return (cnp.PyArray_NDIM(c) == 1 and cnp.PyArray_DIMS(c)[0] == n and cnp.PyArray_TYPE(c) == number
            and cnp.PyArray_IS_C_CONTIGUOUS(c) and cnp.PyArray_ISBEHAVED_RO(c))
