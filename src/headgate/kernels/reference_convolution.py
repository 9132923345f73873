"""Convolutions of one to three dims in NumPy, tap by tap: the plain form of `convolution.pyx`, and that for integers.

Three functions that are linear in each of their arrays (result, gradient for the input, gradient for the weight) and
one another's gradients. Nothing here knows tensors; sizes were checked before.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Sizes = tuple[int, ...]


def taps(kernel: Sizes, out: Sizes, stride: Sizes, dilation: Sizes) -> Iterator[tuple[Sizes, tuple[slice, ...]]]:
    """Each place of the kernel, with the part of the padded input that it meets."""
    for tap in itertools.product(*map(range, kernel)):
        yield tap, tuple(slice(k * d, k * d + (n - 1) * s + 1 if n else k * d, s)
                         for k, n, s, d in zip(tap, out, stride, dilation))


def last(part: tuple[Any, ...]) -> Any:
    """An index of the last dims."""
    return (Ellipsis, *part)


def computing(kind: Any) -> Any:
    """The type to add up in."""
    return np.dtype(np.float32) if kind.itemsize == 2 and kind.kind not in "iub" else kind


def padded(x: Array, padding: Sizes) -> Array:
    """x with zeros around its last dims."""
    return np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))


def grouped(x: Array, groups: int) -> Array:
    """(batch, channels, ...) as (batch, groups, channels of a group, places)."""
    places = int(np.prod(x.shape[2:], dtype=np.int64))
    return x.reshape(x.shape[0], groups, x.shape[1] // groups, places)


def conv_forward(
    x: Array, w: Array, bias: Array | None, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Array:
    """y[n, o, q] = bias[o] + sum over c, k of w[o, c, k] x[n, c, q * stride + k * dilation - padding], q below size."""
    kernel, out = w.shape[2:], size
    kind = computing(x.dtype)
    y = np.zeros((x.shape[0], w.shape[0], *out), kind)
    wide, weight, total = padded(x.astype(kind), padding), w.astype(kind), grouped(y, groups)
    for tap, part in taps(kernel, out, stride, dilation):
        rows = weight[last(tap)].reshape(groups, w.shape[0] // groups, w.shape[1])
        total += rows @ grouped(wide[last(part)], groups)
    if bias is not None:
        y += bias.astype(kind).reshape(-1, *(1,) * len(out))
    return y.astype(x.dtype, copy=False)


def conv_input(
    y: Array, w: Array, bias: Array | None, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Array:
    """The gradient for the input, of the given last sizes: every y goes back over the taps that read for it.

    A bias is added per channel: the result of a transposed convolution.
    """
    kernel, out = w.shape[2:], y.shape[2:]
    kind = computing(y.dtype)
    need = tuple(max(n + 2 * p, (o - 1) * s + d * (k - 1) + 1)
                 for n, o, k, s, p, d in zip(size, out, kernel, stride, padding, dilation))
    wide = np.zeros((y.shape[0], w.shape[1] * groups, *need), kind)
    sums, weight = grouped(y.astype(kind), groups), w.astype(kind)
    for tap, part in taps(kernel, out, stride, dilation):
        rows = weight[last(tap)].reshape(groups, w.shape[0] // groups, w.shape[1])
        wide[last(part)] += (rows.swapaxes(1, 2) @ sums).reshape(*wide.shape[:2], *out)
    inner = tuple(slice(p, p + n) for p, n in zip(padding, size))
    x = np.ascontiguousarray(wide[last(inner)])
    if bias is not None:
        x += bias.astype(kind).reshape(-1, *(1,) * len(size))
    return x.astype(y.dtype, copy=False)


def conv_weight(
    x: Array, y: Array, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Array:
    """The gradient for the weight, of the given kernel sizes: sum over images and places of y times what a tap read."""
    kind = computing(x.dtype)
    w = np.zeros((y.shape[1], x.shape[1] // groups, *size), kind)
    wide, sums = padded(x.astype(kind), padding), grouped(y.astype(kind), groups)
    for tap, part in taps(size, y.shape[2:], stride, dilation):
        read = grouped(wide[last(part)], groups)
        w[last(tap)] = (sums @ read.swapaxes(2, 3)).sum(0).reshape(w.shape[:2])
    return w.astype(x.dtype, copy=False)
