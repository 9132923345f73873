"""Padding: constant_pad_nd and nn.functional.pad with its modes constant, reflect, replicate and circular.

All but the constant mode read each padded place from some place of the input, dim by dim; the way back adds up. Both
are ops, each the gradient of the other.
"""
import functools

import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply1, apply2, wrap
    from headgate.core.arrays import count_of, shape_of
    from headgate.core.records import Node, Op, Tensor, X
    from headgate.kernels.reference import contiguous, copy_into, fill, zeros
    from headgate.kernels.reference_pooling import resample
    from headgate.ops.arguments import given
    from headgate.ops.change import constant

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, overload
from headgate.core.family import refused_error

SHORT = 1 << 12
MODES = ("reflect", "replicate", "circular")
KERNELS = {"reflect": "reflection_pad", "replicate": "replication_pad", "circular": "circular_pad"}
REFLECT_SIZE = (
    "Argument #{argument}: Padding size should be less than the corresponding input dimension, but got: padding "
    "({left}, {right}) at dimension {dim} of input {shape}"
)
EMPTY_INPUT = (
    "Expected {low}D or {high}D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
    "input, but got: {shape}"
)


# ---- constant -------------------------------------------------------------------------------------------------------


@cython.cclass
class ConstantPad(Op):
    """Places around the last dims filled with a number; negative padding cuts off. attrs: (padding, number)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        a: object = x
        pads, value = attrs
        rank = a.ndim
        sizes = list(a.shape)
        inner, source = [slice(None)] * rank, [slice(None)] * rank
        for k in range(len(pads) // 2):
            left, right = pads[2 * k], pads[2 * k + 1]
            dim = rank - 1 - k
            size = sizes[dim]
            sizes[dim] = size + left + right
            inner[dim] = slice(max(left, 0), sizes[dim] - max(right, 0))
            source[dim] = slice(max(-left, 0), size - max(-right, 0))
        if [True for one in sizes if one < 0] or [True for part in source if part.stop is not None
                                                  and part.stop < part.start]:
            raise RuntimeError("narrow(): length must be non-negative.")
        result: object
        if value == 0:
            result = zeros(tuple(sizes), a.dtype)
        else:
            result = fill(np.empty(sizes, a.dtype), constant(value, dtypes.of(x)))
        copy_into(result[(...,) + tuple(inner)], a[(...,) + tuple(source)])  # an array also where there are no dims
        return result

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(CONSTANT, g, (tuple([-one for one in n.attrs[0]]), 0))


CONSTANT = overload(ConstantPad(), "constant_pad_nd", 0)


def pad_constant(x: Tensor, pads: tuple, value: object) -> Tensor:
    """x with `pads` (pairs from the last dim on) of places that hold a number."""
    return apply1(CONSTANT, x, (pads, value))


# ---- modes that read the input --------------------------------------------------------------------------------------


def sources(mode: str, size: object, left: object, right: object) -> object:
    """From which place of a dim each padded place is read."""
    places: object = np.arange(-left, size + right)
    if mode == "reflect":
        places = np.abs(places)
        return np.where(places >= size, 2 * (size - 1) - places, places)
    if mode == "replicate":
        return np.clip(places, 0, size - 1)
    # what negative padding cuts off is not gone round over
    low, high = max(-left, 0), size - max(-right, 0)
    return low + np.arange(-max(left, 0), high - low + max(right, 0)) % max(high - low, 1)


@functools.lru_cache(256)
def taps_of(mode: str, size: int, left: int, right: int) -> tuple:
    """The same as taps of `resample`, which are kept; None where nothing is padded."""
    if left == 0 and right == 0:
        return None
    return np.ascontiguousarray(sources(mode, size, left, right)[:, None], np.int64), None


def edges(mode: str, size: object, left: object, right: object) -> list:
    """Of a padded dim, the places in front and behind as slices, each with the slice that is read for it."""
    end = left + size
    if mode == "reflect":
        last = end - 2 - right
        return [(slice(0, left), slice(2 * left, left, -1)),
                (slice(end, end + right), slice(end - 2, last if last >= 0 else None, -1))]
    if mode == "replicate":
        return [(slice(0, left), slice(left, left + 1)), (slice(end, end + right), slice(end - 1, end))]
    return [(slice(0, left), slice(size, size + left)), (slice(end, end + right), slice(left, left + right))]


def grown(x: ndarray, mode: str, pads: tuple, sizes: tuple) -> object:
    """`x` padded by no negative numbers: in one pass, or put into the middle, then the edges, dim by dim from the last.

    Pieces of long rows are copied quicker than they are read place by place.
    """
    rank = x.ndim
    if rank > 1 and len(sizes) < 3 and sizes[0] <= SHORT and cython.cast(object, x).dtype.char in "fd":
        columns = taps_of(mode, sizes[0], pads[0], pads[1])
        return resample(x, None if len(sizes) == 1 else taps_of(mode, sizes[1], pads[2], pads[3]), columns)
    shape: list = list(shape_of(x))
    part: list = [slice(None)] * rank
    for k, size in enumerate(sizes):
        left = pads[2 * k]
        shape[rank - 1 - k] = left + size + pads[2 * k + 1]
        part[rank - 1 - k] = slice(left, left + size)
    result: object = np.empty(shape, cython.cast(object, x).dtype)
    copy_into(result[tuple(part)], x)
    for k, size in enumerate(sizes):
        for to, source in edges(mode, size, pads[2 * k], pads[2 * k + 1]):
            if to.stop > to.start:
                part[rank - 1 - k] = source
                read = result[tuple(part)]
                part[rank - 1 - k] = to
                result[tuple(part)] = read
        part[rank - 1 - k] = slice(None)
    return result


def shrunk(g: ndarray, mode: str, pads: tuple, sizes: tuple) -> object:
    """The gradient of `grown`: edges are added to where they were read, dim by dim from the first."""
    rest: object = contiguous(g)
    for k in range(len(sizes) - 1, -1, -1):
        front: tuple = (slice(None),) * (g.ndim - 1 - k)
        for to, source in edges(mode, sizes[k], pads[2 * k], pads[2 * k + 1]):
            if to.stop > to.start:
                part = rest[front + (to,)]
                rest[front + (source,)] += part.sum(g.ndim - 1 - k, keepdims=True) if mode == "replicate" else part
        rest = rest[front + (slice(pads[2 * k], pads[2 * k] + sizes[k]),)]
    return contiguous(rest)


def spread_dim(g: object, dim: cython.int, places: object, size: object) -> object:
    """The way back along one dim: each place gets the sum of what was read from it."""
    front: object = np.moveaxis(g, dim, 0)
    result: object = np.zeros((size,) + front.shape[1:], g.dtype)
    run = np.flatnonzero(np.diff(places) != 1)  # stretches that rise by one are added as wholes
    starts = [0] + [int(one) + 1 for one in run] + [len(places)]
    for low, high in zip(starts[:len(starts) - 1], starts[1:]):
        if high > low:
            result[int(places[low]):int(places[low]) + high - low] += front[low:high]
    return np.ascontiguousarray(np.moveaxis(result, 0, dim))


@cython.cclass
class ReadPad(Op):
    """The last dims padded with elements of the input. attrs: (mode, padding, sizes of the padded dims)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        mode, pads, sizes = attrs
        if min(pads) >= 0 and count_of(x):
            return grown(x, mode, pads, sizes)
        result: object = x
        for k in range(len(pads) // 2):
            places = sources(mode, sizes[k], pads[2 * k], pads[2 * k + 1])
            result = np.take(result, places, x.ndim - 1 - k)
        return result

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        op: Op = BACK[n.attrs[0], len(n.attrs[1]) // 2]
        if n.attrs[0] == "circular":
            return apply1(op, g, n.attrs)
        return apply2(op, g, n.read(X), n.attrs)  # the input comes along so that the gradient has a history

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return 0 if n.attrs[0] == "circular" else 1


@cython.cclass
class ReadPadBack(Op):
    """The gradient of ReadPad, with its attributes; what was padded may come along, with a gradient of zeros."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return self.run1(x, attrs, None)

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        mode, pads, sizes = attrs
        if min(pads) >= 0 and count_of(x):
            return shrunk(x, mode, pads, sizes)
        result: object = x
        for k in range(len(pads) // 2):
            places = sources(mode, sizes[k], pads[2 * k], pads[2 * k + 1])
            result = spread_dim(result, x.ndim - 1 - k, places, sizes[k])
        return result

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 1:
            return wrap(np.zeros(n.shape(1), cython.cast(object, g._array).dtype))
        return apply1(READ[n.attrs[0], len(n.attrs[1]) // 2], g, n.attrs)


READ: dict = {}
BACK: dict = {}


def name_ops() -> None:
    """One pair of ops per mode and number of dims, with PyTorch's names."""
    for mode in MODES:
        for dims in (1, 2, 3):
            stem = f"{KERNELS[mode].removesuffix('_pad').capitalize()}Pad{dims}DBackward"
            name = f"{KERNELS[mode]}{dims}d"
            READ[mode, dims] = overload(ReadPad(), name, 0, node=stem)
            BACK[mode, dims] = overload(ReadPadBack(), name + "_backward", 0, shapes=2, node=stem + "Backward")
    for dims in (1, 2, 3):  # PyTorch copies the parts of a circular padding into a new tensor
        op: Op = READ["circular", dims]
        op.node_name, op.type_name = "torch::autograd::CopySlices", "CopySlices"


name_ops()


def check_read(x: Tensor, pads: tuple, mode: str) -> bool:
    """Refuse numbers of dims, sizes and element types that a mode does not take."""
    shape: tuple = shape_of(x._array)
    count: cython.int = len(shape)
    dims: cython.int = len(pads) // 2
    if dims not in (1, 2, 3) or count - dims not in (1, 2):
        raise NotImplementedError(f"Padding size {len(pads)} is not supported for {count}D input tensor.")
    if mode != "circular" and 0 in shape[1 if count - dims == 2 else 0:]:
        raise RuntimeError(EMPTY_INPUT.format(low=dims + 1, high=dims + 2, shape=list(shape)))
    for k in range(dims):
        left, right, size = pads[2 * k], pads[2 * k + 1], shape[count - 1 - k]
        if mode == "reflect" and (left >= size or right >= size):
            raise RuntimeError(REFLECT_SIZE.format(argument=4 + 2 * k, left=left, right=right, dim=count - 1 - k,
                                                   shape=list(shape)))
        if mode == "circular" and (left > size or right > size):
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if size + left + right < (0 if mode == "circular" else 1):
            raise RuntimeError(f"input (size: {size}) is too small for padding ({left}, {right}): the output would "
                               f"have no elements along dimension {count - 1 - k}")
    if mode != "circular" and dtypes.of(x._array).category == 0:
        raise refused_error(f"{KERNELS[mode]}{dims}d", dtypes.of(x._array))
    return True


# ---- public functions -----------------------------------------------------------------------------------------------


def pads_of(pad: object, function: str) -> tuple:
    """The padding as ints; TypeError for anything else."""
    if not isinstance(pad, (tuple, list)):
        raise TypeError(errors.ARGUMENT.format(
            function=function, name="pad", position=2, expected="tuple of ints", type=type(pad).__name__))
    for at, one in enumerate(pad):
        if not hasattr(one, "__index__"):
            raise TypeError(f"{function}(): argument 'pad' (position 2) must be tuple of ints, but found element of "
                            f"type {type(one).__name__} at pos {at}")
    return tuple([one.__index__() for one in pad])


def check_length(x: Tensor, pads: tuple, even: str) -> bool:
    """RuntimeError for half a pair, or more pairs than dims."""
    if len(pads) % 2:
        raise RuntimeError(even.format(count=len(pads)))
    if len(pads) // 2 > x._array.ndim:
        raise RuntimeError(f"Padding length should be less than or equal to two times the input dimension but got "
                           f"padding length {len(pads)} and input of dimension {x._array.ndim}")
    return True


def constant_pad_nd(input: object, pad: object, value: object = 0) -> object:
    """`input` with places that hold `value` around its last dims: `pad` has (before, after) from the last dim on.

    Negative numbers cut off. RuntimeError for an odd length, too many pairs, or a size below zero.
    """
    x: Tensor = given(input, "constant_pad_nd")
    pads = pads_of(pad, "constant_pad_nd")
    check_length(x, pads, "Length of pad must be even but instead it equals {count}")
    return pad_constant(x, pads, value)


def functional_pad(input: object, pad: object, mode: object = "constant", value: object = None) -> object:
    """`input` with its last dims made longer: `pad` has (before, after) from the last dim on.

    mode "constant" fills with `value` (0), "reflect" mirrors without the edge, "replicate" repeats the edge,
    "circular" goes round; these three take 1 to 3 dims behind one or two others. RuntimeError or
    NotImplementedError otherwise.
    """
    x: Tensor = given(input, "pad")
    pads = pads_of(pad, "pad")
    check_length(x, pads, "Padding length must be divisible by 2")
    if mode == "constant":
        if isinstance(value, str):
            raise TypeError(errors.ARGUMENT.format(
                function="pad", name="value", position=4, expected="float", type="str"))
        return pad_constant(x, pads, 0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    dims: cython.int = len(pads) // 2
    if not isinstance(mode, str):
        raise TypeError(errors.ARGUMENT.format(
            function="pad", name="mode", position=3, expected="str", type=type(mode).__name__))
    if mode not in MODES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    check_read(x, pads, mode)
    shape: tuple = shape_of(x._array)
    sizes = tuple([shape[len(shape) - 1 - k] for k in range(dims)])
    return apply1(READ[mode, dims], x, (mode, pads, sizes))


def samples_of_pad(make: object) -> list:
    """Every mode, one to three dims, cuts, and errors."""
    calls: list = [((make(2, 3, 4), one), {}) for one in ((1, 2), (-1, 2, 1, 0), (0, 0), (1, 1, 1), (-3, -3))]
    calls += [((make(3, 2), (1, 2)), {"value": 2}), ((make(0, 3), (1, 1)), {})]
    for mode in MODES:
        calls += [((make(2, 3, 4), (1, 2), mode), {}), ((make(2, 3, 4), (3, 1, 1, 2), mode), {}),
                  ((make(2, 3, 3, 4), (1, 2, 0, 1), mode), {}), ((make(2, 3, 3, 4), (1, -1, 0, 2, 1, 0), mode), {}),
                  ((make(1, 2, 2, 3, 4), (1, 2, 2, 0, 1, 1), mode), {}), ((make(2, 3, 4), (4, 0), mode), {}),
                  ((make(4), (1, 1), mode), {}), ((make(2, 3, 4), (5, 0), mode), {})]
    return calls


composite("constant_pad_nd", constant_pad_nd, method=False, samples=lambda make: [
    ((make(2, 3), (1, 2)), {}), ((make(2, 3), (1, -1, 0, 1), 2), {}), ((make(2, 3), (1, 2, 3)), {}),
    ((make(), ()), {})])
composite("nn.functional.pad", functional_pad, method=False, samples=samples_of_pad)
