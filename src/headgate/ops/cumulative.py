"""Running sums, products and extremes along a dim, and differences.

Their gradients run the other way; where products meet zeros they are a linear recurrence, solved by doubling.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply, apply1, wrap
    from headgate.core.arrays import is_float, shape_of
    from headgate.core.operators import INPLACE
    from headgate.core.records import OUT, Node, Op, Tensor, X
    from headgate.kernels.reference import cumulate, reduce
    from headgate.ops.explog import EXP
    from headgate.ops.reducing import PLACE, array_kind, called, given, one_dim, write_results
    from headgate.ops.view import SLICE

    ndarray = np.ndarray

from headgate.core.declare import composite, declare, overload
from headgate.core.entry import PUBLIC
from headgate.core.family import refused_error
from headgate.core.results import result_type

CUMMAX_RESULT = result_type("cummax", "values indices")
CUMMIN_RESULT = result_type("cummin", "values indices")


def along(axis: cython.int, part: slice) -> tuple:
    """The index of a part of one axis."""
    return (slice(None),) * axis + (part,)


@cython.cclass
class Shift(Op):
    """The elements moved along a dim, a number coming in at the end left free. attrs: (axis, distance, the number)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        axis, distance, value = attrs
        y: object = np.full(cython.cast(object, x).shape, value, cython.cast(object, x).dtype)
        if distance > 0:
            y[along(axis, slice(distance, None))] = cython.cast(object, x)[along(axis, slice(None, -distance))]
        else:
            y[along(axis, slice(None, distance))] = cython.cast(object, x)[along(axis, slice(-distance, None))]
        return y

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(SHIFT, g, (n.attrs[0], -n.attrs[1], 0))


SHIFT = overload(Shift(), "roll", None)


def recurrence(b: Tensor, a: Tensor, axis: cython.int, backward: bool) -> Tensor:
    """The y with y[j] = b[j] + a[j] y[j + 1] along an axis (y[j - 1] if `backward`), by doubling."""
    distance: cython.Py_ssize_t = 1
    while distance < b._array.shape[axis]:
        step = distance if backward else -distance
        b = b + a * apply1(SHIFT, b, (axis, step, 0))
        a = a * apply1(SHIFT, a, (axis, step, 0))
        distance *= 2
    return b


@cython.cclass
class Running(Op):
    """A running reduction along a dim. attrs: (axis, NumPy dtype or None, whether it runs from the end)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        axis, kind, reverse = attrs
        if not reverse:
            return cumulate(self.name, x, axis, kind)
        if x.ndim == 0:
            return cumulate(self.name, x, 0, kind)
        turned = (slice(None),) * (axis if axis >= 0 else axis + x.ndim) + (slice(None, None, -1),)
        return cython.cast(object, cumulate(self.name, cython.cast(object, x)[turned], axis, kind))[turned]


@cython.cclass
class CumSum(Running):
    """The sums of the elements up to each one."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(CUMSUM, g, (n.attrs[0], None, not n.attrs[2]))


@cython.cclass
class CumProd(Running):
    """The products of the elements up to each one."""

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        axis, _, reverse = n.attrs
        x: Tensor = n.read(X)
        y: Tensor
        if x._array.ndim == 0:
            return g
        if x._array.shape[axis] < 2:
            return g
        if reduce("all", x._array, None, False, None):
            y = n.read(OUT)
            return apply1(CUMSUM, g * y, (axis, None, not reverse)) / x
        before = apply1(CUMPROD, apply1(SHIFT, x, (axis, -1 if reverse else 1, 1)), (axis, None, reverse))
        return before * recurrence(g, apply1(SHIFT, x, (axis, 1 if reverse else -1, 0)), axis, reverse)


@cython.cclass
class LogCumSumExp(Running):
    """The logarithms of the running sums of exponentials."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if not is_float(x):
            raise refused_error("logcumsumexp_out_cpu", dtypes.of(x))
        return Running.run1(self, x, attrs, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        axis: cython.int = n.attrs[0]
        x: Tensor = n.read(X)
        y: Tensor = n.read(OUT)
        if x._array.ndim == 0:
            return g
        # With y[j + 1] >= y[j] every factor is at most 1, however far apart the numbers are.
        fall = EXP.call1(y - apply1(SHIFT, y, (axis, -1, np.inf)), None)
        return EXP.call1(x - y, None) * recurrence(g, fall, axis, False)


@cython.cclass
class Extreme(Op):
    """The running extremes and where they are. attrs: axis."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return cumulate(self.name, x, attrs, None)

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return cumulate(self.name, inputs[0], attrs, None)

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        if grads[0] is None:
            return [None]
        return [apply(PLACE, (grads[0], wrap(n.array(OUT + 1))), (n.attrs, n.shape(0)))]


CUMSUM, CUMPROD, LOGCUMSUMEXP, CUMMAX, CUMMIN = CumSum(), CumProd(), LogCumSumExp(), Extreme(), Extreme()


def running(op: Op, input: object, dim: object, dtype: object, out: object, name: str) -> object:
    """Call a running sum or product."""
    x: Tensor = given(input, name)
    kind: object = array_kind(dtype, name)
    if out is INPLACE and kind is None:
        kind = cython.cast(object, x._array).dtype
    return called(op, x, (one_dim(dim, x, name), kind, False), out)


def cumsum(input: object, dim: object, *, dtype: object = None, out: object = None) -> object:
    """The sums of the elements along `dim` up to each one. Integers and bools add up in int64, unless `dtype` says."""
    return running(CUMSUM, input, dim, dtype, out, "cumsum")


def cumprod(input: object, dim: object, *, dtype: object = None, out: object = None) -> object:
    """The products of the elements along `dim` up to each one; dtype as for `cumsum`. The gradient is right at
    zeros."""
    return running(CUMPROD, input, dim, dtype, out, "cumprod")


def logcumsumexp(input: object, dim: object, *, out: object = None) -> object:
    """log of the running sum of exp along `dim`. Floats only."""
    return running(LOGCUMSUMEXP, input, dim, None, out, "logcumsumexp")


def extremes(op: Op, input: object, dim: object, out: object, name: str) -> tuple:
    """The running extremes and their places, into `out` if it is given."""
    x: Tensor = given(input, name)
    results: tuple = apply(op, (x,), one_dim(dim, x, name))
    return results if out is None else write_results(name, results, out)


def cummax(input: object, dim: object, *, out: object = None) -> object:
    """(values, indices) of the largest element along `dim` up to each one; of equal ones the latest; NaN wins."""
    return CUMMAX_RESULT(extremes(CUMMAX, input, dim, out, "cummax"))


def cummin(input: object, dim: object, *, out: object = None) -> object:
    """(values, indices) of the smallest element along `dim` up to each one; of equal ones the latest; NaN wins."""
    return CUMMIN_RESULT(extremes(CUMMIN, input, dim, out, "cummin"))


def diff(
    input: object, n: object = 1, dim: object = -1, prepend: object = None, append: object = None, *,
    out: object = None,
) -> object:
    """The differences of neighbours along `dim`, `n` times; bools give the exclusive or."""
    x: Tensor = given(input, "diff")
    axis: cython.int
    if x._array.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    axis = one_dim(dim, x, "diff")
    parts = [part for part in (prepend, x, append) if part is not None]
    if len(parts) > 1:
        x = PUBLIC["cat"](parts, axis)
    length = x._array.shape[axis]
    for _ in range(min(n, length)):
        upper = apply1(SLICE, x, (axis, 1, length, 1))
        lower = apply1(SLICE, x, (axis, 0, length - 1, 1))
        length -= 1
        x = upper != lower if cython.cast(object, x._array).dtype == np.bool_ else upper - lower
    if out is not None:
        return write_results("diff", (x,), (out,))[0]
    return x


@cython.cclass
class Times(Op):
    """Floats times a number, a node of its own as in PyTorch. attrs: the number."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return np.asarray(np.multiply(x, attrs)).astype(cython.cast(object, x).dtype, copy=False)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * n.attrs


TIMES, HALVED = overload(Times(), "mul", 1), overload(Times(), "div", 1)


def trapezoid(y: object, x: object = None, *, dx: object = 1, dim: object = -1) -> object:
    """The integral along `dim` by the trapezoidal rule, for points `x`, or spaced by `dx`."""
    t: Tensor = given(y, "trapezoid")
    axis: cython.int = one_dim(dim, t, "trapezoid")
    if t._array.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    length = t._array.shape[axis]
    if length == 0:
        return wrap(np.zeros([size for k, size in enumerate(shape_of(t._array)) if k != axis],
                             cython.cast(object, t._array).dtype))
    if cython.cast(object, t._array).dtype == np.bool_:
        which = "`y`" if x is None else "`x` or `y`"
        raise RuntimeError(f"trapezoid: received a bool input for {which}, but bool is not supported")
    if x is None:
        ends = t.select(axis, 0) + t.select(axis, length - 1)
        return apply1(TIMES, t.sum(axis) - ends * 0.5, float(dx))
    steps = diff(x, dim=-1 if x.ndim == 1 else axis)
    if x.ndim == 1:
        steps = steps.reshape([-1] + [1] * (t._array.ndim - 1 - axis))
    upper, lower = apply1(SLICE, t, (axis, 1, length, 1)), apply1(SLICE, t, (axis, 0, length - 1, 1))
    doubled: Tensor = ((upper + lower) * steps).sum(axis)
    return apply1(HALVED, doubled, 0.5) if is_float(doubled._array) else doubled / 2.0


def lines(make: object) -> object:
    """Shapes and dims for what runs along one."""
    return [((make(3, 4), 1), {}), ((make(3, 4),), {"dim": 0}), ((make(2, 3, 4), -2), {}), ((make(0, 3), 0), {}),
            ((make(2, 0), 0), {}), ((make(), 0), {}), ((make(1, 1), 1), {})]


declare(CUMSUM, "cumsum", overload=None, function=cumsum, inplace=True, samples=lines)
declare(CUMPROD, "cumprod", overload=None, reads=[(1 << 0) | (1 << OUT)], looks=1 << 0 | 1 << OUT, function=cumprod,
        inplace=True, samples=lines)
declare(LOGCUMSUMEXP, "logcumsumexp", overload=None, reads=[(1 << 0) | (1 << OUT)], function=logcumsumexp,
        inplace=False, samples=lines, dtypes="f")
for _op, _name, _function in ((CUMMAX, "cummax", cummax), (CUMMIN, "cummin", cummin)):
    declare(_op, _name, overload=None, reads=[1 << 0 | 1 << (OUT + 1)], shapes=1 << 0, looks=1 << 0,
            function=_function, inplace=False, samples=lines, smooth=False)
composite("diff", diff, samples=lambda make: [((make(3, 4),), {}), ((make(3, 4),), {"n": 2, "dim": 0}), ((make(1),),
    {})])
composite("trapezoid", trapezoid, method=False, aliases=("trapz",), dtypes="f", samples=lambda make: [
    ((make(3, 4),), {}), ((make(3, 4),), {"dx": 2.0, "dim": 0}), ((make(3, 4), make(4)), {})])
