# built for speed
"""Stale histories: an edge to a tensor that was written in a way that its history does not tell of.

The edge is marked when it is recorded; whether there is anything to tell is decided when a gradient passes it. Nothing
here knows how a pass is run.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.arrays import high_address, is_contiguous, low_address, meta_matches
    from headgate.core.operators import Vertex
    from headgate.core.records import Node, Tensor
    from headgate.core.site import watching
    from headgate.core.storage import Storage, Write
    from headgate.core.writes import copy_of, rebinding, ring_overflowed

    ndarray = np.ndarray


def watch_stale(n: Node, x: Tensor, own: cython.int):
    """Mark the node if its input `x` was written without its history; the last `own` writes are the node's own.

    A mark is (the vertex below, the write, the address of `x` if it is contiguous, else 0). The vertex, because the
    finding is told only once a gradient has passed that one too: its own check of what it saved may refuse the same
    write, and nothing is wrong if the pass ends there.
    """
    r: Tensor = x if x._root is None else x._root
    w: Write
    if r._node is None or r._storage.writes - own == r._history_writes or not watching():
        return
    if r._history_writes < 0:
        add_mark(n, x, rebinding(r), 0)
        return
    w = unexplained(x, r._history_writes, r._storage.writes - own)
    if ring_overflowed(r._storage, r._history_writes):
        add_mark(n, x, w, 0)
    elif w is not None:
        add_mark(n, x, w, low_address(x._array) if is_contiguous(x._array) else 0)


def add_mark(n: Node, x: Tensor, w: object, address: cython.Py_ssize_t):
    """Put a mark on a node."""
    n.stale = (*(n.stale or ()), (x._node, w, address))


def unexplained(x: Tensor, since: cython.longlong, until: cython.longlong) -> Write:
    """The latest of the writes to (a part of) `x` after count `since` and up to `until`, with the bytes of them all."""
    s: Storage = x._storage
    item: object
    w: Write
    best: Write = None
    low, high = low_address(x._array), high_address(x._array)
    for item in s.ring or ():
        w = cython.cast(Write, item)
        if w.number <= since or w.number > until or w.quiet or w.low == w.high or w.low >= high or low >= w.high:
            continue
        if best is None:
            best = copy_of(w)
            continue
        first, last = min(best.low, w.low), max(best.high, w.high)
        if w.number > best.number:
            best = copy_of(w)
        best.low, best.high = first, last
    return best


def passes_stale(n: Node, below: Vertex, w: object, address: cython.Py_ssize_t, results: list) -> cython.bint:
    """Whether a node hands a gradient to what was written of the vertex below.

    Where it is zero the result does not depend on what was written: all of it was overwritten since, or cancels.
    """
    i: cython.int
    total: object = None
    g: object
    for i in range(n.inputs):
        if n.edge(i) is not below or not isinstance(results[i], Tensor):
            continue
        g = cython.cast(Tensor, results[i])._array
        if total is not None and total.shape != g.shape:
            return True
        total = g if total is None else total + g
        if not meta_matches(cython.cast(Node, below), n.edge_output(i), g):
            address = 0
    if total is None:
        return False
    if address != 0:
        low, high = cython.cast(Write, w).low - address, cython.cast(Write, w).high - address
        size: cython.Py_ssize_t = total.itemsize
        total = total.reshape(-1)[max(low, 0) // size : (high + size - 1) // size]
    return bool(np.any(total))
