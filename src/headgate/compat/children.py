"""The alias in processes that multiprocessing starts afresh: they import the main module again, which imports `torch`.

Multiprocessing tells such a process its path and its main module first; the alias travels with that. Forked processes
have it anyway. Knows nothing of tensors.
"""

from __future__ import annotations

import functools
import importlib
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

SPAWN = "multiprocessing.spawn"


def install() -> None:
    """Install the alias here (what a pickled `_Alias` does when it is read)."""
    importlib.import_module("headgate.compat.alias").install()


class _Alias:
    """Reading its pickle installs the alias."""

    def __reduce__(self) -> Any:
        return install, ()


def equip(spawn: ModuleType) -> None:
    """Let multiprocessing's preparation of a process carry the alias. Twice is once."""
    plain: Any = vars(spawn)["get_preparation_data"]
    if hasattr(plain, "__wrapped__"):
        return

    @functools.wraps(plain)
    def get_preparation_data(name: str) -> dict[str, Any]:
        return {**plain(name), "headgate": _Alias()}

    spawn.get_preparation_data = get_preparation_data  # type: ignore[attr-defined]


class _Loader:
    """Runs a module by its own loader, then equips it."""

    def __init__(self, own: Any) -> None:
        self.own = own

    def create_module(self, spec: ModuleSpec) -> Any:
        return self.own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self.own
        module.__loader__ = self.own
        self.own.exec_module(module)
        equip(module)


class Watch:
    """A finder for the one module that is to be equipped, for it is imported late or, by most programs, never."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != SPAWN:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None:
            spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
        return spec


def follow() -> None:
    """From now on, processes that are started afresh have the alias too."""
    if SPAWN in sys.modules:
        equip(sys.modules[SPAWN])
    elif Watch not in sys.meta_path:
        sys.meta_path.insert(0, Watch)  # type: ignore[arg-type]
