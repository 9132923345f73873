"""Backward hooks of modules: identity nodes at a module's inputs and outputs, whose gradients the hooks see.

Nothing here knows how hooks are registered or modules called.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from headgate.autograd.function import Function
from headgate.autograd.grad_mode import is_grad_enabled
from headgate.core.typed import Tensor

NOT_THROUGH = (
    "Module backward hook for grad_input is called before the grad_output one. This happens because the gradient in "
    "your nn.Module flows to the Module's input without passing through the Module's output. Make sure that the output "
    "depends on the input and that the loss is computed based on the output.")
NO_INPUTS = (
    "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs require "
    "gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module."
    "register_full_backward_hook for more details.")


class BackwardHookFunction(Function):
    """The identity on several tensors, as one node."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        ctx.mark_non_differentiable(*[arg for arg in args if not arg.requires_grad])
        return args

    @staticmethod
    def backward(ctx: Any, *args: Any) -> Any:
        return args


class BackwardHook:
    """One call of a module with backward hooks: `setup_input_hook`, then `forward`, then `setup_output_hook`."""

    def __init__(
        self, module: Any, user_hooks: Sequence[Callable[..., Any]], user_pre_hooks: Sequence[Callable[..., Any]]
    ) -> None:
        self.module, self.user_hooks, self.user_pre_hooks = module, user_hooks, user_pre_hooks
        self.grad_outputs: tuple[Any, ...] | None = None
        self.inputs: list[int] | None = None
        self.outputs: list[int] = []
        self.n_inputs = self.n_outputs = -1

    def setup_input_hook(self, args: Any) -> Any:
        """The arguments, passed through a node that hands their gradients to the hooks."""
        self.n_inputs = len(args)
        passed, self.inputs = through(args, lambda node: node.register_hook(self.at_inputs))
        return passed

    def setup_output_hook(self, args: Any) -> Any:
        """The outputs, passed through a node that notes their gradients."""
        many = isinstance(args, tuple)
        outputs = args if many else (args,)
        self.n_outputs = len(outputs)
        passed, places = through(outputs, lambda node: node.register_prehook(self.at_outputs))
        self.outputs = places or []
        return passed if many else passed[0]

    def at_outputs(self, grads: tuple[Any, ...]) -> Any:
        """The gradients of the outputs are there."""
        found = spread(self.outputs, grads, self.n_outputs)
        for hook in self.user_pre_hooks:
            changed = hook(self.module, found)
            if changed is not None:
                found = counted(changed, self.n_outputs, "Backward pre hook returned an invalid number of grad_output")
        self.grad_outputs = found
        if self.inputs is None:
            self.without_inputs()
        return tuple(found[place] for place in self.outputs)

    def without_inputs(self) -> None:
        """No input requires a gradient: the hooks are called at once."""
        if self.user_hooks:
            warnings.warn(NO_INPUTS, stacklevel=2)
        for hook in self.user_hooks:
            result = hook(self.module, (None,) * self.n_inputs, self.grad_outputs)
            if result is not None and not (isinstance(result, tuple) and all(one is None for one in result)):
                raise RuntimeError("Backward hook for Modules where no input requires gradient should always return "
                                   "None or None for all gradients.")
        self.grad_outputs = None

    def at_inputs(self, grads: tuple[Any, ...], _: Any) -> Any:
        """The gradients of the inputs are there."""
        if self.grad_outputs is None:
            raise RuntimeError(NOT_THROUGH)
        assert self.inputs is not None
        found = spread(self.inputs, grads, self.n_inputs)
        for hook in self.user_hooks:
            changed = hook(self.module, found, self.grad_outputs)
            if changed is not None:
                found = counted(changed, self.n_inputs, "Backward hook returned an invalid number of grad_input")
        self.grad_outputs = None
        return tuple(found[place] for place in self.inputs)


def through(args: Any, watch: Callable[[Any], Any]) -> tuple[Any, list[int] | None]:
    """The arguments with the tensors passed through one node, and their places; None for these if no gradient flows."""
    places = [place for place, arg in enumerate(args) if isinstance(arg, Tensor)]
    if not is_grad_enabled() or not any(args[place].requires_grad for place in places):
        return args, None
    passed = BackwardHookFunction.apply(*[args[place] for place in places])
    watch(next(tensor.grad_fn for tensor in passed if tensor.grad_fn is not None))
    items = list(args)
    for place, tensor in zip(places, passed):
        items[place] = tensor
    return tuple(items) if type(args) is tuple else type(args)(*items), places


def spread(places: list[int], values: Sequence[Any], count: int) -> tuple[Any, ...]:
    """`count` items: the values at their places, None elsewhere."""
    items = [None] * count
    for place, value in zip(places, values):
        items[place] = value
    return tuple(items)


def counted(result: Any, expected: int, what: str) -> tuple[Any, ...]:
    """What a hook returned as a tuple; RuntimeError unless it has the expected number of items."""
    items = result if isinstance(result, tuple) else (result,)
    if len(items) != expected:
        raise RuntimeError(f"{what}, got {len(items)}, but expected {expected}")
    return items
