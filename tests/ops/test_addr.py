"""addr of operands of several types, beside PyTorch."""

import itertools
from typing import Any

import pytest
import torch

import headgate

KINDS = ("float32", "int32", "bfloat16", "float64", "bool")


def outcome(lib: Any, kinds: tuple[str, str, str], inplace: bool) -> Any:
    x, u, v = (lib.ones(*shape, dtype=getattr(lib, kind)) for shape, kind in zip(((2, 3), (2,), (3,)), kinds))
    try:
        result = x.addr_(u, v) if inplace else lib.addr(x, u, v)
    except RuntimeError:
        return "refused"
    return str(result.dtype), result.tolist()


@pytest.mark.parametrize("inplace", [False, True])
def test_the_promoted_type(inplace: bool) -> None:
    for kinds in itertools.product(KINDS, repeat=3):
        assert outcome(headgate, kinds, inplace) == outcome(torch, kinds, inplace), kinds


def test_gradients_arrive_in_their_types() -> None:
    """PyTorch's backward refuses such a mixture."""
    x, u = headgate.ones(2, 3, requires_grad=True), headgate.ones(2, dtype=headgate.float64, requires_grad=True)
    headgate.addr(x, u, headgate.arange(3)).sum().backward()
    assert x.grad.dtype is headgate.float32 and x.grad.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert u.grad.dtype is headgate.float64 and u.grad.tolist() == [3, 3]
