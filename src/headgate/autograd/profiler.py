"""`torch.autograd.profiler`: marks in a script are accepted; profiling itself is an error that names what can be used.

Nothing here measures anything.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

NO_PROFILER = (
    "torch.{name} is not available: Headgate has no profiler of its own. Python's cProfile and perf show its functions "
    "by name (build with HEADGATE_BUILD_SYMBOLS=1)."
)


class record_function:
    """A context or decorator that names a part of a script for a profiler; it has no effect."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self.args = args

    def __enter__(self) -> record_function:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return wrapped


class profile:
    """NotImplementedError, unless made with enabled=False: then a context without effect."""

    def __init__(self, enabled: bool = True, **kwargs: Any) -> None:
        if enabled:
            raise NotImplementedError(NO_PROFILER.format(name="autograd.profiler.profile"))

    def __enter__(self) -> profile:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class emit_nvtx(profile):
    """NotImplementedError, unless made with enabled=False."""
