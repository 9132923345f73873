"""Recurrent cells and layers in plain NumPy: the compiled kernel's names and meaning, for uncompiled runs too.

Half precision is computed in float32 and rounded at the end. Knows arrays only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
LSTM, GRU, TANH, RELU = 0, 1, 2, 3


def wide(x: Any) -> Any:
    """Half precision as float32; everything else as it is."""
    return x.astype(np.float32) if x is not None and x.dtype.itemsize == 2 and x.dtype.kind in "fV" else x


def narrow(x: Any, like: Array) -> Any:
    """A result in the type of the input."""
    return None if x is None else x.astype(like.dtype, copy=False)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x)."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def steps_of(x: Array, sizes: Any) -> list[slice]:
    """The rows of each step."""
    counts = [x.shape[-2]] * (x.shape[0] if x.ndim == 3 else 1) if sizes is None else [int(size) for size in sizes]
    ends = np.cumsum(counts)
    return [slice(int(end) - count, int(end)) for end, count in zip(ends, counts, strict=True)]


def step(kind: int, gates: Array, aside: Array | None, h: Array, c: Array | None) -> tuple[Array, Array | None]:
    """One step from the gates before their functions, which are written over; (h, c)."""
    n = gates.shape[1] // (4 if kind == LSTM else 3 if kind == GRU else 1)
    if kind == LSTM:
        gates[:, 2 * n:3 * n] = np.tanh(gates[:, 2 * n:3 * n])
        for part in (slice(0, 2 * n), slice(3 * n, 4 * n)):
            gates[:, part] = sigmoid(gates[:, part])
        cell = gates[:, n:2 * n] * c + gates[:, :n] * gates[:, 2 * n:3 * n]
        return gates[:, 3 * n:] * np.tanh(cell), cell
    if kind == GRU:
        gates[:, :2 * n] = sigmoid(gates[:, :2 * n])
        gates[:, 2 * n:] = np.tanh(gates[:, 2 * n:] + gates[:, :n] * aside)
        return (h - gates[:, 2 * n:]) * gates[:, n:2 * n] + gates[:, 2 * n:], None
    return np.tanh(gates) if kind == TANH else np.maximum(gates, 0), None


def forward(
    kind: int, x: Any, sizes: Any, h: Any, c: Any, weights: tuple[Any, ...], reverse: bool
) -> tuple[Any, ...]:
    """A cell or a layer in one direction: (y, last h, last c, cell states, gates, aside); see the compiled form."""
    like, shape = x, x.shape
    x, h, c = wide(x), wide(h).copy(), None if c is None else wide(c).copy()
    w, u, b, d = (wide(one) for one in weights)
    n = u.shape[0] // (4 if kind == LSTM else 3 if kind == GRU else 1)
    rows = steps_of(x, sizes)
    gates = x.reshape(-1, x.shape[-1]) @ w.T + (0 if b is None else b)
    y = np.empty((gates.shape[0], n), gates.dtype)
    cells: Any = np.empty_like(y) if kind == LSTM else None
    aside: Any = np.empty_like(y) if kind == GRU else None
    for at in reversed(rows) if reverse else rows:
        now = slice(0, at.stop - at.start)
        part = h[now] @ u.T + (0 if d is None else d)
        if kind == GRU:
            aside[at] = part[:, 2 * n:]
            part[:, 2 * n:] = 0
        gates[at] += part
        new, cell = step(kind, gates[at], None if aside is None else aside[at], h[now], None if c is None else c[now])
        y[at] = new
        if kind == LSTM:
            cells[at] = c[now] = cell
        if h.shape[1] == n:
            h[now] = new
    if len(shape) == 2 and sizes is None:
        h, c = y, cells
    y = y.reshape(*shape[:-1], n)
    return tuple(narrow(one, like) for one in (y, h, c, cells, gates, aside))


def step_back(
    kind: int, gates: Any, aside: Any, before: Array, cell: Any, cell_before: Any, y: Array, g_h: Array, g_c: Any
) -> tuple[Array, Array, Any, Any]:
    """(gradient of the input's gates, of the hidden state's, what of h's passes by, that of c) of one step."""
    if kind == LSTM:
        i, f, new, o = np.split(gates, 4, axis=1)
        shown = np.tanh(cell)
        g_c = g_c + g_h * o * (1 - shown * shown)
        grads = np.concatenate([g_c * new * i * (1 - i), g_c * cell_before * f * (1 - f), g_c * i * (1 - new * new),
                                g_h * shown * o * (1 - o)], axis=1)
        return grads, grads, 0, g_c * f
    if kind == GRU:
        r, z, new = np.split(gates, 3, axis=1)
        g_new = g_h * (1 - z) * (1 - new * new)
        both = [g_new * aside * r * (1 - r), g_h * (before - new) * z * (1 - z)]
        return np.concatenate([*both, g_new], axis=1), np.concatenate([*both, g_new * r], axis=1), g_h * z, None
    grads = g_h * (1 - y * y) if kind == TANH else np.where(y > 0, g_h, 0)
    return grads, grads, 0, None


def before_of(rows: list[slice], t: int, reverse: bool, y: Array, first: Array) -> Array:
    """The states that the rows of step t started from."""
    last = t + 1 if reverse else t - 1
    count = rows[t].stop - rows[t].start
    if not 0 <= last < len(rows):
        return first[:count]
    kept = y[rows[last]][:count]
    return np.concatenate([kept, first[len(kept):count]])


def backward(
    kind: int, need: int, x: Any, sizes: Any, h: Any, c: Any, weights: tuple[Any, ...], kept: tuple[Any, ...],
    grads: tuple[Any, ...], reverse: bool,
) -> list[Any]:
    """Gradients of (x, h, c, the weights, the biases) where `need` asks for them; see the compiled form."""
    like, shape = x, x.shape
    x, h, c = wide(x), wide(h), wide(c)
    w, u = wide(weights[0]), wide(weights[1])
    y, cells, gates, aside = (wide(one) for one in kept)
    dout, dh, dc = (wide(one) for one in grads)
    rows = steps_of(x, sizes)
    n = w.shape[0] // (4 if kind == LSTM else 3 if kind == GRU else 1)
    x = x.reshape(-1, shape[-1])
    y = np.zeros((x.shape[0], n), x.dtype) if y is None else y.reshape(-1, n)  # a single step does not need it
    dout = np.zeros_like(y) if dout is None else dout.reshape(y.shape)
    dh = np.zeros((h.shape[0], n), x.dtype) if dh is None else dh.copy()
    dc = None if kind != LSTM else np.zeros_like(c) if dc is None else dc.copy()
    dg = np.empty((y.shape[0], w.shape[0]), x.dtype)
    da = np.empty_like(dg)
    befores = np.empty((y.shape[0], h.shape[1]), x.dtype)
    g_state = dh
    for t in range(len(rows)) if reverse else reversed(range(len(rows))):
        at, now = rows[t], slice(0, rows[t].stop - rows[t].start)
        befores[at] = before_of(rows, t, reverse, y, h)
        dg[at], da[at], passed, g_c = step_back(
            kind, gates[at] if gates is not None else None, None if aside is None else aside[at], befores[at],
            None if cells is None else cells[at], None if c is None else before_of(rows, t, reverse, cells, c), y[at],
            dh[now] + dout[at], None if dc is None else dc[now])
        if dc is not None:
            dc[now] = g_c
        g_state = da[at] @ u + passed
        if g_state.shape[1] == dh.shape[1]:
            dh[now] = g_state
    first = dh if h.shape[1] == dh.shape[1] else g_state
    found = ((dg @ w).reshape(shape), first, dc, dg.T @ x, da.T @ befores, dg.sum(0), da.sum(0))
    return [narrow(one, like) if need >> place & 1 else None for place, one in enumerate(found)]
