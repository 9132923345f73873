"""What follows a tensor whose history or memory changed, beside PyTorch: views of a moved base, retained gradients.

Also what a hook kept, what is told of views that cannot follow, which checks come first.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch as pytorch

import headgate

sys.path.insert(0, str(Path(__file__).parent))

from programs import Log, Program, check, leaf

PROGRAMS: list[Program] = []


def program(function: Program) -> Program:
    """Register a program that both libraries run."""
    PROGRAMS.append(function)
    return function


def table(torch: Any) -> Any:
    return torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)


def words(call: Any) -> str:
    """The whole first line of an error."""
    try:
        call()
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return "nothing"


MOVES = {
    "transpose_": lambda b: b.transpose_(0, 1), "t_": lambda b: b.t_(), "unsqueeze_": lambda b: b.unsqueeze_(0),
    "squeeze_": lambda b: b.squeeze_(), "data": lambda b: setattr(b, "data", (b.detach() + 1).t().contiguous().t()),
}  # fmt: skip


@program
def view_of_a_moved_base(torch: Any, log: Log) -> None:
    for name, move in MOVES.items():
        x = table(torch)
        b = x * 2
        v = b[:, 1]
        move(b)
        log(name, v)
        (v * torch.tensor([1.0, 10.0])).sum().backward()
        log(name + " gradient", x.grad)


@program
def write_to_a_view_of_a_moved_base(torch: Any, log: Log) -> None:
    for name, move in list(MOVES.items())[:4]:
        x = table(torch)
        b = x * 2
        v = b[:, 1]
        move(b)
        log(name, v.mul_(3))
        log(name + " base", b)
        (b * b).sum().backward()
        log(name + " gradient", x.grad)


@program
def retained_by_view_and_base(torch: Any, log: Log) -> None:
    x = leaf(torch, 1.0, 2.0, 3.0)
    for name, write, used in (
        ("base written", lambda b, v: b.tanh_(), lambda b, v: v),
        ("view written", lambda b, v: v.tanh_(), lambda b, v: b),
        ("by itself", lambda b, v: v.tanh_(), lambda b, v: v),
        ("never looked at", lambda b, v: b.tanh_(), lambda b, v: b),
    ):
        b = x * 2
        v = b[:2]
        b.retain_grad()
        v.retain_grad()
        write(b, v)
        used(b, v).sum().backward()
        log(name, (b.grad, v.grad))
    b = x * 2
    b.retain_grad()
    b.unsqueeze_(0)
    b.sum().backward()
    log("seen otherwise", b.grad)


@program
def what_a_hook_kept(torch: Any, log: Log) -> None:
    kept: list[Any] = []
    x = leaf(torch, 1.0, 2.0)
    x.register_hook(kept.append)
    y = x * 2
    y.grad_fn.register_hook(lambda inputs, outputs: kept.append(inputs[0]))
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    log("kept", kept)
    log("grad", x.grad)


@program
def hooks_of_a_leaf_that_was_cut(torch: Any, log: Log) -> None:
    for name, cut in (("detach_", lambda x: x.detach_()), ("flag", lambda x: x.requires_grad_(False))):
        x = leaf(torch, 1.0, 2.0)
        y = x * 2
        seen: list[Any] = []
        x.register_post_accumulate_grad_hook(lambda p, seen=seen: seen.append(("after", p.grad)))
        x.register_hook(lambda g, seen=seen: seen.append(("tensor", g)))
        y.grad_fn.next_functions[0][0].register_hook(lambda i, o, seen=seen: seen.append(("node", i, o)))
        cut(x)
        y.sum().backward()
        log(name, (seen, x.grad))


@program
def entries_of_node_hooks(torch: Any, log: Log) -> None:
    x = table(torch)
    index = torch.tensor([0, 1])
    for name, y in {
        "index_select": x.index_select(0, index), "where": torch.where(x > 2, x, x * 2), "sort": x.sort(-1)[0],
        "gather": x.gather(0, torch.zeros_like(x, dtype=torch.int64)), "masked_fill": x.masked_fill(x > 2, 0.5),
        "broadcast": x * torch.ones(2, 2, 3), "number first": 2.0 * x, "index_add": x.index_add(0, index, x),
        "topk": x.topk(1, -1)[0], "max": x.max(0)[0], "embedding": torch.nn.functional.embedding(index, x),
    }.items():  # fmt: skip
        seen: list[Any] = []
        y.grad_fn.register_hook(lambda i, o, seen=seen: seen.append((i, o)))
        y.grad_fn.register_prehook(lambda o, seen=seen: seen.append(len(o)))
        log(name, [(f is None, number) for f, number in y.grad_fn.next_functions])
        y.sum().backward()
        log(name + " hooks", seen)


@program
def nothing_below_wants_a_gradient(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    with torch.no_grad():
        v = a[:1]
    seen: list[Any] = []
    y = v.exp()
    y.grad_fn.register_hook(lambda i, o: seen.append((i, o)))
    y.sum().backward()
    log("hooks", seen)
    log.attempt("again", lambda: y.sum().backward())


@program
def words_for_views_that_cannot_follow(torch: Any, log: Log) -> None:
    def base() -> Any:
        return table(torch) * 1

    t = base()
    with torch.no_grad():
        v = t[0]
    u = v[1:]
    a, b = t.unbind(0)
    with torch.no_grad():
        c = a[:1]
    d, e = v.split([1, 2])
    views = {"no_grad": v, "of no_grad": u, "one of two": a, "no_grad of it": c, "two of no_grad": e}
    for name, one in views.items():
        log(name + " written", words(lambda one=one: one.mul_(2)))
    t.mul_(2)
    for name, one in views.items():
        log(name + " used", words(lambda one=one: one.grad_fn))


@program
def views_before_all_else(torch: Any, log: Log) -> None:
    t = table(torch) * 1
    a, b = t.unbind(0)
    square, product = a.square(), t @ a
    t.mul_(2)
    log.attempt("stack", lambda: torch.stack([a, torch.ones(2)]))
    log.attempt("product", lambda: torch.ones(2, 2) @ a)
    log.attempt("batch", lambda: torch.ones(2, 2) @ a.view(1, 1, 3))
    log.attempt("write", lambda: t.detach()[0].copy_(a))
    log.attempt("saved", lambda: square.sum().backward())
    log.attempt("saved beside its base", lambda: product.sum().backward())
    log.attempt("backward", lambda: a.backward())


@program
def written_sources_of_index_ops(torch: Any, log: Log) -> None:
    for name, call in {
        "index_add": lambda x, y: x.index_add(0, torch.tensor([0]), y[0:1]),
        "gather": lambda x, y: y.gather(0, torch.zeros_like(y, dtype=torch.int64)),
        "masked_select": lambda x, y: y.masked_select(y > 0),
    }.items():
        x, y = table(torch), table(torch) * 1
        z = call(x, y)
        with torch.no_grad():
            y.zero_()
        log.attempt(name, lambda z=z: z.sum().backward())
        log.attempt(name + " of the other", lambda z=z, x=x: torch.autograd.grad(z.sum(), [x], allow_unused=True))


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_beside_pytorch(function: Program) -> None:
    check(function)


def test_its_own_memory_assigned_is_no_write() -> None:
    """Nothing is reported of `x.data = x.data`."""
    headgate = pytest.importorskip("headgate")
    headgate.set_write_guard("error")
    try:
        x = headgate.tensor([1.0, 2.0], requires_grad=True)
        y = x * x
        y.data = y.data
        z = y * y
        z.data = z.data
        z.sum().backward()
    finally:
        headgate.set_write_guard("warn")
    assert x.grad.tolist() == [4.0, 32.0]


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3), (2, 2), (1, 3)])
@pytest.mark.parametrize("move", ["unsqueeze_ 0", "unsqueeze_ 1", "t_", "squeeze_ 0"])
@pytest.mark.parametrize("use", ["stacked", "doubled", "summed"])
def test_gradient_of_a_leaf_that_was_moved(shape: tuple[int, ...], move: str, use: str) -> None:
    """Whether it is the leaf's shape or the one it had hangs on whether the gradient could be taken over as it lies."""
    if move == "t_" and len(shape) != 2:
        pytest.skip("t_ needs a matrix")

    def outcome(torch: Any) -> Any:
        leaf = torch.ones(shape, requires_grad=True)
        result = {"stacked": lambda: torch.stack([leaf, leaf.detach()]), "doubled": lambda: leaf * 2,
                  "summed": lambda: leaf}[use]().sum()
        name, *dims = move.split()
        with torch.no_grad():
            getattr(leaf, name)(*map(int, dims))
        try:
            result.backward()
        except RuntimeError as problem:
            return str(problem)
        return tuple(leaf.grad.shape), leaf.grad.stride(), leaf.grad.tolist()

    assert outcome(headgate) == outcome(pytorch)
