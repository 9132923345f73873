"""Views and their bases beside PyTorch: who requires grad, who may be written, what is regenerated, what is a leaf."""

from __future__ import annotations

import itertools
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
def made_under_no_grad(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 2
    with torch.no_grad():
        v, w = y[0:1], a[0:1]
    for name, x in (("v", v), ("w", w)):
        log.state(name, x)
        log.state(name + " used", x * 2)
        log.attempt(name + " backward", lambda x=x: (x * 2).sum().backward())
        log.attempt(name + " itself", lambda x=x: x.sum().backward())
        log.attempt(name + " written", lambda x=x: x.mul_(2))
    with torch.no_grad():
        v.mul_(2)
    log.state("y", y)
    log.attempt("v after", lambda: v * 2)
    log.attempt("v's node", lambda: v.grad_fn)
    with torch.no_grad():
        log.attempt("v again without", lambda: v * 2)
        log.attempt("w again without", lambda: w.mul_(2))


@program
def made_under_no_grad_of_a_plain_base(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    b = torch.ones(2)
    with torch.no_grad():
        v = b[0:1]
    log.state("v", v)
    b.mul_(a)
    log.attempt("state", lambda: v.grad_fn)
    log.attempt("leaf", lambda: v.is_leaf)
    log("requires", v.requires_grad)
    log.attempt("used", lambda: v.sum())
    log.attempt("written", lambda: v.mul_(2))
    with torch.no_grad():
        log.attempt("used without", lambda: v.sum())
        log.attempt("written without", lambda: v.mul_(2))
    log.attempt("detached", lambda: v.detach())


@program
def plain_views_after_writes(torch: Any, log: Log) -> None:
    for make in (lambda b: b.chunk(2), lambda b: (b[0:1], b[1:2])):
        b = torch.ones(2)
        with torch.no_grad():
            first, second = make(b)
        third, fourth = make(b)
        second.exp_()
        for name, x in (("b", b), ("first", first), ("second", second), ("third", third), ("fourth", fourth)):
            log.state(name, x)
        fourth.mul_(2)
        log("sum", first + third)


@program
def made_in_inference_mode(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y, p = a * 2, torch.ones(2)
    with torch.inference_mode():
        v, w = y[0:1], p[0:1]
        log("inside", (v.is_inference(), w.is_inference()))
        w.mul_(2)
    log.attempt("written v", lambda: v.mul_(2))
    log.attempt("written w", lambda: w.mul_(2))
    log.attempt("w with grad", lambda: w.mul_(a[0:1]))
    log("p", p)
    log("versions", (p._version, w._version, y._version))


@program
def of_a_plain_base(torch: Any, log: Log) -> None:
    b = torch.ones(3)
    v, w = b[0:2], b[1:3]
    b.requires_grad_()
    for name, x in (("v", v), ("b", b)):
        log.state(name, x)
    log.state("used", v * 2)
    log.attempt("backward", lambda: v.sum().backward())
    log("b", b.grad)
    log.attempt("written", lambda: w.mul_(2))
    log.attempt("base written", lambda: b.mul_(2))
    b = torch.ones(3)
    v = b[0:2]
    v.requires_grad_()
    log.state("view as leaf", v)
    log.state("base of it", b)
    (v * v).sum().backward()
    log("v", v.grad)
    log.attempt("v written", lambda: v.mul_(2))
    log.attempt("b written", lambda: b.mul_(2))
    log.state("v then", v)
    log.attempt("v used", lambda: (v * 2).sum().backward())
    log("v grad", v.grad)


@program
def base_gets_history(torch: Any, log: Log) -> None:
    a = leaf(torch, 2.0, 3.0, 4.0)
    b = torch.ones(3)
    v = b[0:2]
    vv = v[0:1]
    b.mul_(a)
    for name, x in (("b", b), ("v", v), ("vv", vv)):
        log.state(name, x)
    (vv * 10).sum().backward(retain_graph=True)
    log("a", a.grad)
    v.add_(a[0:2])
    for name, x in (("b", b), ("v", v), ("vv", vv)):
        log.state(name + " again", x)
    log("nodes", [edge[0].name() for edge in b.grad_fn.next_functions if edge[0] is not None])
    a.grad = None
    (b.sum() + vv.sum() * 100).backward()
    log("a again", a.grad)


@program
def a_scalar_view_after_its_base_was_written(torch: Any, log: Log) -> None:
    a = leaf(torch, 2.0, 3.0)
    y = a * 2
    s = y[0]
    y.mul_(3)
    s.backward()
    log("a", a.grad)
    y = a * 2
    s = y[0]
    y.mul_(3)
    log("by grad", torch.autograd.grad(s, a)[0])


@program
def several_views(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0, 4.0)
    makers = {
        "split": lambda y: y.split(2), "chunk": lambda y: y.chunk(2), "unbind": lambda y: y.view(2, 2).unbind(0),
        "tensor_split": lambda y: y.tensor_split(2), "split sizes": lambda y: y.split([1, 3]),
    }  # fmt: skip
    for name, make in makers.items():
        y = a * 2
        first, second = make(y)
        log.state(name, first)
        log.attempt(name + " written", lambda x=first: x.mul_(2))
        log.attempt(name + " part written", lambda x=first: x[0:1].mul_(2))
        log.attempt(name + " detached", lambda x=first: x.detach_())
        with torch.no_grad():
            log.attempt(name + " written without", lambda x=first: x.mul_(2))
        log.attempt(name + " used after", lambda x=second: x.sum().backward())
        log.attempt(name + " of a leaf", lambda make=make: make(a)[0].mul_(2))
        p = torch.ones(4)
        part = make(p)[0]
        log.attempt(name + " plain", lambda x=part: x.mul_(2))
        log.attempt(name + " plain with grad", lambda x=part, n=part.numel(): x.mul_(a[:n].view_as(x)))
        log.state(name + " p", p)
    log("a", a.grad)


@program
def leaves_and_their_views(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    v = a.view(2, 1)
    log.attempt("view of a leaf", lambda: v.add_(1))
    log.attempt("leaf", lambda: a.add_(1))
    log.attempt("fill", lambda: a.fill_(1))
    log.attempt("item", lambda: a.__setitem__(0, 1.0))
    log.attempt("all", lambda: a.__setitem__(Ellipsis, 1.0))
    with torch.no_grad():
        a.add_(1)
        v.add_(1)
        a[0] = 7.0
    log.state("a", a)
    log.state("v", v)
    (v * 2).sum().backward()
    log("a grad", a.grad)
    log.attempt("requires", lambda: v.requires_grad_(False))
    log.attempt("detach", lambda: v.detach_())


@program
def flags(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    y = a * 2
    log.attempt("setter", lambda: setattr(y, "requires_grad", True))
    log.attempt("setter off", lambda: setattr(y, "requires_grad", False))
    log.attempt("method", lambda: y.requires_grad_())
    log.attempt("method off", lambda: y.requires_grad_(False))
    log.attempt("number", lambda: setattr(a, "requires_grad", 1))
    v = a[0:1]
    log.attempt("view setter", lambda: setattr(v, "requires_grad", True))
    with torch.no_grad():
        w = a[0:1]
    log.attempt("no_grad view off", lambda: w.requires_grad_(False))
    log.attempt("no_grad view on", lambda: w.requires_grad_())
    log.state("w", w)
    d = a.detach()
    d.requires_grad = True
    log.state("d", d)
    (d * 2).sum().backward()
    log("grads", (a.grad, d.grad))


@program
def detached_views(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0, 3.0)
    y = a * 2
    d = y.detach()
    dv = d[0:2]
    log.state("dv", dv)
    dv.mul_(2)
    log("versions", (y._version, d._version, dv._version))
    log.attempt("backward", lambda: y.sum().backward())
    v = y[0:2]
    vd = v.detach()
    log.state("vd", vd)
    log("bases", (vd._base is y, v._base is y, d._base is None))
    dv.requires_grad_()
    log.attempt("leaf view written", lambda: d.mul_(2))


@program
def chains_of_views(torch: Any, log: Log) -> None:
    a = torch.arange(12.0).requires_grad_()
    y = a * 1
    m = y.view(3, 4)
    t = m.t()
    row = t[1]
    e = row[None].expand(2, 3)
    m.select(1, 1).mul_(5)
    for name, x in (("y", y), ("m", m), ("t", t), ("row", row), ("e", e)):
        log.state(name, x)
    (e.sum() + t[0].sum() * 10).backward()
    log("a", a.grad)
    y = a * 1
    part = y.view(3, 4)[1:, ::2].transpose(0, 1)
    part.copy_(torch.ones(2, 2))
    y.view(2, 6)[:, 0].add_(a[0])
    a.grad = None
    (y * torch.arange(12.0)).sum().backward()
    log("a again", a.grad)
    log.state("part", part)


@program
def writes_twice_backward(torch: Any, log: Log) -> None:
    t, a = torch.ones(2), leaf(torch, 1.0, 2.0)
    y = t + a
    y[1:] = t[1:]
    y.sum().backward(retain_graph=True)
    log.attempt("retained", lambda: y.sum().backward())
    log.attempt("second", lambda: y.sum().backward())
    log("a", a.grad)


@program
def expanded_leaves(torch: Any, log: Log) -> None:
    a = torch.tensor(1.0, requires_grad=True)
    e = a.expand(2)
    for name, write in (("item", lambda: e.__setitem__(torch.tensor([0]), 2)), ("mul", lambda: e.mul_(2)),
                        ("copy", lambda: e.copy_(torch.ones(2))), ("row", lambda: e.__setitem__(0, 2.0))):  # fmt: skip
        log.attempt(name, write)
    y = (a * 1).expand(2)
    log.attempt("computed", lambda: y.mul_(2))


@program
def empty_and_scalar(torch: Any, log: Log) -> None:
    a = leaf(torch, 1.0, 2.0)
    t = torch.ones(2, 1)[..., 1:] * 1
    log.attempt("empty", lambda: t.div_(2))
    log("t", t)
    y = a * 1
    y[0:0] = 5.0
    y[0:0].mul_(a[0:0])
    y.sum().backward()
    log("a", a.grad)
    s = torch.tensor(3.0, requires_grad=True)
    z = s * 1
    z.unsqueeze(0).mul_(2)
    z.backward()
    log("s", s.grad)


@program
def written_in_place_by_itself(torch: Any, log: Log) -> None:
    a = leaf(torch, 2.0, 3.0)
    for name, write in {
        "mul": lambda y: y.mul_(y), "add": lambda y: y.add_(y), "sub": lambda y: y.sub_(y), "div": lambda y: y.div_(y),
        "pow": lambda y: y.pow_(2), "exp": lambda y: y.exp_(), "mul part": lambda y: y[0:1].mul_(y[0:1]),
        "mul view": lambda y: y.mul_(y.view(2)), "mul clone": lambda y: y.mul_(y.clone()),
    }.items():  # fmt: skip
        a.grad = None
        y = a * 1
        log.attempt(name, lambda y=y, write=write: write(y).sum().backward())
        log(name + " a", a.grad)


def under_no_grad(torch: Any, function: Any) -> Any:
    with torch.no_grad():
        return function()


@program
def stale_views_as_leaves(torch: Any, log: Log) -> None:
    """A view that cannot follow its base is refused for the base's history, not because it wants gradients itself."""
    makers: dict[str, Any] = {
        "several": lambda x: x.split(1)[1], "no_grad": lambda x: under_no_grad(torch, lambda: x[1:]),
    }  # fmt: skip
    for name, make in makers.items():
        for late in (False, True):
            base = torch.tensor([1.0, 2.0])
            view = make(base)
            view.requires_grad_(not late)
            other = leaf(torch, 3.0)
            y, z = torch.minimum(base, view), view * other
            under_no_grad(torch, lambda x=base: x.div_(2))
            w = view.abs() * other
            if late:
                base.requires_grad = True
            for result in (y, z, w):
                log.attempt(name, lambda r=result: r.sum().backward())
            log.attempt("grad", lambda x=view: x.grad)
    base = torch.tensor(1.0) * torch.ones(3)
    view = base.unbind(0)[0]
    base[0:1] = leaf(torch, 1.0)
    log.attempt("slice", lambda: view[0:1])
    log.attempt("triangle", lambda: view.tril())
    log.attempt("triangle of a number", lambda: torch.ones(()).triu())
    log.attempt("slice of a number", lambda: torch.ones(())[0:1])


@program
def a_leaf_that_its_base_left_behind(torch: Any, log: Log) -> None:
    """A view made under no_grad, a leaf by itself, whose base came to have history meanwhile."""

    class Window(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    for name, make in (("custom", Window.apply), ("plain", lambda x: x[:]), ("several", lambda x: x.split(2)[0])):
        base = torch.tensor([1.0, 2.0])
        view = under_no_grad(torch, lambda m=make, b=base: m(b))
        view.requires_grad_()
        base *= view
        log.attempt(name, lambda b=base: b.sum().backward())
        log.attempt("grad", lambda v=view: v.grad)


@program
def a_base_detached_after_a_write_to_its_view(torch: Any, log: Log) -> None:
    """Nobody looked at the view in between, so its history is the base's of later: none."""
    writes = (
        lambda v: v.add_(1), lambda v: v.add_(torch.tensor([-0.5])), lambda v: v.copy_(torch.ones(2)),
        lambda v: v.fill_(2), lambda v: v.zero_(), lambda v: v.mul_(v), lambda v: v.clamp_(0, 1),
        lambda v: v.index_fill_(0, torch.tensor([0]), 0.5), lambda v: v.copy_(torch.tensor(1.0)),
        lambda v: v.__setitem__(0, 3.0), lambda v: v.lerp_(v * 2, 0.5), lambda v: torch.add(v, 1, out=v),
        lambda v: v.reshape(1, 2) @ torch.ones(2, 1), lambda v: v.add_(1).exp(), lambda v: v.add_(1) * v,
        lambda v: torch.where(v.add_(1) > 0, v, v), lambda v: v.add_(1).gather(0, torch.tensor([0])),
    )  # fmt: skip
    for number, write in enumerate(writes):
        a = leaf(torch, 1.0, 2.0)
        base = a * 2 + a
        view = base.view(-1)
        under_no_grad(torch, lambda v=view, w=write: w(v))
        base.detach_()
        log.attempt(str(number), lambda v=view: v.sum().backward())
        log("grad", a.grad)
        log.attempt("node", lambda v=view: v.grad_fn.name())


@program
def a_leaf_switched_off_whose_base_is_on(torch: Any, log: Log) -> None:
    """It still requires grad, for its base's sake, and gets what was recorded for it."""
    a = leaf(torch, 1.0, 2.0)
    view = under_no_grad(torch, lambda: a[0:1])
    view.requires_grad_()
    y = torch.ones(1) - view
    view.requires_grad_(False)
    log.attempt("pass", lambda: y.sum().backward())
    log("grads", (view.grad, a.grad, view.requires_grad))


ON_A_VIEW = {
    "write v": "v[1:] = 1.25", "write b": "b[1:] = 1.25", "double v": "y = v * 2", "double b": "z = b * 2",
    "cut v": "d = v.detach()", "b on": "b.requires_grad = True", "b off": "b.requires_grad = False",
    "b on_": "b.requires_grad_()", "b off_": "b.requires_grad_(False)", "v on": "v.requires_grad = True",
    "v off": "v.requires_grad = False", "v on_": "v.requires_grad_()", "v off_": "v.requires_grad_(False)",
    "read v": "v.is_leaf",
}  # fmt: skip


@program
def every_three_statements_on_a_view(torch: Any, log: Log) -> None:
    """Flags are set on a view as it stands; a write to the base is followed when the history is asked for."""
    for order in itertools.product(ON_A_VIEW, repeat=3):
        b = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        names = {"b": b, "v": b[:, :1]}
        for name in order:
            log.attempt(name, lambda name=name, names=names: exec(ON_A_VIEW[name], names))
        found = [names[name] for name in "bvyzd" if name in names]
        log(order, [x.requires_grad for x in found])
        log(order, [(x.is_leaf, x.grad_fn and x.grad_fn.name(), x._version) for x in found])


@program
def products_of_a_matrix_and_a_batch(torch: Any, log: Log) -> None:
    """Whether a product is a turned view of another hangs on who wants gradients, recorded or not."""
    for first, second in (((2, 1), (2, 1, 1)), ((2, 3), (2, 3, 1)), ((1, 3), (2, 3, 2)), ((2, 3), (2, 3, 2))):
        for wants in (True, False):
            for recorded in (True, False):
                a, b = torch.ones(first, requires_grad=wants), torch.ones(second, requires_grad=not wants)
                y = a @ b if recorded else under_no_grad(torch, lambda a=a, b=b: a @ b)
                log("product", (y._is_view(), y.stride(), y.tolist()))


@program
def passes_to_views_and_through_writes(torch: Any, log: Log) -> None:
    """A pass to a view looks at it first; a write to a view that no gradient comes to needs nothing kept."""
    base, a = torch.zeros(()), leaf(torch, 2.0)
    view = base.reshape(-1)
    base.copy_(a.sum())
    (a * 3).sum().backward(inputs=view)
    log("retains", view.retains_grad)

    class Silent(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, y: Any) -> Any:
            ctx.mark_dirty(x)
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(y)
            return x.add_(y), y * y

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            log("came", (g is None, h is None))
            return g, None if g is None and h is None else ctx.saved_tensors[0]

    for twice in (False, True):
        y = leaf(torch, 1.0, 2.0).exp() * 1
        y[0:1] = 0.75
        if twice:
            log.attempt("first", lambda y=y: y.backward(torch.ones(2)))
        z = Silent.apply(y, leaf(torch, 1.0, 1.0))[1]
        log.attempt("second", lambda z=z: z.sum().backward())
        log.attempt("third", lambda y=y: y.sum().backward())
    x = leaf(torch, 1.0, 2.0) * 1
    first, second = Silent.apply(x, x)
    x.sigmoid_()
    log.attempt("to the other", lambda: x.sum().backward(inputs=[second], retain_graph=True))


@pytest.mark.parametrize("function", PROGRAMS, ids=lambda function: function.__name__)
def test_beside_pytorch(function: Program) -> None:
    check(function)
