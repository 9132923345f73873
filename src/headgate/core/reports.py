"""What the checks and guards say: which op saved what at which line, what overwrote it, and the way out.

Only texts are made here, and the decision whether a finding warns or raises. The findings come from `saved`,
`apply` and `engine`.
"""
import warnings

import cython

if not cython.compiled:
    from headgate.core.arrays import high_address, low_address
    from headgate.core.records import CUT_HERE, DATA, DETACHED, OUT, Node, Saved, Tensor
    from headgate.core.site import here, line_of, mark
    from headgate.core.storage import Cut, Site, Write
    from headgate.core.writes import last_overlapping

from headgate import errors
from headgate.core import words

GUARD: str = "warn"
_reported: set = set()


def set_write_guard(mode: str) -> None:
    """Say what happens when a gradient depends on a value that was overwritten without being counted.

    mode: "off", "warn" (the default: a `WriteWarning`, once per writing line, the result as PyTorch's) or "error"
    (a RuntimeError). ValueError for anything else. PyTorch has nothing like it: it gives the wrong gradient.
    """
    global GUARD
    if mode not in ("off", "warn", "error"):
        raise ValueError(f'set_write_guard expects "off", "warn" or "error", not {mode!r}')
    GUARD = mode
    _reported.clear()


def get_write_guard() -> str:
    """The mode that `set_write_guard` set."""
    return GUARD


def place(text: str) -> str:
    return f" at {text}" if text else ""


def place_of(n: Node) -> str:
    """A line that says where a node's call stands."""
    line: str = line_of(n)
    return f"\n  {n.op.name} was called at {line}" if line else ""


def alias_of(flags: cython.int) -> str:
    """How the tensor that was written was related to the memory's owner."""
    if flags & DATA:
        return " through .data"
    if flags & DETACHED:
        return " through a detach() alias"
    return ""


def what_saved(n: Node, s: Saved) -> str:
    """`sigmoid saved its output at train.py:9  out = a.sigmoid()`."""
    what = "its output" if s.key >= OUT else "its input" if n.inputs == 1 else f"its input {s.key}"
    return f"{n.op.name} saved {what}{place(line_of(n))}"


def what_wrote(w: Write) -> str:
    """`zero_ overwrote it through a detach() alias at train.py:14  c.zero_()`."""
    return f"{w.what} overwrote it{alias_of(w.flags)}{place(line_of(w))}"


def modified_in_place(n: Node, s: Saved) -> str:
    """The text of the in-place error, with both lines."""
    w: Write = last_overlapping(s.storage, 0, low_address(s.array), high_address(s.array), s.counter, False)
    lines = [words.INPLACE, "  " + what_saved(n, s)]
    if w is not None:
        lines.append("  " + what_wrote(w))
    lines.append(f"  version {s.counter.count}, expected {s.version}. {words.INPLACE_WAY_OUT}")
    return "\n".join(lines)


def second_backward(n: Node) -> str:
    """The text for a graph whose saved values were freed, with the line that freed them."""
    text = errors.SECOND_BACKWARD + f"\n  {n.op.name}{place(line_of(n))} has no saved values left"
    if n.freed_by is not None:
        text += f"\n  they were freed by {n.freed_by.what}{place(line_of(n.freed_by))}"
    return text


def report(w: object, text: str) -> None:
    """Warn once per place of the write, or raise, or say nothing, as the guard is set."""
    if GUARD == "error":
        raise RuntimeError(text)
    if GUARD == "off":
        return
    key = here(w) if w is not None else text
    if key in _reported and key != (None, 0):
        return
    _reported.add(key)
    warn_at_user(text, errors.WriteWarning)


def warn_at_user(text: str, category: object) -> None:
    """A warning shown at the running line of the user's code."""
    running: Site = Site.__new__(Site)
    mark(running)
    name, line = here(running)
    warnings.warn_explicit(text, category, name or "<unknown>", line)


def cut_of(x: Tensor) -> Cut:
    """Why `x` has no history, if that is known. An alias has kept only the place until somebody asks."""
    c: Cut = x._cut
    if c is None and x._flags & CUT_HERE:
        c = x._cut = Cut.__new__(Cut)
        c.kind = c.what = "data" if x._flags & DATA else "detach"
        c._code, c._lasti = x._code, x._lasti
    return c


def cut_leaf(x: Tensor) -> None:
    """Warn that a result whose history was cut is taken for the end of a graph."""
    if x._cut is not None and x._cut.kind != "leaf" and x._cut.kind != "frozen" and not x._flags & (DATA | DETACHED):
        warn_at_user(words.CUT_LEAF + why_cut(x), errors.CutWarning)


def saved_overwritten(n: Node, s: Saved, w: Write) -> None:
    """A saved value was overwritten through a Version that the in-place check does not watch."""
    if GUARD != "off":
        report(w, "\n".join([words.SAVED_OVERWRITTEN, "  " + what_saved(n, s), "  " + what_wrote(w),
                             "  " + words.SAVED_OVERWRITTEN_WAY_OUT]))


def kept_overwritten(n: Node, s: Saved, w: Write) -> None:
    """What a pack hook kept where it was has been overwritten; no version is looked at there."""
    if GUARD != "off":
        report(w, "\n".join([words.KEPT_OVERWRITTEN, "  " + what_saved(n, s), "  " + what_wrote(w),
                             "  " + words.KEPT_OVERWRITTEN_WAY_OUT]))


def ring_lost(n: Node, s: Saved) -> None:
    """So many uncounted writes happened that it is not known whether one touched the saved value."""
    if GUARD == "error":
        report(None, "\n".join([words.SAVED_OVERWRITTEN, "  " + what_saved(n, s), "  " + words.RING_LOST]))


def rebound(n: Node, s: Saved, x: Tensor) -> None:
    """The tensor that was saved has other memory now (`x.data = other`)."""
    if GUARD != "off":
        report(n, "\n".join([words.SAVED_REBOUND, "  " + what_saved(n, s)]))


def stale_history(n: Node, w: Write) -> None:
    """A gradient passes through a history that ignores a write to the value it was recorded for."""
    if GUARD == "off":
        return
    wrote = f"{w.what} wrote{alias_of(w.flags)}{place(line_of(w))}" if w is not None else words.RING_LOST
    report(w, "\n".join([words.STALE_HISTORY, f"  {n.op.name} used the tensor{place(line_of(n))}", "  " + wrote,
                         "  " + words.STALE_HISTORY_WAY_OUT]))


def why_cut(x: Tensor) -> str:
    """The line after `element 0 of tensors does not require grad ...`: what cut the tensor, and where."""
    c: Cut = cut_of(x)
    if c is None:
        return ""
    reason = words.CUT_REASONS.get(c.kind, c.kind)
    return "\n  " + reason.format(what=c.what or "", place=place(line_of(c)))
