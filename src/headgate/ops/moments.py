"""Variances and standard deviations over some or all dims, with their means."""
import warnings

import cython

if not cython.compiled:
    import numpy as np

    from headgate.core.apply import apply
    from headgate.core.arrays import is_float, shape_of
    from headgate.core.records import OUT, Node, Op, Tensor, X
    from headgate.kernels.reference import map1, reduce, variance
    from headgate.ops.keep import keep
    from headgate.ops.reducing import called, count_over, dims_of, flag, given, restored, write_results

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import declare
from headgate.core.options import no_combination
from headgate.kernels import make_loop

SQRT = make_loop("sqrt")
DEGREES = (
    "{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel "
    "divided by output numel)."
)


def spread(x: ndarray, attrs: tuple, name: str) -> ndarray:
    """The variance, warned of where there are too few elements. attrs: (axes or None, keepdim, correction)."""
    axes, keepdim, correction = attrs
    if not is_float(x):
        raise RuntimeError(errors.VAR_DTYPE)
    if count_over(shape_of(x), axes) - correction <= 0:
        warnings.warn(DEGREES.format(name=name), UserWarning, stacklevel=3)
    return variance(x, axes, correction, keepdim)


def pull_variance(x: Tensor, g: Tensor, attrs: tuple) -> Tensor:
    """The gradient of a variance."""
    axes, keepdim, correction = attrs
    shape: tuple = shape_of(x._array)
    free = count_over(shape, axes) - correction
    g = restored(g, axes, keepdim, shape)
    centred = x - x.mean(axes, True)
    if free <= 0:
        return g * float("inf") * centred if free == 0 else g * (2.0 / free) * centred
    return g * (2.0 / free) * centred


def pull_deviation(x: Tensor, y: Tensor, g: Tensor, attrs: tuple) -> Tensor:
    """The gradient of a standard deviation y; 0 where it is 0."""
    return pull_variance(x, keep(g / (y * 2), y != 0), attrs)


def pull_mean(x: Tensor, g: Tensor, attrs: tuple) -> Tensor:
    """The gradient of the mean that is given beside a variance."""
    shape: tuple = shape_of(x._array)
    return (restored(g, attrs[0], attrs[1], shape) / count_over(shape, attrs[0])).expand(shape)


@cython.cclass
class Var(Op):
    """The variance over dims. attrs: (axes or None, keepdim, correction)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return spread(x, attrs, self.name)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return pull_variance(n.read(X), g, n.attrs)


@cython.cclass
class Std(Op):
    """The standard deviation over dims. attrs as for Var."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return map1(SQRT, spread(x, attrs, self.name))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return pull_deviation(n.read(X), n.read(OUT), g, n.attrs)


@cython.cclass
class Moments(Op):
    """The variance, or the standard deviation, and the mean. attrs as for Var."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        x: ndarray = inputs[0]
        first: ndarray = spread(x, attrs, self.name)
        if self.name == "std_mean":
            first = map1(SQRT, first)
        return first, reduce("mean", x, attrs[0], attrs[1], None)

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return self.run((x,), attrs, None)

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        x: Tensor = n.read(X)
        g: object = None
        if grads[0] is not None:
            if self.name == "std_mean":
                g = pull_deviation(x, n.read(OUT), grads[0], n.attrs)
            else:
                g = pull_variance(x, grads[0], n.attrs)
        if grads[1] is not None:
            part: object = pull_mean(x, grads[1], n.attrs)
            g = part if g is None else g + part
        return [g]


VAR, STD, VAR_MEAN, STD_MEAN = Var(), Std(), Moments(), Moments()


def options(x: Tensor, dim: object, unbiased: object, keepdim: object, correction: object, name: str) -> tuple:
    """The attrs from the arguments of PyTorch's overloads (`f(unbiased)`, `f(dim, unbiased)`, `f(dim,
    correction=)`)."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise no_combination(name, (dim,), {"unbiased": unbiased, "correction": correction})
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    return (dims_of(dim, x, name), flag(keepdim, name), correction)


def single(op: Op, input: object, dim: object, unbiased: object, keepdim: object, correction: object, out: object):
    """var or std."""
    x: Tensor = given(input, op.name)
    return called(op, x, options(x, dim, unbiased, keepdim, correction, op.name), out)


def paired(op: Op, input: object, dim: object, unbiased: object, keepdim: object, correction: object, out: object):
    """var_mean or std_mean."""
    x: Tensor = given(input, op.name)
    results: tuple = apply(op, (x,), options(x, dim, unbiased, keepdim, correction, op.name))
    return results if out is None else write_results(op.name, results, out)


def var(
    input: object, dim: object = None, unbiased: object = None, keepdim: object = False, *, correction: object = None,
    out: object = None, axis: object = None, keepdims: object = False,
) -> object:
    """The variance over `dim` (an int or several; all by default), divided by n - correction (1; 0 if not unbiased).

    Floats only. A UserWarning, and NaN or infinity, where n <= correction.
    """
    return single(VAR, input, axis if dim is None else dim, unbiased, keepdim or keepdims, correction, out)


def std(
    input: object, dim: object = None, unbiased: object = None, keepdim: object = False, *, correction: object = None,
    out: object = None, axis: object = None, keepdims: object = False,
) -> object:
    """The standard deviation: the square root of `var`. Its gradient is 0 where it is 0."""
    return single(STD, input, axis if dim is None else dim, unbiased, keepdim or keepdims, correction, out)


def var_mean(
    input: object, dim: object = None, unbiased: object = None, keepdim: object = False, *, correction: object = None,
    out: object = None, axis: object = None, keepdims: object = False,
) -> object:
    """(variance, mean). Arguments as for `var`."""
    return paired(VAR_MEAN, input, axis if dim is None else dim, unbiased, keepdim or keepdims, correction, out)


def std_mean(
    input: object, dim: object = None, unbiased: object = None, keepdim: object = False, *, correction: object = None,
    out: object = None, axis: object = None, keepdims: object = False,
) -> object:
    """(standard deviation, mean). Arguments as for `var`."""
    return paired(STD_MEAN, input, axis if dim is None else dim, unbiased, keepdim or keepdims, correction, out)


def spreads(make: object) -> object:
    """Samples of all overloads."""
    return [((make(3, 4),), {}), ((make(3, 4), 1), {}), ((make(3, 4), False), {}), ((make(3, 4), (0, 1), False, True),
        {}),
            ((make(2, 3, 4),), {"dim": (0, -1), "correction": 0, "keepdim": True}), ((make(3, 4), 0),
            {"correction": 2})]


declare(VAR, "var", overload=None, reads=[1 << 0], function=var, inplace=False, samples=spreads, dtypes="f")
declare(STD, "std", overload=None, reads=[(1 << 0) | (1 << OUT)], function=std, inplace=False, samples=spreads,
    dtypes="f")
declare(VAR_MEAN, "var_mean", overload=None, reads=[1 << 0], function=var_mean, inplace=False, samples=spreads,
        dtypes="f", method=False, out=False)
declare(STD_MEAN, "std_mean", overload=None, reads=[(1 << 0) | (1 << OUT)], function=std_mean, inplace=False,
        samples=spreads, dtypes="f", method=False, out=False)
