"""Saved-tensor hooks beside PyTorch: what they see, how often they are asked, what they keep; nodes that no gradient
reaches and Functions that nobody needs, which run all the same."""

from __future__ import annotations

import functools
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from programs import Log, Program, check, leaf

import headgate

PROGRAMS: list[Program] = []


def program(function: Program) -> Program:
    """Register a program that both libraries run."""
    PROGRAMS.append(function)
    return function


@program
def kept_as_it_was(torch: Any, log: Log) -> None:
    graph = torch.autograd.graph
    a, b = leaf(torch, 1.0, 2.0), torch.tensor([3.0, 4.0])
    for name, context in (
        ("cpu", graph.save_on_cpu),
        ("pinned", lambda: graph.save_on_cpu(pin_memory=False)),
        ("itself", lambda: graph.saved_tensors_hooks(lambda x: x, lambda x: x)),
    ):
        with context():
            y = torch.minimum(a, b)
            z = y * b
            z.mul_(z)
        with torch.no_grad():
            b.detach().mul_(2)
        (y.sum() + z.sum()).backward()
        log(name, a.grad)


@program
def what_pack_hooks_see(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    seen: list[Any] = []

    def pack(x: Any) -> Any:
        seen.append((x.dtype.is_floating_point, x.requires_grad, x.grad_fn and x.grad_fn.name(), x.is_leaf, x._version))
        return x

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        y = (a * a).exp() * a
        y = y.tanh_() + y.index_select(0, torch.tensor([1, 0])) + a.sort()[0]
    log("seen", sorted(map(str, seen)))
    y.sum().backward()
    log("a", a.grad)


@program
def unpack_hooks_are_asked_once(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    asked: list[Any] = []

    def unpack(x: Any) -> Any:
        asked.append(x.tolist())
        return x

    functions = {
        "maximum": torch.maximum, "atan2": torch.atan2, "hypot": torch.hypot, "div": torch.div,
        "addcdiv": lambda x, y: torch.addcdiv(x, y, y + 1), "where": lambda x, y: torch.where(x > 1, x, y),
        "mse": torch.nn.functional.mse_loss, "index_put": lambda x, y: x.index_put((torch.tensor([0, 1]),), y),
    }  # fmt: skip
    for name, function in functions.items():
        with torch.autograd.graph.saved_tensors_hooks(lambda x: x.clone(), unpack):
            y = function(a * 1, a + 1)
        for again in (True, False):
            y.sum().backward(retain_graph=again)
            log(name, sorted(asked))
            asked.clear()
    hooks = (lambda x: x.clone(), lambda x: 1 / 0 if len(asked) == 1 else unpack(x))
    with torch.autograd.graph.saved_tensors_hooks(*hooks):
        y = torch.maximum(a * 1, a + 1)
    log.attempt("raises", lambda: y.sum().backward(retain_graph=True))
    asked.append(None)
    y.sum().backward()
    log("after a raise", len(asked))


@program
def hooks_of_nodes_without_a_gradient(torch: Any, log: Log) -> None:
    class Second(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            return x + y, y * 2

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            return None, g + 2 * h

    class Told(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            seen.append(("Function", g.tolist()))
            return g

    a = leaf(torch, 1.0, 2.0)
    seen: list[Any] = []
    for change in (None, (None,), (a.detach(),)):
        c = Told.apply(a * 3) * 2
        c.grad_fn.register_prehook(lambda o, change=change: seen.append(("before", o)) or change)
        c.grad_fn.register_hook(lambda i, o: seen.append(("after", (i[0], o))))
        log.attempt("pass", lambda c=c: Second.apply(c, a)[1].sum().backward())
        log("seen", str(seen))
        log("a", a.grad)


@program
def a_function_runs_when_its_output_is_asked_for(torch: Any, log: Log) -> None:
    class Told(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            seen.append(g.tolist())
            return g * 2

    a = leaf(torch, 1.0, 2.0)
    seen: list[Any] = []
    y = Told.apply(a)
    (y * 3).sum().backward(inputs=[y], retain_graph=True)
    log("backward", (seen, y.grad, a.grad))
    log("grad", (torch.autograd.grad((y * 3).sum(), y, retain_graph=True)[0], seen))
    (y * 3).sum().backward(inputs=[y, a])
    log("both", (seen, y.grad, a.grad))


@program
def indices_of_another_type(torch: Any, log: Log) -> None:
    a, index = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True), torch.tensor([0, 1])
    square, nn = torch.tensor([[0, 1], [1, 0]]), torch.nn.functional
    functions = {
        "index_select": lambda x: x.index_select(0, index), "index_add": lambda x: x.index_add(0, index, x * 2),
        "index_copy": lambda x: x.index_copy(0, index, x * 2), "index_fill": lambda x: x.index_fill(0, index, 2.0),
        "gather": lambda x: x.gather(0, square), "scatter": lambda x: x.scatter(0, square, x * 2),
        "take": lambda x: x.take(square), "index": lambda x: x[index],
        "put": lambda x: x.put(square, x * 2, True), "topk": lambda x: x.topk(1)[0],
        "index_put": lambda x: x.index_put((index,), x * 2), "sort": lambda x: x.sort()[0],
        "max": lambda x: x.max(0)[0], "median": lambda x: x.median(0)[0], "cummax": lambda x: x.cummax(0)[0],
        "where": lambda x: torch.where(x > 1, x, 2 * x), "masked_fill": lambda x: x.masked_fill(x > 1, 0.0),
        "masked_select": lambda x: x.masked_select(x > 1), "nanmean": lambda x: x.nanmean(),
        "nothing": lambda x: x[:0].max(1)[0], "pool": lambda x: nn.adaptive_max_pool1d(x, 1),
        "pool2": lambda x: nn.adaptive_max_pool2d(x[None], 1), "nll": lambda x: nn.nll_loss(x, index),
    }  # fmt: skip
    for name, function in functions.items():
        for kind in (torch.float32, torch.int32):
            with torch.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x, kind=kind: x.to(kind)):
                y = function(a * 1)
            if kind is torch.float32 or name in ("index_select", "gather", "nanmean", "nothing"):
                log.attempt(name, lambda y=y: y.sum().backward())
    log("a", a.grad)


@program
def masks_of_another_type(torch: Any, log: Log) -> None:
    for order in (0.5, 1, 1.5, 2, 3):
        x = torch.tensor([[-0.5, 2.0], [0.0, 1.5]], requires_grad=True)
        y = x.norm(order)
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach() * 2, lambda t: t / 2):
            (g,) = torch.autograd.grad(y, x, create_graph=True)
        log.attempt(f"norm {order}", lambda g=g: (g * g).sum().backward())


@program
def views_of_a_base_that_wants_gradients(torch: Any, log: Log) -> None:
    """What is unpacked for one made under no_grad wants gradients too, and they go nowhere."""
    for view in (lambda x: x.T, lambda x: x.detach().T, lambda x: x[:, :1].T):
        a = leaf(torch, 1.5, -0.5).view(2, 1)
        with torch.no_grad():
            v = view(a)
        with torch.autograd.graph.saved_tensors_hooks(lambda x: x.detach() * 2, lambda x: x / 2):
            y = a @ v
            z = v.index_select(0, torch.tensor([0]))  # whose node has nowhere to send a gradient
        log.attempt("nowhere", lambda z=z: z.sum().backward())
        (g,) = torch.autograd.grad(y.mean(), a, create_graph=True)
        log("gradient", (g, g.requires_grad, v.requires_grad))
        log.attempt("again", lambda g=g: g.sum().backward())


@program
def positions_have_no_history(torch: Any, log: Log) -> None:
    a = torch.tensor([[1.0, 2.0, 3.0], [6.0, 5.0, 4.0]], requires_grad=True)
    functions = {"topk": lambda x: x.topk(1)[0], "sort": lambda x: x.sort()[0], "max": lambda x: x.max(0)[0]}
    for name, function in functions.items():
        a.grad = None
        b = a * 2
        with torch.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x):
            y = function(b)
        (gradient,) = torch.autograd.grad((y * a[:, :1] if name == "topk" else y * a[:1]).sum(), b, create_graph=True)
        gradient.sum().backward()
        log(name, a.grad)


@program
def any_hook_of_a_refused_view(torch: Any, log: Log) -> None:
    a, b = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0)
    with torch.no_grad():
        view = (a * 1).requires_grad_()[:1]
    base = a * 2
    with torch.no_grad():
        stale = base.chunk(2)[1]
    stale.detach().fill_(1)
    seen: list[Any] = []
    register = torch.autograd.graph.register_multi_grad_hook
    for mode in ("any", "all"):
        for others in ([stale], [torch.ones(1)], [view]):
            told = functools.partial(lambda m, g: seen.append((m, str(g))), mode)
            log.attempt(mode, lambda m=mode, o=others, told=told: register([b, *o], told, mode=m))
    (b * 2).sum().backward()
    log("seen", seen)


@program
def the_third_gradient_of_a_square(torch: Any, log: Log) -> None:
    """It is zero, and as a result of x ** 0 it has a history."""
    for power in (lambda x: x.square(), lambda x: x**2, lambda x: x**3):
        a = leaf(torch, 1.0, 2.0)
        (g,) = torch.autograd.grad(power(a).sum(), a, create_graph=True)
        (h,) = torch.autograd.grad(g.sum(), a, create_graph=True)
        log("second", (h.requires_grad, h.tolist()))
        log("third", torch.autograd.grad(h.sum(), a)[0])


@program
def detached_between_two_passes(torch: Any, log: Log) -> None:
    """What the first pass read of an output, with its history, is not the tensor that detach_() cuts."""
    calls = {"relu": lambda x: x.relu(), "tanh": lambda x: x.tanh(), "softmax": lambda x: x.softmax(0),
             "exp": lambda x: x.exp(), "square": lambda x: x.square()}  # fmt: skip
    for name, call in calls.items():
        for kept in (True, False):
            a = leaf(torch, 1.0, 2.0)
            y = call(a)
            z = y * 3
            (g,) = torch.autograd.grad(z.sum(), a, create_graph=True)
            w = z * y
            y.detach_()
            if not kept:
                del y
            log.attempt(name, lambda g=g: g.sum().backward(retain_graph=True))
            log.attempt("used before", lambda w=w: w.sum().backward())
            log("grad", a.grad)


@program
def several_of_which_one_gets_none(torch: Any, log: Log) -> None:
    """A hook of several tensors is called although None alone came for one of them."""

    class One(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            return x * y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g, None

    for name, make in (("leaves", lambda x: x), ("results", lambda x: x * 1)):
        a, b = make(leaf(torch, 1.0, 2.0)), make(leaf(torch, 3.0, 4.0))
        seen: list[Any] = []
        register = torch.autograd.graph.register_multi_grad_hook
        for tensors in ([a, b], [b], [b, a]):
            register(tensors, lambda grads, s=seen: s.append([None if g is None else g.tolist() for g in grads]))
        y = One.apply(a, b)
        y.sum().backward(retain_graph=True)
        log(name, seen)
        y.sum().backward(inputs=[a], retain_graph=True)
        log("to one", seen)


@program
def which_of_two_is_refused(torch: Any, log: Log) -> None:
    """PyTorch looks at what it saved in the order of the arguments' names."""

    class Window(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    for name, shape, call in (
        ("dot", (2,), lambda x, y: x.dot(y)), ("mul", (2,), lambda x, y: x * y), ("mv", (2,), lambda x, y: y[None] @ x),
        ("mm", (2, 2), lambda x, y: x @ y), ("div", (2,), lambda x, y: x / y),
    ):  # fmt: skip
        for first in (True, False):
            a, window = torch.ones(shape, requires_grad=True), None
            window = Window.apply(a)
            z = call(window, a) if first else call(a, window)
            a.detach().mul_(2)
            log.attempt(name, lambda z=z: z.sum().backward())


@program
def an_output_given_other_memory(torch: Any, log: Log) -> None:
    """PyTorch's hook holds the output itself, unless it took a copy."""
    graph = torch.autograd.graph
    for name, context in (
        ("cpu", graph.save_on_cpu),
        ("itself", lambda: graph.saved_tensors_hooks(lambda x: x, lambda x: x)),
        ("alias", lambda: graph.saved_tensors_hooks(lambda x: x.detach(), lambda x: x)),
        ("copy", lambda: graph.saved_tensors_hooks(lambda x: x.clone(), lambda x: x)),
    ):
        for other in (lambda y: torch.full_like(y, 0.5), lambda y: y.data.clone(), lambda y: y.data.double()):
            a = leaf(torch, 1.0, 2.0)
            with context():
                y = a.exp()
                z = y.tanh()
            y.data, z.data = other(y), other(z)
            for _ in range(2):
                log.attempt(name, lambda z=z: z.backward(torch.ones(2), retain_graph=True))
            log(name, a.grad)


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_beside_pytorch(function: Program) -> None:
    check(function)


def test_memory_is_the_pack_hooks_to_free() -> None:
    a = headgate.ones(100_000, dtype=headgate.float64, requires_grad=True)
    tracemalloc.start()
    try:
        with headgate.autograd.graph.saved_tensors_hooks(lambda x: None, lambda _: headgate.ones(100_000)):
            y = a
            for _ in range(30):
                y = y.sin().exp()
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert y.requires_grad and kept < 6 * a.nbytes


def test_other_memory_of_what_a_hook_kept_is_reported() -> None:
    with headgate.autograd.graph.save_on_cpu():
        y = leaf(headgate, 1.0, 2.0).exp()
    y.data = headgate.zeros(2)
    with pytest.warns(headgate.WriteWarning, match=r"other memory through \.data .*\n  exp saved its output"):
        y.backward(headgate.ones(2))


@pytest.mark.parametrize("context", ("save_on_cpu", "itself"))
def test_a_write_to_what_a_hook_kept_is_reported(context: str) -> None:
    graph = headgate.autograd.graph
    contexts = {"save_on_cpu": graph.save_on_cpu(),
                "itself": graph.saved_tensors_hooks(lambda x: x, lambda x: x)}  # fmt: skip
    a, b, c = leaf(headgate, 1.0, 2.0), headgate.tensor([3.0, 4.0]), headgate.zeros(4)
    with contexts[context]:
        y = a * b + a * c[:2]
    c[2:] = 1  # not of the saved part
    y.sum().backward(retain_graph=True)
    b.mul_(2)
    with pytest.warns(headgate.WriteWarning, match=r"mul saved its input 1 .*\n  mul_ overwrote it"):
        y.sum().backward(retain_graph=True)
    headgate.set_write_guard("error")
    try:
        with pytest.raises(RuntimeError, match="kept by a saved-tensor hook in memory that was written since"):
            y.sum().backward()
    finally:
        headgate.set_write_guard("warn")
