"""What to say about a name that Headgate lacks: the name, and the nearest one that exists.

Works on module objects and lists of strings; knows nothing of tensors or of what the names stand for.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import pkgutil
import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

#: Rooms of Headgate that answer to no module of PyTorch; `import torch.core` must fail as it does there.
INTERNAL = frozenset(
    ["_library", "_loading", "cli", "compat", "core", "dtypes", "errors", "gates", "io", "kernels", "ops", "watch",
     "__main__"]
)


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that `name` was most likely meant to be, or None where nothing is near.

    A name of the same letters but for case and underscores wins; then the closest spelling; then one that holds it.
    """
    known = sorted({one for one in names if not one.startswith("__")})
    flat = {one.replace("_", "").lower(): one for one in reversed(known)}  # of `exp` and `exp_`, `exp`
    same = flat.get(name.replace("_", "").lower())
    if same is not None:
        return same
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.65)
    if close:  # of equally close ones, the one that begins like it for longest
        return max(close, key=lambda one: (likeness(one, name), len(os.path.commonprefix([one, name]))))
    holding = [one for one in known if (name in one or one in name) and len(name) <= 2 * len(one) <= 4 * len(name)]
    return min(holding, key=lambda one: abs(len(one) - len(name)), default=None)


def likeness(one: str, name: str) -> float:
    """How much of two names is the same, from 0 to 1."""
    return difflib.SequenceMatcher(None, one, name).ratio()


def public_names(module: ModuleType) -> list[str]:
    """The public names of a module: its `__all__`, or what has no leading underscore; without internal rooms."""
    listed = vars(module).get("__all__") or [one for one in dir(module) if not one.startswith("_")]
    return [one for one in listed if not (module.__name__ == "headgate" and one in INTERNAL)]


def submodules(module: ModuleType) -> list[str]:
    """The names of the modules inside a package, without internal rooms."""
    found = [one.name for one in pkgutil.iter_modules(vars(module).get("__path__", []))]
    return [one for one in found if not (module.__name__ == "headgate" and one in INTERNAL)]


def hint(name: str, names: Iterable[str]) -> str:
    """The second half of an error's text: what is nearest to `name`, or that nothing is."""
    near = None if name.startswith("_") else nearest(name, names)
    return f"Headgate has no such name; the nearest is {near!r}" if near else "Headgate has no such name or one near it"


def shown_name(module: ModuleType) -> str:
    """The name under which the reader knows a module: `torch...` while Headgate answers to that."""
    first, dot, rest = module.__name__.partition(".")
    aliased = first == "headgate" and sys.modules.get("torch", 0) is sys.modules.get("headgate")
    return f"torch{dot}{rest}" if aliased else module.__name__


def missing_name(module: ModuleType, name: str) -> AttributeError:
    """The AttributeError for a name that a module lacks, in Python's opening words, with the nearest that exists."""
    text = f"module {shown_name(module)!r} has no attribute {name!r}: {hint(name, public_names(module))}"
    # name and obj are given so that the interpreter does not append a suggestion of its own to ours.
    return AttributeError(text, name=name, obj=None)


def missing_module(name: str, parent: ModuleType) -> ModuleNotFoundError:
    """The ModuleNotFoundError for a module that Headgate lacks, with the nearest of its parent's modules."""
    package, _, last = name.rpartition(".")
    near = nearest(last, submodules(parent))
    rest = f"the nearest is {f'{package}.{near}'!r}" if near else "no name is near"
    return ModuleNotFoundError(f"No module named {name!r}: Headgate has no such module; {rest}", name=name)


def answer_for(module: ModuleType, own: Callable[[str], Any] | None = None) -> Callable[[str], Any]:
    """A module-level `__getattr__` that answers every name which the module's `own` refuses with `missing_name`."""

    def __getattr__(name: str) -> Any:
        if own is not None:
            with contextlib.suppress(AttributeError):
                return own(name)
        raise missing_name(module, name)

    __getattr__.explains = True  # type: ignore[attr-defined]
    return __getattr__
