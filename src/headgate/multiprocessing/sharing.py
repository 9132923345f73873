"""The names of the ways in which PyTorch shares memory. Headgate has one; the choice is noted only."""

from __future__ import annotations

import sys

_strategies = {"file_system"} if sys.platform in ("darwin", "win32") else {"file_descriptor", "file_system"}
_strategy = "file_system" if sys.platform in ("darwin", "win32") else "file_descriptor"


def set_sharing_strategy(new_strategy: str) -> None:
    """Note a strategy, without effect. AssertionError for one that does not exist here."""
    global _strategy
    if new_strategy not in _strategies:
        raise AssertionError(f"invalid sharing strategy {new_strategy!r}, expected one of {_strategies}")
    _strategy = new_strategy


def get_sharing_strategy() -> str:
    """The strategy noted last."""
    return _strategy


def get_all_sharing_strategies() -> set[str]:
    """The strategies that may be noted on this system."""
    return _strategies
