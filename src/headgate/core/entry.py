"""The callables behind public functions and methods, and the table of what exists.

Compiled, `Entry` and `install` come from `_entry.c`; uncompiled, from the plain forms here. Ops put their functions
in through `publish`; the package, the docs and the tests read the table.
"""

from __future__ import annotations

import functools
import os
import types
from collections.abc import Callable
from typing import Any

#: Why calls are looked at: classes that answer, a mode (asked about all), autocast (about those of listed entries).
ASK_CLASSES, ASK_ALL, ASK_LISTED, ASK_OBSERVED = 1, 2, 4, 8
#: Functions that PyTorch does not hand to overrides.
IGNORED = frozenset(
    """tensor as_tensor asarray from_numpy frombuffer from_dlpack as_subclass _make_subclass is_tensor manual_seed seed
    initial_seed set_rng_state get_rng_state zeros ones empty full eye arange linspace logspace rand randn randint
    randperm empty_strided scalar_tensor _make_wrapper_subclass""".split()
)
PUBLIC: dict[str, Any] = {}  # "sin" -> Entry; "special.erf" for those of a sub-module

if os.environ.get("HEADGATE_PURE") == "1":
    _override: Callable[..., Any] | None = None
    _asked = 0
    _plain: tuple[type, ...] = ()

    class Entry:
        """Forwards a call to its implementation, or to an override of `__torch_function__` where one exists."""

        def __init__(self, implementation: Callable[..., Any], name: str, doc: str | None = None) -> None:
            functools.update_wrapper(self, implementation)
            self.__name__ = self.__qualname__ = name
            self.__doc__ = doc
            self.listed = self.ignored = False

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            if _override is not None and self._hands_over(args, kwargs):
                return _override(self, args, kwargs)
            return self.__wrapped__(*args, **kwargs)  # type: ignore[attr-defined]

        def _hands_over(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
            if _asked & (ASK_ALL | ASK_OBSERVED) or (self.listed and _asked & ASK_LISTED):
                return True
            return not self.ignored and any(_has_override(value) for value in (*args, *kwargs.values()))

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            return self if instance is None else types.MethodType(self, instance)

        def __repr__(self) -> str:
            return f"<built-in method {self.__name__}>"

        def __reduce__(self) -> Any:
            return by_name, (self.__name__,)

    def _has_override(value: Any, depth: int = 0) -> bool:
        if type(value) in _plain:
            return False
        if depth < 2 and type(value) in (list, tuple):
            return any(_has_override(item, depth + 1) for item in value)
        return hasattr(type(value), "__torch_function__")

    def install(kind: type, name: str, value: Any) -> None:
        """Set an attribute on a type."""
        setattr(kind, name, value)

    def set_override(function: Callable[..., Any], plain: tuple[type, ...]) -> None:
        """Say what is called when an argument's type overrides, and which types never do."""
        global _override, _plain
        _override, _plain = function, plain

    def overrides(flag: bool, bit: int = ASK_CLASSES) -> None:
        """Whether arguments must be looked at, or calls handed over."""
        global _asked
        _asked = _asked | bit if flag else _asked & ~bit

    def quicken(entry: Entry, op: object, arity: int, out: object = None) -> None:
        """Uncompiled, every call takes the ordinary road."""
else:
    from headgate.core._entry import Entry, install, overrides, set_override
    from headgate.core._entry import quicken as _quicken
    from headgate.core.quick import direct

    def quicken(entry: Entry, op: object, arity: int, out: object = None) -> None:
        """Let calls of an Entry with `arity` operands and nothing else go straight to an op, which writes to `out`."""
        _quicken(entry, direct(op, arity), op, arity, out)

__all__ = [
    "ASK_ALL", "ASK_CLASSES", "ASK_LISTED", "ASK_OBSERVED", "IGNORED", "PUBLIC", "Entry", "by_name", "install",
    "members", "overrides", "publish", "quicken", "set_override",
]  # fmt: skip


def publish(name: str, function: Callable[..., Any], doc: str | None = None) -> Any:
    """Make `function` public under `name` ("sin", "special.erf"); its Entry."""
    if name in PUBLIC:
        raise ValueError(f"{name} is published twice")
    entry = PUBLIC[name] = Entry(function, name.rpartition(".")[2], doc or function.__doc__)
    entry.ignored = entry.__name__ in IGNORED
    return entry


def members(prefix: str) -> dict[str, Any]:
    """The public names of a sub-module: what is published as "special.erf" is `erf` of "special"."""
    return {name[len(prefix) + 1 :]: entry for name, entry in PUBLIC.items() if name.rpartition(".")[0] == prefix}


def by_name(name: str) -> Any:
    """The public function of that name (what a pickled entry becomes)."""
    if name in PUBLIC:
        return PUBLIC[name]
    return next(value for key, value in PUBLIC.items() if key.rpartition(".")[2] == name)
