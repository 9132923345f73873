"""Reading and writing along a dim by an index tensor of the same number of dims: gather, scatter and their relatives.

The kernels check shapes and positions and raise PyTorch's errors; here are the types, the gradients and the functions.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import apply, apply1, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.dims import wrap_dim
    from headgate.core.inplace import write
    from headgate.core.modes import grad_state
    from headgate.core.records import OUT, Node, Op, Tensor
    from headgate.kernels.reference import gather as gather_kernel
    from headgate.kernels.reference import scatter as scatter_kernel
    from headgate.kernels.reference import scattered, zeros
    from headgate.ops.change import Change, change, constant, is_number, kind_name, need_int, need_tensor
    from headgate.ops.view import SLICE, Part
    from headgate.ops.where import choose, fill_where

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import composite, constants, declare, overload

REDUCES = {"sum": "add", "prod": "multiply", "mean": "mean", "amax": "amax", "amin": "amin"}


# ---- the ops --------------------------------------------------------------------------------------------------------


@cython.cclass
class Gather(Op):
    """out[i][j] = x[index[i][j]][j] for dim 0. attrs: the dim."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return gather_kernel(x, attrs, long_index(y))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if grad_state() < 0:
            return wrap(SPREAD_ADD.run2(g._array, n.array(1), (n.attrs, n.shape(0)), None))
        return apply(SPREAD_ADD, (g, n.tensor(1)), (n.attrs, n.shape(0)))


@cython.cclass
class SpreadAlong(Op):
    """The gradient of a gather: values put (or added) into zeros. attrs: (dim, shape)."""

    def __init__(self, mode: str):
        super().__init__()
        self.mode = mode

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return scatter_kernel(zeros(attrs[1], x.dtype), attrs[0], y, x, self.mode, True)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply(GATHER, (g, n.tensor(1)), n.attrs[0])


@cython.cclass
class Scatter(Change):
    """x[index[i][j]][j] = src[i][j] for dim 0, or a number. Inputs: x, index, src; attrs: (dim, number)."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        source = inputs[2] if len(inputs) > 2 else constant(attrs[1], dtypes.of(target))
        scatter_kernel(target, attrs[0], long_index(inputs[1]), source, "set", True)

    @cython.cfunc
    def changed(self, inputs: tuple, attrs: object) -> object:
        source = inputs[2] if len(inputs) > 2 else constant(attrs[1], dtypes.of(inputs[0]))
        return scattered(inputs[0], attrs[0], long_index(inputs[1]), source, "set")

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 2:
            return padded(apply(GATHER, (g, n.tensor(1)), n.attrs[0]), n.shape(2))
        return apply(SCATTER_NUMBER, (g, n.tensor(1)), (n.attrs[0], 0))


@cython.cclass
class ScatterAdd(Change):
    """x[index[i][j]][j] += src[i][j] for dim 0. Inputs: x, index, src; attrs: the dim."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        scatter_kernel(target, attrs, long_index(inputs[1]), inputs[2], "add", True)

    @cython.cfunc
    def changed(self, inputs: tuple, attrs: object) -> object:
        return scattered(inputs[0], attrs, long_index(inputs[1]), inputs[2], "add")

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 2:
            return padded(apply(GATHER, (g, n.tensor(1)), n.attrs), n.shape(2))
        return g


@cython.cclass
class ScatterCombine(Change):
    """scatter with `reduce=`: added or multiplied. PyTorch has no gradient for it. attrs: (dim, number, mode)."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        source = inputs[2] if len(inputs) > 2 else constant(attrs[1], dtypes.of(target))
        scatter_kernel(target, attrs[0], long_index(inputs[1]), source, attrs[2], True)


@cython.cclass
class ScatterReduce(Change):
    """Elements and the values scattered to them, reduced. Inputs: x, index, src; attrs: (dim, name, include_self)."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        scatter_kernel(target, attrs[0], long_index(inputs[1]), inputs[2], REDUCES[attrs[1]], attrs[2])

    @cython.cfunc
    def changed(self, inputs: tuple, attrs: object) -> object:
        if not attrs[2]:
            return Change.changed(self, inputs, attrs)
        return scattered(inputs[0], attrs[0], long_index(inputs[1]), inputs[2], REDUCES[attrs[1]])

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return 7 | 1 << OUT

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        if grads[0] is None:
            return [None, None, None]
        g: Tensor = grads[0]
        dim, name, include_self = n.attrs
        index = self.index_of(n)
        mine: object = g
        other: object = None
        if name == "sum":
            other = apply(GATHER, (g, index), dim) if need & 4 else None
        elif name == "mean":
            mine, other = self.pull_mean(n, g, index)
        elif name == "prod":
            mine, other = self.pull_prod(n, g, index)
        else:
            mine, other = self.pull_extreme(n, g, index)
        if not include_self and need & 1:
            mine = apply(SCATTER_NUMBER, (mine, index), (dim, 0))
        return [mine, None, padded(other, n.shape(2)) if need & 4 else None]

    @cython.cfunc
    def index_of(self, n: Node) -> Tensor:
        """The index, of as many dims as the tensor."""
        return n.tensor(1)

    @cython.cfunc
    def pull_mean(self, n: Node, g: Tensor, index: Tensor) -> tuple:
        shape: tuple = n.shape(0)
        kind = cython.cast(object, g._array).dtype
        dim = n.attrs[0]
        count: ndarray = np.ones(shape, kind) if n.attrs[2] else np.zeros(shape, kind)
        scatter_kernel(count, dim, long_index(index._array), np.ones((), kind), "add", True)
        np.maximum(count, 1, out=count)
        each: Tensor = wrap(count)
        return g / each, apply(GATHER, (g, index), dim) / apply(GATHER, (each, index), dim)

    @cython.cfunc
    def pull_extreme(self, n: Node, g: Tensor, index: Tensor) -> tuple:
        dim = n.attrs[0]
        kind = cython.cast(object, g._array).dtype
        x: Tensor = n.tensor(0)
        result: Tensor = n.tensor(OUT)
        source: Tensor = trimmed(n.tensor(2), index)
        best: ndarray = gather_kernel(result._array, dim, long_index(index._array))
        mine: Tensor = wrap(np.asarray(np.equal(x._array, result._array), kind))
        other: Tensor = wrap(np.asarray(np.equal(source._array, best), kind))
        count: Tensor = apply(SCATTER_ADD, (mine, index, other), dim)
        share: Tensor = g / count
        return mine * share, other * apply(GATHER, (share, index), dim)

    @cython.cfunc
    def pull_prod(self, n: Node, g: Tensor, index: Tensor) -> tuple:
        dim, name, include_self = n.attrs
        x: Tensor = n.tensor(0)
        result: Tensor = n.tensor(OUT)
        source: Tensor = trimmed(n.tensor(2), index)
        full: Tensor = fill_where(x, wrap(np.equal(x._array, 0)), 1)
        whole: Tensor = apply(SCATTER_REDUCE, (full, index, source), n.attrs)
        mine = g * whole / full
        zero: ndarray = np.asarray(np.equal(source._array, 0))
        count: ndarray = np.zeros(shape_of(x._array), np.int64)
        scatter_kernel(count, dim, long_index(index._array), zero.astype(np.int64), "add", True)
        single: Tensor = wrap(zero & (gather_kernel(count, dim, long_index(index._array)) == 1))
        rest: Tensor = apply(SCATTER_REDUCE, (x, index, fill_where(source, single, 1)), n.attrs)
        other = choose(
            single,
            apply(GATHER, (g * rest, index), dim),
            apply(GATHER, (g * result, index), dim) / fill_where(source, wrap(zero), 1),
        )
        return mine, other


def long_index(index: ndarray) -> ndarray:
    """The index as int64."""
    if cython.cast(object, index).dtype.char in "lq":
        return index
    return cython.cast(object, index).astype(np.int64)


def padded(g: object, shape: tuple) -> object:
    """A gradient for the leading part of a tensor, with zeros for the rest."""
    t: Tensor = g
    have: list = list(shape_of(t._array))
    d: cython.int
    if len(have) != len(shape):
        return apply_reshape(t, shape)
    for d in range(len(shape)):
        if have[d] != shape[d]:
            part = (d, 0, have[d], 1)
            have[d] = shape[d]
            t = apply1(cython.cast(Part, SLICE).back, t, (part, tuple(have)))
    return t


def trimmed(x: Tensor, index: Tensor) -> Tensor:
    """The leading part of a tensor that an index of smaller shape speaks of."""
    have: tuple = shape_of(x._array)
    want: tuple = shape_of(index._array)
    d: cython.int
    if len(have) == len(want):
        for d in range(len(want)):
            if have[d] != want[d]:
                x = apply1(SLICE, x, (d, 0, want[d], 1))
    return x


def apply_reshape(x: Tensor, shape: tuple) -> object:
    """The same elements in another shape (a tensor of no dims and one of one element count as alike)."""
    return cython.cast(object, x).reshape(shape)


# ---- the functions --------------------------------------------------------------------------------------------------


def index_checked(index: object, function: str, position: cython.int) -> Tensor:
    """The index tensor; RuntimeError for a type that is no index."""
    t: Tensor = need_tensor(index, function, "index", position)
    if t._array.size and cython.cast(object, t._array).dtype.char not in "lqi":
        raise RuntimeError(errors.GATHER_DTYPE.format(function=function))
    return t


def same_kind(x: Tensor, source: Tensor):
    """RuntimeError unless the two have one element type."""
    if cython.cast(object, x._array).dtype.num != cython.cast(object, source._array).dtype.num:
        raise RuntimeError(errors.SCATTER_DTYPE.format(function="scatter"))


def fits_within(x: Tensor, dim: cython.int, index: Tensor, source: object):
    """PyTorch's checks of shapes, for an index that is not empty."""
    a: tuple = shape_of(x._array) or (1,)
    b: tuple = shape_of(index._array) or (1,)
    c: tuple = () if source is None else shape_of(cython.cast(Tensor, source)._array) or (1,)
    d: cython.int
    if index._array.size == 0:
        return
    if len(a) != len(b):
        raise RuntimeError(errors.GATHER_DIMS.format(name="self"))
    if source is not None and len(c) != len(b):
        for d in range(min(len(b), len(c))):
            if (d != dim and b[d] > a[d]) or b[d] > c[d]:
                raise RuntimeError(errors.GATHER_DIMS.format(name="src"))
        if cython.cast(Tensor, source)._array.ndim and len(c) < len(b):
            raise IndexError(errors.DIM.format(low=-len(c), high=len(c) - 1, dim=len(c)))
        raise RuntimeError(errors.GATHER_DIMS.format(name="src"))
    for d in range(len(b)):
        if (d != dim and b[d] > a[d]) or (source is not None and b[d] > c[d]):
            text = errors.SCATTER_SIZE if source is not None else errors.SCATTER_SIZE.partition(" and to be")[0]
            raise RuntimeError(text.format(
                index=list(shape_of(index._array)), shape=list(shape_of(x._array)), dim=dim, src=list(c)))


def gather(input: object, dim: object, index: object, *, sparse_grad: object = False, out: object = None) -> object:
    """Values of `input` picked along `dim`: out[i][j] = input[index[i][j]][j] for dim 0, the shape of `index`.

    `index` is int64 or int32, with as many dims as `input`, and no longer than it along the others. Negative positions
    are refused. RuntimeError where they are outside, or shapes or dtypes do not fit.
    """
    x: Tensor = need_tensor(input, "gather", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "gather", "dim", 2), x._array.ndim)
    index = index_checked(index, "gather", 3)
    if out is not None:
        return write(GATHER, (x, index), axis, out)
    return apply(GATHER, (x, index), axis)


def scatter(
    input: object, dim: object, index: object, src: object = None, *, value: object = None, reduce: object = None,
    out: object = None,
) -> object:
    """`input` with `src` (a tensor or a number) written along `dim` at `index`: the reverse of gather.

    Of several values for one element the last stays. `reduce` "add" or "multiply" combines instead, without a
    gradient. RuntimeError for positions outside, or where shapes or dtypes do not fit.
    """
    x: Tensor = need_tensor(input, "scatter", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "scatter", "dim", 2), x._array.ndim)
    place: Tensor = index_checked(index, "scatter", 3)
    source = value if src is None else src
    if source is None or not (isinstance(source, Tensor) or is_number(source)):
        raise TypeError("scatter() received an invalid combination of arguments")
    if reduce is not None and reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    if not isinstance(source, Tensor):
        fits_within(x, axis, place, None)
        if reduce is not None:
            return change(SCATTER_COMBINE, (x, place), (axis, source, reduce), out)
        return change(SCATTER_NUMBER, (x, place), (axis, source), out)
    same_kind(x, source)
    fits_within(x, axis, place, source)
    if reduce is not None:
        return change(SCATTER_COMBINE, (x, place, source), (axis, None, reduce), out)
    return change(SCATTER, (x, place, source), (axis, None), out)


def scatter_add(input: object, dim: object, index: object, src: object, *, out: object = None) -> object:
    """`input` with `src` added along `dim` at `index`, every one of several for one element."""
    x: Tensor = need_tensor(input, "scatter_add", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "scatter_add", "dim", 2), x._array.ndim)
    place: Tensor = index_checked(index, "scatter", 3)
    source: Tensor = need_tensor(src, "scatter_add", "src", 3)
    same_kind(x, source)
    fits_within(x, axis, place, source)
    return change(SCATTER_ADD, (x, place, source), axis, out)


def scatter_reduce(
    input: object, dim: object, index: object, src: object, reduce: object, *, include_self: object = True,
    out: object = None,
) -> object:
    """`input` with `src` reduced into it along `dim` at `index`: "sum", "prod", "mean", "amax" or "amin".

    With `include_self` False the old values of written elements do not count. The gradient of amax and amin is shared
    evenly among equals.
    """
    x: Tensor = need_tensor(input, "scatter_reduce", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "scatter_reduce", "dim", 2), x._array.ndim)
    place: Tensor = index_checked(index, "scatter", 3)
    source: Tensor = need_tensor(src, "scatter_reduce", "src", 3)
    if reduce not in REDUCES:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    same_kind(x, source)
    fits_within(x, axis, place, source)
    if reduce == "mean" and cython.cast(object, x._array).dtype.char == "?" and place._array.size:
        raise NotImplementedError(errors.NOT_FOR_DTYPE.format(
            kernel="scatter_gather_tensor_cpu_reduce_mean", dtype="Bool"))
    return change(SCATTER_REDUCE, (x, place, source), (axis, reduce, bool(include_self)), out)


def take_along_dim(input: object, indices: object, dim: object = None, *, out: object = None) -> object:
    """Values of `input` at `indices` along `dim`, both broadcast on the other dims; of the flattened ones if no dim."""
    x: Tensor = need_tensor(input, "take_along_dim", "input", 1)
    index: Tensor = need_tensor(indices, "take_along_dim", "indices", 2)
    if cython.cast(object, index._array).dtype.char not in "lq":
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {kind_name(index._array)}")
    if dim is None:
        return gather(input.view(-1), 0, indices.view(-1), out=out)  # RuntimeError where no view can be
    if x._array.ndim != index._array.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{x._array.ndim} dimensions for input, and {index._array.ndim} dimensions for indices")
    axis: cython.int = wrap_dim(need_int(dim, "take_along_dim", "dim", 3), x._array.ndim)
    if x._array.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    mine, other = list(shape_of(x._array)), list(shape_of(index._array))
    for d in range(len(mine) - 1, -1, -1):
        if d == axis:
            continue
        if mine[d] != other[d] and mine[d] != 1 and other[d] != 1:
            raise RuntimeError(errors.BROADCAST.format(a=mine[d], b=other[d], dim=d))
        mine[d] = other[d] = other[d] if mine[d] == 1 else mine[d]
    if x.requires_grad:
        indices = indices.clone()  # PyTorch saves a copy too
    return gather(input.expand(mine), axis, indices.expand(other), out=out)


# ---- declarations ---------------------------------------------------------------------------------------------------

GATHER = Gather()
SPREAD_ADD = overload(SpreadAlong("add"), "scatter_add", None, reads=[1 << 1], shapes=0)
SPREAD = overload(SpreadAlong("set"), "scatter", 0, reads=[1 << 1], shapes=0)
SCATTER = Scatter()
SCATTER_NUMBER = overload(Scatter(), "scatter", 1, reads=[1 << 1])
SCATTER_COMBINE = overload(ScatterCombine(), "scatter", None, node="NotImplemented")
SCATTER_ADD = ScatterAdd()
SCATTER_REDUCE = ScatterReduce()
constants(1 << 1, GATHER, SPREAD_ADD, SPREAD, SCATTER, SCATTER_NUMBER, SCATTER_COMBINE, SCATTER_ADD, SCATTER_REDUCE)


def _samples(make: object) -> list:
    index = make(2, 4, low=0, high=2, dtype="int64")
    return [
        ((make(3, 4), 0, index, make(2, 4)), {}),
        ((make(4, 3), -2, make(4, 2, low=0, high=3, dtype="int64"), make(4, 2)), {}),
        ((make(5), 0, make(0, low=0, high=1, dtype="int64"), make(0)), {}),
        ((make(), 0, make(low=0, high=1, dtype="int64"), make()), {}),
    ]


def _gather_samples(make: object) -> list:
    return [(args[:3], kwargs) for args, kwargs in _samples(make)]


def _reduce_samples(make: object) -> list:
    args = _samples(make)[0][0]
    return [(args + (name,), {"include_self": self}) for name in REDUCES for self in (True, False)]


def _take_samples(make: object) -> list:
    index = make(2, 4, low=0, high=2, dtype="int64")
    return [((make(3, 4), index, 0), {}), ((make(3, 4), index), {}), ((make(3, 1), index, 0), {})]


declare(GATHER, "gather", overload=None, function=gather, inplace=False, reads=[1 << 0 | 1 << 1], shapes=1 << 0,
        looks=1 << 0, samples=_gather_samples)
declare(SCATTER, "scatter", overload=0, function=scatter, inplace=True, reads=[1 << 1, 0, 1 << 1], shapes=1 << 2,
        samples=_samples, smooth=False)
declare(SCATTER_ADD, "scatter_add", overload=None, function=scatter_add, inplace=True, reads=[0, 0, 1 << 1],
        shapes=1 << 2, samples=_samples)
declare(SCATTER_REDUCE, "scatter_reduce", overload=0, function=scatter_reduce, inplace=True,
        shapes=1 << 0 | 1 << 2, looks=7 | 1 << OUT, samples=_reduce_samples, smooth=False)
composite("take_along_dim", take_along_dim, samples=_take_samples)
