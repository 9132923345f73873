"""Recurrent cells and layers made of ordinary ops: what gradients of higher order, mixed types and projections run.

The formulas are those of the fused ops, step by step. Knows tensors by their methods only.
"""

from __future__ import annotations

from typing import Any

from headgate import errors
from headgate.core.entry import PUBLIC

LSTM, GRU, TANH, RELU = 0, 1, 2, 3


def linear(x: Any, w: Any, b: Any) -> Any:
    """x w^T + b. RuntimeError for two element types."""
    if x.dtype is not w.dtype:
        names = [errors.TYPE_NAMES[one.dtype.name] for one in (x, w)]
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {names[0]} and {names[1]}")
    return PUBLIC["nn.functional.linear"](x, w, b)


def step(kind: int, gates: Any, h: Any, c: Any, u: Any, d: Any) -> tuple[Any, Any]:
    """(h, c) after one step, from the input's part of the gates. RuntimeError for whole numbers, as PyTorch's."""
    if kind in (LSTM, GRU) and not gates.is_floating_point():
        name = errors.TYPE_NAMES[gates.dtype.name]
        raise RuntimeError(f"result type Float can't be cast to the desired output type {name}")
    part = linear(h, u, d)
    if kind in (LSTM, GRU) and part.ndim > 2:  # PyTorch crashes
        raise RuntimeError(f"hidden states of this cell have 2 dims, got {part.ndim}")
    if kind == GRU:
        n = u.shape[0] // 3
        both = (gates[:, : 2 * n] + part[:, : 2 * n]).sigmoid()
        r, z = both[:, :n], both[:, n:]
        new = (gates[:, 2 * n :] + part[:, 2 * n :] * r).tanh()
        return (h - new) * z + new, None
    gates = part + gates
    if gates.shape != part.shape:  # PyTorch adds in place
        raise RuntimeError(errors.INPLACE_SHAPE.format(output=list(part.shape), shape=list(gates.shape)))
    if kind != LSTM:
        return (gates.tanh() if kind == TANH else gates.relu()), None
    i, f, g, o = gates.chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def step_starts(x: Any, sizes: Any) -> list[tuple[int, int]]:
    """(first row, number of rows) of each step, all rows behind one another."""
    if sizes is None:
        count, rows = (1, x.shape[0]) if x.ndim == 2 else (x.shape[0], x.shape[1])
        return [(t * rows, rows) for t in range(count)]
    starts, at = [], 0
    for size in sizes:
        starts.append((at, size))
        at += size
    return starts


def replaced(whole: Any, part: Any) -> Any:
    """`whole` with its first rows replaced by `part`."""
    count = part.shape[0]
    return part if count == whole.shape[0] else PUBLIC["cat"]([part, whole[count:]], 0)


def by_ops(kind: int, inputs: list[Any], attrs: Any) -> tuple[Any, ...]:
    """What the fused op gives as its first outputs: (y, last h[, last c]); for a cell (h[, c])."""
    x, h, c, w, u, b, d = inputs
    if attrs is None:
        h, c = step(kind, linear(x, w, b), h, c, u, d)
        return (h, c) if kind == LSTM else (h,)
    sizes, reverse = attrs
    starts = step_starts(x, sizes)
    gates = linear(x.reshape(-1, x.shape[-1]), w, b)
    results: list[Any] = [None] * len(starts)
    for t in reversed(range(len(starts))) if reverse else range(len(starts)):
        at, rows = starts[t]
        h_new, c_new = step(kind, gates[at : at + rows], h[:rows], None if c is None else c[:rows], u, d)
        results[t] = h_new
        h = replaced(h, h_new)
        c = None if c is None else replaced(c, c_new)
    y = PUBLIC["stack"](results) if sizes is None else PUBLIC["cat"](results, 0)
    return (y, h, c) if kind == LSTM else (y, h)


def projected_by_ops(cell: Any, inputs: tuple[Any, ...], projection: Any, attrs: Any) -> tuple[Any, ...]:
    """An LSTM layer whose hidden state is h W^T for a projection W (P, H), step by step: (y, last h, last c)."""
    x, h, c, w, u, b, d = inputs
    sizes, reverse = attrs
    starts = step_starts(x, sizes)
    flat = x.reshape(-1, x.shape[-1])
    results: list[Any] = [None] * len(starts)
    for t in reversed(range(len(starts))) if reverse else range(len(starts)):
        at, rows = starts[t]
        h_new, c_new = cell(flat[at : at + rows], (h[:rows], c[:rows]), w, u, b, d)
        h_new = PUBLIC["mm"](h_new, projection.t())
        results[t] = h_new
        h, c = replaced(h, h_new), replaced(c, c_new)
    return PUBLIC["stack"](results) if sizes is None else PUBLIC["cat"](results, 0), h, c
