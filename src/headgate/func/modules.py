"""Modules as functions of their state: parameters of several stacked, and norms without running statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headgate.core.entry import PUBLIC
from headgate.nn.modules.batchnorm import _BatchNorm
from headgate.nn.modules.module import Module


def stacked(tensors: list[Any], name: str) -> Any:
    """A tensor with a dim more, a leaf of its own. RuntimeError where some want gradients and some do not."""
    wanted = {x.requires_grad for x in tensors}
    if len(wanted) > 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    return PUBLIC["stack"]([x.detach() for x in tensors]).requires_grad_(wanted.pop())


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(parameters, buffers) of several modules of one class, by name, stacked along a first dim, as new leaves.

    RuntimeError for none, for different classes, or for some in training and some in evaluation.
    """
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({one.training for one in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(one) for one in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    found: list[dict[str, Any]] = []
    for walk in ("named_parameters", "named_buffers"):
        tables = [dict(getattr(one, walk)()) for one in models]
        found.append({name: stacked([table[name] for table in tables], name) for name in tables[0]})
    return found[0], found[1]


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Take the running statistics from every batch norm inside a module; the module itself."""
    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """The function itself: nothing here transforms a program, so nothing needs writes to be taken out."""
    return func
