"""What the list of behaviours asks of Headgate beyond PyTorch: reports in words, read-only exports, no cycles.

These run on Headgate alone; the side-by-side programs are in test_cases.py. Texts are searched for the facts that must
be in them, not compared in full.
"""

from __future__ import annotations

import gc
import importlib
import re
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def hg() -> Any:
    return importlib.import_module("headgate")


def here(text: str) -> str:
    """`file:line` of the line of this file that holds the text."""
    lines = Path(__file__).read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if text in line and "here(" not in line)
    return f"{Path(__file__).name}:{number}"


def test_in_place_error_names_both_lines(hg: Any) -> None:
    a = hg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    out = a.sigmoid()  # saves its output
    c = out.detach()
    c.zero_()  # overwrites it
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as caught:
        out.sum().backward()
    text = str(caught.value)
    assert "sigmoid" in text and here("# saves its output") in text
    assert "zero_" in text and here("# overwrites it") in text
    assert "detach()" in text and re.search(r"version 1, expected 0", text)


def test_data_write_is_reported_with_both_lines_and_once(hg: Any) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            a = hg.tensor([1.0, 2.0, 3.0], requires_grad=True)
            out = a.exp()  # saved for the report
            loss = out.sum()
            out.data.mul_(2)  # through data
            loss.backward()
    texts = [str(item.message) for item in caught if issubclass(item.category, hg.WriteWarning)]
    assert len(texts) == 1
    assert here("# saved for the report") in texts[0] and here("# through data") in texts[0] and ".data" in texts[0]


def test_stale_history_is_reported_with_the_write(hg: Any) -> None:
    a = hg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    o = a + 1
    with hg.no_grad():
        o[0] = 5.0  # unexplained
    with pytest.warns(hg.WriteWarning) as caught:
        o.sum().backward()
    assert here("# unexplained") in str(caught[0].message)
    assert a.grad.tolist() == [1.0, 1.0, 1.0]


def test_allow_stale_is_silent(hg: Any) -> None:
    hg.set_write_guard("error")
    try:
        a = hg.tensor([0.3, 0.8], requires_grad=True)
        with hg.allow_stale():
            y = a * 1
            y.data.copy_(y.round())  # the straight-through estimator
            (y * 2).sum().backward()
        assert a.grad.tolist() == [2.0, 2.0]
    finally:
        hg.set_write_guard("warn")


def test_guard_modes_are_checked(hg: Any) -> None:
    assert hg.get_write_guard() == "warn"
    with pytest.raises(ValueError):
        hg.set_write_guard("loud")
    assert hg.get_write_guard() == "warn"


def test_strict_exports_are_read_only_where_history_is(hg: Any) -> None:
    hg.set_write_guard("error")
    try:
        a = hg.tensor([1.0, 2.0], requires_grad=True)
        array = a.sigmoid().detach().numpy()
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0
    finally:
        hg.set_write_guard("warn")
    loose = a.sigmoid().detach().numpy()
    loose[0] = 0.0


CUTS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "detach": (lambda hg, a: a.exp().detach(), "detach"),
    "data": (lambda hg, a: a.exp().data, "data"),
    "integer": (lambda hg, a: a.argmax(), "argmax"),
    "comparison": (lambda hg, a: a > 1, "gt|>|bool|integer"),
    "numpy": (lambda hg, a: hg.from_numpy(a.detach().numpy()), "numpy|NumPy"),
    "leaf": (lambda hg, a: hg.ones(2), "require"),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_the_cut_is_named(hg: Any, cut: tuple[Callable[[Any, Any], Any], str]) -> None:
    a = hg.tensor([1.0, 2.0], requires_grad=True)
    loss = cut[0](hg, a)
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad") as caught:
        loss.sum().backward()
    first, _, facts = str(caught.value).partition("\n")
    assert re.search(cut[1], facts), f"nothing about the cut in {facts!r}"
    assert Path(__file__).name in facts


def test_no_grad_is_named_as_the_cut(hg: Any) -> None:
    a = hg.tensor([1.0, 2.0], requires_grad=True)
    with hg.no_grad():
        y = a * 2  # the cut
    with pytest.raises(RuntimeError) as caught:
        y.sum().backward()
    assert "no_grad" in str(caught.value) and here("# the cut") in str(caught.value)


def test_a_second_backward_names_the_first(hg: Any) -> None:
    a = hg.tensor([1.0, 2.0], requires_grad=True)
    loss = a.exp().sum()
    loss.backward()  # the first pass
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time") as caught:
        loss.backward()
    assert here("# the first pass") in str(caught.value) and "exp" in str(caught.value)


def test_no_cycle_remains_after_create_graph(hg: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        x = hg.tensor([1.0, 2.0], requires_grad=True)
        y = x.exp()
        (y * y).sum().backward(create_graph=True)
        reference, middle = weakref.ref(x), weakref.ref(y)
        x.grad = None
        del x, y
        assert reference() is None and middle() is None
    finally:
        gc.enable()


def test_no_cycle_where_pytorch_leaks(hg: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        w = hg.tensor([1.0, 2.0], requires_grad=True)
        x = hg.tensor([3.0, 4.0])
        y = w * x
        with hg.no_grad():
            pass
        x.mul_(y)  # x is saved by y's node and now has y in its history
        reference = weakref.ref(x)
        del x, y
        assert reference() is None
    finally:
        gc.enable()


def test_an_array_times_a_tensor_is_a_tensor(hg: Any) -> None:
    t = hg.tensor([1.0, 2.0], requires_grad=True)
    for result, expected in ((np.array([3.0, 4.0]) * t, [3.0, 8.0]), (np.array([3.0, 4.0]) - t, [2.0, 2.0])):
        assert isinstance(result, hg.Tensor) and result.requires_grad and result.tolist() == expected


def test_a_read_only_array_warns(hg: Any) -> None:
    array = np.arange(3.0)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="not writ"):
        hg.from_numpy(array)


def test_a_cut_loss_marked_as_a_leaf_warns(hg: Any) -> None:
    a = hg.tensor([1.0, 2.0], requires_grad=True)
    loss = (a.detach() * 2).sum()
    with pytest.warns(hg.CutWarning):
        loss.requires_grad = True
