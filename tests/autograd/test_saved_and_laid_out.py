"""What PyTorch saves although no gradient reads it, in which layout gradients and picked elements lie, and set_."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from programs import Log, check, leaf

INDEX = [[0, 1], [1, 0]]
LOOKED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "gather": lambda torch, x, i: x.gather(0, i),
    "take": lambda torch, x, i: x.take(i),
    "masked_select": lambda torch, x, i: x[:].masked_select(i > 0),
    "put": lambda torch, x, i: x.put(i, x * 2),
    "put added": lambda torch, x, i: x.put(i, x * 2, True),
    "index_put": lambda torch, x, i: x.index_put((i[0],), x[0], accumulate=True),
    "cummax": lambda torch, x, i: x.cummax(0)[0],
    "cumprod": lambda torch, x, i: x.sum().cumprod(0) + x,
    "sgn": lambda torch, x, i: x.sgn(),
    "copysign": lambda torch, x, i: torch.ones(2, 2).copysign(x),
    "addcdiv": lambda torch, x, i: torch.addcdiv(x, torch.ones(2, 2), torch.ones(2, 2)),
    "pow": lambda torch, x, i: x.abs().pow(torch.ones(2, 2)),
    "slope of a square": lambda torch, x, i: torch.autograd.grad(x.square().sum(), x, create_graph=True)[0],
    "slope of a power": lambda torch, x, i: torch.autograd.grad((x**2.0).sin().sum(), x, create_graph=True)[0],
    "power of a number": lambda torch, x, i: torch.pow(2.0, x) + torch.float_power(1.5, x),
    "div floor": lambda torch, x, i: x.div(x.abs(), rounding_mode="floor"),
    "div trunc": lambda torch, x, i: torch.ones(2).div(x, rounding_mode="trunc"),
    "div by a number": lambda torch, x, i: x.div(2.0, rounding_mode="floor"),
    "xlogy": lambda torch, x, i: torch.xlogy(x, 2.0),
    "ldexp": lambda torch, x, i: torch.ldexp(x, i),
    "ldexp of the power": lambda torch, x, i: torch.ldexp(torch.ones(2, 2), x),
    "combinations": lambda torch, x, i: torch.combinations(x[0]),
    "kron": lambda torch, x, i: torch.kron(x, x[:1]),
    "take_along_dim": lambda torch, x, i: torch.take_along_dim(x, i, 0),
    "index_put of a number": lambda torch, x, i: x.index_put((i[0],), torch.ones(()), accumulate=True),
    "solve": lambda torch, x, i: torch.linalg.solve(torch.eye(2), x),
    "solve_triangular": lambda torch, x, i: torch.linalg.solve_triangular(torch.eye(2), x, upper=True),
    "layer_norm": lambda torch, x, i: torch.nn.functional.layer_norm(torch.ones(3, 2), (2,), x[0], x[1].detach()),
    "conv_tbc": lambda torch, x, i: torch.conv_tbc(torch.ones(3, 1, 2), torch.ones(1, 2, 2), x[1]),
    **{name: (lambda torch, x, i, name=name: x.scatter_reduce(0, i, x * 2, name))  # type: ignore[misc]
       for name in ("sum", "mean", "prod", "amax")},
}  # fmt: skip


@pytest.mark.parametrize(("name", "written"), list(itertools.product(LOOKED, ("input", "index", "result"))))
def test_what_is_saved_is_looked_at(name: str, written: str) -> None:
    def program(torch: Any, log: Log) -> None:
        x, index = leaf(torch, 1.0, 2.0), torch.tensor(INDEX)
        y = x.expand(2, 2) * torch.tensor([[1.0, -2.0], [3.0, 4.0]])
        z = LOOKED[name](torch, y, index)
        with torch.no_grad():
            {"input": y, "index": index, "result": z}[written].mul_(1)
        try:
            z.sum().backward()
            log("gradient", x.grad)
        except RuntimeError as error:
            log("raised", str(error)[:60])

    check(program)


@pytest.mark.parametrize("function", ("where", "lerp", "addcmul", "div", "mul"))
def test_saved_though_the_gradient_goes_nowhere(function: str) -> None:
    def program(torch: Any, log: Log) -> None:
        x, y = torch.tensor([[1.0, -2.0]]), torch.tensor([3.0, 4.0])
        view = x[0]  # made before, a view of a leaf sends its gradient nowhere
        x.requires_grad_()
        functions = {
            "where": lambda: torch.where(view > 0, view, y), "lerp": lambda: torch.lerp(y, view, 0.5 * y),
            "addcmul": lambda: torch.addcmul(view, y, y), "div": lambda: view / 2, "mul": lambda: view * 2,
        }  # fmt: skip
        z = functions[function]()
        log.attempt("first", lambda: z.sum().backward())
        log.attempt("second", lambda: z.sum().backward())

    check(program)


def test_a_product_saves_what_it_divides() -> None:
    def program(torch: Any, log: Log) -> None:
        x = leaf(torch, 2.0, 3.0)
        for y in (x.prod(), x.prod(0), x[None].prod(1)):
            (gradient,) = torch.autograd.grad(y.sum(), x, create_graph=True)
            with torch.no_grad():
                y.fill_(0.75)
            log.attempt("second", lambda y=y, gradient=gradient: torch.autograd.grad(gradient.sum(), y))

    check(program)


def test_data_of_an_inference_tensor_counts_writes() -> None:
    def program(torch: Any, log: Log) -> None:
        with torch.inference_mode():
            x = torch.ones(2)
            inside = x.data
        for name, y in (("data", x.data), ("detached", x.data.detach()), ("twice", x.data.data), ("inside", inside),
                        ("alias", x.detach()), ("view", x.data.view(2)), ("result", x.data + 1)):  # fmt: skip
            log(name, y.is_inference())
            log.attempt("write", lambda y=y: y.add_(1))
            log.attempt("version", lambda y=y: y._version)
            log.attempt("flag", lambda y=y: y.requires_grad_())

    check(program)


@pytest.mark.parametrize("written", ("tracked", "plain", "nothing"))
def test_detached_and_written_after_it_was_saved(written: str) -> None:
    def program(torch: Any, log: Log) -> None:
        x = leaf(torch, 1.0, 2.0)
        y = x * 3
        z = x * y
        y.detach_()
        if written != "nothing":
            y[0] = x.sum() if written == "tracked" else 1.0
        log.attempt("backward", lambda: z.sum().backward())

    check(program)


def test_an_output_detached_before_it_was_read() -> None:
    def program(torch: Any, log: Log) -> None:
        x = leaf(torch, 1.0, 2.0)
        y = x.tanh()
        z = y * 2
        y.detach_()
        (gradient,) = torch.autograd.grad(z.sum(), x, create_graph=True)
        gradient.sum().backward()
        log("x", x.grad)

    check(program)


@pytest.mark.parametrize("recorded", (True, False))
@pytest.mark.parametrize("tracked", (True, False))
def test_views_of_a_function_under_no_grad(recorded: bool, tracked: bool) -> None:
    def program(torch: Any, log: Log) -> None:
        class Window(torch.autograd.Function):  # type: ignore[misc]
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                return x.view_as(x)

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g

        x = leaf(torch, 1.0, 2.0)
        x = x * 1 if tracked else x
        with torch.set_grad_enabled(recorded):
            y = Window.apply(x)
        log("state", (y.requires_grad, y.is_leaf))
        for write in (lambda: y.add_(1), lambda: y[:1].add_(1), lambda: y[:1].view(1).add_(1)):
            try:
                log("written", write().tolist())
            except RuntimeError as error:
                log("raised", str(error).splitlines()[0])

    check(program)


@pytest.mark.parametrize("tracked", (True, False))
def test_versions_of_products(tracked: bool) -> None:
    def program(torch: Any, log: Log) -> None:
        vector, matrix = torch.ones(3, requires_grad=tracked), torch.ones(3, 2)
        for grad in (True, False):
            with torch.set_grad_enabled(grad):
                for y in (vector @ matrix, matrix.t() @ vector, vector @ vector, vector @ matrix[None]):
                    log("version", (y._version, y.detach()._version, y.is_leaf, y._is_view()))
        y = vector @ matrix
        z = y.exp() * y
        log("z", (z, z._version, y[0]))
        y.mul_(2)
        log("written", y._version)
        log.attempt("backward", lambda: z.sum().backward() if tracked else None)

    check(program)


@pytest.mark.parametrize("look", (True, False))
def test_an_alias_leaves_a_views_history_alone(look: bool) -> None:
    def program(torch: Any, log: Log) -> None:
        x = leaf(torch, 1.0)
        y = x * 1
        z = y.expand(2, 1)
        y.unsqueeze_(0)
        if look:
            log("node", z.grad_fn.name())
        z.data = z.detach() * 2  # the history that is found from here on goes by the new memory
        z.sum().backward()
        log("x", x.grad)

    check(program)


LEAVES: dict[str, Callable[[Any], Any]] = {
    "transposed": lambda torch: torch.ones(2, 3).t(),
    "with gaps": lambda torch: torch.ones(3, 4)[:, ::2],
    "expanded": lambda torch: torch.ones(2).expand(3, 2),
    "contiguous": lambda torch: torch.ones(3, 2),
}


@pytest.mark.parametrize("name", LEAVES)
@pytest.mark.parametrize("create", (False, True))
def test_a_leafs_gradient_has_its_layout(name: str, create: bool) -> None:
    def program(torch: Any, log: Log) -> None:
        x = LEAVES[name](torch).detach().requires_grad_()
        for factor in (torch.ones(3, 2), torch.ones(2, 3).t()):
            x.grad = None
            (x * factor).sum().backward(create_graph=create)
            log("strides", x.grad.stride())

    check(program)


def test_retained_gradients_are_copies() -> None:
    def program(torch: Any, log: Log) -> None:
        x = leaf(torch, 1.0, 2.0)
        y = x * 2
        z = y + 1
        y.retain_grad()
        z.retain_grad()
        z.sum().backward()
        y.grad.mul_(5)
        log("strides", (y.grad.stride(), z.grad.stride()))
        log("gradients", (x.grad.tolist(), y.grad.tolist(), z.grad.tolist()))

    check(program)


@pytest.mark.parametrize("index", ("rows", "columns", "both", "apart", "mask", "transposed"))
def test_picked_elements_lie_as_their_source(index: str) -> None:
    def program(torch: Any, log: Log) -> None:
        rows, pairs = torch.tensor([1, 0, 1]), torch.tensor([[0, 1], [1, 0]])
        places = {
            "rows": (rows,), "columns": (slice(None), rows), "both": (pairs, rows[:2]), "apart": (rows, slice(None), 0),
            "mask": (torch.tensor([True, False]),), "transposed": (pairs.t(),),
        }[index]  # fmt: skip
        base = torch.arange(24.0)
        for x in (base.view(2, 3, 4).permute(0, 2, 1), base.view(3, 2, 4).transpose(0, 1), base.view(2, 12).t()[:2],
                  base.view(2, 12), base[:4].view(2, 2).expand(3, 2, 2).permute(1, 2, 0)):  # fmt: skip
            picked = x[places] if len(places) <= x.dim() else x[places[:1]]
            log("picked", (picked.tolist(), picked.stride()))

    check(program)


@pytest.mark.parametrize("source", ("tensor", "tracked", "storage", "nothing"))
def test_set_has_no_gradient(source: str) -> None:
    def program(torch: Any, log: Log) -> None:
        x = leaf(torch, 1.0, 2.0)
        other = {"tensor": torch.zeros(2), "tracked": x * 3, "storage": torch.zeros(2).untyped_storage()}
        y, z = x * 2, torch.ones(2)
        for one in (y, z):
            one.set_(*([] if source == "nothing" else [other[source]]))
            log("state", (one.requires_grad, one._version, one.grad_fn is None or one.grad_fn.name()))
        for one in (y, z, x):
            try:
                one.sum().backward() if one is not x else x.set_(y)
            except RuntimeError as error:
                log("raised", str(error).splitlines()[0])

    check(program)


TIED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "linear": lambda torch, x, w: torch.nn.functional.linear(x, w, torch.ones(2)),
    "addmm": lambda torch, x, w: torch.addmm(torch.ones(2), x, w.t()),
    "used twice": lambda torch, x, w: torch.addmm(torch.ones(2), x, w.t()) + torch.addmm(torch.zeros(2), x * 2, w.t()),
    "one transpose twice": lambda torch, x, w: (
        lambda t: torch.addmm(torch.ones(2), x, t) + torch.addmm(torch.ones(2), x * 3, t))(w.t()),
    "seen and used": lambda torch, x, w: (lambda t: torch.addmm(torch.ones(2), x, t) * t.sum())(w.t()),
    "product": lambda torch, x, w: x @ w.t(),
}


@pytest.mark.parametrize("name", TIED)
@pytest.mark.parametrize("way", ["backward", "grad", "retained", "hook", "second", "given"])
def test_gradients_of_transposed_weights(name: str, way: str) -> None:
    """Numbers, and strides of leaves; and that no two gradients which somebody can hold share their memory."""

    def program(torch: Any, log: Log) -> None:
        x = torch.tensor([[1.0, 2.0, 3.0]] * 4, requires_grad=True)
        w = torch.tensor([[1.0, -2.0, 0.5], [3.0, 1.0, 2.0]], requires_grad=True)
        kept: list[Any] = []
        t = w.t()
        y = TIED[name](torch, x, w)
        below = next((f for f, _ in y.grad_fn.next_functions if f is not None and f.name() == "TBackward0"), None)
        if way == "hook" and below is not None:
            below.register_prehook(lambda grads: kept.extend(grads) or None)
        if way == "grad":
            kept.extend(torch.autograd.grad((y * y).sum(), (x, w)))
        elif way == "second":
            first = torch.autograd.grad((y * y).sum(), (x, w), create_graph=True)
            (first[0].sum() + (first[1] * first[1]).sum()).backward()
        elif way == "given":
            root = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).t()
            t.t().backward(root)
            w.grad.mul_(2)
            log("given", root)
            y.sum().backward()
        else:
            if way == "retained":
                t.retain_grad()
                y = y + torch.addmm(torch.ones(2), x, t)
            (y * y).sum().backward()
            kept.extend([t.grad] if way == "retained" else [])
        for one in (*kept, x.grad, w.grad):
            log("gradient", one)
        log("strides", None if w.grad is None else w.grad.stride())
        if torch.__name__ == "headgate" and w.grad is not None:  # PyTorch's may share
            before = w.grad.tolist()
            for one in kept:
                one.mul_(3)
            assert w.grad.tolist() == before

    check(program)
