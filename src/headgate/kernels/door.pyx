# sources: door_plan.c loops_baseline.c loops_avx2.c loops_avx512.c loops_special.c
"""The kernel door: elementwise loops run here, every other kernel is re-exported from here.

A call finds the typed inner loop of its name (own C, libmvec, NumPy's), takes a short road when its operands are one flat
run, is split over threads when large, and falls back to the NumPy form for what has no loop. It must not know tensors.
"""

import ctypes
import ctypes.util
import os

import numpy as np

cimport numpy as cnp
from cpython.ref cimport PyObject
from libc.stdint cimport uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset
from numpy cimport ndarray, npy_intp

from headgate.kernels cimport memory, pool
from headgate.kernels import reference
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
    int hg_plan_open(hg_plan *plan, PyObject **arrays, int inputs, void *scalar)
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
    """
    int hg_borrow(object ufunc, int typenum, hg_inner *inner, void **data)

cnp.import_array()

cdef const hg_level *level = NULL
cdef enum:
    RELEASE_FROM = 65536      # work (elements x cost) from which the GIL is let go
    SERIAL_WORK = 40000       # work below which another thread does not pay
    FLOAT = 11
    DOUBLE = 12
    HALF = 23
    TYPES = 24

# libmvec's names for ours; the number of its arguments.
VECTOR_NAMES = {
    **{name: (name, 1) for name in (
        "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
        "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc")},
    "pow": ("pow", 2), "atan2": ("atan2", 2), "hypot": ("hypot", 2),
}
# NumPy's ufunc where it serves floats only, its integer meaning being another.
FLOAT_UFUNCS = {"pow": np.power, "fmod": np.fmod}
MATHS = ("exp", "expm1", "log", "log1p", "tanh", "erf", "erfc", "sin", "exp2")
RUNGS = {}


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
    """An elementwise function: its name, what stands behind it in NumPy, and its inner loops by dtype, found on first use."""

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


# ---- finding an inner loop ----

cdef char _code(int typenum):
    """Our type code: NumPy's character, with every 64-bit integer as q; 0 for types without own loops."""
    if typenum == 0:
        return c"?"
    if typenum == 1:
        return c"b"
    if typenum == 2:
        return c"B"
    if typenum == 3:
        return c"h"
    if typenum == 5:
        return c"i"
    if typenum == 7:
        return c"q" if sizeof(long) == 8 else c"i"
    if typenum == 9:
        return c"q"
    if typenum == FLOAT:
        return c"f"
    if typenum == DOUBLE:
        return c"d"
    return 0


cdef int _take(Entry *entry, const hg_entry *found, int typenum, const char *rung) except -1:
    entry.inner, entry.out, entry.cost, entry.fails, entry.rung = found.inner, typenum, found.cost, found.fails, rung
    if found.out == c"?":
        entry.out = 0
    return 0


cdef int _resolve(Loop loop, int typenum, Entry *entry) except -1:
    """Fill `entry` from the first rung that has the loop and passes its check; an entry without `inner` falls back."""
    cdef const hg_entry *found
    cdef char code = _code(typenum)
    cdef char size = <char> (48 + np.dtype(cnp.PyArray_DescrFromType(typenum)).itemsize)
    _ensure_level()
    entry.rung = b"numpy form"
    if typenum > 16 and typenum != HALF:
        return 0
    found = hg_find(level, loop.label, size)
    if found == NULL and typenum == HALF:
        found = hg_find(level, loop.label, c"e")
    if found == NULL and typenum == HALF and loop.name != "nextafter":   # the next half is not the next float
        return _resolve_half(loop, entry)
    if found == NULL and code != 0:
        found = hg_find(level, loop.label, code)
    if found != NULL:
        _take(entry, found, typenum, b"own")
    elif (code == c"f" or code == c"d") and _resolve_vector(loop, typenum, entry):
        pass
    elif not _resolve_borrowed(loop, typenum, entry) and code != 0 and hg_find_special(loop.label, code) != NULL:
        _take(entry, hg_find_special(loop.label, code), typenum, b"libm")
    RUNGS[loop.name, typenum] = entry.rung.decode()
    return 0


cdef int _resolve_half(Loop loop, Entry *entry) except -1:
    cdef Entry *wide = _find(loop, FLOAT)
    if wide.inner == NULL:
        return 0
    entry[0] = wide[0]
    entry.half_inner, entry.half_data = wide.inner, wide.data
    entry.inner, entry.data, entry.cost = level.half, NULL, wide.cost + 2
    entry.halves = (1 << loop.nin) - 1
    if wide.out == FLOAT:
        entry.out = HALF
        entry.halves |= 1 << loop.nin
    return 0


cdef bint _resolve_borrowed(Loop loop, int typenum, Entry *entry) except -1:
    cdef hg_inner inner = NULL
    cdef void *data = NULL
    cdef int out
    ufunc = loop.ufunc
    if ufunc is None and (typenum == FLOAT or typenum == DOUBLE):
        ufunc = FLOAT_UFUNCS.get(loop.name)
    if not isinstance(ufunc, np.ufunc):
        return False
    out = hg_borrow(ufunc, typenum, &inner, &data)
    if out < 0 or (out > 16 and out != HALF):
        return False
    entry.inner, entry.data, entry.out, entry.cost, entry.rung = inner, data, out, 4, b"numpy loop"
    if not _agrees(entry, ufunc, loop.nin, typenum, 0.0):
        entry.inner, entry.rung = NULL, b"numpy form"
        return False
    return True


_libmvec = None


def _open_libmvec():
    global _libmvec
    if _libmvec is None:
        try:
            _libmvec = ctypes.CDLL("libmvec.so.1")
        except OSError:
            _libmvec = False
    return _libmvec


cdef bint _resolve_vector(Loop loop, int typenum, Entry *entry) except -1:
    """libmvec's function at the level's vector width, if it is there and agrees with NumPy on hard arguments."""
    if level.prefix == NULL or loop.name not in VECTOR_NAMES or not _open_libmvec():
        return False
    name, inputs = VECTOR_NAMES[loop.name]
    width = level.width if typenum == FLOAT else level.width // 2
    symbol = f"_ZGV{level.prefix.decode()}N{width}{'v' * inputs}_{name}{'f' if typenum == FLOAT else ''}"
    try:
        address = ctypes.cast(getattr(_libmvec, symbol), ctypes.c_void_p).value
    except AttributeError:
        return False
    cdef void **cell = <void **> calloc(1, sizeof(void *))   # lives as long as the process: hg_maths may point at it
    if cell == NULL:
        raise MemoryError()
    cell[0] = <void *> <uintptr_t> address
    entry.inner = level.vector_float[inputs - 1] if typenum == FLOAT else level.vector_double[inputs - 1]
    entry.data, entry.out, entry.cost, entry.rung = cell, typenum, 10, b"libmvec"
    known = loop.ufunc if loop.ufunc is not None else FLOAT_UFUNCS.get(name, loop.python)
    if _agrees(entry, known, inputs, typenum, 8.0):
        return True
    entry.inner, entry.rung = NULL, b"numpy form"
    free(cell)
    return False


_HARD = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 1e-6, -1e-6, 0.75, 20.0, -20.0, 88.5, 89.5, -104.5, 1e6,
         float("inf"), float("-inf"), float("nan"))


cdef bint _agrees(Entry *entry, object known, int inputs, int typenum, double ulps) except -1:
    """Whether a loop gives what NumPy gives: the same NaN, infinities and zeros with sign, the rest within some ulps."""
    cdef ndarray x, y, got
    cdef char *args[4]
    cdef Py_ssize_t steps[4]
    cdef Py_ssize_t n
    with np.errstate(all="ignore"):
        dtype = np.dtype(cnp.PyArray_DescrFromType(typenum))
        if dtype.kind == "f":
            x = np.array(_HARD, dtype)
        else:
            x = np.array([0, 1, 1, 2, 3, 100, 7, 5, 0, 1], dtype)
        y = np.ascontiguousarray(x[::-1])
        expected = known(x) if inputs == 1 else known(x, y)
        got = np.empty(len(x), cnp.PyArray_DescrFromType(entry.out))
        args[0], args[1], args[2] = <char *> x.data, <char *> y.data, <char *> got.data
        if inputs == 1:
            args[1] = <char *> got.data
        steps[0] = steps[1] = steps[2] = x.itemsize
        steps[inputs] = got.itemsize
        n = x.size
        entry.inner(args, &n, steps, entry.data)
        if expected.dtype != got.dtype:
            return False
        if ulps == 0.0 or dtype.kind != "f":
            return bool(np.array_equal(expected, got, equal_nan=got.dtype.kind == "f"))
        finite = np.isfinite(expected)
        same = np.array_equal(expected[~finite], got[~finite], equal_nan=True)
        zeros = expected == 0
        same = same and np.array_equal(np.signbit(expected[zeros]), np.signbit(got[zeros]))
        return bool(same and np.all(np.abs(got - expected)[finite] <= ulps * np.abs(np.spacing(expected[finite]))))


cdef int _ensure_level() except -1:
    """Choose the instruction set, then fill the table of functions that fused loops call."""
    global level
    cdef Entry *entry
    cdef int i, kind
    if level != NULL:
        return 0
    forced = os.environ.get("HEADGATE_CPU", "")
    if forced not in ("", "baseline", "avx2", "avx512"):
        raise ValueError(f"HEADGATE_CPU={forced!r}: expected baseline, avx2 or avx512")
    encoded = forced.encode()
    level = hg_choose(<const char *> encoded if forced else NULL)
    for i in range(len(MATHS)):
        loop = make_loop(MATHS[i])
        _MATH_LOOPS.append(loop)
        for kind in range(2):
            entry = _find(<Loop> loop, FLOAT + kind)
            hg_maths[kind][i].inner, hg_maths[kind][i].data = entry.inner, entry.data
    return 0


_MATH_LOOPS = []


# ---- running ----

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


cdef ndarray _run(Loop loop, PyObject **arrays, int inputs, int typenum, void *scalar, hg_call *call, Entry *entry,
                  ndarray out):
    """Plan, allocate, run; None if an operand's layout is odd and the fallback must take it."""
    cdef hg_plan plan
    cdef int kind = hg_plan_open(&plan, arrays, inputs, scalar)
    cdef ndarray result = out
    if kind == HG_ODD:
        return None
    if kind == HG_MISMATCH:
        raise ValueError("operands could not be broadcast together")
    if out is None or entry.fails:
        result = memory.fresh(plan.axes, <npy_intp *> plan.shape, entry.out)
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
