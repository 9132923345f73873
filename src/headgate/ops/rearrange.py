"""Elements moved about or repeated: flip, roll, rot90, repeat, tile, repeat_interleave.

None of these is a view. The families of views and of joins are used, indexing is not known.
"""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import apply1, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.operators import slots
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import contiguous, copy_into, like_layout
    from headgate.ops.arguments import given, ints, place, places, whole
    from headgate.ops.view import EXPAND, SUM_TO, UNSQUEEZE, VIEW, reshaped

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import composite, declare, install_method
from headgate.core.entry import PUBLIC

ALIGN = "shifts and dimensions must align. shifts: {shifts}, dims:{dims}"


def everything(count: cython.int) -> list:
    """An index of everything in that many dims."""
    return [slice(None)] * count


# ---- flips, rolls, quarter turns ------------------------------------------------------------------------------------


@cython.cclass
class Flip(Op):
    """Some dims in reverse order. attrs: the dims."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return flipped(x, attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(FLIP, g, n.attrs)


def flipped(x: ndarray, dims: tuple) -> ndarray:
    """A copy with the dims reversed, in the layout of `x`."""
    index: list = everything(x.ndim)
    y: ndarray = like_layout(x, cython.cast(object, x).dtype)
    for at in dims if x.ndim > 0 else ():
        index[at] = slice(None, None, -1)
    index.append(Ellipsis)  # an array, where there are no dims too
    return copy_into(y, cython.cast(object, x)[tuple(index)])


@cython.cclass
class Roll(Op):
    """The elements moved on along dims, those that leave coming in again. attrs: (shifts, dims or ())."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        shifts, dims = attrs
        y: object = x
        if not dims:
            return rolled(y.reshape(-1), shifts[0], 0).reshape(y.shape)
        for shift, at in zip(shifts, dims):
            y = rolled(y, shift, at)
        return y

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(ROLL, g, (tuple([-shift for shift in n.attrs[0]]), n.attrs[1]))


def rolled(x: object, shift: object, at: object) -> object:
    """A contiguous copy moved on along one dim."""
    y = np.empty(x.shape, x.dtype)
    if y.size == 0:
        return y
    by = shift % x.shape[at]
    before = (slice(None),) * at
    copy_into(y[before + (slice(by, None),)], x[before + (slice(None, x.shape[at] - by),)])
    copy_into(y[before + (slice(None, by),)], x[before + (slice(x.shape[at] - by, None),)])
    return y


@cython.cclass
class Rot90(Op):
    """Quarter turns in the plane of two dims. attrs: (turns, first dim, second dim)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        turns = attrs[0] % 4
        if turns == 0:
            return contiguous(x)
        if turns == 2:
            return flipped(x, (attrs[1], attrs[2]))
        return cython.cast(object, flipped(x, (attrs[2] if turns == 1 else attrs[1],))).swapaxes(attrs[1], attrs[2])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(ROT90, g, (-n.attrs[0], n.attrs[1], n.attrs[2]))


def flip(input: object, *dims: object, **named: object) -> object:
    """A copy with the order of the elements along the given dims reversed."""
    x: Tensor = given(input, "flip")
    axes: tuple = ints(dims, named.get("dims"), "flip", "dims")
    return apply1(FLIP, x, distinct(places(axes, x._array.ndim, "flip", "dims")))


def distinct(axes: tuple) -> tuple:
    """The axes; RuntimeError if one comes twice."""
    if len(set(axes)) != len(axes):
        raise RuntimeError(errors.DIM_TWICE.format(dim=max(axes, key=axes.count)))
    return axes


def reversed_rows(self: object) -> object:
    """What `reversed` gives: the rows in reversed order, as one tensor; without dims the tensor itself."""
    x: Tensor = given(self, "__reversed__")
    return flip(x, 0) if x._array.ndim else x


install_method("__reversed__", reversed_rows)


def fliplr(input: object) -> object:
    """`flip` of dim 1. RuntimeError for fewer than two dims."""
    x: Tensor = given(input, "fliplr")
    if x._array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return apply1(FLIP, x, (1,))


def flipud(input: object) -> object:
    """`flip` of dim 0. RuntimeError for a tensor without dims."""
    x: Tensor = given(input, "flipud")
    if x._array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return apply1(FLIP, x, (0,))


def roll(input: object, shifts: object, dims: object = ()) -> object:
    """The elements moved on by `shifts` along `dims` (of the flattened tensor by default), round and round."""
    x: Tensor = given(input, "roll")
    by: tuple = ints((shifts,), None, "roll", "shifts")
    axes: tuple = ints((dims,), None, "roll", "dims")
    if not by:
        raise RuntimeError("`shifts` required")
    if len(by) != len(axes) and not (len(by) == 1 and not axes):
        raise RuntimeError(ALIGN.format(shifts=len(by), dims=len(axes)))
    if x._array.ndim == 0 and axes:
        raise IndexError(f"Dimension specified as {axes[0]} but tensor has no dimensions")
    return apply1(ROLL, x, (by, places(axes, x._array.ndim, "roll", "dims")))


def rot90(input: object, k: object = 1, dims: object = (0, 1)) -> object:
    """`k` quarter turns in the plane of two dims, from the first towards the second."""
    x: Tensor = given(input, "rot90")
    turns: cython.Py_ssize_t = whole(k, "rot90", "k", 1)
    axes: tuple = ints((dims,), None, "rot90", "dims")
    if len(axes) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(axes)}")
    if x._array.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {x._array.ndim}")
    if axes[0] == axes[1] or abs(axes[0] - axes[1]) == x._array.ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {axes[0]} and dim1 = {axes[1]}")
    first, second = places(axes, x._array.ndim, "rot90", "dims")
    return apply1(ROT90, x, (turns, first, second))


# ---- repetition -----------------------------------------------------------------------------------------------------


@cython.cclass
class Repeat(Op):
    """The whole tensor repeated along every dim. attrs: how often, at least one number per dim."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        shape: tuple = (1,) * (len(attrs) - x.ndim) + shape_of(x)
        spread: object = np.broadcast_to(
            cython.cast(object, x).reshape(pairs((1,) * len(attrs), shape)), pairs(attrs, shape))
        # Seen as (times, length) per dim, the result is the input broadcast.
        return contiguous(spread).reshape([often * length for often, length in zip(attrs, shape)])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        shape: tuple = (1,) * (len(n.attrs) - len(n.shape(0))) + n.shape(0)
        if 0 in n.attrs:  # a sum of nothing depends on nothing
            return PUBLIC["zeros"](n.shape(0), dtype=g.dtype)
        g = apply1(SUM_TO, reshaped(g, pairs(n.attrs, shape)), pairs((1,) * len(shape), shape))
        return reshaped(g, n.shape(0))


def pairs(times: tuple, shape: tuple) -> tuple:
    """(times, length) of every dim, one after another."""
    both: list = []
    for often, length in zip(times, shape):
        both.append(often)
        both.append(length)
    return tuple(both)


def repeat(input: object, *repeats: object, **named: object) -> object:
    """The whole tensor repeated along every dim, and new leading ones, that often; a copy.

    RuntimeError for fewer numbers than dims.
    """
    x: Tensor = given(input, "repeat")
    return repeated(x, ints(repeats, named.get("repeats"), "repeat", "repeats"))


def repeated(x: Tensor, times: tuple) -> Tensor:
    """repeat of checked arguments."""
    shape: tuple = shape_of(x._array)
    if len(times) < len(shape):
        raise RuntimeError(errors.REPEAT_DIMS)
    long = (1,) * (len(times) - len(shape)) + shape
    result = [often * length for often, length in zip(times, long)]
    for often, one in zip(times, result):
        if often < 0:
            raise RuntimeError(errors.NEGATIVE_DIMENSION.format(size=one, shape=result))
    return apply1(REPEAT, x, times)


def tile(input: object, *dims: object, **named: object) -> object:
    """`repeat`, with fewer numbers than dims meaning the last dims."""
    x: Tensor = given(input, "tile")
    times: tuple = ints(dims, named.get("dims"), "tile", "dims")
    return repeated(x, (1,) * (x._array.ndim - len(times)) + times)


def repeat_interleave(
    input: object, repeats: object = None, dim: object = None, *, output_size: object = None,
) -> object:
    """Each index of a dim (of the flattened tensor by default) repeated, all equally often or as a tensor says.

    With one integer tensor only: each index k of it, repeated input[k] times. RuntimeError for negative numbers.
    """
    x: Tensor = given(input, "repeat_interleave")
    if repeats is None:
        return wrap(spelled_out(x._array, output_size))
    if isinstance(repeats, Tensor):
        return interleave_each(x, cython.cast(Tensor, repeats), dim, output_size)
    if not isinstance(repeats, int) or isinstance(repeats, bool):
        raise TypeError("repeat_interleave() received an invalid combination of arguments - got "
                        f"({type(repeats).__name__})")
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    if dim is None:
        x = reshaped(x, (cython.cast(object, x._array).size,))
        dim = 0
    elif x._array.ndim == 0:
        x = apply1(VIEW, x, (1,))
    at: cython.int = place(dim, x._array.ndim, "repeat_interleave", "dim", 2)
    shape: tuple = shape_of(x._array)
    x = apply1(EXPAND, apply1(UNSQUEEZE, x, at + 1), shape[:at + 1] + (repeats,) + shape[at + 1:])
    return apply1(VIEW, slots.clone.call1(x, None), shape[:at] + (shape[at] * repeats,) + shape[at + 1:])


def spelled_out(repeats: ndarray, output_size: object) -> ndarray:
    """Each position as often as the number there says."""
    kind = dtypes.of(repeats)
    if repeats.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if kind.name not in ("int32", "int64"):
        raise NotImplementedError(errors.NOT_FOR_DTYPE.format(
            kernel="repeat_interleave_cpu", dtype=errors.TYPE_NAMES[kind.name]))
    if repeats.size and np.min(repeats) < 0:
        raise RuntimeError("repeats can not be negative")
    index = np.repeat(np.arange(repeats.size, dtype=cython.cast(object, repeats).dtype), repeats)
    if output_size is not None and index.size != output_size:
        raise RuntimeError("allocated size does not match required size")
    return index


def interleave_each(x: Tensor, repeats: Tensor, dim: object, output_size: object) -> object:
    """Each index as often as a tensor says."""
    if dim is None:
        x = reshaped(x, (cython.cast(object, x._array).size,))
        dim = 0
    elif x._array.ndim == 0:
        x = apply1(VIEW, x, (1,))
    at: cython.int = place(dim, x._array.ndim, "repeat_interleave", "dim", 2)
    length: cython.Py_ssize_t = x._array.shape[at]
    times: object = repeats._array
    if times.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if times.ndim == 0 or times.size == 1:
        times = np.broadcast_to(times.reshape(1), (length,))
    elif times.size != length:
        raise RuntimeError("repeats must have the same size as input along dim, but got repeats.size(0) = "
                           f"{times.size} and input.size({at}) = {length}")
    return PUBLIC["index_select"](x, at, wrap(spelled_out(times, output_size)))


FLIP, ROLL, ROT90, REPEAT = Flip(), Roll(), Rot90(), Repeat()
declare(FLIP, "flip", function=flip, inplace=False, out=False, samples=lambda make: [
    ((make(3, 4), (0,)), {}), ((make(3, 4).transpose(0, 1), (0, -1)), {}), ((make(), ()), {}), ((make(0, 2), (1,)), {}),
])
composite("fliplr", fliplr, samples=lambda make: [((make(3, 4),), {})])
composite("flipud", flipud, samples=lambda make: [((make(3, 4),), {})])
declare(ROLL, "roll", function=roll, inplace=False, out=False, samples=lambda make: [
    ((make(3, 4), 2), {}), ((make(3, 4), (1, -2), (0, 1)), {}), ((make(3, 4).transpose(0, 1), 1), {}),
    ((make(0), 1), {}),
    ((make(3, 4),), {"shifts": 5, "dims": 1}),
])
declare(ROT90, "rot90", function=rot90, inplace=False, out=False, samples=lambda make: [
    ((make(3, 4),), {}), ((make(3, 4), 2), {}), ((make(2, 3, 4), 3, (0, 2)), {}), ((make(3, 4), 0, (1, 0)), {}),
])
declare(REPEAT, "Tensor.repeat", function=repeat, shapes=1 << 0, inplace=False, out=False, samples=lambda make: [
    ((make(3, 4), 2, 1), {}), ((make(3), (2, 2)), {}), ((make(), 3), {}), ((make(3, 2), 0, 1), {}),
])
composite("tile", tile, samples=lambda make: [((make(3, 4), (2,)), {}), ((make(3), (2, 2)), {}), ((make(), (2,)), {})])
composite("repeat_interleave", repeat_interleave, samples=lambda make: [
    ((make(3, 4), 2), {}), ((make(3, 4), 2, 0), {}), ((make(3, 4), 3), {"dim": -1}), ((make(), 2), {}),
])
