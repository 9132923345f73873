"""What follows `element 0 of tensors does not require grad`: how the history was cut, and at which line."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

hg = pytest.importorskip("headgate")


def under(mode: Any, function: Callable[[], Any]) -> Any:
    with mode:
        return function()


def without(y: Any) -> Any:
    y.requires_grad_(False)
    return y * 2


def set_item(y: Any, value: Any) -> Any:
    y[0] = value
    return y


# The cut, made of a leaf of two elements in one line, and words that must follow.
CUTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "detach": (lambda x: (x.exp().detach() * 2).sum(), "it comes from a detach()"),
    "a view of a detached": (lambda x: x.detach()[0:1].view(1) + 1, "it comes from a detach()"),
    "data": (lambda x: (x.exp().data * 2).sum(), "it comes from .data"),
    "detach_": (lambda x: (x * 2).detach_() * 3, "it was cut by detach_()"),
    "no_grad": (lambda x: under(hg.no_grad(), lambda: x * 2), "mul was computed under no_grad()"),
    "inference": (lambda x: under(hg.inference_mode(), lambda: x.exp()), "exp was computed under inference_mode()"),
    "numpy": (lambda x: hg.from_numpy(x.detach().numpy()), "an array that numpy() exported"),
    "part of an array": (lambda x: hg.from_numpy(x.detach().numpy()[0:1]), "an array that numpy() exported"),
    "copy of an array": (lambda x: hg.tensor(x.detach().numpy()), "an array that numpy() exported"),
    "forced array": (lambda x: hg.as_tensor(x.numpy(force=True)), "an array that numpy() exported"),
    "array protocol": (lambda x: hg.tensor(np.asarray(x.detach())), "an array that numpy() exported"),
    "a function of NumPy": (lambda x: np.sin(x.detach()), "it comes from a detach()"),
    "tensor": (lambda x: hg.tensor(x), "tensor copies the values and drops the history"),
    "new_tensor": (lambda x: hg.ones(1).new_tensor(x), "new_tensor copies the values and drops the history"),
    "tensor of tensors": (lambda x: hg.tensor([x[0] * 2, x[1]]), "tensor copies the values and drops the history"),
    "item": (lambda x: hg.tensor(x.sum().item()), "taken out of a tensor by item()"),
    "item in a list": (lambda x: hg.tensor([x[1].item(), 9.0]), "taken out of a tensor by item()"),
    "tolist": (lambda x: hg.tensor((x * 3).tolist()), "taken out of a tensor by tolist()"),
    "float": (lambda x: hg.tensor(float(x[1])), "taken out of a tensor by float()"),
    "argmax": (lambda x: x.argmax().float(), "argmax gives a result without gradient"),
    "comparison": (lambda x: (x > 1).float(), "gt gives a result without gradient"),
    "long": (lambda x: x.long().float(), "gives a result without gradient"),
    "leaf": (lambda x: hg.ones(2) * 3, "a tensor that does not require grad, made by ones"),
    "frozen": (lambda x: without(hg.ones(2, requires_grad=True)), "requires_grad was set to False"),
    "the cut among leaves": (lambda x: hg.stack([hg.ones(2), x.data]), "it comes from .data"),
    "the cut as second operand": (lambda x: hg.ones(2) * x.detach(), "it comes from a detach()"),
    "copied": (lambda x: hg.empty(2).copy_(x.detach()), "it comes from a detach()"),
    "copied without": (lambda x: under(hg.no_grad(), lambda: hg.empty(2).copy_(x)), "under no_grad()"),
}


@pytest.mark.parametrize("name", CUTS)
def test_the_cut_and_its_line(name: str) -> None:
    make, words = CUTS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loss = make(hg.tensor([1.25, 2.5], requires_grad=True)).sum()
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad") as caught:
        loss.backward()
    first, *facts = str(caught.value).splitlines()
    assert len(facts) == 1 and words in facts[0], str(caught.value)
    first = [inspect.getsourcelines(one)[1] for one in (make, without, under)]
    lines = (first[0], first[1] + 1, first[2] + 2)
    assert any(f"test_cuts.py:{line} " in facts[0] for line in lines), facts[0]


def test_the_index_and_the_reason_of_the_second_root() -> None:
    a = hg.tensor([1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="element 1 of tensors") as caught:
        hg.autograd.backward([(a * 2).sum(), a.detach().sum()])
    assert "detach()" in str(caught.value)


def test_inputs_that_do_not_require_grad_name_the_cut() -> None:
    a = hg.tensor([1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="One of the differentiated Tensors does not require grad") as caught:
        hg.autograd.grad((a * 2).sum(), a.detach())
    assert "it comes from a detach()" in str(caught.value)


def test_a_cut_loss_made_a_leaf_warns_at_its_line() -> None:
    a = hg.tensor([1.0, 2.0], requires_grad=True)
    loss = (a.detach() * 2).sum()
    with pytest.warns(hg.CutWarning, match="it comes from a detach") as caught:
        loss.requires_grad = True
    assert caught[0].filename == __file__
    with pytest.warns(hg.CutWarning):
        loss.backward()
    assert loss.grad.item() == 1.0 and a.grad is None


@pytest.mark.parametrize(
    "make", [lambda: hg.ones(()), lambda: hg.ones(2).sum(), lambda: hg.ones((), requires_grad=True).detach()]
)
def test_a_new_leaf_does_not_warn(make: Callable[[], Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert make().requires_grad_().requires_grad


def test_strict_exports() -> None:
    """Read-only where a graph may need the memory, writable elsewhere; always writable in the other modes."""
    a = hg.tensor([1.0, 2.0], requires_grad=True)
    y = a.exp()
    cut = (a * 2).detach_()
    rows = [(lambda: y.detach(), False), (lambda: y.data, False), (lambda: y.detach()[0:1], False),
            (lambda: cut, False),
            (lambda: a.detach(), False), (lambda: y.detach().clone(), True), (lambda: y.detach() * 2, True),
            (lambda: hg.ones(2), True), (lambda: under(hg.no_grad(), lambda: a * 2), True)]  # fmt: skip
    for make, writable in rows:
        assert make().numpy().flags.writeable
        hg.set_write_guard("error")
        try:
            assert make().numpy().flags.writeable is writable, inspect.getsource(make)
            assert np.asarray(make()).flags.writeable is writable
        finally:
            hg.set_write_guard("warn")


def test_writes_that_are_meant() -> None:
    """allow_stale as a context and as a decorator, per thread of writing, not of reading."""
    hg.set_write_guard("error")
    try:
        a = hg.tensor([1.0, 2.0], requires_grad=True)
        y = a * 2
        with hg.allow_stale():
            y.data.round_()
        (y * 3).sum().backward()
        assert a.grad.tolist() == [6.0, 6.0]

        @hg.allow_stale
        def straight_through(x: Any) -> Any:
            y = x.exp()
            y.data.copy_((y > 2).float())
            return y

        straight_through(a).sum().backward()
        assert a.grad.tolist() == [7.0, 7.0]
        y = a * 2
        y.data.round_()
        with pytest.raises(RuntimeError, match="written without its history"), hg.allow_stale():
            (y * 3).sum().backward()
    finally:
        hg.set_write_guard("warn")
