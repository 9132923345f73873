"""Channels into places and back: pixel_shuffle, pixel_unshuffle, channel_shuffle.

Each is one op whose gradient is its inverse. Nothing is computed, elements only move.
"""
import cython

if not cython.compiled:
    import numpy as np

    from headgate.core.apply import apply1
    from headgate.core.arrays import is_contiguous, make_view, reshape_view, shape_of, swap_view
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import contiguous
    from headgate.ops.arguments import given, whole

    ndarray = np.ndarray

from headgate.core.declare import composite, overload
from headgate.core.entry import publish

GROUPS = "Number of groups to divide channels in must be positive. Value of groups:"


def strides_of(sizes: tuple, step: cython.Py_ssize_t) -> tuple:
    """Strides of dims that follow one another, the last one `step`."""
    found: list = [step] * len(sizes)
    d: cython.Py_ssize_t
    for d in range(len(sizes) - 1, 0, -1):
        found[d - 1] = found[d] * sizes[d]
    return tuple(found)


def moved(x: ndarray, shape: tuple, steps: tuple, result: tuple) -> ndarray:
    """A contiguous copy of elements seen with a shape and strides in elements, in another shape of as many."""
    item: cython.Py_ssize_t = cython.cast(object, x).itemsize
    found: ndarray = contiguous(make_view(x, shape, tuple([step * item for step in steps]), 0))
    return reshape_view(found, result)


@cython.cclass
class PixelShuffle(Op):
    """(..., C r r, H, W) as (..., C, H r, W r). attrs: r."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        a: ndarray = x if is_contiguous(x) else contiguous(x)
        r: cython.Py_ssize_t = attrs
        sizes: tuple = shape_of(a)
        lead: tuple = sizes[:len(sizes) - 3]
        h: cython.Py_ssize_t = sizes[len(sizes) - 2]
        w: cython.Py_ssize_t = sizes[len(sizes) - 1]
        c: cython.Py_ssize_t = sizes[len(sizes) - 3] // (r * r)
        many = lead + (c,) if len(lead) != 1 else (lead[0] * c,)
        steps = strides_of(many, r * r * h * w)
        return moved(a, many + (h, r, w, r), steps + (w, r * h * w, 1, h * w), lead + (c, h * r, w * r))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(UNSHUFFLE, g, n.attrs)


@cython.cclass
class PixelUnshuffle(Op):
    """(..., C, H r, W r) as (..., C r r, H, W). attrs: r."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        a: ndarray = x if is_contiguous(x) else contiguous(x)
        r: cython.Py_ssize_t = attrs
        sizes: tuple = shape_of(a)
        lead: tuple = sizes[:len(sizes) - 3]
        h: cython.Py_ssize_t = sizes[len(sizes) - 2] // r
        w: cython.Py_ssize_t = sizes[len(sizes) - 1] // r
        c: cython.Py_ssize_t = sizes[len(sizes) - 3]
        many = lead + (c,) if len(lead) != 1 else (lead[0] * c,)
        steps = strides_of(many, r * r * h * w)
        return moved(a, many + (r, r, h, w), steps + (w * r, 1, w * r * r, r), lead + (c * r * r, h, w))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(SHUFFLE, g, n.attrs)


@cython.cclass
class ChannelShuffle(Op):
    """Channels (g, C / g) in the order (C / g, g). attrs: g."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        a: ndarray = x if is_contiguous(x) else contiguous(x)
        sizes: tuple = shape_of(a)
        parts: ndarray = reshape_view(a, (sizes[0], attrs, sizes[1] // attrs) + sizes[2:])
        return reshape_view(contiguous(swap_view(parts, 1, 2)), sizes)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if n.shape(0)[1] == 0:
            raise RuntimeError(GROUPS + "0")
        return apply1(CHANNELS, g, n.shape(0)[1] // n.attrs)


SHUFFLE = overload(PixelShuffle(), "pixel_shuffle", 0)
UNSHUFFLE = overload(PixelUnshuffle(), "pixel_unshuffle", 0)
CHANNELS = overload(ChannelShuffle(), "channel_shuffle", 0, shapes=1)


def pixel_shuffle(input: object, upscale_factor: object) -> object:
    """(..., C r r, H, W) as (..., C, H r, W r), r the `upscale_factor` (Shi et al. 2016). RuntimeError otherwise."""
    x: Tensor = given(input, "pixel_shuffle")
    r: cython.Py_ssize_t = whole(upscale_factor, "pixel_shuffle", "upscale_factor", 2)
    count: cython.int = x._array.ndim
    if count < 3:
        raise RuntimeError(f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {count} "
                           "dimension(s)")
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    channels = shape_of(x._array)[count - 3]
    if channels % (r * r):
        raise RuntimeError("pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
                           f"upscale_factor, but input.size(-3)={channels} is not divisible by {r * r}")
    return apply1(SHUFFLE, x, r)


def pixel_unshuffle(input: object, downscale_factor: object) -> object:
    """The inverse of `pixel_shuffle`: (..., C, H r, W r) as (..., C r r, H, W). RuntimeError otherwise."""
    x: Tensor = given(input, "pixel_unshuffle")
    r: cython.Py_ssize_t = whole(downscale_factor, "pixel_unshuffle", "downscale_factor", 2)
    count: cython.int = x._array.ndim
    if count < 3:
        raise RuntimeError(f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {count} "
                           "dimension(s)")
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    shape: tuple = shape_of(x._array)
    for name, at in (("height", 2), ("width", 1)):
        if shape[count - at] % r:
            raise RuntimeError(f"pixel_unshuffle expects {name} to be divisible by downscale_factor, but "
                               f"input.size(-{at})={shape[count - at]} is not divisible by {r}")
    return apply1(UNSHUFFLE, x, r)


def channel_shuffle(input: object, groups: object) -> object:
    """(N, g C', ...) with channel (i, k) where (k, i) was (Zhang et al. 2018). RuntimeError otherwise."""
    x: Tensor = given(input, "channel_shuffle")
    count: cython.Py_ssize_t = whole(groups, "channel_shuffle", "groups", 2)
    shape: tuple = shape_of(x._array)
    if len(shape) <= 2:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(shape)}")
    if count <= 0:
        raise RuntimeError(f"{GROUPS}{count}")
    if shape[1] % count:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {shape[1]} channels and {count} "
                           "groups.")
    return apply1(CHANNELS, x, count)


composite("pixel_shuffle", pixel_shuffle, method=False, aliases=("nn.functional.pixel_shuffle",), samples=lambda make: [
    ((make(2, 8, 3, 2), 2), {}), ((make(9, 1, 2), 3), {}), ((make(2, 7, 3, 2), 2), {})])
composite("pixel_unshuffle", pixel_unshuffle, method=False, aliases=("nn.functional.pixel_unshuffle",),
          samples=lambda make: [((make(2, 2, 4, 6), 2), {}), ((make(1, 3, 6), 3), {}), ((make(2, 2, 4, 5), 2), {})])
composite("channel_shuffle", channel_shuffle, method=False, aliases=("nn.functional.channel_shuffle",),
          samples=lambda make: [((make(2, 6, 3), 2), {}), ((make(2, 6, 3, 2), 3), {}), ((make(2, 5, 3), 2), {})])
publish("native_channel_shuffle", channel_shuffle)
publish("nn.functional.native_channel_shuffle", channel_shuffle)
