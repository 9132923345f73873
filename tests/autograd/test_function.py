"""Function beside PyTorch: marks, saving, materialized gradients, needs_input_grad, setup_context, inputs returned."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from programs import Log, Program, check, leaf

PROGRAMS: list[Program] = []


def program(function: Program) -> Program:
    """Register a program that both libraries run."""
    PROGRAMS.append(function)
    return function


@program
def multiplied(torch: Any, log: Log) -> None:
    class Mul(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any, factor: float) -> Any:
            ctx.save_for_backward(x, y)
            ctx.factor = factor
            log("needs", ctx.needs_input_grad)
            return x * y * factor

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, y = ctx.saved_tensors
            log("needs in backward", ctx.needs_input_grad)
            return g * y * ctx.factor, g * x * ctx.factor, None

    a, b, c = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0), torch.tensor([5.0, 6.0])
    y = Mul.apply(a, b, 2.0)
    log.state("y", y)
    log("name", type(y.grad_fn).__name__)
    y.sum().backward()
    log("a", a.grad)
    log("b", b.grad)
    z = Mul.apply(a, c, 3.0)
    z.sum().backward()
    log("a again", a.grad)
    log.attempt("twice", z.sum().backward)
    (g,) = torch.autograd.grad(Mul.apply(a, a, 1.0).sum(), a, create_graph=True)
    log("first", g)
    log("second", torch.autograd.grad(g.sum(), a)[0])
    with torch.no_grad():
        log.state("without", Mul.apply(a, b, 1.0))
    log.state("plain", Mul.apply(c, c, 1.0))


@program
def dirty(torch: Any, log: Log) -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    a = leaf(torch, 1.0, 2.0)
    y = a * 1
    z = Double.apply(y)
    log("same", z is y)
    log.state("z", z)
    z.sum().backward()
    log("a", a.grad)
    log.attempt("leaf", lambda: Double.apply(a))
    y = a * 1
    view = y[0:1]
    log.attempt("view", lambda: Double.apply(view))
    log.state("base", y)
    y.sum().backward()
    log("a after view", a.grad)
    parts = (a * 1).split(1)
    log.attempt("part", lambda: Double.apply(parts[0]))
    p = torch.tensor([1.0])
    log.state("plain", Double.apply(p))
    y = a.exp()
    Double.apply(y)
    log.attempt("saved before", y.sum().backward)


@program
def dirty_but_not_returned(torch: Any, log: Log) -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.mark_dirty(x)
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    a = leaf(torch, 1.0)
    log.attempt("not returned", lambda: Wrong.apply(a * 1))


@program
def non_differentiable(torch: Any, log: Log) -> None:
    class Sorted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            values, indices = x.sort()
            extra = x * 2
            ctx.mark_non_differentiable(indices, extra)
            ctx.save_for_backward(indices)
            return values, indices, extra

        @staticmethod
        def backward(ctx: Any, g: Any, gi: Any, ge: Any) -> Any:
            (indices,) = ctx.saved_tensors
            log("given", (g, gi, ge))
            return torch.zeros(3).index_add(0, indices, g)

    a = leaf(torch, 3.0, 1.0, 2.0)
    values, indices, extra = Sorted.apply(a)
    for name, x in (("values", values), ("indices", indices), ("extra", extra)):
        log.state(name, x)
    (values * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    log("a", a.grad)
    log.attempt("backward of extra", lambda: extra.sum().backward())


@program
def materialized(torch: Any, log: Log) -> None:
    def two(materialize: bool) -> Any:
        class Two(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.set_materialize_grads(materialize)
                return x * 2, x.double() * 3

            @staticmethod
            def backward(ctx: Any, g: Any, h: Any) -> Any:
                log("given", (g, h))
                return g * 2 if g is not None else h.float() * 3

        return Two

    for materialize in (True, False):
        a = leaf(torch, 1.0, 2.0)
        y, z = two(materialize).apply(a)
        y.sum().backward()
        log("by y", a.grad)
        y, z = two(materialize).apply(a)
        z.sum().backward()
        log("by z", a.grad)


@program
def set_up_apart(torch: Any, log: Log) -> None:
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(x: Any, power: int) -> Any:
            return x**power, x * 1

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            x, power = inputs
            y, same = output
            log("output", (type(output).__name__, y.requires_grad))
            ctx.save_for_backward(x)
            ctx.power = power

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * ctx.power * x ** (ctx.power - 1) + h, None

    a = leaf(torch, 2.0, 3.0)
    y, same = Cube.apply(a, 3)
    (y.sum() + same.sum()).backward()
    log("a", a.grad)
    log("node", y.grad_fn.name())
    log("power", y.grad_fn.power)


@program
def once(torch: Any, log: Log) -> None:
    from importlib import import_module

    decorator = import_module(torch.__name__ + ".autograd.function").once_differentiable

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @decorator
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            log("grad mode", torch.is_grad_enabled())
            return g * 2 * x

    a = leaf(torch, 2.0)
    log("first", torch.autograd.grad(Square.apply(a).sum(), a)[0])
    (g,) = torch.autograd.grad(Square.apply(a).sum(), a, create_graph=True)
    log("requires", g.requires_grad)
    log.attempt("second", lambda: g.sum().backward())


@program
def inputs_returned(torch: Any, log: Log) -> None:
    class Same(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            return x, y

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            return g * 10, h * 100 if h is not None else None

    a, b = leaf(torch, 1.0, 2.0), torch.tensor([3.0, 4.0])
    x, y = Same.apply(a, b)
    log("identity", (x is a, y is b))
    log.state("x", x)
    log.state("y", y)
    (x * 2 + y).sum().backward()
    log("a", a.grad)
    log.attempt("written", lambda: x.mul_(2))
    with torch.no_grad():
        x, y = Same.apply(a, b)
    log("no_grad identity", (x is a, y is b))
    log.state("no_grad x", x)


@program
def views_returned(torch: Any, log: Log) -> None:
    class First(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x[0:1]

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return torch.cat([g * 5, torch.zeros(1)])

    a = leaf(torch, 1.0, 2.0)
    y = a * 1
    v = First.apply(y)
    log.state("v", v)
    log.attempt("written", lambda: v.mul_(2))
    v.sum().backward()
    log("a", a.grad)
    y = a * 1
    v = First.apply(y)
    y.mul_(3)
    log.attempt("base written", lambda: v.sum().backward())


@program
def wrong_returns(torch: Any, log: Log) -> None:
    def returning(result: Any) -> Any:
        class Returns(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any, factor: Any) -> Any:
                return x * 2

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return result(g)

        return Returns

    for label, result in {
        "too few": lambda g: (g,),
        "alone": lambda g: g,
        "too many": lambda g: (g, None, g),
        "too many Nones": lambda g: (g, None, None, None),
        "not None": lambda g: (g, g),
        "not a tensor": lambda g: (3.0, None),
        "None": lambda g: (None, None),
        "bare None": lambda g: None,
        "shape": lambda g: (g[0:1], None),
        "expandable": lambda g: (g.sum(), None),
        "dtype": lambda g: (g.double(), None),
        "list": lambda g: [g, None],
    }.items():
        a = leaf(torch, 1.0, 2.0)
        log.attempt(label, lambda result=result, a=a: returning(result).apply(a, 3).sum().backward())
        log("a after " + label, a.grad)


@program
def wrong_marks(torch: Any, log: Log) -> None:
    def marking(mark: Any) -> Any:
        class Marks(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                mark(ctx, x)
                return x * 2

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g * 2

        return Marks

    for label, mark in {
        "saves a number": lambda ctx, x: ctx.save_for_backward(3),
        "saves None": lambda ctx, x: ctx.save_for_backward(None),
        "dirty number": lambda ctx, x: ctx.mark_dirty(3),
        "dirty unrelated": lambda ctx, x: ctx.mark_dirty(torch.ones(1)),
        "non differentiable number": lambda ctx, x: ctx.mark_non_differentiable(3),
        "non differentiable unrelated": lambda ctx, x: ctx.mark_non_differentiable(torch.ones(1)),
        "materialize number": lambda ctx, x: ctx.set_materialize_grads(3),
    }.items():
        a = leaf(torch, 1.0, 2.0)
        log.attempt(label, lambda mark=mark, a=a: marking(mark).apply(a * 1).sum().backward())


@program
def saved_in_forward(torch: Any, log: Log) -> None:
    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = x.exp()
            middle = x + 1
            ctx.save_for_backward(y, middle, None, x)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            y, middle, nothing, x = ctx.saved_tensors
            log("saved", (y, middle, nothing, x))
            log("y's node", y.grad_fn.name() if y.grad_fn is not None else None)
            return g * y

    a = leaf(torch, 0.5, 1.0)
    y = Exp.apply(a)
    y.sum().backward(retain_graph=True)
    log("seen from outside", [x is None or x.tolist() for x in y.grad_fn.saved_tensors])
    y.sum().backward()
    log("a", a.grad)
    log.attempt("saved after", lambda: y.grad_fn.saved_tensors)
    (g,) = torch.autograd.grad(Exp.apply(a).sum(), a, create_graph=True)
    log("second", torch.autograd.grad(g.sum(), a)[0])
    y = Exp.apply(a)
    y.add_(1)
    log.attempt("written output", y.sum().backward)
    x = a * 1
    y = Exp.apply(x)
    x.add_(1)
    log.attempt("written input", y.sum().backward)


@program
def numbers_and_containers(torch: Any, log: Log) -> None:
    class Mixed(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, pair: Any, x: Any, word: str) -> Any:
            return x * pair[0], 3, word

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            log("gradients", len(grads))
            log("others", grads[1:])
            return None, grads[0] * 2, None

    a = leaf(torch, 1.0)
    y, three, word = Mixed.apply((2.0, 1.0), a, "word")
    log("results", (y, three, word))
    y.backward()
    log("a", a.grad)


@program
def integers(torch: Any, log: Log) -> None:
    class Round(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.long(), x * 2

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            log("first", g)
            return h * 2

    a = leaf(torch, 1.5)
    i, y = Round.apply(a)
    log.state("i", i)
    y.backward()
    log("a", a.grad)


@program
def context_manager_in_backward(torch: Any, log: Log) -> None:
    class Nested(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            log("forward", torch.is_grad_enabled())
            with torch.enable_grad():
                inner = x.detach().requires_grad_()
                y = (inner**3).sum()
            ctx.y, ctx.inner = y, inner
            return y.detach()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            log("backward", torch.is_grad_enabled())
            (result,) = torch.autograd.grad(ctx.y, ctx.inner, g)
            return result

    a = leaf(torch, 2.0, 3.0)
    Nested.apply(a).backward()
    log("a", a.grad)


@program
def classes(torch: Any, log: Log) -> None:
    class Bare(torch.autograd.Function):
        pass

    class NoBackward(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

    class NoContext(torch.autograd.Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return x * 2

    a = leaf(torch, 1.0)
    log.attempt("bare", lambda: Bare.apply(a))
    log.attempt("no backward", lambda: NoBackward.apply(a).backward())
    log.attempt("no context", lambda: NoContext.apply(a))
    log.attempt("instance", lambda: NoBackward()(a))
    log.attempt("keyword", lambda: NoBackward.apply(x=a))
    log.attempt("no arguments", lambda: NoBackward.apply())


@program
def vjp_named(torch: Any, log: Log) -> None:
    class Named(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def vjp(ctx: Any, g: Any) -> Any:
            return g * 7

    a = leaf(torch, 1.0)
    Named.apply(a).backward()
    log("a", a.grad)


@program
def an_error_in_forward(torch: Any, log: Log) -> None:
    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            raise KeyError("forward")

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    a = leaf(torch, 1.0)
    log.attempt("forward", lambda: Fails.apply(a))
    log("mode", torch.is_grad_enabled())


@program
def an_error_in_backward(torch: Any, log: Log) -> None:
    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise KeyError("backward")

    a = leaf(torch, 1.0)
    log.attempt("backward", lambda: Fails.apply(a).backward())
    log("mode", torch.is_grad_enabled())
    log("a", a.grad)


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_beside_pytorch(function: Program) -> None:
    check(function)
