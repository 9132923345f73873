"""Whole rows by a vector of positions along one dim: index_select, index_add and their relatives; take and put.

`take` and `put` are the same for the flattened tensor. Each function's checks are PyTorch's, which differ from one to
the next.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import apply, wrap
    from headgate.core.arrays import expand_view, is_contiguous, is_float, reshape_view, shape_of
    from headgate.core.dims import wrap_dim
    from headgate.core.inplace import write
    from headgate.core.operators import INPLACE
    from headgate.core.records import OUT, Node, Op, Tensor
    from headgate.kernels.reference import index_add as index_add_kernel
    from headgate.kernels.reference import linear as linear_kernel
    from headgate.kernels.reference import scatter as scatter_kernel
    from headgate.kernels.reference import take as take_kernel
    from headgate.ops.change import (
        Change,
        allow_expanded,
        allow_overlap,
        change,
        constant,
        few_written,
        flattened,
        is_number,
        keep_layout,
        kind_name,
        need_int,
        need_tensor,
    )
    from headgate.ops.scatter import REDUCES, ScatterReduce, long_index

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import constants, declare, overload

# ---- the ops --------------------------------------------------------------------------------------------------------


@cython.cclass
class IndexSelect(Op):
    """Rows of x along a dim. Inputs: x, index (a vector or one position); attrs: the dim."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return take_kernel(x, long_index(y).reshape(-1), attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply(SPREAD_ROWS, (g, n.tensor(1)), (n.attrs, n.shape(0)))


@cython.cclass
class SpreadRows(Op):
    """The gradient of index_select: rows added into zeros. attrs: (dim, shape)."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        whole: ndarray = np.zeros(attrs[1], x.dtype)
        return index_add_kernel(whole, attrs[0], long_index(y).reshape(-1), x, 1)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply(INDEX_SELECT, (g, n.tensor(1)), n.attrs[0])


@cython.cclass
class IndexAdd(Change):
    """x[index[k]] += alpha * source[k] along a dim. Inputs: x, index, source; attrs: (dim, alpha)."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        if cython.cast(object, target).dtype.char == "?":
            check_inside(target, attrs[0], inputs[1])
        if target.size:
            index_add_kernel(target, attrs[0], long_index(inputs[1]).reshape(-1), inputs[2], attrs[1])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return g
        rows = like_source(apply(INDEX_SELECT, (g, n.tensor(1)), n.attrs[0]), n.shape(2))
        return rows if n.attrs[1] == 1 else rows * n.attrs[1]


@cython.cclass
class IndexCopy(Change):
    """x[index[k]] = source[k] along a dim. Inputs: x, index, source; attrs: the dim."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        if not few_written(target, attrs, inputs[1], inputs[2], 1):
            line: object = target if target.ndim else cython.cast(object, target).reshape(1)
            line[(slice(None),) * attrs + (inputs[1].reshape(-1),)] = inputs[2]

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return apply(INDEX_FILL, (g, n.tensor(1)), (n.attrs, 0))
        return like_source(apply(INDEX_SELECT, (g, n.tensor(1)), n.attrs), n.shape(2))


@cython.cclass
class IndexFill(Change):
    """One value in the rows at `index`. Inputs: x, index, and the value where it is a tensor; attrs: (dim, number)."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        value = inputs[2] if len(inputs) > 2 else constant(attrs[1], dtypes.of(target))
        if few_written(target, attrs[0], inputs[1], value, 0):
            return
        index: ndarray = inputs[1].reshape(-1)
        line: object = target if target.ndim else cython.cast(object, target).reshape(1)
        size = line.shape[attrs[0]]
        bad = index[(index < -size) | (index >= size)]
        if bad.size:
            raise IndexError(errors.INDEX_RANGE.format(index=int(bad[0]), dim=attrs[0], size=size))
        with np.errstate(all="ignore"):
            line[(slice(None),) * attrs[0] + (index,)] = value.astype(line.dtype)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return apply(INDEX_FILL, (g, n.tensor(1)), (n.attrs[0], 0))
        return apply(INDEX_SELECT, (g, once(n.tensor(1), shape_of(g._array), n.attrs[0])), n.attrs[0])


@cython.cclass
class IndexReduce(ScatterReduce):
    """Rows reduced into those at `index`. Inputs: x, index, source; attrs: (dim, name, include_self)."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        check_inside(target, attrs[0], inputs[1])
        index = spread_index(inputs[1], inputs[2].shape, attrs[0], False)
        scatter_kernel(target, attrs[0], index, inputs[2], REDUCES[attrs[1]], attrs[2])

    @cython.cfunc
    def changed(self, inputs: tuple, attrs: object) -> object:
        return Change.changed(self, inputs, attrs)  # rows, not the lines that the base looks for

    @cython.cfunc
    def index_of(self, n: Node) -> Tensor:
        return wrap(spread_index(n.tensor(1)._array, n.shape(2), n.attrs[0], True))


@cython.cclass
class Take(Op):
    """Elements of the flattened x at the positions in an index of any shape."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        if y.size and not x.size:
            raise IndexError("take(): tried to take from an empty tensor")
        index = linear_kernel((y,), (x.size,))
        if index is None:
            return take_kernel(x, y, None)
        return take_kernel(cython.cast(object, x).reshape(-1), index, 0)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        zeros: Tensor = wrap(np.zeros(n.shape(0), cython.cast(object, g._array).dtype))
        return apply(PUT, (zeros, n.tensor(1), g), True)


@cython.cclass
class Put(Change):
    """Elements of the flattened x written (attrs: or added) at positions. Inputs: x, index, source."""

    @cython.cfunc
    def change(self, target: ndarray, inputs: tuple, attrs: object) -> object:
        given: object = flattened(inputs[1])
        index: object = linear_kernel((given,), (target.size,))
        if index is None:
            bad = given[(given < -target.size) | (given >= target.size)]
            raise IndexError(errors.TAKE_RANGE.format(index=int(bad[0]), size=target.size))
        line: ndarray = flattened(target)
        source: ndarray = flattened(inputs[2])
        if attrs:
            index_add_kernel(line, 0, index, source, 1)
        else:
            scatter_kernel(line, 0, index, source)
        if not is_contiguous(target):
            flat: object = target
            flat[...] = cython.cast(object, line).reshape(flat.shape)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 2:
            return cython.cast(object, apply(TAKE, (g, n.tensor(1)), None)).reshape(n.shape(2))
        if n.attrs:
            return g
        index: Tensor = n.tensor(1)
        zeros: Tensor = wrap(np.zeros(shape_of(index._array), cython.cast(object, g._array).dtype))
        return apply(PUT, (g, index, zeros), False)


def once(index: Tensor, shape: tuple, dim: cython.int) -> Tensor:
    """The same positions, each once and counted from the front."""
    size = shape[dim] if shape else 1
    return wrap(np.unique(cython.cast(object, index._array) % size))


def check_inside(x: ndarray, dim: cython.int, index: ndarray) -> None:
    """IndexError for a position outside a dim, in the words of those functions that name neither."""
    size = shape_of(x)[dim] if x.ndim else 1
    line: ndarray = flattened(index)
    if linear_kernel((line,), (size,)) is line:
        return
    if np.logical_or(np.less(index, 0), np.greater_equal(index, size)).any():
        raise IndexError(errors.INDEX_SELECT_RANGE)


def like_source(rows: object, shape: tuple) -> object:
    """Rows in the shape of the source that they are the gradient of (it may have no dims)."""
    t: Tensor = rows
    return rows if shape_of(t._array) == shape else cython.cast(object, rows).reshape(shape)


def spread_index(index: ndarray, shape: tuple, dim: cython.int, own: cython.bint) -> ndarray:
    """A vector of positions along a dim, repeated over a shape, as scatter takes it; `own`: in memory of its own."""
    if len(shape) == 0:
        return cython.cast(object, long_index(index)).reshape(())
    lengths: list = [1] * len(shape)
    lengths[dim] = index.size
    spread: ndarray = expand_view(reshape_view(flattened(long_index(index)), tuple(lengths)), shape)
    return np.ascontiguousarray(spread) if own else spread


# ---- the functions --------------------------------------------------------------------------------------------------


def long_type(index: Tensor) -> bool:
    """Whether an index tensor is int64."""
    return cython.cast(object, index._array).dtype.char in "lq"


def index_select(input: object, dim: object, index: object, *, out: object = None) -> object:
    """The rows of `input` along `dim` at `index`, an int64 or int32 vector without negative positions."""
    x: Tensor = need_tensor(input, "index_select", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "index_select", "dim", 1), x._array.ndim)
    place: Tensor = need_tensor(index, "index_select", "index", 2)
    if place._array.ndim > 1:
        raise IndexError(errors.INDEX_SELECT_DIMS)
    if cython.cast(object, place._array).dtype.char not in "lqi":
        raise RuntimeError(errors.INDEX_SELECT_DTYPE)
    if x._array.ndim == 0 and place._array.size != 1:
        raise RuntimeError(
            f"index_select(): Index to scalar can have only 1 value, got {place._array.size} value(s)")
    if out is None:
        return apply(INDEX_SELECT, (x, place), axis)
    if isinstance(out, Tensor) and dtypes.of(cython.cast(Tensor, out)._array) is not dtypes.of(x._array):
        raise RuntimeError("index_select(): self and result must have the same scalar type")
    return write(INDEX_SELECT, (x, place), axis, out)


def check_rows(x: Tensor, dim: cython.int, place: Tensor, source: Tensor, function: str):
    """The checks of index_add and index_reduce."""
    mine: list = list(shape_of(x._array))
    other: list = list(shape_of(source._array))
    size: cython.Py_ssize_t = other[dim] if dim < len(other) else 1
    d: cython.int
    if place._array.ndim > 1:
        raise IndexError(f"{function}: Index is supposed to be a vector, but got dim: {place._array.ndim} with type: "
                         f"{kind_name(place._array)} and size: {list(shape_of(place._array))}")
    if cython.cast(object, place._array).dtype.char not in "lqi":
        raise RuntimeError(f"{function}: Expected dtype int32/int64 for index but got: {kind_name(place._array)}")
    if dtypes.of(x._array) is not dtypes.of(source._array):
        raise RuntimeError(f"{function}: self ({kind_name(x._array)}) and source ({kind_name(source._array)}) must "
                           "have the same scalar type")
    if place._array.size != size and not other:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    if place._array.size != size:
        raise RuntimeError(f"{function}: Number of indices ({place._array.size}) should be equal to source.size(dim): "
                           f"({size}), for dim: {dim}")
    fits: cython.bint = len(mine) == len(other)
    if fits:
        for d in range(len(mine)):
            fits = fits and (d == dim or mine[d] == other[d])
    if not fits and not (len(other) == 0 and len(mine) == 1 and place._array.size == 1 and function[6:9] != "add"):
        raise RuntimeError("source tensor shape must match self tensor shape, excluding the specified dimension. Got "
                           f"self.shape = {mine} source.shape = {other}")


def index_add(
    input: object, dim: object, index: object, source: object, *, alpha: object = 1, out: object = None,
) -> object:
    """`input` with `alpha * source` added to its rows along `dim` at `index`, every one of several for one row."""
    x: Tensor = need_tensor(input, "index_add", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "index_add", "dim", 1), x._array.ndim)
    place: Tensor = need_tensor(index, "index_add", "index", 2)
    s: Tensor = need_tensor(source, "index_add", "source", 3)
    check_rows(x, axis, place, s, "index_add_()")
    if x._array.ndim == 1 and x._array.shape[0] == 0 and place._array.size:
        raise IndexError(errors.INDEX_SELECT_RANGE)
    if not is_float(x._array):
        alpha = constant(alpha, dtypes.of(x._array)).item()
    return change(INDEX_ADD, (x, place, s), (axis, alpha), out)


def index_reduce(
    input: object, dim: object, index: object, source: object, reduce: object, *, include_self: object = True,
    out: object = None,
) -> object:
    """`input` with rows of `source` reduced into those at `index`: "prod", "mean", "amax" or "amin"."""
    x: Tensor = need_tensor(input, "index_reduce", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "index_reduce", "dim", 1), x._array.ndim)
    place: Tensor = need_tensor(index, "index_reduce", "index", 2)
    s: Tensor = need_tensor(source, "index_reduce", "source", 3)
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    check_rows(x, axis, place, s, "index_reduce_()" if out is INPLACE else "index_reduce()")
    if cython.cast(object, x._array).dtype.char == "?" and x._array.size and (reduce == "mean" or not include_self):
        kernel = "div_floor_cpu" if include_self else "index_reduce_func_exclude_input_init"
        raise NotImplementedError(errors.NOT_FOR_DTYPE.format(kernel=kernel, dtype="Bool"))
    return change(INDEX_REDUCE, (x, place, s), (axis, reduce, bool(include_self)), out)


def index_copy(input: object, dim: object, index: object, source: object, *, out: object = None) -> object:
    """`input` with rows of `source` written along `dim` at `index` (int64, not negative)."""
    x: Tensor = need_tensor(input, "index_copy", "input", 1)
    axis: cython.int = wrap_dim(need_int(dim, "index_copy", "dim", 1), x._array.ndim)
    place: Tensor = need_tensor(index, "index_copy", "index", 2)
    s: Tensor = need_tensor(source, "index_copy", "source", 3)
    check_copy(x, axis, place, s)
    return change(INDEX_COPY, (x, place, s), axis, out)


def check_copy(x: Tensor, dim: cython.int, place: Tensor, source: Tensor):
    """The checks of index_copy."""
    mine: list = list(shape_of(x._array))
    other: list = list(shape_of(source._array))
    count: cython.Py_ssize_t = place._array.size
    size: cython.Py_ssize_t
    if place._array.ndim > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {place._array.ndim})")
    if not other and count != 1:
        raise IndexError(f"index_copy_(): When source is scalar, index should have one element (got {count})")
    if len(mine) != len(other) and mine and other:
        raise IndexError("index_copy_(): When source and destination are not scalars, their dimensionality must match. "
                         f"Source dimensionality ({len(other)}), destination dimensionality ({len(mine)})")
    if not long_type(place):
        raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {kind_name(place._array)}")
    if dtypes.of(x._array) is not dtypes.of(source._array):
        raise RuntimeError(f"index_copy_(): self and source expected to have the same dtype, but got (self) "
                           f"{kind_name(x._array)} and (source) {kind_name(source._array)}")
    a, b = mine[:dim] + mine[dim + 1:], other[:dim] + other[dim + 1:]
    if a != b:
        raise RuntimeError(
            f"index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{' '.join([str(length) for length in a])} at dimension {dim} and source slice shape: "
            f"{' '.join([str(length) for length in b])} at dimension 0.")
    if other and count != other[dim]:
        raise IndexError(
            f"index_copy_(): Number of indices ({count}) should be equal to source.size(dim) ({other[dim]})")
    size = mine[dim] if mine else 1
    positions: object = flattened(place._array)
    if linear_kernel((positions,), (size,)) is positions:
        return
    bad = positions[(positions < 0) | (positions >= size)]
    if bad.size:
        raise IndexError(f"index_copy_(): index {int(bad[0])} is out of bounds for dimension {dim} with size {size}")


def index_fill(input: object, dim: object, index: object, value: object, *, out: object = None) -> object:
    """`input` with `value`, a number or a tensor of no dims, in its rows along `dim` at `index` (int64)."""
    x: Tensor = need_tensor(input, "index_fill", "input", 1)
    place: Tensor = need_tensor(index, "index_fill", "index", 2)
    if not isinstance(value, Tensor) and not is_number(value):
        name = "index_fill_" if out is INPLACE else "index_fill"
        raise TypeError(f"{name}() received an invalid combination of arguments - got (int, Tensor, "
                        f"{type(value).__name__}), but expected one of:")
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError("index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
                           f"{value.ndim} dimension(s).")
    if isinstance(value, complex):
        raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
    if not long_type(place):
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if place._array.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    axis: cython.int = wrap_dim(need_int(dim, "index_fill", "dim", 1), x._array.ndim)
    if isinstance(value, Tensor):
        return change(INDEX_FILL_TENSOR, (x, place, value), (axis, None), out)
    return change(INDEX_FILL, (x, place), (axis, value), out)


def take(input: object, index: object, *, out: object = None) -> object:
    """The elements of the flattened `input` at the positions in `index` (int64, negative ones count from the end)."""
    x: Tensor = need_tensor(input, "take", "input", 1)
    place: Tensor = need_tensor(index, "take", "index", 2)
    if not long_type(place):
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {kind_name(place._array)}")
    if out is not None:
        return write(TAKE, (x, place), None, out)
    return apply(TAKE, (x, place), None)


def put(input: object, index: object, source: object, accumulate: object = False, *, out: object = None) -> object:
    """`input` with elements of `source` written (`accumulate`: added) at positions of the flattened tensor."""
    x: Tensor = need_tensor(input, "put", "input", 1)
    place: Tensor = need_tensor(index, "put", "index", 2)
    s: Tensor = need_tensor(source, "put", "source", 3)
    if not long_type(place):
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {kind_name(place._array)}")
    if dtypes.of(x._array) is not dtypes.of(s._array):
        raise RuntimeError("put_(): self and source expected to have the same dtype, but got self.dtype = "
                           f"{kind_name(x._array)} and source.dtype = {kind_name(s._array)}")
    if place._array.size != s._array.size:
        raise IndexError("put_(): Expected source and index to have the same number of elements, but got "
                         f"source.numel() = {s._array.size}, index.numel() = {place._array.size}")
    if x._array.size == 0 and place._array.size:
        raise IndexError("put_(): Tried to put elements into an empty tensor")
    return change(PUT, (x, place, s), bool(accumulate), out)


# ---- declarations ----
INDEX_SELECT = IndexSelect()
SPREAD_ROWS = overload(SpreadRows(), "index_add", None, reads=[1 << 1])
INDEX_ADD = IndexAdd()
INDEX_COPY = IndexCopy()
INDEX_FILL = IndexFill()
INDEX_FILL_TENSOR = overload(IndexFill(), "index_fill", 1, reads=[1 << 1, 0, 1 << 1])
INDEX_REDUCE = IndexReduce()
TAKE = Take()
PUT = Put()
constants(1 << 1, INDEX_SELECT, SPREAD_ROWS, INDEX_ADD, INDEX_COPY, INDEX_FILL, INDEX_FILL_TENSOR, INDEX_REDUCE, TAKE,
          PUT)
for _op in (INDEX_FILL, INDEX_FILL_TENSOR, PUT):
    keep_layout(_op)
allow_expanded(INDEX_FILL)
allow_expanded(INDEX_FILL_TENSOR)
allow_overlap(INDEX_FILL_TENSOR, 1)


def _rows(make: object) -> list:
    index = make(2, low=0, high=2, dtype="int64")
    return [((make(3, 4), 0, index), (2, 4)), ((make(4, 3), -1, index), (4, 2)), ((make(3), 0, index), (2,))]


def _with_source(make: object) -> list:
    return [(args + (make(*shape),), {}) for args, shape in _rows(make)]


def _select_samples(make: object) -> list:
    return [(args, {}) for args, _ in _rows(make)]


def _fill_samples(make: object) -> list:
    return [(args + (value,), {}) for args, _ in _rows(make) for value in (0.5, make())]


def _copy_samples(make: object) -> list:
    index = make(1, low=0, high=3, dtype="int64")
    return [((make(3, 4), 0, index, make(1, 4)), {}), ((make(4, 3), -1, index, make(4, 1)), {})]


def _reduce_samples(make: object) -> list:
    return [(args + (name,), {"include_self": own}) for args, _ in _with_source(make)[:1]
            for name in ("prod", "mean", "amax", "amin") for own in (True, False)]


def _take_samples(make: object) -> list:
    return [((make(3, 4), make(2, 3, low=-12, high=12, dtype="int64")), {}),
            ((make(3, 4), make(low=0, high=12, dtype="int64")), {})]


def _put_samples(make: object) -> list:
    return [(args + (make(2, 3), True), {}) for args, _ in _take_samples(make)[:1]]


_SOURCE: dict = {"reads": [0, 0, 1 << 1 | 1 << 2], "shapes": 1 << 2}
declare(INDEX_SELECT, "index_select", overload=None, function=index_select, inplace=False, reads=[1 << 1],
        shapes=1 << 0, samples=_select_samples)
declare(INDEX_ADD, "index_add", overload=None, function=index_add, inplace=True, samples=_with_source,
        looks=1 << 2, **_SOURCE)
declare(INDEX_COPY, "index_copy", overload=None, function=index_copy, inplace=True, samples=_copy_samples,
        reads=[1 << 1, 0, 1 << 1], shapes=1 << 2)
declare(INDEX_FILL, "index_fill", overload=0, function=index_fill, inplace=True, out=False, reads=[1 << 1],
        samples=_fill_samples)
declare(INDEX_REDUCE, "index_reduce", overload=None, function=index_reduce, inplace=True, samples=_reduce_samples,
        shapes=1 << 0 | 1 << 2, looks=7 | 1 << OUT, smooth=False)
declare(TAKE, "take", overload=None, function=take, inplace=False, reads=[1 << 0 | 1 << 1], shapes=1 << 0,
        looks=1 << 0, samples=_take_samples)
declare(PUT, "put", overload=None, function=put, inplace=True, out=False, reads=[1 << 1, 0, 1 << 1 | 1 << 2],
        shapes=1 << 2, looks=1 << 1 | 1 << 2, samples=_put_samples)
