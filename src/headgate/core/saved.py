# built for speed
"""Saved values: keeping them without cycles, and the checks made when backward reads one.

Reading tells apart what PyTorch tells (a counted write since, a detach_() since) and what it does not (a write
through `.data`, a rebinding of `.data`). Nothing here knows how a pass is run.
"""
import weakref

import cython
import numpy as np

if not cython.compiled:
    from headgate.core.arrays import high_address, is_float, low_address
    from headgate.core.modes import grad_enabled, saved_hooks, set_grad
    from headgate.core.records import CUSTOM_VIEW, MULTI_VIEW, NO_GRAD_VIEW, OUT, Node, Reader, Saved, Tensor
    from headgate.core.storage import Cut, Storage, Write
    from headgate.core.writes import last_overlapping, refuse_view, ring_overflowed

    ndarray = np.ndarray

    def PyWeakref_NewRef(x: object, callback: object) -> object:
        return weakref.ref(x)

from headgate import errors
from headgate.core import reports
from headgate.core.records import set_reader
from headgate.dtypes import default_dtype
from headgate.dtypes import of as type_of

READ_BACK: cython.int = 1 << 20  # flag of a Tensor that stands, with its history, for an output that was saved


def attach(n: Node, s: Saved):
    """Hang a saved value on a node: two in place, further ones in a list."""
    if n.saved0 is None:
        n.saved0 = s
    elif n.saved1 is None:
        n.saved1 = s
    elif n.saved_more is None:
        n.saved_more = [s]
    else:
        n.saved_more.append(s)


def begin(key: cython.int, x: Tensor) -> Saved:
    """A saved value of `x` as it is now."""
    s: Saved = Saved.__new__(Saved)
    s.key = key
    s.array = x._array
    s.storage = x._storage
    s.counter = x._counter
    s.version = x._counter.count
    s.writes = x._storage.writes
    return s


def note_view(s: Saved, x: Tensor):
    """Keep beside the array what view it is that cannot follow its base, for the error; negative without a gradient."""
    if x._flags & (MULTI_VIEW | NO_GRAD_VIEW | CUSTOM_VIEW):
        s.number = x._flags if has_history(x) else -x._flags


def has_history(x: Tensor) -> bool:
    """Whether a view has a history, or its base wants gradients; a view may also want them for itself, as a leaf."""
    return x._node is not None or (x._root is not None and x._root.requires_grad)


def save_input(n: Node, key: cython.int, x: Tensor):
    """Keep an input. Its Tensor is referred to weakly, or a write in place could close a cycle."""
    s: Saved
    hooks = saved_hooks()
    if x._flags & 1:  # INFERENCE
        raise RuntimeError(errors.INFERENCE_SAVED)
    s = begin(key, x)
    s.node = x._node
    s.output = x._output
    note_view(s, x)
    s.origin = x if x._node is None and x._wants else PyWeakref_NewRef(x, None)
    if x._flags & READ_BACK or (x._node is not None and (x._node.detached >> x._output) & 1):
        s.origin = x  # an output read in a pass, with its history, whether the user's tensor is detached or not
    if hooks is not None:
        pack(s, x, hooks)
    attach(n, s)


def save_output(n: Node, key: cython.int, y: Tensor):
    """Keep an output of the node itself; the reference back to the node is left out and made on reading."""
    s: Saved = begin(key, y)
    hooks = saved_hooks()
    if hooks is not None:
        s.node = n
        pack(s, y, hooks)
        s.node = None
    attach(n, s)


def save_number(n: Node, key: cython.int, value: object):
    """Keep a Python number that stood in a tensor's place: the first one in the node itself."""
    s: Saved
    if n.number_place == 0:
        n.number = value
        n.number_place = key + 1
        return
    s = Saved.__new__(Saved)
    s.key = key
    s.number = value
    attach(n, s)


def wrapped_number(value: object) -> Tensor:
    """A Python number as a zero-dimensional tensor of the type PyTorch would give it."""
    t: Tensor = Tensor.__new__(Tensor)
    kind = np.bool_ if isinstance(value, bool) else np.int64 if isinstance(value, int) else default_dtype().numpy
    t._array = np.asarray(value, kind)
    t._storage = Storage.__new__(Storage)
    t._storage.memory = t._array
    t._counter = t._storage
    return t


RUNNING: object = object()  # in place of what an unpack hook will be asked for while its node runs
OF_A_BASE: object = object()  # in place of the origin of a view without history whose base requires grad
NOWHERE: object = Storage.__new__(Storage)  # of values that hooks keep: nothing is known of their memory


def detached_copy(x: Tensor) -> Tensor:
    """Another Tensor over the same memory and counter, without history."""
    t: Tensor = Tensor.__new__(Tensor)
    t._array, t._storage, t._counter = x._array, x._storage, x._counter
    return t


def pack(s: Saved, x: Tensor, hooks: tuple):
    """Hand the value to the pack hook and keep only what it returns.

    An output is shown as another Tensor with its history. If the hook keeps just that, the history is taken from it
    again: with it, node and saved value would refer to each other. PyTorch shows the output itself, so both are noted
    for `followed`.
    """
    before = x._counter.count
    recording: bool = grad_enabled()
    shown: Tensor = x
    if s.key >= OUT:
        shown = detached_copy(x)
        if is_float(x._array):
            shown._node, shown._output, shown._history, shown._history_writes = s.node, s.key - OUT, before, s.writes
    set_grad(False)
    try:
        result = hooks[0](shown)
    finally:
        set_grad(recording)
    if x._counter.count != before:
        raise RuntimeError(errors.PACK_WRITE)
    s.packed = (result,)
    s.unpack = hooks[1]
    s.version = -1 if is_float(x._array) else cython.cast(object, x._array).dtype.num
    s.array = None
    s.number = None
    if shown is not x and result is shown:
        shown._node = None
    if not isinstance(result, Tensor) or cython.cast(Tensor, result)._storage is not s.storage:
        s.storage = NOWHERE  # the memory is the hook's to keep or to free
    s.counter = NOWHERE
    if x._node is None and (x._wants or has_history(x)):
        s.origin = x if x._wants else OF_A_BASE  # a leaf, which the edge keeps anyhow, or a view whose base is one
    else:
        s.origin = None
    if shown is not x:
        s.origin = (PyWeakref_NewRef(x, None), PyWeakref_NewRef(shown, None))


def ask_once(n: Node, running: bool) -> None:
    """While a pass runs a node, its unpack hooks are asked once for each value."""
    s: Saved
    item: object
    for item in (n.saved0, n.saved1, *(n.saved_more or ())):
        if item is not None:
            s = cython.cast(Saved, item)
            if s.unpack is not None:
                s.number = RUNNING if running else None


def find(n: Node, key: cython.int) -> Saved:
    """The saved value under a key, or the error for a node whose values were freed."""
    item: object
    if n.saved0 is not None and n.saved0.key == key:
        return n.saved0
    if n.saved1 is not None and n.saved1.key == key:
        return n.saved1
    if n.saved_more is not None:
        for item in n.saved_more:
            if cython.cast(Saved, item).key == key:
                return cython.cast(Saved, item)
    if n.freed:
        raise RuntimeError(reports.second_backward(n))
    raise RuntimeError(f"{n.op.name} reads a value that it did not declare (key {key})")


def refuse_stale_view(s: Saved):
    """Say of a saved view that its kind cannot follow a write to its base, which PyTorch finds out first."""
    x: Tensor = None
    if s.number is None:
        return
    x = origin_of(s)
    if (s.number < 0 if x is None else not has_history(x)):  # its base may have come to, or ceased to, since
        return
    x = Tensor.__new__(Tensor)
    x._flags, x._node, x._output = abs(s.number), s.node, s.output
    refuse_view(x, True)


def origin_of(s: Saved) -> Tensor:
    """The Tensor that was saved, if it lives."""
    if s.origin is None or s.origin is OF_A_BASE:
        return None
    return s.origin if isinstance(s.origin, Tensor) else s.origin()


def refuse_detached(s: Saved, x: Tensor):
    """Refuse an input, now `x`, that detach_() has cut since. What a custom Function saved is exempt."""
    if s.node is None or isinstance(s.origin, Tensor):
        return
    if (x is None and (s.node.detached >> s.output) & 1) or (x is not None and x._node is None):
        raise RuntimeError(errors.SAVED_DETACHED)


def check_saved(n: Node, s: Saved):
    """The in-place check, and the guard against writes that the version did not count."""
    w: Write
    if s.counter.count != s.version:
        refuse_stale_view(s)
        raise RuntimeError(reports.modified_in_place(n, s))
    if s.storage.writes != s.writes:
        low, high = low_address(s.array), high_address(s.array)
        w = last_overlapping(s.storage, s.writes, low, high, s.counter, True)
        if w is not None:
            reports.saved_overwritten(n, s, w)
        elif ring_overflowed(s.storage, s.writes):
            reports.ring_lost(n, s)


def leads_nowhere(n: Node) -> bool:
    """Whether no gradient leaves a node."""
    i: cython.int
    for i in range(n.inputs):
        if n.edge(i) is not None:
            return False
    return True


def refuse_kind(n: Node, s: Saved, got: Tensor) -> None:
    """Refuse what an unpack hook gave for an index or a mask unless it can be one, as the gradient's rule would.

    A node that no gradient leaves asks its hooks all the same, and has no rule to run.
    """
    kind: object = type_of(got._array)
    if kind.name == "bool" if s.version == 0 else kind.name in ("int32", "int64"):
        return
    if leads_nowhere(n) or cython.cast(object, got._array).size == 0 or n.op.name not in errors.UNPACKED_KINDS:
        return
    error, text = errors.UNPACKED_KINDS[n.op.name]
    raise error(text.format(got=errors.TYPE_NAMES[kind.name], c=errors.C_NAMES[kind.name]))


def tell_overwritten(n: Node, s: Saved, kept: Tensor) -> None:
    """Report a write to memory that a pack hook kept as it was; PyTorch looks at no version there."""
    w: Write
    if kept._storage is s.storage:
        w = last_overlapping(s.storage, s.writes, low_address(kept._array), high_address(kept._array), None, True)
        if w is not None:
            reports.kept_overwritten(n, s, w)


def look(n: Node, s: Saved):
    """Refuse a saved value that was written since, which PyTorch keeps although the gradient does not depend on it.

    Only what PyTorch would say is said: a write that the version does not count does no harm here.
    """
    if s.unpack is not None:
        n.read(s.key)
    elif s.storage is not None:
        refuse_detached(s, origin_of(s))
        if s.counter.count != s.version:
            check_saved(n, s)


def look_first(n: Node):
    """Look at the saved values that the op declares as looked at (`looks`), before a gradient is computed."""
    item: object
    if n.freed:
        raise RuntimeError(reports.second_backward(n))
    for item in (n.saved0, n.saved1, *(n.saved_more or ())):
        if item is not None and (n.op.looks >> cython.cast(Saved, item).key) & 1:
            look(n, cython.cast(Saved, item))


def look_at_all(n: Node):
    """Look at what a node saved although its gradient goes nowhere, as PyTorch does."""
    item: object
    if n.freed:
        raise RuntimeError(reports.second_backward(n))
    for item in (n.saved0, n.saved1, *(n.saved_more or ())):
        if item is not None and cython.cast(Saved, item).unpack is None:
            look(n, cython.cast(Saved, item))


def look_unless_none(n: Node, came: bool) -> None:
    """`look_at_all`, but of a write to a view only if a gradient came: PyTorch's node does nothing otherwise."""
    if came or n.op.name != "copy_slices":
        look_at_all(n)


def release(n: Node, by: Cut) -> None:
    """Free a node's saved values; `by` is the place of the backward that did it."""
    if n.op.forget(n) or n.saved0 is not None or n.number_place != 0:
        n.freed = True
        n.freed_by = by
        drop_saved(n)


def drop_saved(n: Node):
    """Let go of what a node has saved."""
    n.saved0 = n.saved1 = None
    n.saved_more = None
    n.number = None
    n.number_place = 0


def followed(n: Node, s: Saved, got: Tensor) -> Tensor:
    """What an unpack hook gave for an output; the output as it is now, where that is what the hook was shown.

    It lies elsewhere than it did only if its `.data` was rebound, which no version tells.
    """
    x: Tensor = s.origin[0]()
    if x is None or s.origin[1]() is not got or x._array is got._array:
        return got
    if not np.array_equal(x._array, got._array):
        reports.rebound(n, s, x)
    return x


@cython.cclass
class SavedReader(Reader):
    """Serves Node.read: unpacks, checks, and gives back the origin itself where it still lives."""

    @cython.cfunc
    def read(self, n: Node, key: cython.int) -> object:
        s: Saved
        if n.number_place == key + 1:
            return n.number
        s = find(n, key)
        if s.storage is None:
            return s.number
        return self.unpacked(n, s)

    @cython.cfunc
    def unpacked(self, n: Node, s: Saved) -> Tensor:
        x: Tensor
        t: Tensor
        if s.unpack is not None:
            return self.from_hook(n, s)
        x = origin_of(s)
        refuse_detached(s, x)
        if x is not None and x._array is not s.array and s.counter.count == s.version:
            if not np.array_equal(x._array, s.array):
                reports.rebound(n, s, x)
            return x
        check_saved(n, s)
        if s.number is not None and x is not None and x._history != x._counter.count and has_history(x):
            refuse_view(x, True)  # its base was written before it was saved, and came to want gradients perhaps since
        if isinstance(s.origin, Tensor):  # a leaf's, or a custom Function's: as it is now, detached or not
            return x
        if x is not None and x._node is s.node:
            return x
        t = Tensor.__new__(Tensor)
        t._array, t._storage, t._counter = s.array, s.storage, s.counter
        if s.key < OUT:
            t._node, t._output = s.node, s.output
        elif is_float(s.array):  # integer outputs (positions) have no history
            t._node, t._output, t._flags = n, s.key - OUT, READ_BACK
        t._history_writes = s.storage.writes
        return t

    @cython.cfunc
    def from_hook(self, n: Node, s: Saved) -> Tensor:
        """What the unpack hook gives; asked once while a pass runs the node."""
        result: object = s.number
        t: Tensor
        if not isinstance(result, Tensor):
            result = s.unpack(s.packed[0])
            if s.number is RUNNING:
                s.number = result
            if not isinstance(result, Tensor):
                raise TypeError(errors.UNPACK_TYPE.format(type=type(result).__name__))
            if s.version >= 0 and cython.cast(object, cython.cast(Tensor, result)._array).dtype.num != s.version:
                refuse_kind(n, s, result)
            if s.key >= OUT:
                result = followed(n, s, result)
            if s.storage.writes != s.writes:
                tell_overwritten(n, s, result)
        if s.version >= 0:  # positions and masks have no history
            return result
        t = detached_copy(result)
        t._node = n if s.key >= OUT else s.node
        t._output = s.key - OUT if s.key >= OUT else s.output
        if t._node is None:
            if s.origin is OF_A_BASE and is_float(t._array):
                t._wants = True
                return t
            if s.origin is None or result is s.origin or not grad_enabled():
                return result
            return _relink(result, s.origin)
        t._flags = READ_BACK
        t._history_writes = t._storage.writes
        return t

    @cython.cfunc
    def tensor(self, n: Node, key: cython.int) -> Tensor:
        value = self.read(n, key)
        if isinstance(value, Tensor):
            return value
        return wrapped_number(value)

    @cython.cfunc
    def array(self, n: Node, key: cython.int) -> ndarray:
        return self.tensor(n, key)._array


def _nowhere(value: Tensor, leaf: Tensor) -> Tensor:
    return value


_relink: object = _nowhere  # filled by `autograd.saving`: a value whose gradients go to a leaf


def set_relink(function: object) -> None:
    """Fill the slot for values of leaves that an unpack hook gives: second gradients must still reach the leaf."""
    global _relink
    _relink = function


READ_SAVED = SavedReader()
set_reader(READ_SAVED)
