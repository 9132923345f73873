"""Resampling along an axis as taps: for each output the places read and their weights, as PyTorch chooses them.

Computes positions in the type that PyTorch uses, so that nearest neighbours agree at ties. It knows sizes and scales;
it must not know tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Taps = tuple[Any, Any]  # places (outputs, taps) and weights of the same shape; weights None where each is 1


def step_of(size: int, out: int, factor: float | None, aligned: bool, kind: Any) -> Any:
    """How far apart two outputs lie in the input."""
    if aligned:
        return kind(size - 1) / kind(out - 1) if out > 1 else kind(0)
    return kind(1.0 / factor) if factor is not None and factor > 0 else kind(size) / kind(out)


def nearest(size: int, out: int, factor: float | None, exact: bool) -> Taps:
    """The nearest place, of the centre of each output if `exact`, else of its beginning."""
    numbers = np.arange(out)
    step = step_of(size, out, factor, False, np.float32)
    if exact:
        places = np.floor((numbers.astype(np.float32) + np.float32(0.5)) * step)
    else:
        places = np.floor(numbers.astype(np.float32) * step)
    return np.minimum(places.astype(np.int64), size - 1)[:, None], None


def positions(size: int, out: int, factor: float | None, aligned: bool, kind: Any, cubic: bool) -> Any:
    """Where each output lies in the input."""
    step, numbers = step_of(size, out, factor, aligned, kind), np.arange(out).astype(kind)
    if aligned:
        return step * numbers
    places = step * (numbers + kind(0.5)) - kind(0.5)
    return places if cubic else np.maximum(places, kind(0))


def linear(size: int, out: int, factor: float | None, aligned: bool, kind: Any) -> Taps:
    """The two places around each output, weighted by nearness; a size that stays is left alone, whatever the factor."""
    if size == out:
        return np.stack([np.arange(out)] * 2, 1), np.stack([np.ones(out, kind), np.zeros(out, kind)], 1)
    where = positions(size, out, factor, aligned, kind, False)
    first = np.minimum(where.astype(np.int64), size - 1)
    share = np.clip(where - first.astype(kind), kind(0), kind(1))
    return np.stack([first, first + (first < size - 1)], 1), np.stack([kind(1) - share, share], 1)


def cubic_weight(x: Any, a: float) -> Any:
    """The cubic convolution kernel; Keys 1981."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def cubic(size: int, out: int, factor: float | None, aligned: bool, kind: Any) -> Taps:
    """The four places around each output, those outside being the border."""
    where = positions(size, out, factor, aligned, kind, True)
    first = np.floor(where).astype(np.int64)
    share = np.clip(where - first.astype(kind), kind(0), kind(1))
    weights = cubic_weight(np.stack([share + 1, share, 1 - share, 2 - share], 1), -0.75)
    return np.clip(first[:, None] + np.arange(-1, 3), 0, size - 1), weights.astype(kind)


def lanczos_weight(x: Any) -> Any:
    """sinc(x) sinc(x / 3) within 3; Duchon 1979."""
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


FILTERS: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "bilinear": (2, lambda x: np.maximum(1 - np.abs(x), 0)), "bicubic": (4, lambda x: cubic_weight(x, -0.5)),
    "lanczos": (6, lanczos_weight),
}  # fmt: skip


def smooth(size: int, out: int, factor: float | None, aligned: bool, kind: Any, mode: str) -> Taps:
    """All places within a filter that grows with the step, so that nothing aliases; weights add up to 1."""
    width, weigh = FILTERS[mode]
    step = step_of(size, out, factor, aligned, kind)
    wide = step >= 1
    reach = kind(width * 0.5) * step if wide else kind(width * 0.5)
    centre = step * (np.arange(out).astype(kind) + kind(0.5))
    first = np.maximum((centre - reach + kind(0.5)).astype(np.int64), 0)
    last = np.minimum((centre + reach + kind(0.5)).astype(np.int64), size)
    places = first[:, None] + np.arange(max(int((last - first).max(initial=1)), 1))
    inverse = kind(1) / step if wide else kind(1)
    weights = weigh((places - centre[:, None] + kind(0.5)) * inverse)
    weights = np.where(places < last[:, None], weights, 0)
    total = weights.sum(1, keepdims=True)
    weights = weights / np.where(total == 0, 1, total)
    return np.minimum(places, size - 1), weights.astype(kind)


def turned(taps: Taps, size: int, kind: Any) -> Taps:
    """The taps of the transposed map: for each input the outputs that read it, weights 0 where there are no more."""
    places, weights = taps
    out, count = places.shape
    weights = np.ones(places.shape, kind) if weights is None else weights
    order = np.argsort(places.reshape(-1), kind="stable")
    owner = places.reshape(-1)[order]
    counts = np.bincount(owner, minlength=size)
    start = np.concatenate(([0], np.cumsum(counts)[:-1]))
    column = np.arange(len(owner)) - start[owner]
    found = np.zeros((size, max(int(counts.max(initial=1)), 1)), np.int64)
    factors = np.zeros(found.shape, weights.dtype)
    found[owner, column] = order // count
    factors[owner, column] = weights.reshape(-1)[order]
    return found, None if (factors == 1).all() else factors
