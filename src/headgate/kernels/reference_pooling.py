"""Pooling by tables of windows in NumPy: the plain form of `pooling.pyx`, and the form for integers.

The last dims are pooled, as many as there are tables. Nothing here knows tensors, nor how windows come about.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Sizes = tuple[int, ...]


class Windows:
    """Per pooled dim: where windows start and end, their step, and by what an average divides (`count`)."""

    def __init__(
        self, sizes: Sizes, starts: tuple[Array, ...], ends: tuple[Array, ...], steps: Sizes,
        counts: tuple[Array, ...], successive: bool,
    ) -> None:
        self.sizes, self.out = sizes, tuple(len(one) for one in starts)
        self.starts, self.ends, self.steps, self.counts = starts, ends, steps, counts
        self.successive = successive  # PyTorch's adaptive averages divide dim after dim
        self.packed = self.pack()

    def pack(self) -> Array:
        """Everything in one array for the compiled kernel, as three dims: their number, whether averages divide dim
        after dim, sizes, lengths of tables and steps, then the tables of starts, ends and counts dim by dim."""
        missing = 3 - len(self.sizes)
        ones, zeros = [1] * missing, [np.zeros(1, np.int64)] * missing
        head = [len(self.sizes), self.successive, *ones, *self.sizes, *ones, *self.out, *ones, *self.steps]
        tables = (zeros + list(self.starts), [np.ones(1, np.int64)] * missing + list(self.ends),
                  [np.ones(1, np.int64)] * missing + list(self.counts))
        return np.concatenate([np.array(head, np.int64), *(np.ravel(one) for table in tables for one in table)])

    def each(self) -> Iterator[tuple[Sizes, tuple[slice, ...]]]:
        """Every place of the result with its window."""
        for place in itertools.product(*map(range, self.out)):
            yield place, tuple(slice(int(start[o]), int(end[o]), step)
                               for o, start, end, step in zip(place, self.starts, self.ends, self.steps))

    def share(self, value: Array, place: Sizes) -> Array:
        """A sum over the window's divisor; integers are divided towards zero."""
        counts = [int(count[o]) for o, count in zip(place, self.counts)]
        if value.dtype.kind in "iu":
            whole = int(np.prod(counts))
            return np.asarray(np.sign(value) * np.sign(whole) * (np.abs(value) // abs(whole))).astype(value.dtype)
        if not self.successive:
            return np.asarray(value / value.dtype.type(np.prod(counts)))
        for one in counts:
            value = value / value.dtype.type(one)
        return value


def last(part: tuple[Any, ...]) -> Any:
    """An index of the last dims."""
    return (Ellipsis, *part)


def wide(x: Array) -> Array:
    """16-bit floats as float32."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 and x.dtype.kind not in "iub" else x


def max_pool(x: Array, windows: Any) -> tuple[Array, Array]:
    """(the largest element of every window, its place in the flattened plane): the last NaN, or the first of equals."""
    count = len(windows.out)
    lead = x.shape[: x.ndim - count]
    values, indices = np.empty((*lead, *windows.out), x.dtype), np.empty((*lead, *windows.out), np.int64)
    places = np.arange(int(np.prod(windows.sizes))).reshape(windows.sizes)
    for place, window in windows.each():
        part = x[last(window)]
        part = part.reshape(*lead, math.prod(part.shape[len(lead):]))
        if part.shape[-1] == 0:  # it lies in the padding: its place is that of its beginning, outside
            values[last(place)] = -np.inf
            start = [one.start for one in window]
            indices[last(place)] = functools.reduce(lambda at, d: at * windows.sizes[d] + start[d], range(count), 0)
            continue
        best = part.argmax(-1)
        if part.dtype.kind not in "iub":
            nans = np.isnan(part[..., ::-1])
            best = np.where(nans.any(-1), part.shape[-1] - 1 - nans.argmax(-1), best)
        values[last(place)] = np.take_along_axis(part, best[..., None], -1)[..., 0]
        indices[last(place)] = places[window].reshape(-1)[best]
    return values, indices


def average_pool(x: Array, windows: Any) -> Array:
    """The sum of every window over its divisor."""
    count = len(windows.out)
    lead = x.shape[: x.ndim - count]
    values = wide(x)
    result = np.empty((*lead, *windows.out), values.dtype)
    for place, window in windows.each():
        total = values[last(window)].sum(tuple(range(len(lead), x.ndim)), dtype=values.dtype)
        result[last(place)] = windows.share(total, place)
    return result.astype(x.dtype, copy=False)


def average_back(g: Array, windows: Any) -> Array:
    """The gradient of `average_pool`: every result's share goes to its window."""
    lead = g.shape[: g.ndim - len(windows.out)]
    values = wide(g)
    result = np.zeros((*lead, *windows.sizes), values.dtype)
    for place, window in windows.each():
        share = windows.share(values[last(place)], place)
        result[last(window)] += share.reshape(*lead, *(1,) * len(windows.out))
    return result.astype(g.dtype, copy=False)


def put(g: Array, indices: Array, sizes: Sizes) -> Array:
    """Zeros of the given last sizes to which every element is added at its place of the flattened plane."""
    planes = int(np.prod(g.shape[: g.ndim - len(sizes)], dtype=np.int64))
    result = np.zeros((planes, int(np.prod(sizes, dtype=np.int64))), wide(g).dtype)
    if g.size:
        places, values = indices.reshape(planes, -1), wide(g).reshape(planes, -1)
        inside = places < result.shape[1]  # a window that lies in the padding has a place outside
        np.add.at(result, (np.arange(planes)[:, None], np.where(inside, places, 0)), np.where(inside, values, 0))
    return result.reshape(*g.shape[: g.ndim - len(sizes)], *sizes).astype(g.dtype, copy=False)


def take(x: Array, indices: Array, count: int) -> Array:
    """The elements at places of the flattened plane of the last `count` dims, in the indices' shape."""
    planes = int(np.prod(x.shape[: x.ndim - count], dtype=np.int64))
    if not planes or not indices.size:
        return np.zeros(indices.shape, x.dtype)
    rows, places = x.reshape(planes, -1), indices.reshape(planes, -1)
    inside = places < rows.shape[1]
    picked = np.where(inside, np.take_along_axis(rows, np.where(inside, places, 0), 1), x.dtype.type(0))
    return picked.reshape(indices.shape)


def along(x: Any, axis: int, taps: Any) -> Any:
    """The taps read along one axis of an array."""
    places, weights = taps
    shape = [1] * x.ndim
    shape[axis] = -1
    total = None
    for k in range(places.shape[1]):
        term = x.take(places[:, k], axis)
        if weights is not None:
            term *= weights[:, k].reshape(shape)
        total = term if total is None else np.add(total, term, out=total)
    return total


def resample(x: Any, rows: Any, columns: Any) -> Any:
    """The taps (places, weights or None), or None for none, read along the last but one and along the last dim."""
    for axis, taps in ((x.ndim - 2, rows), (x.ndim - 1, columns)):
        x = x if taps is None else along(x, axis, taps)
    return x


def block_counts(kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes, size: Sizes) -> list[int]:
    """How many blocks fit along each dim."""
    return [(n + 2 * pad - step * (taps - 1) - 1) // far + 1
            for n, taps, step, pad, far in zip(size, kernel, dilation, padding, stride)]


def unfold(x: Any, kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes, size: Sizes) -> Any:
    """The blocks of (N, C, H, W) as columns (N, C * K * L, blocks); without N too."""
    a = x if x.ndim == 4 else x[None]
    if padding[0] or padding[1]:
        a = np.pad(a, ((0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])))
    counts = block_counts(kernel, dilation, padding, stride, size)
    n, c, row, column = a.strides
    steps = (n, c, row * dilation[0], column * dilation[1], row * stride[0], column * stride[1])
    shape = (a.shape[0], a.shape[1], kernel[0], kernel[1], counts[0], counts[1])
    blocks = np.lib.stride_tricks.as_strided(a, shape, steps)
    columns = np.array(blocks, order="C").reshape(shape[0], shape[1] * shape[2] * shape[3], counts[0] * counts[1])
    return columns if x.ndim == 4 else columns[0]


def fold(x: Any, kernel: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes, size: Sizes) -> Any:
    """Columns (N, C * K * L, blocks) added up into (N, C, H, W); without N too."""
    a = x if x.ndim == 3 else x[None]
    counts = block_counts(kernel, dilation, padding, stride, size)
    channels = a.shape[1] // (kernel[0] * kernel[1])
    blocks = a.reshape(a.shape[0], channels, kernel[0], kernel[1], counts[0], counts[1])
    image = np.zeros((a.shape[0], channels, size[0] + 2 * padding[0], size[1] + 2 * padding[1]), a.dtype)
    for i in range(kernel[0]):
        for k in range(kernel[1]):
            top, left = i * dilation[0], k * dilation[1]
            rows = slice(top, top + (counts[0] - 1) * stride[0] + 1, stride[0])
            columns = slice(left, left + (counts[1] - 1) * stride[1] + 1, stride[1])
            image[:, :, rows, columns] += blocks[:, :, i, k]
    inner = image[:, :, padding[0]:padding[0] + size[0], padding[1]:padding[1] + size[1]]
    return np.ascontiguousarray(inner if x.ndim == 3 else inner[0])
