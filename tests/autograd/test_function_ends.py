"""Where a Function lets no gradient through, beside PyTorch: results that are differentiable once, None alone, views
that it may not write."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from programs import Log, Program, check, leaf


def once_beside_another_factor(torch: Any, log: Log) -> None:
    """The gradient that a Function gives depends on a factor: through the Function it cannot be differentiated."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @import_module(torch.__name__ + ".autograd.function").once_differentiable
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2 * ctx.saved_tensors[0]

    a, factor = leaf(torch, 2.0), leaf(torch, 3.0)
    (g,) = torch.autograd.grad((Square.apply(a) * factor).sum(), a, create_graph=True)
    log("history", (g.requires_grad, g.grad_fn.name(), type(g.grad_fn).__name__))
    log("below it", len(g.grad_fn.next_functions))
    log.attempt("through it", lambda: g.sum().backward())
    log.attempt("around it", lambda: torch.autograd.grad(g.sum(), factor, allow_unused=True)[0])
    log("to it", torch.autograd.grad(g.sum(), g)[0])


def a_write_to_a_view_whose_base_came_to_want_gradients(torch: Any, log: Log) -> None:
    """Such a view has no node yet, so it is refused as a leaf is, whatever else would be wrong with it."""

    class Writes(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, more: bool) -> Any:
            ctx.mark_dirty(x)
            x.add_(1)
            return (x, x * 2) if more else x

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any = None) -> Any:
            return g, None

    for more in (False, True):
        for name, late in (("before", False), ("after", True)):
            base = torch.zeros(2, requires_grad=not late)
            view = base[1:]
            base.requires_grad_()
            log.attempt(name, lambda v=view, m=more: Writes.apply(v, m))
        base = torch.zeros(2)
        view = base[1:]
        base.mul_(leaf(torch, 1.0, 2.0))
        log.attempt("history", lambda v=view, m=more: Writes.apply(v, m))


def none_alone(torch: Any, log: Log) -> None:
    """A leaf that None alone reached: its hooks are called, and it gets no gradient."""

    class Nothing(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return None

    def seen(*gradients: Any) -> None:
        log("seen", gradients)

    a = leaf(torch, 2.0)
    a.register_post_accumulate_grad_hook(lambda p: seen(p.grad))
    y = Nothing.apply(a)
    below = y.grad_fn.next_functions[0][0]
    below.register_prehook(seen)
    below.register_hook(seen)
    y.sum().backward(retain_graph=True)
    log("gradient", a.grad)
    log("asked for", torch.autograd.grad(y.sum(), a, allow_unused=True)[0])


PROGRAMS: list[Program] = [
    once_beside_another_factor, none_alone, a_write_to_a_view_whose_base_came_to_want_gradients,
]  # fmt: skip


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_beside_pytorch(function: Program) -> None:
    check(function)
