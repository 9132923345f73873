"""Extremes: max and min in PyTorch's three overloads, amax, amin, aminmax, argmax, argmin.

A gradient goes to the index where a dim was reduced to (value, index), else it is shared among equals.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply, apply1, wrap
    from headgate.core.arrays import count_of, shape_of
    from headgate.core.records import OUT, Node, Op, Tensor, X
    from headgate.kernels.reference import arg_reduce, gather, reduce
    from headgate.ops.keep import keep
    from headgate.ops.reducing import (
        PLACE,
        called,
        dims_of,
        expand_reduced,
        flag,
        given,
        is_index,
        one_dim,
        restored,
        write_results,
    )

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import declare, overload
from headgate.core.entry import PUBLIC
from headgate.core.options import no_combination
from headgate.core.results import result_type

MAX_RESULT = result_type("max", "values indices")
MIN_RESULT = result_type("min", "values indices")
AMINMAX_RESULT = result_type("aminmax", "min max")


def shared(x: Tensor, y: Tensor, g: Tensor, axes: object, keepdim: bool, evenly: bool) -> Tensor:
    """The gradient g of the extreme y of x, spread evenly over the elements that equal it; over NaNs if `evenly`."""
    shape: tuple = shape_of(x._array)
    high: Tensor = restored(y, axes, keepdim, shape)
    low: Tensor = restored(g, axes, keepdim, shape)
    mask: Tensor = x == high
    if evenly and bool(high != high):
        mask = x != x
    count: object = mask.sum() if axes is None else mask.sum(axes, True)
    if evenly:  # zeros where nothing equals an extreme that was changed without being counted
        return keep(expand_reduced(low / count, None, True, shape), mask)
    return keep(expand_reduced(low, None, True, shape), mask) / count


@cython.cclass
class Whole(Op):
    """The largest, or smallest, of all elements; NaN wins. attrs: None."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if count_of(x) == 0:
            raise RuntimeError(errors.REDUCE_EMPTY.format(function=self.name))
        return reduce(self.name, x, None, False, None)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return shared(n.read(X), n.read(OUT), g, None, False, True)


@cython.cclass
class Along(Op):
    """The largest, or smallest, along a dim, and where it is (the first of equals). attrs: (axis, keepdim)."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return self.run1(inputs[0], attrs, None)

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        axis: cython.int = attrs[0]
        if x.ndim == 0:
            return cython.cast(object, x).copy(), np.zeros((), np.int64)
        if x.shape[axis] == 0:
            raise IndexError(errors.REDUCE_EMPTY_DIM.format(function=self.name, dim=axis))
        index: ndarray = arg_reduce("arg" + self.name, x, axis, True)
        values: ndarray = gather(x, axis, index)
        if attrs[1]:
            return values, index
        shape: tuple = shape_of(values)
        shape = shape[:axis] + shape[axis + 1:]
        return cython.cast(object, values).reshape(shape), cython.cast(object, index).reshape(shape)

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        axis: cython.int = n.attrs[0]
        shape: tuple = n.shape(0)
        if grads[0] is None:
            return [None]
        if len(shape) == 0:
            return [grads[0]]
        axes = (axis,)
        index: Tensor = restored(wrap(n.array(OUT + 1)), axes, n.attrs[1], shape)
        return [apply(PLACE, (restored(grads[0], axes, n.attrs[1], shape), index), (axis, shape))]


@cython.cclass
class Over(Op):
    """The largest, or smallest, over dims; NaN wins. attrs: (axes or None, keepdim)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        check_extent(x, attrs[0], self.name)
        return reduce("max" if self.name == "amax" else "min", x, attrs[0], attrs[1], None)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return shared(n.read(X), n.read(OUT), g, n.attrs[0], n.attrs[1], False)


def check_extent(x: ndarray, axes: object, name: str):
    """Extremes have no value over nothing."""
    if count_of(x) > 0:
        return
    if axes is None:
        raise RuntimeError(errors.REDUCE_EMPTY.format(function=name))
    for axis in axes:
        if cython.cast(object, x).shape[axis] == 0:
            raise IndexError(errors.REDUCE_EMPTY_DIM.format(function=name, dim=axis))


@cython.cclass
class Both(Op):
    """The smallest and the largest. attrs: (axis or None, keepdim)."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return self.run1(inputs[0], attrs, None)

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        axes, keepdim = attrs
        if count_of(x) == 0 and axes is None:
            raise RuntimeError("aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
                               "identity.")
        if axes is not None and x.ndim and cython.cast(object, x).shape[axes[0]] == 0:
            raise IndexError(f"aminmax: Expected reduction dim {axes[0]} to have non-zero size.")
        return reduce("min", x, axes, keepdim, None), reduce("max", x, axes, keepdim, None)

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        x: Tensor = n.read(X)
        g: object = None
        part: object
        k: cython.int
        for k in range(2):
            if grads[k] is not None:
                part = shared(x, n.read(OUT + k), grads[k], n.attrs[0], n.attrs[1], False)
                g = part if g is None else g + part
        return [g]


@cython.cclass
class Where(Op):
    """The place of the largest, or smallest: in the flattened tensor, or along a dim. attrs: (axis or None,
    keepdim)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        axis, keepdim = attrs
        if dtypes.of(x).category == 0:
            raise RuntimeError(f"{self.name}(): does not support bool input")
        if axis is None and count_of(x) == 0:
            raise IndexError(f"{self.name}(): Expected reduction dim to be specified for input.numel() == 0.")
        if axis is not None and x.ndim and cython.cast(object, x).shape[axis] == 0:
            raise IndexError(errors.REDUCE_EMPTY_DIM.format(function=self.name, dim=axis))
        return arg_reduce(self.name, x, axis, keepdim)


MAX_ALL, MIN_ALL = overload(Whole(), "max", 1, reads=[1 | (1 << OUT)]), overload(Whole(), "min", 1,
    reads=[1 | (1 << OUT)])
MAX, MIN, AMAX, AMIN, AMINMAX, ARGMAX, ARGMIN = Along(), Along(), Over(), Over(), Both(), Where(), Where()


def extreme(name: str, whole: Op, along: Op, result: object, input: object, dim: object, keepdim: object, out: object):
    """max or min: of all, along a dim, or of two tensors."""
    x: Tensor = given(input, name)
    if dim is None:
        return called(whole, x, None, out)
    if isinstance(dim, Tensor):
        if keepdim is not False:
            raise TypeError(errors.ARGUMENT.format(
                function=name, name="dim", position=1, expected="int", type=type(dim).__name__))
        return PUBLIC["maximum" if name == "max" else "minimum"](x, dim, out=out)
    if not is_index(dim):
        raise no_combination(name, (dim,))
    results: tuple = apply(along, (x,), (one_dim(dim, x, name), flag(keepdim, name)))
    return result(results if out is None else write_results(name, results, out))


def max(
    input: object, dim: object = None, keepdim: object = False, *, other: object = None, out: object = None,
    axis: object = None, keepdims: object = False,
) -> object:
    """The largest element; with `dim`, (values, indices) along it; with another tensor, the larger of each pair.

    NaN wins; of equals the first index. The gradient of the largest of all is shared among equals, along a dim it goes
    to the index. RuntimeError or IndexError over nothing.
    """
    if dim is None and axis is None and other is None and out is None and isinstance(input, Tensor):
        return apply1(MAX_ALL, cython.cast(Tensor, input), None)
    dim = dim if dim is not None else other if other is not None else axis
    return extreme("max", MAX_ALL, MAX, MAX_RESULT, input, dim, keepdim or keepdims, out)


def min(
    input: object, dim: object = None, keepdim: object = False, *, other: object = None, out: object = None,
    axis: object = None, keepdims: object = False,
) -> object:
    """The smallest element; with `dim`, (values, indices) along it; with another tensor, the smaller of each pair.

    As `max` otherwise.
    """
    if dim is None and axis is None and other is None and out is None and isinstance(input, Tensor):
        return apply1(MIN_ALL, cython.cast(Tensor, input), None)
    dim = dim if dim is not None else other if other is not None else axis
    return extreme("min", MIN_ALL, MIN, MIN_RESULT, input, dim, keepdim or keepdims, out)


def amax(
    input: object, dim: object = (), keepdim: object = False, *, out: object = None, axis: object = None,
    keepdims: object = False,
) -> object:
    """The largest element over `dim` (an int, several, all by default). The gradient is shared among equals."""
    x: Tensor = given(input, "amax")
    axes = dims_of(dim if axis is None else axis, x, "amax")
    return called(AMAX, x, (axes, flag(keepdim or keepdims, "amax")), out)


def amin(
    input: object, dim: object = (), keepdim: object = False, *, out: object = None, axis: object = None,
    keepdims: object = False,
) -> object:
    """The smallest element over `dim` (an int, several, all by default). The gradient is shared among equals."""
    x: Tensor = given(input, "amin")
    axes = dims_of(dim if axis is None else axis, x, "amin")
    return called(AMIN, x, (axes, flag(keepdim or keepdims, "amin")), out)


def aminmax(input: object, *, dim: object = None, keepdim: object = False, out: object = None) -> object:
    """(min, max) of all elements, or along `dim`."""
    x: Tensor = given(input, "aminmax")
    axes = None if dim is None else (one_dim(dim, x, "aminmax"),)
    results: tuple = apply(AMINMAX, (x,), (axes if x._array.ndim else None, flag(keepdim, "aminmax")))
    return AMINMAX_RESULT(results if out is None else write_results("aminmax", results, out))


def place(op: Op, input: object, dim: object, keepdim: object, out: object, name: str) -> object:
    """argmax or argmin."""
    x: Tensor = given(input, name)
    axis = None if dim is None else one_dim(dim, x, name)
    return called(op, x, (axis, flag(keepdim, name)), out)


def argmax(
    input: object, dim: object = None, keepdim: object = False, *, out: object = None, axis: object = None,
    keepdims: object = False,
) -> object:
    """The place of the largest element, in the flattened tensor or along `dim`: the first of equals. Not for bools."""
    return place(ARGMAX, input, axis if dim is None else dim, keepdim or keepdims, out, "argmax")


def argmin(
    input: object, dim: object = None, keepdim: object = False, *, out: object = None, axis: object = None,
    keepdims: object = False,
) -> object:
    """The place of the smallest element, in the flattened tensor or along `dim`: the first of equals. Not for bools."""
    return place(ARGMIN, input, axis if dim is None else dim, keepdim or keepdims, out, "argmin")


def extents(make: object) -> object:
    """Samples of what takes all elements or one dim."""
    return [((make(3, 4),), {}), ((make(3, 4), 1), {}), ((make(2, 3, 4),), {"dim": -2, "keepdim": True}), ((make(),),
        {}),
            ((make(0, 3),), {"dim": 1})]


def extents_over(make: object) -> object:
    """Samples of what takes several dims."""
    return [((make(3, 4),), {}), ((make(3, 4), 1), {}), ((make(2, 3, 4),), {"dim": (0, -1), "keepdim": True}),
            ((make(),), {}), ((make(0, 3),), {"dim": 1})]


def extents_named(make: object) -> object:
    """Samples of aminmax, whose dim is a keyword."""
    return [((make(3, 4),), {}), ((make(3, 4),), {"dim": 1}), ((make(2, 3, 4),), {"dim": -2, "keepdim": True}),
        ((make(),), {})]


for _op, _name, _function in ((MAX, "max", max), (MIN, "min", min)):
    declare(_op, _name, overload=0, reads=[1 << (OUT + 1)], shapes=1 << 0, function=_function, inplace=False,
            samples=extents, smooth=False, out=False)
for _over, _name, _amax in ((AMAX, "amax", amax), (AMIN, "amin", amin)):
    declare(_over, _name, overload=None, reads=[(1 << 0) | (1 << OUT)], function=_amax, inplace=False,
            samples=extents_over, smooth=False)
declare(AMINMAX, "aminmax", overload=None, reads=[(1 << 0) | (1 << OUT) | (1 << (OUT + 1))], function=aminmax,
        inplace=False, samples=extents_named, smooth=False, out=False)
for _where, _name, _argmax in ((ARGMAX, "argmax", argmax), (ARGMIN, "argmin", argmin)):
    declare(_where, _name, function=_argmax, inplace=False, samples=extents, differentiable=False, dtypes="fi")
