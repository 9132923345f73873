"""Classes that are no tensors and have `__torch_function__`, beside PyTorch: what they are asked about, and as what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import headgate


class Stranger:
    """Answers with what it was asked."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert cls in types
        return func.__name__, [type(one).__name__ for one in args], sorted(kwargs or ())


class Silent:
    """Has nothing to say, and an operator of its own."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return NotImplemented

    def __radd__(self, other: Any) -> str:
        return "added"


Program = Callable[[Any, Any, Any], Any]
PROGRAMS: dict[str, Program] = {
    "a + o": lambda t, a, o: a + o, "o + a": lambda t, a, o: o + a, "a - o": lambda t, a, o: a - o,
    "o - a": lambda t, a, o: o - a, "a * o": lambda t, a, o: a * o, "o * a": lambda t, a, o: o * a,
    "a / o": lambda t, a, o: a / o, "a // o": lambda t, a, o: a // o, "o // a": lambda t, a, o: o // a,
    "a % o": lambda t, a, o: a % o, "a ** o": lambda t, a, o: a ** o, "o ** a": lambda t, a, o: o ** a,
    "a @ o": lambda t, a, o: a @ o, "o @ a": lambda t, a, o: o @ a, "a & o": lambda t, a, o: a & o,
    "a << o": lambda t, a, o: a << o, "a < o": lambda t, a, o: a < o, "a >= o": lambda t, a, o: a >= o,
    "a += o": lambda t, a, o: a.__iadd__(o), "a *= o": lambda t, a, o: a.__imul__(o),
    "add": lambda t, a, o: t.add(a, o), "add of it": lambda t, a, o: t.add(o, 2), "method": lambda t, a, o: a.add(o),
    "by name": lambda t, a, o: t.add(a, other=o), "in place": lambda t, a, o: a.add_(o),
    "mean": lambda t, a, o: t.mean(o), "sum": lambda t, a, o: t.sum(o, 0), "exp": lambda t, a, o: t.exp(o),
    "where": lambda t, a, o: t.where(a > 0, a, o), "sin_": lambda t, a, o: t.sin_(o),
    "cat": lambda t, a, o: t.cat([a, o]), "stack": lambda t, a, o: t.stack((o,)), "mm": lambda t, a, o: t.mm(a, o),
    "clamp": lambda t, a, o: t.clamp(a, o), "max": lambda t, a, o: t.max(a, o), "copy_": lambda t, a, o: a.copy_(o),
    "allclose": lambda t, a, o: t.allclose(a, o), "linear": lambda t, a, o: t.nn.functional.linear(a, o),
    "matmul": lambda t, a, o: t.matmul(a, o), "expand_as": lambda t, a, o: a.expand_as(o),
    "einsum": lambda t, a, o: t.einsum("ij,jk", a, o), "a + number": lambda t, a, o: (a + 1).tolist(),
    "tensor of it": lambda t, a, o: t.tensor(o), "a + text": lambda t, a, o: a + "text",
}  # fmt: skip


def outcome(program: Program, library: Any, stranger: Any) -> Any:
    try:
        return program(library, library.ones(2, 2), stranger)
    except Exception as error:
        return TypeError if isinstance(error, TypeError) else type(error)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_stranger_is_asked(name: str) -> None:
    theirs, mine = (outcome(PROGRAMS[name], library, Stranger()) for library in (torch, headgate))
    if isinstance(theirs, tuple) and name not in ("a ** o", "a += o", "a *= o", "einsum"):
        assert mine[2] == theirs[2]
    assert (mine[:2] if isinstance(mine, tuple) else mine) == (theirs[:2] if isinstance(theirs, tuple) else theirs)


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in ("mean", "sum", "exp", "sin_", "add of it")])
def test_one_that_has_nothing_to_say(name: str) -> None:
    """TypeError, or Python asks its operators."""
    theirs, mine = (outcome(PROGRAMS[name], library, Silent()) for library in (torch, headgate))
    assert mine == theirs


def test_a_diagonal_that_knows_its_mean() -> None:
    """A tensor-like class with a table of functions, which may call the library itself."""

    class Diagonal:
        def __init__(self, n: int, value: float) -> None:
            self.n, self.value = n, value

        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            known = {headgate.mean: lambda d: d.value / d.n,
                     headgate.add: lambda x, y: headgate.add(*(one.full() if isinstance(one, cls) else one
                                                               for one in (x, y)))}
            return known[func](*args) if func in known else NotImplemented

        def full(self) -> Any:
            return self.value * headgate.eye(self.n)

    d = Diagonal(4, 2.0)
    assert headgate.mean(d) == 0.5
    assert headgate.add(headgate.ones(4, 4), d).sum().item() == 24
    assert (headgate.ones(4, 4) + d).trace().item() == 12
    with pytest.raises(TypeError, match="NotImplemented"):
        headgate.exp(d)


def test_nobody_is_asked_where_the_protocol_is_off() -> None:
    with headgate._C.DisableTorchFunctionSubclass(), pytest.raises(TypeError):
        headgate.add(headgate.ones(2), Stranger())
