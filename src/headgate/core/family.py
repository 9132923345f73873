# built for speed
"""The elementwise families: what every op of one tensor, or of two, has in common.

Promotion, Python numbers, broadcasting errors and the fast in-place road are here once; an op adds its loop and its
gradient. Reductions, views and products have their families beside them in `ops`.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply1, apply2, apply2n, requires
    from headgate.core.arrays import covers, is_contiguous, is_float, overlaps_itself
    from headgate.core.inplace import write
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import INPLACE
    from headgate.core.records import INFERENCE, Op, Tensor
    from headgate.core.writes import check_writable, note_write
    from headgate.kernels.reference import map1, map1p, map2, map2p, map2s, map3, map3p, over2

    ndarray = np.ndarray

    def PyArray_TYPE(a: np.ndarray) -> int:
        return a.dtype.num

from headgate import errors
from headgate.kernels import converted

# What an op accepts and gives. Unary: floats (integers become the default float), or the type it got.
FLOATS, SAME = 0, 1
# Kinds of element types that an op may refuse.
BOOLS, INTEGERS, REALS = 1, 2, 4
# Binary: the promoted type; always a float; bool of promoted operands; bool of truth values; integers and bools only.
ARITHMETIC, QUOTIENT, COMPARISON, LOGICAL, BITS = 2, 3, 4, 5, 6
# Unary: a bool for any type.
ANSWER = 7


def as_type(a: ndarray, kind: dtypes.dtype) -> ndarray:
    """The array in another element type; itself if it has it."""
    if PyArray_TYPE(a) == kind.num:
        return a
    if overlaps_itself(a):  # what is expanded stays so: its dims say nothing of the result's layout
        once = tuple([slice(0, 1) if step == 0 else slice(None) for step in cython.cast(object, a).strides])
        return np.broadcast_to(converted(cython.cast(object, a)[once], kind.numpy), cython.cast(object, a).shape)
    return converted(a, kind.numpy)


def is_bare(x: Tensor) -> cython.bint:
    """Whether a glance tells that no gradient is wanted for `x`."""
    return x._root is None and not x._wants and x._node is None


def is_free(x: Tensor) -> cython.bint:
    """Whether a glance tells that `x` may be written without a record of a gradient."""
    return is_bare(x) and x._storage.shield is None and not x._flags & INFERENCE


def operand(value: object, name: str) -> object:
    """A Tensor or Python number as an op takes it; NotImplemented for anything that is neither."""
    if isinstance(value, (Tensor, int, float, bool)):
        return value
    if isinstance(value, np.generic) and not isinstance(value, (np.str_, np.bytes_, np.object_)):
        return value.item()
    return NotImplemented


def refused_error(kernel: str, kind: dtypes.dtype) -> NotImplementedError:
    """The error for an element type that a kernel does not take."""
    return NotImplementedError(errors.NOT_FOR_DTYPE.format(kernel=kernel, dtype=errors.TYPE_NAMES[kind.name]))


@cython.cclass
class Unary(Op):
    """An op of one tensor, element by element. `refused`: bits of the kinds of types it does not take, `kernel`: by
    which name PyTorch says so."""

    def __init__(self):
        super().__init__()
        self.kind = FLOATS
        self.refused = 0
        self.kernel = ""
        self.exact = False

    @cython.cfunc
    def cast(self, x: ndarray) -> ndarray:
        """The array in the type that the loop takes."""
        kind: dtypes.dtype
        if not self.refused and (self.kind != FLOATS or is_float(x)):
            return x
        kind = dtypes.of(x)
        if (self.refused >> kind.category) & 1:
            raise self.refusal(kind)
        if self.kind == FLOATS and kind.category < 2:
            return as_type(x, dtypes.default_dtype())
        return x

    @cython.cfunc
    def refusal(self, kind: dtypes.dtype) -> object:
        """The error for a refused type."""
        return refused_error(self.kernel, kind)

    @cython.cfunc
    def compute(self, x: ndarray, attrs: object, out: ndarray) -> ndarray:
        if attrs is None:
            return map1(self.loop, x, out)
        return map1p(self.loop, x, attrs, out)

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return self.compute(self.cast(x), attrs, out)

    @cython.cfunc
    def writes_directly(self, x: Tensor) -> cython.bint:
        """Whether the loop may write over its input: the type stays and no gradient is recorded."""
        if self.kind != SAME and (self.kind == ANSWER or not is_float(x._array)):
            return False
        return not (grad_enabled() and self.differentiable and requires(x))

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
        if out is INPLACE and self.writes_directly(t):
            check_writable(t, False)
            self.compute(self.cast(t._array), attrs, t._array)
            note_write(t, self.written)
            return t
        if self.exact and isinstance(out, Tensor):
            self.check_out(t, out)
        return write(self, (t,), attrs, out)

    @cython.cfunc
    def check_out(self, x: Tensor, out: Tensor):
        """Some ops take no `out` of another type than their result's (`exact`)."""
        found: dtypes.dtype = dtypes.of(out._array)
        expected: dtypes.dtype = dtypes.of(x._array)
        if self.kind == ANSWER and found.category != 0:
            raise RuntimeError(f"{self.name} does not support non-boolean outputs.")
        if self.kind != ANSWER and found is not expected:
            raise RuntimeError(f"Found dtype {errors.TYPE_NAMES[found.name]} but expected "
                               f"{errors.TYPE_NAMES[expected.name]}")


@cython.cclass
class Binary(Op):
    """An op of two operands, element by element with broadcasting; either may be a Python number."""

    def __init__(self):
        super().__init__()
        self.kind = ARITHMETIC
        self.refused = 0
        self.kernel = ""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        if attrs is not None:
            return self.run_with(x, y, attrs, out)
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
    def run_with(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        """Run with parameters: a tuple of floats for the loop, unless an op knows others."""
        kind: dtypes.dtype
        if isinstance(x, ndarray) and isinstance(y, ndarray) and PyArray_TYPE(x) == PyArray_TYPE(y):
            return map2p(self.loop, x, y, attrs, out)
        kind = self.result_kind(x, y)
        return map2p(self.loop, as_type(x, kind), as_type(y, kind), attrs, out)

    @cython.cfunc
    def result_kind(self, x: object, y: object) -> dtypes.dtype:
        """The type in which the loop computes."""
        kind: dtypes.dtype
        nx: cython.int = x.ndim if isinstance(x, ndarray) else -1
        ny: cython.int = y.ndim if isinstance(y, ndarray) else -1
        kind = dtypes.result_pair(
            dtypes.of(x) if nx >= 0 else dtypes.scalar_dtype(x), nx,
            dtypes.of(y) if ny >= 0 else dtypes.scalar_dtype(y), ny
        )
        if self.kind == QUOTIENT and kind.category < 2:
            return dtypes.default_dtype()
        if self.kind == BITS and kind.category > 1:
            raise refused_error(self.kernel or f"{self.name}_cpu", kind)
        if self.refused and (self.refused >> kind.category) & 1:
            raise refused_error(self.kernel, kind)
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
        if isinstance(x, Tensor) and isinstance(y, Tensor):
            return both(self, cython.cast(Tensor, x), cython.cast(Tensor, y), out)
        if out is None:
            if isinstance(x, Tensor):
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
        t: Tensor
        if isinstance(y, Tensor):
            t = cython.cast(Tensor, y)
            if is_free(x) and is_bare(t) and (t._storage is not x._storage or t is x):
                if over2(self.loop, x._array, t._array):
                    note_write(x, self.written)
                    return x
        return self.write_checked(x, y)

    @cython.cfunc
    def write_checked(self, x: Tensor, y: object) -> object:
        """The same for every layout, and with all that forbids a write looked at."""
        t: Tensor = x
        if isinstance(y, Tensor):
            t = cython.cast(Tensor, y)
            if PyArray_TYPE(t._array) != PyArray_TYPE(x._array) or not covers(x._array, t._array):
                return None
            if t._storage is x._storage and t._array is not x._array:
                return None
        elif not isinstance(y, (float, int)):
            return None
        if self.kind >= COMPARISON or not is_float(x._array):
            return None
        if not (is_bare(x) and is_bare(t)) and grad_enabled() and (requires(x) or requires(t)):
            return None
        if x._storage.shield is not None or x._flags & INFERENCE or not is_contiguous(x._array):
            check_writable(x, False)
        if isinstance(y, Tensor):
            map2(self.loop, x._array, t._array, x._array)
        else:
            map2s(self.loop, x._array, y, False, x._array)
        note_write(x, self.written)
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


@cython.cfunc
def both(op: Binary, x: Tensor, y: Tensor, out: object) -> object:
    """A call with two tensors."""
    if out is None:
        return apply2(op, x, y, None)
    if out is INPLACE:
        done = op.write_fast(x, y)
        if done is not None:
            return done
    return op.by_slow_road(x, y, out)


@cython.cclass
class TensorPair(Binary):
    """A binary op that takes tensors only, as PyTorch's function does."""

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        if not isinstance(x, Tensor) or not isinstance(y, Tensor):
            return NotImplemented
        if out is None:
            return apply2(self, cython.cast(Tensor, x), cython.cast(Tensor, y), None)
        return Binary.call2(self, x, y, out)


@cython.cclass
class NumberSecond(Binary):
    """The overload `f(tensor, number)` of a binary op: one input, the number is the attribute."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return Binary.run2(self, x, attrs, None, out)

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        if out is None:
            return apply1(self, x, y)
        if out is INPLACE:
            done = self.write_fast(x, y)
            if done is not None:
                return done
        return write(self, (x,), y, out)


@cython.cclass
class NumberFirst(Binary):
    """The overload `f(number, tensor)` of a binary op: one input, the number is the attribute."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return Binary.run2(self, attrs, x, None, out)

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        if out is None:
            return apply1(self, y, x)
        return write(self, (y,), x, out)


@cython.cclass
class Overloaded(Binary):
    """A binary op whose forms with a Python number are overloads of their own, with nodes of one input."""

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        if isinstance(x, Tensor):
            if isinstance(y, Tensor):
                return both(self, cython.cast(Tensor, x), cython.cast(Tensor, y), out)
            y = operand(y, self.name)
            return NotImplemented if y is NotImplemented else self.second.call2(x, y, out)
        x = operand(x, self.name)
        if x is NotImplemented or self.first is None or not isinstance(y, Tensor):
            return NotImplemented
        return self.first.call2(x, y, out)


def set_overloads(op: Overloaded, first: object, second: object) -> None:
    """Give a binary op its overloads for a number in the first and in the second place."""
    op.first = first
    op.second = second


def fits(x: Tensor, y: Tensor) -> cython.bint:
    """Whether a loop may write over `x` while reading `y`, and no gradient is wanted for `y`."""
    if PyArray_TYPE(y._array) != PyArray_TYPE(x._array) or not covers(x._array, y._array):
        return False
    if y._storage is x._storage and y._array is not x._array:
        return False
    return not (grad_enabled() and requires(y))


@cython.cclass
class Ternary(Op):
    """An op of three tensors, element by element with broadcasting and promotion. attrs: a tuple of floats, or None."""

    def __init__(self):
        super().__init__()
        self.refused = 0
        self.kernel = ""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        x, y, z = inputs
        kind: dtypes.dtype = dtypes.result_type([(dtypes.of(a), a.ndim) for a in inputs])
        if (self.refused >> kind.category) & 1:
            raise self.refusal(kind)
        x, y, z = as_type(x, kind), as_type(y, kind), as_type(z, kind)
        try:
            return map3(self.loop, x, y, z, out) if attrs is None else map3p(self.loop, x, y, z, attrs, out)
        except ValueError:
            raise RuntimeError(broadcast_error(*mismatch(x, y, z))) from None

    @cython.cfunc
    def write_fast(self, x: Tensor, y: Tensor, z: Tensor, attrs: object) -> cython.bint:
        """Write over `x` without an intermediate array; False where types, shapes or a gradient forbid it."""
        if not is_float(x._array) or not fits(x, y) or not fits(x, z) or (grad_enabled() and requires(x)):
            return False
        check_writable(x, False)
        map3p(self.loop, x._array, y._array, z._array, attrs, x._array)
        note_write(x, self.written)
        return True

    @cython.cfunc
    def refusal(self, kind: dtypes.dtype) -> object:
        """The error for a refused type."""
        return refused_error(self.kernel, kind)


def exact(op: Unary) -> object:
    """Say that an op's `out` must have its result's type; the op."""
    op.exact = True
    return op


def mismatch(x: ndarray, y: ndarray, z: ndarray) -> tuple:
    """Two of three arrays (or what two of them broadcast to) whose shapes do not fit."""
    try:
        return np.broadcast(x, y), z
    except ValueError:
        return x, y


def refuse(op: Op, refused: int, kernel: str) -> None:
    """Say which kinds of element types an elementwise op does not take, and by which kernel name PyTorch says so."""
    if isinstance(op, Unary):
        unary: Unary = op
        unary.refused, unary.kernel = refused, kernel
    elif isinstance(op, Binary):
        binary: Binary = op
        binary.refused, binary.kernel = refused, kernel
    else:
        ternary: Ternary = op  # type: ignore[assignment]
        ternary.refused, ternary.kernel = refused, kernel


def broadcast_error(x: object, y: object) -> str:
    """PyTorch's text for two shapes that do not broadcast."""
    a, b = (x.shape if hasattr(x, "shape") else ()), (y.shape if hasattr(y, "shape") else ())
    count = max(len(a), len(b))
    a = (1,) * (count - len(a)) + tuple(a)
    b = (1,) * (count - len(b)) + tuple(b)
    for dim in range(count - 1, -1, -1):
        if a[dim] != b[dim] and a[dim] != 1 and b[dim] != 1:
            return errors.BROADCAST.format(a=a[dim], b=b[dim], dim=dim)
    return f"{x!r} and {y!r} cannot be combined"
