"""Hooks of a node or a leaf: what the user asked to be told, and to change, when a gradient passes.

A plain record; the engine calls it. Tensor hooks belong to an output number of the node, as in PyTorch, so that they
see the gradient of the value they were registered on even if the tensor is written later.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

from headgate import errors
from headgate.core.modes import STATE

_numbers = itertools.count()


def run_users(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function of the user's within a pass: there autocast does what it does outside, where it is on."""
    if not STATE.casts_off:
        return function(*args)
    STATE.casts_off = False
    try:
        return function(*args)
    finally:
        STATE.casts_off = True


class RemovableHandle:
    """Removes the hook it was returned for: `remove()`, or leaving its `with` block."""

    def __init__(self, *tables: dict[int, Callable[..., Any]]) -> None:
        self.id = next(_numbers)
        self._tables = tables

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        for table in self._tables:
            table.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Hooks:
    """All hooks of one vertex: per output (of tensors, retaining), before and after the node, after accumulation."""

    __slots__ = ("accumulated", "after", "before", "moved", "retained", "tensor")

    def __init__(self) -> None:
        self.tensor: dict[int, dict[int, Callable[..., Any]]] = {}
        self.retained: dict[int, weakref.ref[Any]] = {}
        self.before: dict[int, Callable[..., Any]] = {}
        self.after: dict[int, Callable[..., Any]] = {}
        self.accumulated: dict[int, Callable[..., Any]] = {}
        #: Of a leaf given other memory of another shape or type by `.data =`: (number of the latest node then, shape
        #: and type number before). Nodes up to that one give gradients of the old kind.
        self.moved: tuple[int, tuple[int, ...], int] | None = None

    def add(self, table: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> RemovableHandle:
        """Put a hook into one of the tables."""
        handle = RemovableHandle(table)
        table[handle.id] = hook
        return handle

    def add_tensor(self, output: int, hook: Callable[..., Any]) -> RemovableHandle:
        """Register a tensor hook for an output."""
        return self.add(self.tensor.setdefault(output, {}), hook)

    def move_retained(self, output: int, other: Hooks, new_output: int) -> None:
        """Let a tensor that retains its gradient do so at another node (it was written in place)."""
        if output in self.retained:
            other.retained[new_output] = self.retained.pop(output)

    def run_tensor(self, output: int, gradient: Any) -> Any:
        """The gradient after the tensor hooks of an output; a hook returning None leaves it as it is.

        A gradient of None is told to those only that count on being called (`takes_none`).
        """
        for hook in list(self.tensor.get(output, {}).values()):
            if gradient is None and not getattr(hook, "takes_none", False):
                continue
            result = run_users(hook, gradient)
            if result is not None:
                gradient = checked(hook, gradient, result)
        return gradient

    def run_before(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        """The gradients of the node's outputs after its pre-hooks."""
        for hook in list(self.before.values()):
            result = run_users(hook, gradients)
            if result is not None:
                if not isinstance(result, tuple):
                    raise TypeError(errors.HOOK_RETURN_TUPLE.format(type=type(result).__name__))
                result = checked_many(hook, gradients, result)
                if any(old is None and new is not None for old, new in zip(gradients, result)):
                    raise RuntimeError(errors.HOOK_FROM_NONE)
                gradients = result
        return gradients

    def run_after(self, inputs: tuple[Any, ...], outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """The gradients of the node's inputs after its post-hooks, which see both sides."""
        for hook in list(self.after.values()):
            result = run_users(hook, inputs, outputs)
            if result is not None:
                inputs = checked_many(hook, inputs, result)
        return inputs

    def run_accumulated(self, leaf: Any, gradient: Any) -> None:
        """The hooks of a leaf that a pass is through with, whether a gradient came or None alone."""
        for hook in list(self.accumulated.values()):
            result = run_users(hook, leaf)
            if result is not None and not hasattr(result, "requires_grad"):
                raise TypeError(errors.HOOK_RETURN.format(type=type(result).__name__))
        if self.after:
            self.run_after((), (gradient,))


def name_of(hook: Callable[..., Any]) -> str:
    """A hook's name for messages."""
    return getattr(hook, "__name__", "<unknown>")


def checked(hook: Callable[..., Any], before: Any, after: Any) -> Any:
    """What a hook returned, refused unless it fits what it replaces."""
    if before is None:
        return after
    if not hasattr(after, "requires_grad"):
        raise TypeError(errors.HOOK_RETURN.format(type=type(after).__name__))
    if after.shape != before.shape:
        raise RuntimeError(errors.HOOK_SIZE.format(hook=name_of(hook)))
    if after.dtype != before.dtype:
        raise RuntimeError(errors.HOOK_TYPE.format(hook=name_of(hook), was=before.type(), got=after.type()))
    return after


def checked_many(hook: Callable[..., Any], before: tuple[Any, ...], after: Any) -> tuple[Any, ...]:
    """What a node hook returned, refused unless it is as many gradients of the same kinds."""
    if not isinstance(after, tuple):
        if len(before) != 1:
            raise TypeError(errors.HOOK_RETURN_TUPLE.format(type=type(after).__name__))
        after = (after,)
    if len(after) != len(before):
        raise RuntimeError(errors.HOOK_COUNT.format(hook=name_of(hook), got=len(after), expected=len(before)))
    return tuple(new if new is None else checked(hook, old, new) for old, new in zip(before, after))
