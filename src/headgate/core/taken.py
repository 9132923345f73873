"""Numbers taken out of a tensor with history, by item(), tolist() or float(): the last of each thread, with its place.

A tensor made of such a number has lost its history there; only equality of the values can tell. Nothing here knows
where tensors are made.
"""

import threading

import cython

if not cython.compiled:
    from headgate.core.apply import cut_here


class Last(threading.local):
    """What one thread took last; nothing at first."""

    value: object = None
    cut: object = None


_last = Last()
LONGEST = 1000  # longer lists are not kept


def note_taken(value: object, name: str) -> object:
    """Remember a number, or nested lists of them, and the running place; returns the value."""
    if not isinstance(value, list) or len(value) <= LONGEST:
        _last.value, _last.cut = value, cut_here("item", name)
    return value


def cut_of_taken(source: object) -> object:
    """The cut behind `source`, if it is, or a list of it holds, what was taken last; or None."""
    value: object = _last.value
    if value is None or value != value:
        return None
    if type(source) is list or type(source) is tuple:
        if isinstance(value, list):
            return _last.cut if alike(source, value) else None
        return _last.cut if len(source) <= LONGEST and holds(source, value) else None
    return _last.cut if alike(source, value) else None


def holds(items: object, value: object) -> bool:
    """Whether a number is among the items. A number of NumPy's is none: beside a list, it would answer with an
    array."""
    item: object
    if type(value) is float:
        for item in items:
            if type(item) is float and item == value:
                return True
        return False
    for item in items:
        if type(item) is type(value) and item == value:
            return True
    return False


def alike(source: object, value: object) -> bool:
    """Whether both are the same number, or lists of the same ones."""
    one: object
    other: object
    if type(source) is not list and type(source) is not tuple:
        return type(source) in (float, int, bool) and type(source) is type(value) and bool(source == value)
    if not isinstance(value, list) or len(source) != len(value):
        return False
    for one, other in zip(source, value):
        if not alike(one, other):
            return False
    return True
