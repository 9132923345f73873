"""saved_tensors_hooks: the user's say in how saved values are kept (elsewhere, smaller, not at all).

The hooks belong to the thread; `headgate.core.saved` calls them when a value is saved and when it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headgate.autograd.function import Function
from headgate.core import modes
from headgate.core.saved import set_relink


def _itself(tensor: Any) -> Any:
    return tensor


class saved_tensors_hooks:
    """Within it, every tensor saved for backward is kept as `pack_hook(tensor)` and read as `unpack_hook(packed)`.

    The pack hook may not write its argument. With nested ones the innermost applies.
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        modes.push_saved_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *_: object) -> None:
        modes.pop_saved_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Keeps saved tensors where they are, since that is on the CPU: a write to one is told by the write guard alone.

    With `pin_memory` it keeps copies, which may be written around.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cpu") -> None:
        super().__init__((lambda tensor: tensor.detach().clone()) if pin_memory else _itself, _itself)


class disable_saved_tensors_hooks:
    """Within it, entering `saved_tensors_hooks` is an error with the given message."""

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message

    def __enter__(self) -> None:
        self.before = modes.forbid_saved_hooks(self.error_message)

    def __exit__(self, *_: object) -> None:
        modes.forbid_saved_hooks(self.before)


class _Relinked(Function):
    """What an unpack hook gave for a leaf: the hook's value, the leaf's gradient."""

    @staticmethod
    def forward(ctx: Any, leaf: Any, value: Any) -> Any:
        return value.detach().clone()

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return gradient, None


set_relink(lambda value, leaf: _Relinked.apply(leaf, value))
