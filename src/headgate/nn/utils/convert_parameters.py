"""Parameters as one vector, and back. It knows tensors, not modules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headgate.core.entry import PUBLIC
from headgate.core.records import Tensor


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """All elements of some parameters, in order, as one vector with history. RuntimeError for none or views that
    cannot be flattened."""
    return PUBLIC["cat"]([parameter.view(-1) for parameter in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Make parameters views of consecutive parts of `vec`, which has their elements in order.

    As in PyTorch they share its memory afterwards. TypeError if `vec` is no tensor.
    """
    if not isinstance(vec, Tensor):
        kind = type(vec)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        raise TypeError(f"expected torch.Tensor, but got: {name}")
    start = 0
    for parameter in parameters:
        count = parameter.numel()
        parameter.data = vec[start : start + count].view_as(parameter).data
        start += count
