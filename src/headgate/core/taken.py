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
    if type(source) in (list, tuple):
        found = source == value or (not isinstance(value, list) and len(source) <= LONGEST and value in source)
    else:
        found = type(source) is type(value) and source == value
    return _last.cut if found else None
