"""Scaled dot-product attention in plain NumPy: the compiled kernel's names and meaning, scores and all.

Half precision is computed in float32 and rounded at the end. Knows arrays only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headgate.kernels.reference_recurrent import narrow, wide

Array = np.ndarray[Any, np.dtype[Any]]


def scores(q: Array, k: Array, mask: Any, causal: bool, scale: float) -> Array:
    """q k^T scale + mask, -inf where a key may not be seen."""
    found: Array = np.matmul(q, np.swapaxes(k, -1, -2)) * q.dtype.type(scale)
    if mask is not None:
        found = found + wide(mask)
    if causal:
        found = np.where(np.tri(*found.shape[-2:], dtype=np.bool_), found, found.dtype.type(-np.inf))
    return found


def forward(q: Array, k: Array, v: Array, mask: Any, causal: bool, scale: float) -> tuple[Array, Array]:
    """(the result, the logarithm of each row's sum of exponentials, infinite for a row that sees nothing)."""
    like, q, k, v = q, wide(q), wide(k), wide(v)  # type: ignore[assignment]
    powers = scores(q, k, mask, causal, scale)
    top = powers.max(-1, keepdims=True, initial=-np.inf)
    top = np.where(np.isneginf(top), top.dtype.type(0), top)
    powers = np.exp(powers - top)
    total = powers.sum(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(total == 0, np.inf, top + np.log(total))[..., 0]
        out = np.matmul(powers, v) / np.where(total == 0, 1, total)
    result = np.empty_like(like, shape=out.shape)  # in the layout of the queries
    result[...] = out
    return result, logs.astype(q.dtype)


def backward(
    g: Array, q: Array, k: Array, v: Array, mask: Any, out: Array, logs: Array, causal: bool, scale: float
) -> list[Array]:
    """The gradients of (q, k, v)."""
    like, g, q, k, v, out = q, wide(g), wide(q), wide(k), wide(v), wide(out)  # type: ignore[assignment]
    p = np.exp(scores(q, k, mask, causal, scale) - logs[..., None])
    d = np.matmul(g, np.swapaxes(v, -1, -2)) - (g * out).sum(-1, keepdims=True)
    d = p * d * q.dtype.type(scale)
    found = (np.matmul(d, k), np.matmul(np.swapaxes(d, -1, -2), q), np.matmul(np.swapaxes(p, -1, -2), g))
    return [narrow(one, like) for one in found]
