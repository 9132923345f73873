# built for speed
"""Reductions: sum and its relatives over some or all dimensions.

Extremes are in `extreme`, variances in `moments`, norms in `norms`; what all of them share is in `reducing`.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply1
    from headgate.core.arrays import count_of, is_float, shape_of
    from headgate.core.records import OUT, Node, Op, Tensor, X
    from headgate.kernels.reference import logsumexp as log_sum_exp
    from headgate.kernels.reference import map1, map2s, reduce
    from headgate.ops.cumulative import CUMPROD, SHIFT
    from headgate.ops.explog import EXP
    from headgate.ops.keep import keep
    from headgate.ops.reducing import (
        array_kind,
        called,
        count_over,
        dims_of,
        expand_reduced,
        flag,
        floating,
        given,
        one_dim,
        restored,
        write_results,
    )
    from headgate.ops.view import reshaped

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, declare, overload
from headgate.core.entry import PUBLIC, quicken
from headgate.core.options import no_combination
from headgate.kernels import make_loop

ALL = (None, False, None)  # attrs of a plain reduction of everything
WITHOUT_NAN = make_loop("zero_nan")
NOT_EQUAL = make_loop("ne")
MEAN_OPTIONAL = (
    "mean(): could not infer output dtype. Optional dtype must be either a floating point or complex dtype. Got: "
    "{dtype}"
)


@cython.cclass
class Sum(Op):
    """The sum of all elements, or over dims. attrs: (axes or None, keepdim, NumPy dtype or None)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return reduce("sum", x, attrs[0], attrs[1], attrs[2])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return expand_reduced(g, n.attrs[0], n.attrs[1], n.shape(0))

    @cython.cfunc
    def call1(self, x: object, out: object) -> object:
        return apply1(self, x, ALL) if isinstance(x, Tensor) else NotImplemented


@cython.cclass
class Mean(Op):
    """The mean of all elements, or over dims. attrs as for Sum."""

    @cython.cfunc
    def call1(self, x: object, out: object) -> object:
        return apply1(self, x, ALL) if isinstance(x, Tensor) else NotImplemented

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if attrs[2] is not None:
            check_mean(dtypes.from_numpy(attrs[2]), MEAN_OPTIONAL)
        elif not is_float(x):
            check_mean(dtypes.of(x), errors.MEAN_DTYPE)
        return reduce("mean", x, attrs[0], attrs[1], attrs[2])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        shape: tuple = n.shape(0)
        count = count_over(shape, n.attrs[0])
        if count == 0:  # divided after: what reaches nothing has a gradient of zeros itself
            return expand_reduced(g, n.attrs[0], n.attrs[1], shape) / count
        return expand_reduced(g / count, n.attrs[0], n.attrs[1], shape)


def check_mean(kind: dtypes.dtype, text: str):
    """Refuse a mean in whole numbers."""
    if kind.category < 2:
        raise RuntimeError(text.format(dtype=errors.TYPE_NAMES[kind.name]))


@cython.cclass
class Prod(Op):
    """The product of all elements, or over one dim. attrs as for Sum."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return reduce("prod", x, attrs[0], attrs[1], attrs[2])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        axes, keepdim, kind = n.attrs
        x: Tensor = n.read(X)
        y: Tensor = n.read(OUT)
        shape: tuple = shape_of(x._array)
        if len(shape) == 0:
            return g
        g = restored(g, axes, keepdim, shape)
        if reduce("all", x._array, None, False, None):
            return g * (restored(y, axes, keepdim, shape) / x)
        if axes is not None:
            return g * others(x, axes[0])
        return g * reshaped(others(reshaped(x, (count_of(x._array),)), 0), shape)


def others(x: Tensor, axis: cython.int) -> Tensor:
    """For each element the product of the others along an axis, without division."""
    before = apply1(CUMPROD, apply1(SHIFT, x, (axis, 1, 1)), (axis, None, False))
    return before * apply1(CUMPROD, apply1(SHIFT, x, (axis, -1, 1)), (axis, None, True))


@cython.cclass
class NanSum(Op):
    """The sum of the elements that are numbers. attrs as for Sum."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if is_float(x) and attrs[2] is None:
            return reduce("nansum", x, attrs[0], attrs[1], None)
        return reduce("sum", map1(WITHOUT_NAN, x) if is_float(x) else x, attrs[0], attrs[1], attrs[2])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        return keep(expand_reduced(g, n.attrs[0], n.attrs[1], shape_of(x._array)), x == x)


@cython.cclass
class LogSumExp(Op):
    """log of the sum of exp over dims. attrs: (axes or None, keepdim)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return log_sum_exp(floating(x), attrs[0], attrs[1])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        y: Tensor = n.read(OUT)
        axes, keepdim = n.attrs
        shape: tuple = shape_of(x._array)
        weight: Tensor = EXP.call1(x - restored(y, axes, keepdim, shape), None)
        return restored(g, axes, keepdim, shape) * weight


@cython.cclass
class Truth(Op):
    """Whether any, or all, of the elements are true. attrs: (axes or None, keepdim), or () for each
    element by itself. Bool; uint8 stays uint8."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        y: object = map2s(NOT_EQUAL, x, 0, False) if len(attrs) == 0 else reduce(self.name, x, attrs[0], attrs[1], None)
        return y.astype(np.uint8) if cython.cast(object, x).dtype == np.uint8 else y


@cython.cclass
class CountNonzero(Op):
    """How many elements are not zero. attrs: axes or None. int64."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return reduce("sum", map2s(NOT_EQUAL, x, 0, False), attrs, False, None)


SUM, MEAN, PROD, NANSUM, LOGSUMEXP, ANY, COUNT = Sum(), Mean(), Prod(), NanSum(), LogSumExp(), Truth(), CountNonzero()
EVERY = Truth()
SUM_OVER = overload(Sum(), "sum", 1, shapes=1 << 0)
MEAN_OVER = overload(Mean(), "mean", 1, shapes=1 << 0)
PROD_OVER = overload(Prod(), "prod", 1, reads=[(1 << 0) | (1 << OUT)])


def reduced(op: Op, input: object, dim: object, keepdim: object, dtype: object, out: object, name: str) -> object:
    """Call a reduction over dims."""
    x: Tensor = given(input, name)
    attrs = (dims_of(dim, x, name), flag(keepdim, name), result_kind(dtype, out, name))
    return called(op, x, attrs, out)


def result_kind(dtype: object, out: object, name: str) -> object:
    """The element type asked for; that of `out` where only it is given."""
    if dtype is None and isinstance(out, Tensor):
        return cython.cast(object, cython.cast(Tensor, out)._array).dtype
    return array_kind(dtype, name)


def sum(
    input: object, dim: object = None, keepdim: object = False, *, dtype: object = None, out: object = None,
    axis: object = None, keepdims: object = False,
) -> object:
    """Sum of the elements of `input`, over `dim` (an int or several; all by default).

    Integers and bools sum to int64; `dtype` casts before summing. Returns a tensor without those dims (length 1 with
    `keepdim`). IndexError for a dim out of range. `axis` and `keepdims` are NumPy's names for `dim` and `keepdim`.
    """
    if dim is None and axis is None and dtype is None and out is None and isinstance(input, Tensor):
        if keepdim is False and keepdims is False:
            return apply1(SUM, cython.cast(Tensor, input), ALL)
    dim = axis if dim is None else dim
    keepdim = keepdim or keepdims
    return reduced(SUM if dim is None and not keepdim else SUM_OVER, input, dim, keepdim, dtype, out, "sum")


def mean(
    input: object, dim: object = None, keepdim: object = False, *, dtype: object = None, out: object = None,
    axis: object = None, keepdims: object = False,
) -> object:
    """Mean of the elements of `input`, over `dim` (an int or several; all by default); NaN over nothing.

    Floats only, unless `dtype` is given, which casts before averaging. RuntimeError for integers and bools.
    """
    if dim is None and axis is None and dtype is None and out is None and isinstance(input, Tensor):
        if keepdim is False and keepdims is False:
            return apply1(MEAN, cython.cast(Tensor, input), ALL)
    dim = axis if dim is None else dim
    keepdim = keepdim or keepdims
    return reduced(MEAN if dim is None and not keepdim else MEAN_OVER, input, dim, keepdim, dtype, out, "mean")


def prod(
    input: object, dim: object = None, keepdim: object = False, *, dtype: object = None, out: object = None,
    axis: object = None, keepdims: object = False,
) -> object:
    """Product of the elements of `input`, all or over one `dim`; integers and bools in int64.

    The gradient is right where elements are zero, for every order.
    """
    x: Tensor = given(input, "prod")
    dim = axis if dim is None else dim
    if dim is None:
        return called(PROD, x, (None, flag(keepdim or keepdims, "prod"), array_kind(dtype, "prod")), out)
    if isinstance(dim, (tuple, list, bool, float)):
        raise no_combination("prod", (dim,))
    place = (one_dim(dim, x, "prod"),)
    return called(PROD_OVER, x, (place, flag(keepdim or keepdims, "prod"), array_kind(dtype, "prod")), out)


def nansum(
    input: object, dim: object = None, keepdim: object = False, *, dtype: object = None, out: object = None,
    axis: object = None, keepdims: object = False,
) -> object:
    """Sum of the elements that are not NaN. Arguments as for `sum`."""
    dim = axis if dim is None else dim
    return reduced(NANSUM, input, dim, keepdim or keepdims, dtype, out, "nansum")


def nanmean(
    input: object, dim: object = None, keepdim: object = False, *, dtype: object = None, out: object = None,
    axis: object = None, keepdims: object = False,
) -> object:
    """Mean of the elements that are not NaN. Floats only."""
    x: Tensor = given(input, "nanmean")
    dim = axis if dim is None else dim
    keepdim = keepdim or keepdims
    if not is_float(x._array):
        raise RuntimeError("nanmean(): expected input to have floating point or complex dtype but got "
                           + errors.TYPE_NAMES[dtypes.of(x._array).name])
    count = sum(x == x, dim, keepdim)
    mean = nansum(x, dim, keepdim, dtype=dtype) / count
    return mean if out is None else write_results("nanmean", (mean,), (out,))[0]


def logsumexp(input: object, dim: object, keepdim: object = False, *, out: object = None) -> object:
    """log of the sum of exp over `dim` (an int or several), without overflow; integers give the default float."""
    x: Tensor = given(input, "logsumexp")
    return called(LOGSUMEXP, x, (dims_of(dim, x, "logsumexp"), flag(keepdim, "logsumexp")), out)


def truth(op: Op, input: object, dim: object, keepdim: object, out: object, name: str) -> object:
    """Call any or all. Over no dims at all each element is asked by itself, as PyTorch does."""
    x: Tensor = given(input, name)
    axes = dims_of(dim, x, name)
    if dim is not None and isinstance(dim, (tuple, list)) and len(dim) == 0:
        return called(op, x, (), out)
    return called(op, x, (axes, flag(keepdim, name)), out)


def any(
    input: object, dim: object = None, keepdim: object = False, *, out: object = None, axis: object = None,
    keepdims: object = False,
) -> object:
    """Whether any element (over `dim`) is true: not zero. Bool; uint8 gives uint8."""
    return truth(ANY, input, axis if dim is None else dim, keepdim or keepdims, out, "any")


def all(
    input: object, dim: object = None, keepdim: object = False, *, out: object = None, axis: object = None,
    keepdims: object = False,
) -> object:
    """Whether all elements (over `dim`) are true: not zero. Bool; uint8 gives uint8."""
    return truth(EVERY, input, axis if dim is None else dim, keepdim or keepdims, out, "all")


def count_nonzero(input: object, dim: object = None) -> object:
    """How many elements (over `dim`) are not zero."""
    x: Tensor = given(input, "count_nonzero")
    return apply1(COUNT, x, dims_of(dim, x, "count_nonzero"))


def over(make: object) -> object:
    """Samples of what reduces over any dims."""
    return [((make(3, 4),), {}), ((make(3, 4),), {"dim": 1}), ((make(2, 3, 4),), {"dim": (0, -1), "keepdim": True}),
            ((make(0, 3),), {"dim": 0}), ((make(0, 3),), {"dim": 1}), ((make(),), {}), ((make(3),), {"dim": (),
            "keepdim": True})]


def over_one(make: object) -> object:
    """Samples of what reduces over all dims or one."""
    return [((make(3, 4),), {}), ((make(3, 4),), {"dim": 1}), ((make(2, 3, 4),), {"dim": -1, "keepdim": True}),
            ((make(0, 3),), {"dim": 0}), ((make(),), {})]


declare(SUM, "sum", overload=0, shapes=1 << 0, function=sum, inplace=False, samples=over)
declare(MEAN, "mean", overload=0, shapes=1 << 0, function=mean, inplace=False, samples=over, dtypes="f")
quicken(PUBLIC["sum"], SUM, 1)
quicken(PUBLIC["mean"], MEAN, 1)
declare(PROD, "prod", overload=0, reads=[(1 << 0) | (1 << OUT)], function=prod, inplace=False, samples=over_one)
declare(NANSUM, "nansum", overload=None, reads=[1 << 0], function=nansum, inplace=False, samples=over)
composite("nanmean", nanmean, samples=over, dtypes="f", out=True)
declare(LOGSUMEXP, "logsumexp", overload=None, reads=[(1 << 0) | (1 << OUT)], function=logsumexp, inplace=False,
        samples=lambda make: [((make(3, 4), 1), {}), ((make(2, 3, 4), (0, -1)), {"keepdim": True}), ((make(3, 0), 1),
        {}),
                              ((make(), 0), {})], aliases=("special.logsumexp",))
declare(ANY, "any", function=any, inplace=False, samples=over, differentiable=False)
declare(EVERY, "all", function=all, inplace=False, samples=over, differentiable=False)
declare(COUNT, "count_nonzero", function=count_nonzero, inplace=False, out=False, differentiable=False,
        samples=lambda make: [((make(3, 4),), {}), ((make(3, 4),), {"dim": 1}), ((make(2, 3),), {"dim": (0, 1)})])
