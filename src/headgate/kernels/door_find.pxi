# How the door finds an inner loop: own C for the machine's instruction set, libmvec, NumPy's by pointer, the C library;
# each checked against NumPy before use. Included by door.pyx; it must not know arrays' layouts.

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
    if found == NULL and typenum == HALF and loop.name != "nextafter":  # the next half is not the next float
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
