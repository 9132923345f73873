"""`torch.compile` and `torch.compiler`: Headgate's operations are compiled already, so functions stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")


def compile(
    model: Any = None, *, fullgraph: bool = False, dynamic: bool | None = None, backend: Any = "inductor",
    mode: str | None = None, options: dict[str, Any] | None = None, disable: bool = False,
) -> Any:  # fmt: skip
    """The function or module itself; without one, a decorator. The arguments are accepted and have no effect.

    RuntimeError if both `mode` and `options` are given, or for a mode that PyTorch does not have. PyTorch returns a
    wrapper (an OptimizedModule, whose state_dict has the prefix "_orig_mod."); here names stay as they are.
    """
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if mode is not None and mode not in MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(MODES)}")
    if model is None:
        return _same
    if not callable(model):
        raise RuntimeError("Model can't be None or of a type that cannot be called")
    return model


def _same(function: Any) -> Any:
    return function


def is_compiling() -> bool:
    """False."""
    return False


def is_dynamo_compiling() -> bool:
    """False."""
    return False


def is_exporting() -> bool:
    """False."""
    return False


def reset() -> None:
    """Nothing: nothing is kept."""


def cudagraph_mark_step_begin() -> None:
    """Nothing: there are no graphs of a device."""


def list_backends(exclude_tags: Any = ()) -> list[str]:
    """An empty list."""
    return []


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function itself; without one, a decorator."""
    return _same if fn is None else fn


def allow_in_graph(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself."""
    return fn


def assume_constant_result(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself."""
    return fn
