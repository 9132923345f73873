# sources: door_plan.c loops_baseline.c loops_avx2.c loops_avx512.c loops_special.c
"""The kernel door: elementwise loops run here, every other kernel is re-exported from here.

A call finds the typed inner loop of its name (own C, libmvec, NumPy's), takes a short road when its operands are one
flat run, is split over threads when large, and falls back to the NumPy form for what has no loop. It must not know
tensors.
"""

import ctypes
import os

import numpy as np

cimport numpy as cnp
from cpython.ref cimport PyObject
from libc.stdint cimport uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset
from numpy cimport ndarray, npy_intp

from headgate.kernels cimport memory, pool
from headgate.kernels.copying cimport turn_piece
from headgate.kernels import reference
from headgate.kernels.copying import (  # noqa: F401
    contiguous, converted, copied, copy_into, fill, joined, like_layout, triangle, zeros,
)
from headgate.kernels.gemm import addmm, matmul  # noqa: F401
from headgate.kernels.indexing import gather, index_add, scatter, take  # noqa: F401
from headgate.kernels.pool import get_num_threads, set_num_threads  # noqa: F401
from headgate.kernels.reduction import arg_reduce, norm, reduce, variance  # noqa: F401
from headgate.kernels.softmax import (  # noqa: F401
    cumulate, log_softmax, log_softmax_backward, logsumexp, softmax, softmax_backward,
)
from headgate.kernels.sorting import sort, topk  # noqa: F401

cdef extern from "loops.h" nogil:
    ctypedef void (*hg_inner)(char **args, const Py_ssize_t *dims, const Py_ssize_t *steps, void *data) noexcept
    ctypedef struct hg_call:
        double params[8]
        int error
        int inputs
        unsigned halves
        hg_inner inner
        void *inner_data
    int HG_ZERO_DIVISION
    ctypedef struct hg_entry:
        char type
        char out
        unsigned char inputs
        unsigned char cost
        unsigned char fails
        hg_inner inner
    ctypedef struct hg_level:
        const char *level
        hg_inner half
        hg_inner vector_float[2]
        hg_inner vector_double[2]
        const char *prefix
        int width
    ctypedef struct hg_math:
        hg_inner inner
        void *data
    hg_math hg_maths[2][9]
    const hg_level *hg_choose(const char *forced)
    const hg_entry *hg_find(const hg_level *level, const char *name, char type)

cdef extern from "door_plan.h" nogil:
    int HG_QUICK, HG_GENERAL, HG_ODD, HG_MISMATCH
    ctypedef struct hg_plan:
        hg_inner inner
        void *data
        int inputs
        int axes
        Py_ssize_t size
        Py_ssize_t length
        Py_ssize_t shape[64]
    ctypedef void (*hg_turner)(char *to, const char *source, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t item,
                               Py_ssize_t to_row, Py_ssize_t from_column) noexcept nogil
    hg_turner hg_turn
    Py_ssize_t hg_item_bytes(int typenum)
    Py_ssize_t hg_run_size(PyObject **arrays, int inputs, Py_ssize_t *steps)
    int hg_same_run(ndarray first, ndarray a)
    int hg_plan_open(hg_plan *plan, PyObject **arrays, int inputs, void *scalar)
    int hg_plan_layout(const hg_plan *plan, PyObject **arrays, int inputs, Py_ssize_t item, Py_ssize_t *strides)
    int hg_plan_alike(const hg_plan *plan, PyObject **arrays, int inputs)
    int hg_plan_close(hg_plan *plan, PyObject *out, int kind)
    void hg_plan_rows(void *plan, Py_ssize_t low, Py_ssize_t high) noexcept
    void hg_plan_elements(void *plan, Py_ssize_t low, Py_ssize_t high) noexcept

cdef extern from "loops_special.h" nogil:
    const hg_entry *hg_find_special(const char *name, char type)

cdef extern from *:
    """
    #include <numpy/ufuncobject.h>
    /* The inner loop of a ufunc for inputs of one type; its output's type number, or -1. */
    static int hg_borrow(PyObject *object, int typenum, PyUFuncGenericFunction *inner, void **data) {
        PyUFuncObject *u = (PyUFuncObject *)object;
        if (!u->functions || !u->types || u->nout != 1 || u->core_enabled) return -1;
        for (int i = 0; i < u->ntypes; i++) {
            const char *types = u->types + i * u->nargs;
            int fits = u->functions[i] != NULL;
            for (int k = 0; k < u->nin; k++) fits &= types[k] == typenum;
            if (!fits || types[u->nin] >= NPY_OBJECT) continue;
            *inner = u->functions[i];
            *data = u->data ? (void *)u->data[i] : NULL;
            return types[u->nin];
        }
        return -1;
    }
    /* Other strides for a fresh array, over the same elements. */
    static void hg_set_strides(PyObject *object, const Py_ssize_t *strides) {
        PyArrayObject *a = (PyArrayObject *)object;
        memcpy(PyArray_STRIDES(a), strides, sizeof(npy_intp) * (size_t)PyArray_NDIM(a));
        PyArray_UpdateFlags(a, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS);
    }
    """
    int hg_borrow(object ufunc, int typenum, hg_inner *inner, void **data)
    void hg_set_strides(object array, const Py_ssize_t *strides)

cnp.import_array()
hg_turn = turn_piece

cdef const hg_level *level = NULL
cdef enum:
    RELEASE_FROM = 65536      # work (elements x cost) from which the GIL is let go
    SERIAL_WORK = 40000       # work below which another thread does not pay
    FLOAT = 11
    DOUBLE = 12
    HALF = 23
    TYPES = 24

cdef struct Entry:
    hg_inner inner       # NULL: only the fallback is left
    void *data           # NULL: the call record
    hg_inner half_inner  # the float32 loop that `inner` converts for
    void *half_data
    unsigned halves
    int out              # type number of the output
    int cost             # about tenths of a nanosecond per element
    bint fails
    const char *rung


cdef class Loop:
    """An elementwise function: its name, what stands behind it in NumPy, its inner loops by dtype, found on first use."""

    def __init__(self, str name, object ufunc, object python, int nin):
        self.name, self.ufunc, self.python, self.nin = name, ufunc, python, nin
        self.label = name.encode()
        self.is_power, self.is_where = name == "pow", name == "where"

    def __dealloc__(self):
        cdef int i
        for i in range(TYPES):
            free(self.entries[i])

    def __repr__(self):
        return f"Loop({self.name!r})"


cdef Entry *_find(Loop loop, int typenum) except NULL:
    """The loop's entry for a type, resolved on first use."""
    cdef Entry *entry
    if loop.entries[typenum] == NULL:
        entry = <Entry *> calloc(1, sizeof(Entry))
        if entry == NULL:
            raise MemoryError()
        try:
            _resolve(loop, typenum, entry)
        except BaseException:
            free(entry)
            raise
        loop.entries[typenum] = entry
    return <Entry *> loop.entries[typenum]


cpdef Loop make_loop(str name, object ufunc=None, object python=None):
    """The loop of that name; `ufunc` and `python` are needed only for names that reference.py does not list."""
    ufunc, python, nin = reference.resolve(name, ufunc, python)
    return Loop(name, ufunc, python, nin)


include "door_find.pxi"


cdef int _complain(hg_call *call) except -1:
    if call.error == HG_ZERO_DIVISION:
        raise RuntimeError("ZeroDivisionError")
    raise SystemError(f"a kernel reported the unknown error {call.error}")


cdef inline void _start(hg_plan *plan, int kind, int cost) noexcept:
    """Run a closed plan: here if it is small, else without the GIL and over threads."""
    cdef Py_ssize_t rows, grain, work = plan.size * cost
    if plan.size == 0:
        return
    rows = plan.size // plan.length if kind == HG_GENERAL else 1
    if work < RELEASE_FROM:
        if kind == HG_QUICK:
            hg_plan_elements(plan, 0, plan.size)
        else:
            hg_plan_rows(plan, 0, rows)
        return
    with nogil:
        grain = SERIAL_WORK // cost
        if kind == HG_QUICK:
            pool.parallel(hg_plan_elements, plan, plan.size, grain)
        elif rows >= 8:
            pool.parallel(hg_plan_rows, plan, rows, grain // plan.length + 1)
        else:
            hg_plan_rows(plan, 0, rows)


cdef inline ndarray _run(Loop loop, PyObject **arrays, int inputs, int typenum, void *scalar, hg_call *call,
                         Entry *entry, ndarray out):
    """Run: by the short road where the operands are small flat runs of one shape, which is most of small work."""
    cdef Py_ssize_t steps[4]
    cdef Py_ssize_t size = hg_run_size(arrays, inputs, steps)
    cdef ndarray result = out
    cdef ndarray first
    cdef char *args[4]
    cdef int k
    if size < 0 or size * entry.cost >= RELEASE_FROM or entry.fails or entry.halves or size == 0:
        return _run_planned(loop, arrays, inputs, typenum, scalar, call, entry, out)
    first = <ndarray> (arrays[0] if arrays[0] != NULL else arrays[1])
    if out is None:
        result = memory.fresh(cnp.PyArray_NDIM(first), cnp.PyArray_DIMS(first), entry.out)
    elif cnp.PyArray_TYPE(out) != entry.out or not hg_same_run(first, out):
        return _run_planned(loop, arrays, inputs, typenum, scalar, call, entry, out)
    for k in range(inputs):
        args[k] = <char *> scalar if arrays[k] == NULL else cnp.PyArray_BYTES(<ndarray> arrays[k])
    args[inputs], steps[inputs] = cnp.PyArray_BYTES(result), hg_item_bytes(entry.out)
    call.error, call.inputs, call.halves = 0, inputs, 0
    entry.inner(args, &size, steps, entry.data if entry.data != NULL else call)
    return result


cdef ndarray _run_planned(Loop loop, PyObject **arrays, int inputs, int typenum, void *scalar, hg_call *call,
                          Entry *entry, ndarray out):
    """Plan, allocate, run; None if an operand's layout is odd and the fallback must take it."""
    cdef hg_plan plan
    cdef Py_ssize_t[64] strides
    cdef int kind = hg_plan_open(&plan, arrays, inputs, scalar)
    cdef ndarray result = out
    if kind == HG_ODD:
        return None
    if kind == HG_MISMATCH:
        raise ValueError("operands could not be broadcast together")
    if out is None or entry.fails:
        result = memory.fresh(plan.axes, <npy_intp *> plan.shape, entry.out)
        if kind == HG_QUICK and loop.is_power and arrays[1] == NULL:
            pass  # to PyTorch x ** 2 is a function of x alone
        elif not hg_plan_alike(&plan, arrays, inputs) and hg_plan_layout(
                &plan, arrays, inputs, cnp.PyArray_ITEMSIZE(result), strides):
            hg_set_strides(result, strides)
    elif cnp.PyArray_TYPE(out) != entry.out:
        return None
    kind = hg_plan_close(&plan, <PyObject *> result, kind)
    if kind == HG_ODD:
        return None
    if kind == HG_MISMATCH:
        raise ValueError("out has another shape than the result")
    call.error, call.inputs = 0, inputs
    call.halves, call.inner, call.inner_data = entry.halves, entry.half_inner, entry.half_data
    if scalar != NULL and entry.halves:
        call.halves &= ~(<unsigned> 1 << (0 if arrays[0] == NULL else 1))
    plan.inner = entry.inner
    plan.data = entry.data if entry.data != NULL else call
    _start(&plan, kind, entry.cost)
    if call.error:
        _complain(call)
    if out is not None and result is not out:
        np.copyto(out, result)
        return out
    return result


cdef ndarray _fallback(Loop loop, tuple arrays, tuple params, ndarray out):
    return reference.evaluate(loop, arrays, params, out)


cdef inline Entry *_entry(Loop loop, int typenum, int inputs) except? NULL:
    """The loop's entry for a type; NULL where only the fallback can serve."""
    cdef Entry *entry
    if typenum < 0 or typenum >= TYPES or loop.nin != inputs:
        return NULL
    entry = <Entry *> loop.entries[typenum]
    if entry == NULL:
        entry = _find(loop, typenum)
    return entry if entry.inner != NULL else NULL


cdef int _read_params(tuple params, hg_call *call) except -1:
    cdef Py_ssize_t i = 0
    if len(params) > 8:
        raise ValueError("at most 8 parameters")
    memset(call.params, 0, sizeof(call.params))
    for value in params:
        call.params[i] = value
        i += 1
    return 0


cpdef ndarray map1(Loop loop, ndarray x, ndarray out=None):
    """f(x), elementwise."""
    cdef hg_call call
    cdef PyObject *arrays[1]
    cdef ndarray result = None
    cdef int typenum = cnp.PyArray_TYPE(x)
    cdef Entry *entry = _entry(loop, typenum, 1)
    if entry != NULL:
        arrays[0] = <PyObject *> x
        result = _run(loop, arrays, 1, typenum, NULL, &call, entry, out)
    return result if result is not None else _fallback(loop, (x,), (), out)


cpdef ndarray map1p(Loop loop, ndarray x, tuple params, ndarray out=None):
    """f(x) with float parameters."""
    cdef hg_call call
    cdef PyObject *arrays[1]
    cdef ndarray result = None
    cdef int typenum = cnp.PyArray_TYPE(x)
    cdef Entry *entry = _entry(loop, typenum, 1)
    if entry != NULL:
        _read_params(params, &call)
        arrays[0] = <PyObject *> x
        result = _run(loop, arrays, 1, typenum, NULL, &call, entry, out)
    return result if result is not None else _fallback(loop, (x,), params, out)


cpdef ndarray map2(Loop loop, ndarray x, ndarray y, ndarray out=None):
    """f(x, y), broadcast; both of one dtype."""
    cdef hg_call call
    cdef PyObject *arrays[2]
    cdef ndarray result = None
    cdef int typenum = cnp.PyArray_TYPE(x)
    cdef Entry *entry = _entry(loop, typenum, 2)
    if entry != NULL and cnp.PyArray_TYPE(y) == typenum:
        arrays[0], arrays[1] = <PyObject *> x, <PyObject *> y
        result = _run(loop, arrays, 2, typenum, NULL, &call, entry, out)
    return result if result is not None else _fallback(loop, (x, y), (), out)


cpdef bint over2(Loop loop, ndarray x, ndarray y) noexcept:
    """Write f(x, y) over x, where both are short runs of floats without gaps, of one type and shape.

    False, and nothing written, where they are not and `map2` must see to it. The caller knows that the two do not
    overlap partly.
    """
    cdef hg_call call
    cdef char *args[3]
    cdef Py_ssize_t steps[3]
    cdef int typenum = cnp.PyArray_TYPE(x)
    cdef Entry *entry = <Entry *> loop.entries[typenum] if loop.nin == 2 and 0 <= typenum < TYPES else NULL
    cdef Py_ssize_t size = 1
    cdef int i
    if entry == NULL or entry.inner == NULL or entry.out != typenum or entry.fails or entry.halves:
        return False
    if typenum != FLOAT and typenum != DOUBLE or cnp.PyArray_TYPE(y) != typenum:
        return False
    if cnp.PyArray_NDIM(x) != cnp.PyArray_NDIM(y) or not cnp.PyArray_IS_C_CONTIGUOUS(x):
        return False
    if not cnp.PyArray_IS_C_CONTIGUOUS(y):
        return False
    for i in range(cnp.PyArray_NDIM(x)):
        if cnp.PyArray_DIMS(x)[i] != cnp.PyArray_DIMS(y)[i]:
            return False
        size *= cnp.PyArray_DIMS(x)[i]
    if size == 0 or size * entry.cost >= RELEASE_FROM:
        return False
    args[0] = args[2] = cnp.PyArray_BYTES(x)
    args[1] = cnp.PyArray_BYTES(y)
    steps[0] = steps[1] = steps[2] = cnp.PyArray_ITEMSIZE(x)
    call.error, call.inputs, call.halves = 0, 2, 0
    entry.inner(args, &size, steps, entry.data if entry.data != NULL else &call)
    return True


cpdef ndarray map2p(Loop loop, ndarray x, ndarray y, tuple params, ndarray out=None):
    """f(x, y) with float parameters."""
    cdef hg_call call
    cdef PyObject *arrays[2]
    cdef ndarray result = None
    cdef int typenum = cnp.PyArray_TYPE(x)
    cdef Entry *entry = _entry(loop, typenum, 2)
    if entry != NULL and cnp.PyArray_TYPE(y) == typenum:
        _read_params(params, &call)
        arrays[0], arrays[1] = <PyObject *> x, <PyObject *> y
        result = _run(loop, arrays, 2, typenum, NULL, &call, entry, out)
    return result if result is not None else _fallback(loop, (x, y), params, out)


cdef bint _write_scalar(object scalar, int typenum, void *to) except -1:
    """A Python number as that type, integers wrapping; False for types it does not know."""
    cdef char code = _code(typenum)
    if typenum == FLOAT or typenum == HALF:      # beside half precision a scalar keeps float32
        (<float *> to)[0] = <float> <double> scalar
    elif typenum == DOUBLE:
        (<double *> to)[0] = scalar
    elif typenum == 0:
        (<char *> to)[0] = 1 if scalar else 0
    elif code == c"q":
        (<long long *> to)[0] = _wrapped(scalar)
    elif code == c"i":
        (<int *> to)[0] = <int> _wrapped(scalar)
    elif code == c"h":
        (<short *> to)[0] = <short> _wrapped(scalar)
    elif code == c"b" or code == c"B":
        (<char *> to)[0] = <char> _wrapped(scalar)
    else:
        return False
    return True


cdef long long _wrapped(object scalar) except? -1:
    cdef object whole = int(scalar)
    if -0x8000000000000000 <= whole <= 0x7FFFFFFFFFFFFFFF:
        return whole
    return <long long> <unsigned long long> (whole & 0xFFFFFFFFFFFFFFFF)


cpdef ndarray map2s(Loop loop, ndarray x, object scalar, bint scalar_first, ndarray out=None):
    """f(x, scalar) or f(scalar, x). Integers wrap to x's dtype; beside half precision the scalar keeps float32."""
    cdef hg_call call
    cdef PyObject *arrays[2]
    cdef ndarray result = None
    cdef double room
    cdef int typenum = cnp.PyArray_TYPE(x)
    cdef Entry *entry = _entry(loop, typenum, 2)
    if entry != NULL and loop.is_power:
        scalar = reference.scalar_for("pow", x.dtype, scalar, scalar_first)
    if entry != NULL and _write_scalar(scalar, typenum, &room):
        arrays[0], arrays[1] = <PyObject *> x, <PyObject *> x
        arrays[0 if scalar_first else 1] = NULL
        result = _run(loop, arrays, 2, typenum, &room, &call, entry, out)
    return result if result is not None else reference.map2s(loop, x, scalar, scalar_first, out)


cpdef ndarray map3(Loop loop, ndarray x, ndarray y, ndarray z, ndarray out=None):
    """f(x, y, z), broadcast; for "where" x is bool."""
    return map3p(loop, x, y, z, (), out)


cpdef ndarray map3p(Loop loop, ndarray x, ndarray y, ndarray z, tuple params, ndarray out=None):
    """f(x, y, z) with float parameters."""
    cdef hg_call call
    cdef PyObject *arrays[3]
    cdef ndarray result = None
    cdef int typenum = cnp.PyArray_TYPE(y)
    cdef int first = cnp.PyArray_TYPE(x)
    cdef Entry *entry = _entry(loop, typenum, 3)
    if entry != NULL and cnp.PyArray_TYPE(z) == typenum and first == (0 if loop.is_where else typenum):
        _read_params(params, &call)
        arrays[0], arrays[1], arrays[2] = <PyObject *> x, <PyObject *> y, <PyObject *> z
        result = _run(loop, arrays, 3, typenum, NULL, &call, entry, out)
    return result if result is not None else _fallback(loop, (x, y, z), params, out)


cpdef str show_config():
    """Which kernels are in use: instruction set, threads, and the rung of every loop used so far."""
    _ensure_level()
    lines = [f"kernels: compiled, {level.level.decode()}, {get_num_threads()} threads"]
    for rung in sorted(set(RUNGS.values())):
        names = sorted({f"{name}[{np.dtype(cnp.PyArray_DescrFromType(typenum)).name}]"
                        for (name, typenum), found in RUNGS.items() if found == rung})
        lines.append(f"  {rung}: {', '.join(names)}")
    return "\n".join(lines)
