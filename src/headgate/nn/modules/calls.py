"""Calling a module with hooks: before and after `forward`, and when gradients pass its inputs and outputs.

The call without any hook is in attributes.py. Nothing here knows what a module has.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from headgate.core.hooks import RemovableHandle
from headgate.core.typed import Tensor
from headgate.nn.modules.crossing import BackwardHook
from headgate.nn.modules.registry import Registry
from headgate.nn.modules.tables import GLOBAL, GLOBAL_ALWAYS, GLOBAL_WITH_KWARGS, THERE_ARE_GLOBAL

MIXED_BACKWARD = (
    "Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of them.")
NOT_FULL = (
    "Using a non-full backward hook when the forward contains multiple autograd Nodes is deprecated and will be "
    "removed in future versions. This hook will be missing some grad_input. Please use register_full_backward_hook to "
    "get the documented behavior.")


class Called(Registry):
    """A module's hooks on calls."""

    _is_full_backward_hook: bool | None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; to be written by every subclass."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # ---- registering ------------------------------------------------------------------------------------------------

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; what it returns, if not None, replaces the arguments.

        With `with_kwargs`: `hook(module, args, kwargs)`, which may return (args, kwargs).
        """
        handle = enter(self._forward_pre_hooks, hook, prepend, self._forward_pre_hooks_with_kwargs)
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        return handle

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; what it returns, if not None, replaces the output.

        With `with_kwargs`: `hook(module, args, kwargs, output)`. `always_call`: also when something raised.
        """
        handle = enter(self._forward_hooks, hook, prepend, self._forward_hooks_with_kwargs,
                       self._forward_hooks_always_called)
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        return handle

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the outputs' gradients are there; it may return others."""
        return enter(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the inputs' gradients are there; it may return others."""
        self._choose_backward(True)
        return enter(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """PyTorch's older form, which sees the gradients of the last node of `forward` only."""
        self._choose_backward(False)
        return enter(self._backward_hooks, hook, False)

    def _choose_backward(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(MIXED_BACKWARD)
        self._is_full_backward_hook = full

    # ---- calling ----------------------------------------------------------------------------------------------------

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        return Registry.__call__(self, *args, **kwargs)

    def _wrapped_call_impl(self, *args: Any, **kwargs: Any) -> Any:
        return Registry.__call__(self, *args, **kwargs)

    def _call_hooked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        called: set[int] = set()
        try:
            return self._call_through(args, kwargs, called)
        except Exception:
            self._call_remaining(args, kwargs, called)
            raise

    def _call_through(self, args: tuple[Any, ...], kwargs: dict[str, Any], called: set[int]) -> Any:
        args, kwargs = self._before(args, kwargs)
        full, plain = self._backward_kinds()
        before = [*GLOBAL["backward_pre"].values(), *self._backward_pre_hooks.values()]
        crossing = BackwardHook(self, full, before) if full or before else None
        if crossing is not None:
            args = crossing.setup_input_hook(args)
        result = self.forward(*args, **kwargs)
        for number, hook, with_kwargs in self._after():
            called.add(number)
            changed = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
            if changed is not None:
                result = changed
        if crossing is not None:
            if not isinstance(result, (Tensor, tuple)):
                warnings.warn("For backward hooks to be called, module output should be a Tensor or a tuple of "
                              f"Tensors but received {type(result)}", stacklevel=2)
            result = crossing.setup_output_hook(result)
        if plain:
            self._watch_last(plain, args, result)
        return result

    def _before(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments after the hooks before `forward`."""
        for number, hook in (*GLOBAL["forward_pre"].items(), *self._forward_pre_hooks.items()):
            if number in self._forward_pre_hooks_with_kwargs:
                both = hook(self, args, kwargs)
                if both is not None:
                    if not isinstance(both, tuple) or len(both) != 2:
                        raise RuntimeError("forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                                           f"but got {both}.")
                    args, kwargs = both
            else:
                changed = hook(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
        return args, kwargs

    def _after(self) -> list[tuple[int, Callable[..., Any], bool]]:
        """(id, hook, whether it gets keyword arguments) of the hooks after `forward`, in order."""
        return [(number, hook, number in GLOBAL_WITH_KWARGS) for number, hook in GLOBAL["forward"].items()] + [
            (number, hook, number in self._forward_hooks_with_kwargs) for number, hook in self._forward_hooks.items()]

    def _call_remaining(self, args: tuple[Any, ...], kwargs: dict[str, Any], called: set[int]) -> None:
        """After an error: the hooks that are always called and were not yet. What they raise is told as a warning."""
        for number, hook, with_kwargs in self._after():
            if number in called or not (number in GLOBAL_ALWAYS or number in self._forward_hooks_always_called):
                continue
            try:
                _ = hook(self, args, kwargs, None) if with_kwargs else hook(self, args, None)
            except Exception as problem:
                kind = "global module" if number in GLOBAL_ALWAYS else "module"
                warnings.warn(f"{kind} forward hook with ``always_call=True`` raised an exception that was silenced as "
                              f"another error was raised in forward: {problem}", stacklevel=2)

    def _backward_kinds(self) -> tuple[list[Callable[..., Any]], list[Callable[..., Any]]]:
        """(full, older) backward hooks."""
        full: list[Callable[..., Any]] = []
        plain: list[Callable[..., Any]] = []
        if GLOBAL["backward"]:
            (full if GLOBAL_IS_FULL[-1] else plain).extend(GLOBAL["backward"].values())
        (full if self._is_full_backward_hook else plain).extend(self._backward_hooks.values())
        return full, plain

    def _watch_last(self, hooks: list[Callable[..., Any]], args: tuple[Any, ...], result: Any) -> None:
        """Hand the gradients of the node that made the result to the older kind of hook."""
        while not isinstance(result, Tensor):
            values = result.values() if isinstance(result, dict) else result
            result = next(v for v in values if isinstance(v, Tensor) or not isinstance(result, dict))
        node = result.grad_fn
        if node is None:
            return
        for hook in hooks:
            node.register_hook(lambda inputs, outputs, hook=hook: hook(self, inputs, outputs))
        nexts = {following for following, _ in node.next_functions if following is not None}
        mine = {value.grad_fn for value in args if isinstance(value, Tensor) and value.grad_fn is not None}
        if not nexts <= mine and any("AccumulateGrad" not in following.name() for following in nexts):
            warnings.warn(NOT_FULL, FutureWarning, stacklevel=2)


def enter(
    table: OrderedDict[int, Callable[..., Any]], hook: Callable[..., Any], prepend: bool, *others: dict[int, Any]
) -> RemovableHandle:
    """Put a hook into a table, in front of the others with `prepend`; its handle, which knows all tables."""
    handle = RemovableHandle(table, *others)
    table[handle.id] = hook
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


# ---- hooks of every module ------------------------------------------------------------------------------------------

#: The kinds of global backward hook that were chosen: the last counts.
GLOBAL_IS_FULL: list[bool] = [True]


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args)` before every module's `forward`."""
    THERE_ARE_GLOBAL[:] = [True]
    return enter(GLOBAL["forward_pre"], hook, False)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after every module's `forward`."""
    THERE_ARE_GLOBAL[:] = [True]
    handle = enter(GLOBAL["forward"], hook, False, GLOBAL_WITH_KWARGS, GLOBAL_ALWAYS)
    if with_kwargs:
        GLOBAL_WITH_KWARGS[handle.id] = True
    if always_call:
        GLOBAL_ALWAYS[handle.id] = True
    return handle


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """The older kind of backward hook, for every module."""
    return _enter_backward(hook, False)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` for every module."""
    return _enter_backward(hook, True)


def _enter_backward(hook: Callable[..., Any], full: bool) -> RemovableHandle:
    if GLOBAL["backward"] and GLOBAL_IS_FULL[-1] is not full:
        raise RuntimeError(MIXED_BACKWARD.replace("on a single Module", "as global Module hooks"))
    GLOBAL_IS_FULL[:] = [full]
    THERE_ARE_GLOBAL[:] = [True]
    return enter(GLOBAL["backward"], hook, False)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_output)` for every module."""
    THERE_ARE_GLOBAL[:] = [True]
    return enter(GLOBAL["backward_pre"], hook, False)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, buffer)` when a buffer is registered; what it returns takes its place."""
    return enter(GLOBAL["buffer"], hook, False)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, submodule)` when a sub-module is registered; what it returns takes its place."""
    return enter(GLOBAL["module"], hook, False)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, parameter)` when a parameter is registered; what it returns takes its place."""
    return enter(GLOBAL["parameter"], hook, False)
