"""`apply_`, `map_`, `map2_`: a function of the user for every element, in Python and as slow as that.

The version of the tensor does not count these writes, as in PyTorch; its storage does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headgate import errors
from headgate.core.declare import install_method
from headgate.core.writes import check_allowed, note_silent_write
from headgate.ops.margins import tensor


def check_leaf(name: str, *tensors: Any) -> None:
    """RuntimeError if one of them requires a gradient."""
    if any(one.requires_grad for one in tensors):
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead.")


def written(x: Any, name: str, call: Callable[..., Any], others: list[Any]) -> Any:
    """`x` with each element the function of itself and those at its place in the others."""
    check_allowed(x, False)
    memory = x.detach().numpy()
    rows = [np.broadcast_to(other.detach().numpy(), memory.shape) for other in others]
    kind = float if x.dtype.is_floating_point else bool if x.dtype.name == "bool" else int
    note_silent_write(x, name)
    for place in np.ndindex(memory.shape):
        value = call(memory[place].item(), *[row[place].item() for row in rows])
        if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
            raise TypeError(f"must be real number, not {type(value).__name__}")
        memory[place] = kind(value)
    return x


def operand(x: Any, other: Any, name: str, which: str) -> Any:
    """The other tensor, of the same type and of a shape that fits."""
    if other.dtype is not x.dtype:
        wanted, given = (f"torch.{errors.TYPE_NAMES[one.dtype.name]}Tensor" for one in (x, other))
        raise TypeError(f"{name}: expected {wanted} for '{which}' (got {given})")
    return other.expand(x.shape)


def apply_(self: Any, callable: Callable[[Any], Any]) -> Any:
    """Replace every element by the function of it, a Python number; no gradient. Slow: a Python call an element."""
    check_leaf("apply_", self)
    return written(self, "apply_", callable, [])


def map_(self: Any, other: Any, callable: Callable[[Any, Any], Any]) -> Any:
    """Replace every element by the function of it and the one at its place in `other`; no gradient. Slow."""
    tensor(other, "map_", "other")
    check_leaf("map_", self, other)
    return written(self, "map_", callable, [operand(self, other, "map_", "other")])


def map2_(self: Any, x: Any, y: Any, callable: Callable[[Any, Any, Any], Any]) -> Any:
    """Replace every element by the function of it and those at its place in `x` and `y`; no gradient. Slow."""
    tensor(x, "map2_", "x")
    tensor(y, "map2_", "y", 2)
    check_leaf("map2_", self, x, y)
    return written(self, "map2_", callable, [operand(self, x, "map2_", "x"), operand(self, y, "map2_", "y")])


for _function in (apply_, map_, map2_):
    install_method(_function.__name__, _function)
