"""torch.autograd.graph: nodes and edges under PyTorch's names, hooks of several tensors, versions, saved-tensor hooks.

Faces of nodes are made in `nodes`; nothing here knows how a pass runs.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from headgate import errors
from headgate.autograd.nodes import GradientEdge as GradientEdge
from headgate.autograd.nodes import GraphNode as Node
from headgate.autograd.nodes import gradient_edge, vertex_of
from headgate.autograd.nodes import saved_memory as saved_memory
from headgate.autograd.saving import disable_saved_tensors_hooks as disable_saved_tensors_hooks
from headgate.autograd.saving import save_on_cpu as save_on_cpu
from headgate.autograd.saving import saved_tensors_hooks as saved_tensors_hooks
from headgate.core.engine import running_pass, will_visit
from headgate.core.records import Tensor
from headgate.core.writes import note_write

__all__ = [
    "GradientEdge", "Node", "disable_saved_tensors_hooks", "get_gradient_edge", "increment_version",
    "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks",
]  # fmt: skip


def get_gradient_edge(tensor: Any) -> Any:
    """The place in the graph at which the gradient of a tensor arrives; backward and grad take it for the tensor."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return gradient_edge(tensor)


def increment_version(tensor: Any) -> None:
    """Count a write to a tensor, or to each of several, that was made where Headgate could not see it."""
    message = "increment_version expect a Iterable[Tensor] as input"
    if not isinstance(tensor, Iterable):
        raise RuntimeError(message)
    tensors = (tensor,) if isinstance(tensor, Tensor) else tuple(tensor)
    if not all(isinstance(one, Tensor) for one in tensors):
        raise RuntimeError(message)
    for one in tensors:
        note_write(one, "increment_version")


class _Handle:
    """Removes the hooks of all tensors."""

    def __init__(self, handles: Sequence[Any]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> _Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Sequence[Any], fn: Callable[[Any], None], *, mode: Literal["all", "any"] = "all"
) -> Any:
    """Call `fn` when gradients of several tensors are there; returns a handle with `remove()`.

    mode "all": with the list of them, None for those that the running backward does not reach; "any": with the first.
    A tensor from which alone a backward starts is awaited as well, which PyTorch forgets.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if mode == "all" and any(gradient_edge(tensor).node is None for tensor in tensors):
        raise AssertionError(errors.MULTI_HOOK)
    gather = _Gather(tensors, fn, mode)
    if mode == "any":
        tensors = [tensor for tensor in tensors if tensor.requires_grad]
    return _Handle([tensor.register_hook(gather.hook(index)) for index, tensor in enumerate(tensors)])


class _Gather:
    """The gradients that have arrived so far, by the number of the pass."""

    def __init__(self, tensors: Sequence[Any], fn: Callable[[Any], None], mode: str) -> None:
        self.vertices = [vertex_of(tensor) for tensor in tensors] if mode == "all" else []
        self.fn, self.mode = fn, mode
        self.passes: dict[int, list[Any]] = {}  # number: [how many are awaited, the gradients]
        self.last = 0
        self.lock = threading.Lock()

    def hook(self, index: int) -> Callable[[Any], None]:
        """What is called with the gradient of one of the tensors: with None too, where all are waited for."""
        hook: Any = functools.partial(self, index)
        hook.takes_none = self.mode == "all"
        return hook  # type: ignore[no-any-return]

    def __call__(self, index: int, gradient: Any) -> None:
        number = running_pass()
        if self.mode == "any":
            with self.lock:
                before, self.last = self.last, number
            if before != number:
                self.fn(gradient)
            return
        with self.lock:
            state = self.passes.get(number)
            if state is None:
                awaited = sum(will_visit(vertex) for vertex in self.vertices)
                state = self.passes[number] = [awaited, [None] * len(self.vertices)]
            state[0] -= 1
            state[1][index] = gradient
            done = state[0] == 0
            if done:
                del self.passes[number]
        if done:
            self.fn(state[1])
