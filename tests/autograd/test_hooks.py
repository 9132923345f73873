"""Hooks beside PyTorch: of tensors, nodes, several tensors, accumulation, saved tensors; what they may return."""

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
def order_of_tensor_hooks(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 3
    seen: list[Any] = []
    first = y.register_hook(lambda g: seen.append(("first", g.tolist())) or g * 2)
    y.register_hook(lambda g: seen.append(("second", g.tolist())))
    a.register_hook(lambda g: seen.append(("leaf", g.tolist())) or g + 1)
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    log("seen", seen)
    log("y", y.grad)
    log("a", a.grad)
    first.remove()
    first.remove()
    y.sum().backward()
    log("seen after removal", seen)
    log("y again", y.grad)
    log("a again", a.grad)


@program
def handles(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0)
    with a.register_hook(lambda g: g * 5) as handle:
        (a * 2).sum().backward()
    log("inside", a.grad)
    (a * 2).sum().backward()
    log("outside", a.grad)
    log("id", isinstance(handle.id, int))


@program
def hooks_before_and_after_writes(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 3
    seen: list[Any] = []
    y.register_hook(lambda g: seen.append(("old", g.tolist())))
    y.mul_(2)
    y.register_hook(lambda g: seen.append(("new", g.tolist())))
    y.retain_grad()
    y.add_(1)
    (y * 5).sum().backward()
    log("seen", seen)
    log("y", y.grad)
    log("a", a.grad)


@program
def hooks_on_views(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 3
    v = y[0:1]
    seen: list[Any] = []
    v.register_hook(lambda g: seen.append(("view", g.tolist())))
    v.retain_grad()
    y.register_hook(lambda g: seen.append(("base", g.tolist())))
    v.mul_(2)
    log("retains", (v.retains_grad, y.retains_grad))
    (y * 5).sum().backward()
    log("seen", seen)
    log("a", a.grad)
    log("v", v.grad)


@program
def hooks_and_captures(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 3
    seen: list[Any] = []
    y.register_hook(lambda g: seen.append(("y", g.tolist())) or g * 2)
    a.register_hook(lambda g: seen.append(("a", g.tolist())) or g * 10)
    y.grad_fn.register_hook(lambda gi, go: seen.append(("node", len(gi), len(go))))
    y.grad_fn.register_prehook(lambda go: seen.append(("before", len(go))))
    log("of y", torch.autograd.grad((y * y).sum(), y, retain_graph=True)[0])
    log("seen y", list(seen))
    log("of both", torch.autograd.grad((y * y).sum(), [y, a], retain_graph=True))
    log("seen both", list(seen))
    log("of a", torch.autograd.grad((y * y).sum(), a)[0])
    log("seen a", list(seen))


@program
def node_hooks(torch: Any, log: Log) -> None:
    a, b = leaf(torch, 1.0, 2.0), torch.tensor([3.0, 4.0])
    y = a * b
    seen: list[Any] = []
    y.grad_fn.register_hook(lambda gi, go: seen.append((gi[0].tolist(), gi[1], go[0].tolist())))
    y.grad_fn.register_prehook(lambda go: (go[0] * 2,))
    handle = y.grad_fn.register_hook(lambda gi, go: (gi[0] * 10, None))
    y.sum().backward(retain_graph=True)
    log("a", a.grad)
    handle.remove()
    y.sum().backward()
    log("a again", a.grad)
    log("seen", seen)


@program
def node_hooks_of_multiple_outputs(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    parts = a.unbind(0)
    seen: list[Any] = []
    node = parts[0].grad_fn
    log("one node", parts[1].grad_fn is node)
    node.register_prehook(lambda go: seen.append([g is not None for g in go]))
    node.register_hook(lambda gi, go: seen.append((len(gi), len(go))))
    (parts[0] * 2 + parts[2]).backward()
    log("seen", seen)
    log("a", a.grad)


@program
def accumulate_node_hooks(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 2
    node = y.grad_fn.next_functions[0][0]
    seen: list[Any] = []
    node.register_prehook(lambda go: seen.append(("before", go[0].tolist(), a.grad)))
    node.register_hook(lambda gi, go: seen.append(("after", len(gi), a.grad is not None)))
    a.register_hook(lambda g: seen.append(("tensor", g.tolist())))
    a.register_post_accumulate_grad_hook(lambda p: seen.append(("accumulated", p.grad.tolist())))
    log("name", node.name())
    log("variable", node.variable is a)
    y.sum().backward()
    log("seen", seen)
    log("a", a.grad)


@program
def after_accumulation(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    seen: list[Any] = []

    def step(p: Any) -> None:
        seen.append(p.grad.tolist())
        with torch.no_grad():
            p.sub_(p.grad)
        p.grad = None

    handle = a.register_post_accumulate_grad_hook(step)
    (a * 2).sum().backward()
    log("a", a)
    log("grad", a.grad)
    log("grad()", torch.autograd.grad((a * 2).sum(), a)[0])
    handle.remove()
    (a * 2).sum().backward()
    log("seen", seen)
    log("grad after", a.grad)
    log.attempt("returns", lambda: a.register_post_accumulate_grad_hook(lambda p: p) and (a * 2).sum().backward())


@program
def hooks_that_raise(torch: Any, log: Log) -> None:
    def fail(g: Any) -> None:
        raise KeyError("hook")

    a = leaf(torch, 1.0)
    y = a * 2
    handle = y.register_hook(fail)
    loss = (y * 1).sum()
    log.attempt("raises", lambda: loss.backward(retain_graph=True))
    log("a", a.grad)
    log("mode", torch.is_grad_enabled())
    handle.remove()
    loss.backward()
    log("a again", a.grad)


@program
def hooks_that_write(torch: Any, log: Log) -> None:
    a, b = leaf(torch, 1.0, 2.0), leaf(torch, 1.0, 2.0)
    y = a + b
    a.register_hook(lambda g: g.mul_(10) and None if False else g * 10)
    y.sum().backward()
    log("a", a.grad)
    log("b", b.grad)


@program
def hooks_with_graph(torch: Any, log: Log) -> None:
    a = leaf(torch, 2.0)
    y = a**3
    modes: list[Any] = []
    y.register_hook(lambda g: modes.append((torch.is_grad_enabled(), g.requires_grad)))
    a.register_hook(lambda g: modes.append((torch.is_grad_enabled(), g.requires_grad)) or g * 2)
    (g,) = torch.autograd.grad((y * 1).sum(), a, create_graph=True)
    log("g", g)
    log("second", torch.autograd.grad(g, a)[0])
    (a**2).sum().backward()
    log("modes", modes)


@program
def retained(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 2
    y.retain_grad()
    y.retain_grad()
    z = y * 3
    z.retain_grad()
    z.sum().backward(retain_graph=True)
    z.sum().backward()
    log("y", y.grad)
    log("z", z.grad)
    log("flags", (y.retains_grad, a.retains_grad, z.is_leaf))
    a.retain_grad()
    log("leaf", a.retains_grad)
    y = a * 2
    y.retain_grad()
    (g,) = torch.autograd.grad(y.sum(), a)
    log("by grad", y.grad)
    y = a * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 100)
    y.sum().backward()
    log("after hook", y.grad)


@program
def several_tensors(torch: Any, log: Log) -> None:
    graph = torch.autograd.graph
    a, b = leaf(torch, 1.0), leaf(torch, 2.0)
    y, z = a * 2, b * 3
    seen: list[Any] = []

    def note(grads: Any) -> None:
        seen.append([None if g is None else g.tolist() for g in grads])

    handle = graph.register_multi_grad_hook([y, z, a], note)
    (y * z).sum().backward(retain_graph=True)
    y.sum().backward(retain_graph=True)
    log("all", list(seen))
    torch.autograd.grad((y * z).sum(), y, retain_graph=True)
    log("part", list(seen))
    handle.remove()
    (y * z).sum().backward(retain_graph=True)
    log("removed", list(seen))
    graph.register_multi_grad_hook((y, z), lambda g: seen.append(g.tolist()), mode="any")
    (y * z).sum().backward(retain_graph=True)
    (y * z).sum().backward()
    log("any", list(seen))
    log.attempt("mode", lambda: graph.register_multi_grad_hook((y, z), note, mode="some"))


@program
def packed(torch: Any, log: Log) -> None:
    hooks = torch.autograd.graph.saved_tensors_hooks
    a = leaf(torch, 1.0, 2.0)
    seen: list[Any] = []

    def pack(x: Any) -> Any:
        seen.append(("pack", x.tolist()))
        return x.tolist()

    def unpack(values: Any) -> Any:
        seen.append(("unpack", values))
        return torch.tensor(values)

    with hooks(pack, unpack):
        y = a.exp()
        z = y * y
    log("packed", list(seen))
    z.sum().backward()
    log("all", seen)
    log("a", a.grad)
    with hooks(lambda x: x * 10, lambda x: x):
        with hooks(lambda x: x * 2, lambda x: x):
            y = a * a
        z = a * a
    a.grad = None
    y.sum().backward()
    log("inner", a.grad)
    a.grad = None
    z.sum().backward()
    log("outer", a.grad)


@program
def packed_wrongly(torch: Any, log: Log) -> None:
    graph = torch.autograd.graph
    a = leaf(torch, 1.0, 2.0)

    def recorded(pack: Any, unpack: Any) -> Any:
        with graph.saved_tensors_hooks(pack, unpack):
            return a * a

    log.attempt("pack writes", lambda: recorded(lambda x: x.add_(1), lambda x: x))
    log.attempt("pack raises", lambda: recorded(lambda x: 1 / 0, lambda x: x))
    log.attempt("unpack returns a number", lambda: recorded(lambda x: x, lambda x: 3).sum().backward())
    log.attempt("unpack raises", lambda: recorded(lambda x: x, lambda x: 1 / 0).sum().backward())
    with graph.disable_saved_tensors_hooks("not now"):
        log.attempt("disabled", lambda: recorded(lambda x: x, lambda x: x))
    log.attempt("enabled again", lambda: recorded(lambda x: x, lambda x: x))
    with graph.save_on_cpu():
        y = a * a
    y.sum().backward()
    log("a", a.grad)


@program
def written_under_hooks(torch: Any, log: Log) -> None:
    hooks = torch.autograd.graph.saved_tensors_hooks
    a = leaf(torch, 1.0, 2.0)
    with hooks(lambda x: x.clone(), lambda x: x):
        y = a.exp()
        z = y * 3
        y2 = y * y
    y.add_(1)
    log.attempt("copies", lambda: (z.sum() + y2.sum()).backward())
    log("a", a.grad)


@program
def anomaly(torch: Any, log: Log) -> None:
    a = leaf(torch, -1.0)
    with torch.autograd.detect_anomaly():
        log("on", (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()))
        y = a.sqrt()
        text = log.raises("nan", lambda: y.sum().backward(), RuntimeError, "SqrtBackward0")
        log("words", text.splitlines()[0])
    log("off", torch.is_anomaly_enabled())
    with torch.autograd.detect_anomaly(check_nan=False):
        a.sqrt().sum().backward()
    with torch.autograd.set_detect_anomaly(True):
        log("on again", torch.is_anomaly_enabled())
    torch.autograd.set_detect_anomaly(False)
    a.sqrt().sum().backward()
    log("off again", torch.is_anomaly_enabled())


@program
def edges(torch: Any, log: Log) -> None:
    graph = torch.autograd.graph
    a, b = leaf(torch, 1.0, 2.0), leaf(torch, 3.0, 4.0)
    y = a * b
    z = (y * y).sum()
    edge, end = graph.get_gradient_edge(y), graph.get_gradient_edge(a)
    log("edge", (edge.node.name(), edge.output_nr, end.node.name()))
    log("grad", torch.autograd.grad(z, [edge, end, b], retain_graph=True))
    log("of the edge", torch.autograd.grad(edge, a, torch.ones(2), retain_graph=True)[0])
    torch.autograd.backward(graph.get_gradient_edge(z), inputs=[a], retain_graph=True)
    log("a", a.grad)
    log("b", b.grad)
    parts = a.unbind(0)
    edge = graph.get_gradient_edge(parts[1])
    log("second", (edge.output_nr, torch.autograd.grad(parts[1] * 3 + parts[0], [edge])))
    log.attempt("plain", lambda: graph.get_gradient_edge(torch.ones(1)))


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_beside_pytorch(function: Program) -> None:
    check(function)


def test_second_gradients_reach_a_leaf_whose_saved_value_was_copied() -> None:
    """What an unpack hook gives for a leaf stands for the leaf, also where it is other memory."""
    import torch

    import headgate

    found = []
    for lib in (headgate, torch):
        x = lib.tensor([0.5, -0.25], requires_grad=True)
        with lib.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
            y = (x**3).sum()
        (g,) = lib.autograd.grad(y, [x], create_graph=True)
        (second,) = lib.autograd.grad((g**2).sum(), [x])
        found.append(second.tolist())
    assert found[0] == found[1]
