"""The elementwise families: what every op of one tensor, or of two, has in common.

Promotion, Python numbers, broadcasting errors and the fast in-place road are here once; an op adds its loop and its
gradient. Reductions, views and products have their families beside them in `ops`.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply1, apply2, apply2n, requires
    from headgate.core.arrays import is_float, same_shape
    from headgate.core.inplace import write
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import INPLACE
    from headgate.core.records import OUT, Op, Tensor
    from headgate.core.writes import check_writable, note_write
    from headgate.kernels.reference import Loop, map1, map1p, map2, map2s

    ndarray = np.ndarray

    def PyArray_TYPE(a: np.ndarray) -> int:  # noqa: N802  (the C interface's name)
        return a.dtype.num

from headgate import errors

# What an op accepts and gives. Unary: floats (integers become the default float), or the type it got.
FLOATS, SAME = 0, 1
# Binary: the promoted type; always a float; bool of promoted operands; bool of truth values; integers and bools only.
ARITHMETIC, QUOTIENT, COMPARISON, LOGICAL, BITS = 2, 3, 4, 5, 6


def as_type(a: ndarray, kind: dtypes.dtype) -> ndarray:
    """The array in another element type; itself if it has it."""
    if PyArray_TYPE(a) == kind.num:
        return a
    return cython.cast(object, a).astype(kind.numpy)


def operand(value: object, name: str) -> object:
    """A Tensor or Python number as an op takes it; NotImplemented for anything that is neither."""
    if isinstance(value, (Tensor, int, float, bool)):
        return value
    if isinstance(value, np.generic) and not isinstance(value, (np.str_, np.bytes_, np.object_)):
        return value.item()
    return NotImplemented


@cython.cclass
class Unary(Op):
    """An op of one tensor, element by element."""

    def __init__(self):
        super().__init__()
        self.kind = FLOATS

    @cython.cfunc
    def cast(self, x: ndarray) -> ndarray:
        """The array in the type that the loop takes."""
        if self.kind == FLOATS and not is_float(x):
            return as_type(x, dtypes.default_dtype())
        return x

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        if attrs is None:
            return map1(self.loop, x, out)
        return map1p(self.loop, x, attrs, out)

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return self.compute(self.cast(x), attrs, out)

    @cython.cfunc
    def call1(self, x: object, out: object) -> object:
        return self.call1p(x, None, out)

    @cython.cfunc
    def call1p(self, x: object, attrs: object, out: object) -> object:
        """Call with parameters (a tuple of floats, or None)."""
        t: Tensor
        if not isinstance(x, Tensor):
            raise TypeError(errors.ARGUMENT.format(
                function=self.name, name="input", position=1, expected="Tensor", type=type(x).__name__))
        t = cython.cast(Tensor, x)
        if out is None:
            return apply1(self, t, attrs)
        if out is INPLACE and (self.kind == SAME or is_float(t._array)) and not (grad_enabled() and requires(t)):
            check_writable(t, False)
            self.compute(t._array, attrs, t._array)
            note_write(t, self.name + "_")
            return t
        return write(self, (t,), attrs, out)


@cython.cclass
class Binary(Op):
    """An op of two operands, element by element with broadcasting; either may be a Python number."""

    def __init__(self):
        super().__init__()
        self.kind = ARITHMETIC

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        if isinstance(x, ndarray):
            if isinstance(y, ndarray):
                if PyArray_TYPE(x) == PyArray_TYPE(y) and is_float(x):
                    try:
                        return map2(self.loop, x, y, out)
                    except ValueError:
                        raise RuntimeError(broadcast_error(x, y)) from None
            elif is_float(x) and (isinstance(y, float) or isinstance(y, int)):
                return map2s(self.loop, x, y, False, out)
        elif is_float(y) and (isinstance(x, float) or isinstance(x, int)):
            return map2s(self.loop, y, x, True, out)
        return self.promote_and_run(x, y, out)

    @cython.cfunc
    def result_kind(self, x: object, y: object) -> dtypes.dtype:
        """The type in which the loop computes."""
        kind: dtypes.dtype
        nx: cython.int = x.ndim if isinstance(x, ndarray) else -1
        ny: cython.int = y.ndim if isinstance(y, ndarray) else -1
        kind = dtypes.result_pair(
            dtypes.of(x) if nx >= 0 else dtypes.scalar_dtype(x), nx, dtypes.of(y) if ny >= 0 else dtypes.scalar_dtype(y), ny
        )
        if self.kind == QUOTIENT and kind.category < 2:
            return dtypes.default_dtype()
        if self.kind == BITS and kind.category > 1:
            raise RuntimeError(errors.NOT_FOR_DTYPE.format(kernel=f"{self.name}_cpu", dtype=errors.TYPE_NAMES[kind.name]))
        return kind

    @cython.cfunc
    def promote_and_run(self, x: object, y: object, out: ndarray) -> object:
        kind: dtypes.dtype = self.result_kind(x, y)
        try:
            if not isinstance(x, ndarray):
                return map2s(self.loop, as_type(y, kind), x, True, out)
            if not isinstance(y, ndarray):
                return map2s(self.loop, as_type(x, kind), y, False, out)
            return map2(self.loop, as_type(x, kind), as_type(y, kind), out)
        except ValueError:
            raise RuntimeError(broadcast_error(x, y)) from None

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        if out is None:
            if isinstance(x, Tensor):
                if isinstance(y, Tensor):
                    return apply2(self, cython.cast(Tensor, x), cython.cast(Tensor, y), None)
                if isinstance(y, (float, int)):
                    return apply2n(self, x, y, None)
            elif isinstance(y, Tensor) and isinstance(x, (float, int)):
                return apply2n(self, x, y, None)
        elif out is INPLACE and isinstance(x, Tensor):
            done = self.write_fast(cython.cast(Tensor, x), y)
            if done is not None:
                return done
        return self.by_slow_road(x, y, out)

    @cython.cfunc
    def write_fast(self, x: Tensor, y: object) -> object:
        """Write in place without an intermediate array, where no gradient is recorded and the types agree."""
        t: Tensor = None
        if self.kind >= COMPARISON or not is_float(x._array) or (grad_enabled() and requires(x)):
            return None
        if isinstance(y, Tensor):
            t = cython.cast(Tensor, y)
            if PyArray_TYPE(t._array) != PyArray_TYPE(x._array) or not same_shape(x._array, t._array):
                return None
            if (t._storage is x._storage and t._array is not x._array) or (grad_enabled() and requires(t)):
                return None
            check_writable(x, False)
            map2(self.loop, x._array, t._array, x._array)
        elif isinstance(y, (float, int)):
            check_writable(x, False)
            map2s(self.loop, x._array, y, False, x._array)
        else:
            return None
        note_write(x, self.name + "_")
        return x

    @cython.cfunc
    def by_slow_road(self, x: object, y: object, out: object) -> object:
        x = operand(x, self.name)
        y = operand(y, self.name)
        if x is NotImplemented or y is NotImplemented:
            return NotImplemented
        if not isinstance(x, Tensor) and not isinstance(y, Tensor):
            return NotImplemented
        if out is None:
            return self.call2(x, y, None)
        return write(self, (x, y), None, out)


def broadcast_error(x: object, y: object) -> str:
    """PyTorch's text for two shapes that do not broadcast."""
    a, b = np.shape(x), np.shape(y)
    count = max(len(a), len(b))
    a = (1,) * (count - len(a)) + tuple(a)
    b = (1,) * (count - len(b)) + tuple(b)
    for dim in range(count - 1, -1, -1):
        if a[dim] != b[dim] and a[dim] != 1 and b[dim] != 1:
            return errors.BROADCAST.format(a=a[dim], b=b[dim], dim=dim)
    return f"{x!r} and {y!r} cannot be combined"
