"""Numbers taken out of a tensor with history, by item(), tolist() or float(): the last of each thread, with its place.

A tensor made of such a number has lost its history there; only equality of the values can tell. Nothing here knows
where tensors are made.
"""

from __future__ import annotations

import threading
from typing import Any

from headgate.core.apply import cut_here

_last = threading.local()
LONGEST = 1000  # longer lists are not kept


def note_taken(value: Any, name: str) -> Any:
    """Remember a number, or nested lists of them, and the running place; returns the value."""
    if not isinstance(value, list) or len(value) <= LONGEST:
        _last.value, _last.cut = value, cut_here("item", name)
    return value


def cut_of_taken(source: Any) -> Any:
    """The cut behind `source`, if it is, or a list of it holds, what was taken last; or None."""
    value = getattr(_last, "value", None)
    if value is None or type(source) not in (float, int, bool, list, tuple) or value != value:
        return None
    found = alike(source, value)
    if not found and type(source) in (list, tuple) and not isinstance(value, list) and len(source) <= LONGEST:
        found = any(alike(item, value) for item in source)
    return _last.cut if found else None


def alike(source: Any, value: Any) -> bool:
    """Whether both are the same number, or lists of the same ones. A number of NumPy's is none: beside a list, it
    would answer with an array."""
    if type(source) in (list, tuple):
        return isinstance(value, list) and len(source) == len(value) and all(map(alike, source, value))
    return type(source) in (float, int, bool) and type(source) is type(value) and bool(source == value)
