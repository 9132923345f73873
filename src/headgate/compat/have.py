"""What Headgate has: looks a dotted name of PyTorch up in Headgate's modules, and says what is nearest if it is not.

Reads Headgate's own modules and classes; sees nothing of any script.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from headgate.compat.alias import OURS, THEIRS, find_module
from headgate.compat.nearest import INTERNAL, nearest, public_names, submodules


@dataclass(frozen=True)
class Missing:
    """A name that Headgate lacks, and the nearest that it has, both as the script would write them."""

    path: str
    nearest: str | None


@functools.cache
def look_up(path: str) -> Any:
    """The object that "torch.a.b" (or "headgate.a.b") means in Headgate, or a `Missing` for the first part it lacks."""
    parts = path.split(".")
    found: Any = find_module(THEIRS) if parts[0] == THEIRS else importlib.import_module(OURS)
    for depth, name in enumerate(parts[1:], 1):
        done, owner = ".".join(parts[:depth]), found
        found = _step(owner, done, name)
        if isinstance(found, Missing):
            return found
    return found


def _step(owner: Any, path: str, name: str) -> Any:
    """One part further: an attribute, or a module inside a package."""
    if path == THEIRS and name in INTERNAL:
        return _missing(owner, path, name)
    try:
        return getattr(owner, name)
    except AttributeError:
        pass
    if isinstance(owner, ModuleType):
        module = find_module(f"{THEIRS}.{path.partition('.')[2]}.{name}".replace("..", "."))
        if module is not None:
            return module
    return _missing(owner, path, name)


def _missing(owner: Any, path: str, name: str) -> Missing:
    if isinstance(owner, ModuleType):
        names = [*public_names(owner), *submodules(owner)]
    else:
        names = [one for one in dir(owner) if not one.startswith("_")]
    near = nearest(name, names)
    return Missing(f"{path}.{name}", f"{path}.{near}" if near else None)


@functools.cache
def tensor_lacks(name: str) -> Missing | None:
    """`Missing` if Headgate's Tensor has no attribute `name`, else None."""
    tensor = look_up(f"{THEIRS}.Tensor")
    if isinstance(tensor, Missing) or hasattr(tensor, name):
        return None
    near = nearest(name, [one for one in dir(tensor) if not one.startswith("_")])
    return Missing(f"Tensor.{name}", f"Tensor.{near}" if near else None)


@functools.cache
def instance_lacks(path: str, name: str) -> Missing | None:
    """`Missing` if a class that Headgate has, and whose attributes are fixed, has no method `name`; else None."""
    owner = look_up(path)
    open_ended = not isinstance(owner, type) or hasattr(owner, "__getattr__") or hasattr(owner, name)
    return None if open_ended else _missing(owner, path.rpartition(".")[2], name)
