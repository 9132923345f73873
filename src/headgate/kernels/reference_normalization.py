"""Normalisation and its gradients in plain NumPy: the names and the meaning of `normalization`, for uncompiled runs.

Computed in float64 (half types and float32 too) and rounded once. It knows arrays; it must not know tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Sizes = tuple[int, int, int, int]


def _wide(x: Any) -> Any:
    return None if x is None else np.asarray(x, np.float64)


def _stored(dtype: Any) -> Any:
    """The type of statistics and of the gradients of weights."""
    return np.float64 if dtype == np.float64 else np.float32


def _blocks(x: Any, sizes: Sizes) -> Any:
    """x as (runs of all groups, groups, channels, elements)."""
    outer, groups, channels, inner = sizes
    return np.asarray(x, np.float64).reshape(outer // groups if groups else 0, groups, channels, inner)


def _per_channel(a: Any, sizes: Sizes) -> Any:
    return 1.0 if a is None else np.asarray(a, np.float64).reshape(1, sizes[1], sizes[2], 1)


def normalize_blocks(x: Array, w: Any, b: Any, sizes: Sizes, eps: float, centred: bool) -> tuple[Any, Any, Any]:
    """(y, means, 1 / deviations) of blocks of x; see the compiled form."""
    with np.errstate(all="ignore"):
        wide = _blocks(x, sizes)
        count = max(sizes[2] * sizes[3], 1)
        mean = wide.sum((2, 3), keepdims=True) / count if centred else np.zeros((*wide.shape[:2], 1, 1))
        rstd = 1 / np.sqrt(((wide - mean) ** 2).sum((2, 3), keepdims=True) / count + eps)
        y = (wide - mean) * rstd * _per_channel(w, sizes) + (0 if b is None else _per_channel(b, sizes))
        kind = _stored(x.dtype)
        return y.reshape(x.shape).astype(x.dtype), mean.ravel().astype(kind), rstd.ravel().astype(kind)


def normalize_blocks_backward(
    g: Array, x: Array, w: Any, mean: Array, rstd: Array, sizes: Sizes, centred: bool, need: int
) -> tuple[Any, Any, Any]:
    """Gradients for (x, w, b) of `normalize_blocks`; need: bits of those wanted."""
    with np.errstate(all="ignore"):
        shape = (-1 if sizes[0] else 0, sizes[1], 1, 1)
        up, m, r = _blocks(g, sizes), _wide(mean).reshape(shape), _wide(rstd).reshape(shape)
        normal = (_blocks(x, sizes) - m) * r
        slope = up * _per_channel(w, sizes)
        count = max(sizes[2] * sizes[3], 1)
        rest = normal * (slope * normal).sum((2, 3), keepdims=True) / count
        if centred:
            rest = rest + slope.sum((2, 3), keepdims=True) / count
        gx = ((slope - rest) * r).reshape(x.shape).astype(x.dtype) if need & 1 else None
        return gx, *_weights(up, normal, (0, 3), _stored(x.dtype), need)


def _weights(up: Any, normal: Any, axes: Any, kind: Any, need: int) -> tuple[Any, Any]:
    gw = (up * normal).sum(axes).ravel().astype(kind) if need & 2 else None
    return gw, up.sum(axes).ravel().astype(kind) if need & 4 else None


def normalize_channels(
    x: Array, w: Any, b: Any, sizes: Sizes, eps: float, fixed: Any, running: Any, momentum: float
) -> tuple[Any, Any, Any]:
    """(y, means, 1 / deviations) of the channels of x; see the compiled form."""
    with np.errstate(all="ignore"):
        wide = _blocks(x, sizes)
        count = sizes[0] * sizes[3]
        if fixed is not None:
            mean, variance = _wide(fixed[0]), _wide(fixed[1])
        else:
            mean = wide.sum((0, 1, 3)) / count if count else np.full(sizes[2], np.nan)
            squares = ((wide - mean[:, None]) ** 2).sum((0, 1, 3))
            variance = squares / count if count else squares * np.nan
        kind = _stored(x.dtype)
        rstd = 1 / np.sqrt(variance + eps)
        if running is not None:
            running[0][...] = momentum * mean.astype(kind) + (1 - momentum) * running[0].astype(np.float64)
            running[1][...] = momentum * (squares / np.float64(count - 1)) + (1 - momentum) * running[1].astype(
                np.float64)
        y = (wide - mean[:, None]) * rstd[:, None] * _per_channel(w, sizes)
        y = y + (0 if b is None else _per_channel(b, sizes))
        return y.reshape(x.shape).astype(x.dtype), mean.astype(kind), rstd.astype(kind)


def normalize_channels_backward(
    g: Array, x: Array, w: Any, mean: Array, rstd: Array, sizes: Sizes, fixed: bool, need: int
) -> tuple[Any, Any, Any]:
    """Gradients for (x, w, b) of `normalize_channels`; need: bits of those wanted."""
    with np.errstate(all="ignore"):
        up, m, r = _blocks(g, sizes), _wide(mean)[:, None], _wide(rstd)[:, None]
        normal = (_blocks(x, sizes) - m) * r
        slope = up * _per_channel(w, sizes)
        count = max(sizes[0] * sizes[3], 1)
        axes = (0, 1, 3)
        if not fixed:
            slope = slope - slope.sum(axes, keepdims=True) / count - normal * (slope * normal).sum(
                axes, keepdims=True) / count
        gx = (slope * r).reshape(x.shape).astype(x.dtype) if need & 1 else None
        return gx, *_weights(up, normal, axes, _stored(x.dtype), need)
