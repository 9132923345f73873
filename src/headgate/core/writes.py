# built for speed
"""Writing to a storage: who may, and what is remembered of it.

Every write bumps the Version of the tensor it went through and the storage's own count, and leaves a record in a
short ring, so that a later complaint can name the line. Nothing here computes or records history.
"""
import cython

if not cython.compiled:

    from headgate.core.arrays import high_address, low_address, overlaps_itself
    from headgate.core.modes import inference_enabled, stale_allowed
    from headgate.core.records import (
        CUSTOM_VIEW,
        INFERENCE,
        INFERENCE_VIEW,
        MULTI_VIEW,
        NO_GRAD_VIEW,
        Tensor,
    )
    from headgate.core.site import mark, watching
    from headgate.core.storage import Storage, Version, Write

from headgate import errors

RING = 4
_serials: cython.longlong = 0  # of the Versions written so far


def remember(x: Tensor, what: str, serial: cython.longlong) -> cython.int:
    """Put a write to all of `x` into its storage's ring, as one through the Version with that serial number."""
    w: Write
    if x._storage.ring is None:
        x._storage.ring = []
    if len(x._storage.ring) < RING:
        w = Write.__new__(Write)
        x._storage.ring.append(w)
    else:
        w = cython.cast(Write, x._storage.ring[cython.cast(cython.Py_ssize_t, x._storage.writes & 3)])
    x._storage.writes += 1
    if cython.compiled:
        hg_span(x._array, cython.address(w.low), cython.address(w.high))  # noqa: F821  (C, from span.h)
    else:
        w.low, w.high = low_address(x._array), high_address(x._array)
    w.what = what
    w.serial = serial
    w.flags = x._flags if x._root is None else x._flags | x._root._flags
    w.number = x._storage.writes
    w.quiet = stale_allowed()
    mark(w)
    return 0


def note_write(x: Tensor, what: str) -> None:
    """Count and remember a write to `x` by the op named `what`."""
    global _serials
    if not watching():
        x._storage.writes += 1
        x._counter.count += 1
        return
    if x._counter.serial == 0:
        _serials += 1
        x._counter.serial = _serials
    remember(x, what, x._counter.serial)
    x._counter.count += 1


def note_own_write(x: Tensor, what: str) -> None:
    """Count a write to `x` of what it held already: no gradient is the worse for it, so the guards need not tell."""
    item: object
    note_write(x, what)
    if x._storage.ring is not None:
        for item in x._storage.ring:
            if cython.cast(Write, item).number == x._storage.writes:
                cython.cast(Write, item).quiet = True


def note_silent_write(x: Tensor, what: str) -> None:
    """Remember a write that the version does not count (running statistics)."""
    remember(x, what, -1)


def copy_of(w: Write) -> Write:
    """The record as it is now; those in a ring are reused."""
    c: Write = Write.__new__(Write)
    c._code, c._lasti = w._code, w._lasti
    c.low, c.high, c.serial, c.what = w.low, w.high, w.serial, w.what
    c.flags, c.number, c.quiet = w.flags, w.number, w.quiet
    return c


def rebinding(r: Tensor) -> Write:
    """What is told of a tensor with history that was given other memory through `.data =`."""
    w: Write = Write.__new__(Write)
    w.what = "assigning .data"
    if r._cut is not None:
        w._code, w._lasti = r._cut._code, r._cut._lasti
    return w


def ring_overflowed(storage: Storage, since: cython.longlong) -> bool:
    """Whether more writes happened after count `since` than the ring still holds."""
    return storage.ring is not None and storage.writes - since > len(storage.ring)


def last_overlapping(
    storage: Storage, since: cython.longlong, low: cython.Py_ssize_t, high: cython.Py_ssize_t, counter: object,
    other: cython.bint,
) -> Write:
    """The latest remembered write after count `since` that touches [low, high) and was meant to be seen.

    With `other`, only one that went through another Version than `counter`; else only one through it.
    """
    best: Write = None
    w: Write
    item: object
    if storage.ring is None:
        return None
    for item in storage.ring:
        w = cython.cast(Write, item)
        if w.number <= since or w.quiet or w.low == w.high or w.low >= high or low >= w.high:
            continue
        if counter is not None and (w.serial != cython.cast(Version, counter).serial) != other:
            continue
        if best is None or w.number > best.number:
            best = w
    return best


def check_writable(x: Tensor, recording: cython.bint) -> None:
    """Refuse an in-place write that PyTorch refuses. `recording`: grad mode is on and an operand requires grad."""
    check_allowed(x, recording)
    if overlaps_itself(x._array):
        raise RuntimeError(errors.OVERLAP)


def check_allowed(x: Tensor, recording: cython.bint) -> None:
    """`check_writable` for what may be written although elements share memory."""
    if x._storage.shield is not None:
        x._storage.shield.refuse(x)
    if recording:
        if x._root is not None:
            check_view_writable(x)
        if x._wants and x._node is None:
            raise RuntimeError(errors.LEAF)
    if x._flags & 65 == INFERENCE and not inference_enabled():  # without DATA, whose counter is its own
        raise RuntimeError(errors.INFERENCE_WRITE)


def check_view_writable(x: Tensor) -> None:
    """The rules for a view: its siblings, how it was made, and whether its base is a leaf."""
    if x._flags & (MULTI_VIEW | NO_GRAD_VIEW | CUSTOM_VIEW):
        refuse_view(x, False)
    if x._root._node is None and (x._wants or x._node is not None or x._root._wants):
        raise RuntimeError(errors.LEAF_VIEW)


def refuse_view(x: Tensor, indirect: cython.bint) -> None:
    """Raise PyTorch's error for a view that must not be written in place; `indirect`: its base was, before its use."""
    text: str = errors.MULTI_VIEW if x._flags & MULTI_VIEW else errors.CUSTOM_VIEW
    plain: bool = x._flags & (MULTI_VIEW | CUSTOM_VIEW) == 0
    if plain:
        text = errors.INFERENCE_VIEW if x._flags & INFERENCE_VIEW else errors.NO_GRAD_VIEW
    if x._node is not None:
        text = text.replace("A view was", errors.VIEW_OF_VIEW)
        text = text.format(number=x._output, node=x._node.op.full_name(x._node).partition("Backward")[0])
    elif not plain:
        text = errors.NO_GRAD_VIEW.partition(" Given")[0] + text[text.index(" This view"):]
    if indirect:
        text = text.replace("and is being modified", "and its base or another view of its base has been modified")
    raise RuntimeError(text)
