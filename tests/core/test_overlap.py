"""Writes whose operands share memory with what is written, beside PyTorch: which are refused, what the others give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def four(torch: Any) -> Any:
    return torch.arange(4.0)


def put(x: Any, index: Any, value: Any) -> Any:
    x[index] = value
    return x


WRITES: dict[str, Callable[[Any, Any], Any]] = {
    "copy of its only element": lambda torch, x: torch.ones(1).copy_(torch.ones(1)) and x[0:1].copy_(x[0]),
    "copy of one element": lambda torch, x: x.copy_(x[0]),
    "copy of the same element": lambda torch, x: x[0].copy_(x[0:1].squeeze()),
    "element over two": lambda torch, x: x[0:2].copy_(x[0]),
    "two set to one": lambda torch, x: put(x, slice(0, 2), x[0]),
    "all set to one": lambda torch, x: put(x, Ellipsis, x[1]),
    "part set to its element": lambda torch, x: put(x, slice(1, 2), x[1]),
    "part set to itself": lambda torch, x: put(x, slice(1, 2), x[1:2]),
    "element set to a part": lambda torch, x: put(x, 1, x[1:2]),
    "two set to a part": lambda torch, x: put(x, slice(0, 2), x[1:2]),
    "shifted": lambda torch, x: put(x, slice(0, 2), x[1:3]),
    "expanded onto itself": lambda torch, x: (lambda e: e.copy_(e))(torch.ones(1).expand(3)),
    "expanded onto its view": lambda torch, x: (lambda e: e.copy_(e.view(3)))(torch.ones(1).expand(3)),
    "expanded from another": lambda torch, x: torch.ones(1).expand(3).copy_(x[:3]),
    "onto itself": lambda torch, x: x.copy_(x),
    "onto its view": lambda torch, x: x.copy_(x.view(4)),
    "row onto its first": lambda torch, x: x[None][0:1].copy_(x),
    "row set to its first": lambda torch, x: put(x[None], slice(0, 1), x),
    "row added": lambda torch, x: x[None][0:1].add_(x),
    "element added": lambda torch, x: x.add_(x[0]),
    "gaps": lambda torch, x: x[::2].copy_(x[0:2]),
    "gaps added": lambda torch, x: x[0:2].add_(x[::2]),
    "transposed": lambda torch, x: x.view(2, 2).add_(x.view(2, 2).t()),
    "reversed order": lambda torch, x: x.view(2, 2).t().copy_(x.view(2, 2)),
    "shifted add": lambda torch, x: x[:-1].add_(x[1:]),
    "shifted mul": lambda torch, x: x[1:].mul_(x[:-1]),
    "same": lambda torch, x: x[1:].mul_(x[1:]),
    "filled": lambda torch, x: x.fill_(x[3]),
    "masked": lambda torch, x: put(x, x > 1, x[0]),
    "swapped": lambda torch, x: put(x, torch.tensor([1, 0]), x[:2]),
    "out": lambda torch, x: torch.add(x[:-1], x[1:], out=x[1:]),
    "out same": lambda torch, x: torch.add(x, x, out=x),
}


def outcome(library: Any, write: Callable[[Any, Any], Any]) -> Any:
    x = four(library)
    try:
        result = write(library, x)
    except RuntimeError as error:
        return str(error)[:40], x.tolist()
    return result.tolist(), x.tolist(), x._version


@pytest.mark.parametrize("name", WRITES)
def test_beside_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    import headgate

    assert outcome(headgate, WRITES[name]) == outcome(torch, WRITES[name])
