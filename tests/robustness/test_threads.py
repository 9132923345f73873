"""Threads that share leaves or a graph, modes per thread, and passes inside hooks: results must be those of one thread.

Written against public names only; every expected number is computed by the library itself without threads, or by hand.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module", params=["headgate", "torch"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def together(number: int, work: Callable[[int], None]) -> None:
    """Run `work` in so many threads that start at once; an exception in any of them fails the test."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(number)

    def guarded(index: int) -> None:
        try:
            barrier.wait(60)
            work(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    assert not errors, errors


def trunk(x: Any, depth: int) -> Any:
    for _ in range(depth):
        x = (x * x + 0.1).sin()
    return x


def test_eight_threads_share_leaves(library: Any) -> None:
    w = library.linspace(0.1, 1.0, 10).requires_grad_()
    (alone,) = library.autograd.grad((trunk(w, 15) * 2).sum(), w)
    found: list[Any] = [None] * 8

    def work(index: int) -> None:
        for _ in range(30):
            (found[index],) = library.autograd.grad((trunk(w, 15) * 2).sum(), w)

    together(8, work)
    assert all(gradient.tolist() == alone.tolist() for gradient in found)


def test_eight_threads_accumulate_into_one_leaf(library: Any) -> None:
    w = library.ones(5, dtype=library.float64).requires_grad_()

    def work(index: int) -> None:
        for _ in range(50):
            (w * float(index + 1)).sum().backward()

    together(8, work)
    assert w.grad.tolist() == [50.0 * 36] * 5


def test_two_threads_and_a_hook_on_one_retained_graph(library: Any) -> None:
    x = library.linspace(0.1, 1.0, 10).requires_grad_()
    middle = trunk(x, 10)
    z = trunk(middle, 10).sum()
    (alone,) = library.autograd.grad(z, x, retain_graph=True)
    inner: list[Any] = []
    busy = threading.local()

    def hook(gradient: Any) -> None:
        if not getattr(busy, "inside", False):
            busy.inside = True
            inner.append(library.autograd.grad(z, x, retain_graph=True)[0].tolist())
            busy.inside = False

    middle.register_hook(hook)
    outer: list[Any] = []

    def work(index: int) -> None:
        for _ in range(20):
            outer.append(library.autograd.grad(z, x, retain_graph=True)[0].tolist())

    together(2, work)
    assert len(outer) == 40 and all(gradient == alone.tolist() for gradient in outer)
    assert len(inner) == 40 and all(gradient == alone.tolist() for gradient in inner)


def test_modes_belong_to_their_thread(library: Any) -> None:
    w = library.ones(3, requires_grad=True)
    seen: dict[int, bool] = {}
    inside, checked = threading.Barrier(2), threading.Barrier(2)

    def work(index: int) -> None:
        if index == 0:
            with library.no_grad():
                inside.wait(30)
                seen[0] = (w * 2).requires_grad
                checked.wait(30)
        else:
            inside.wait(30)
            seen[1] = (w * 2).requires_grad
            checked.wait(30)

    together(2, work)
    assert seen == {0: False, 1: True}
    with library.no_grad():
        fresh: list[bool] = []
        together(1, lambda index: fresh.append(library.is_grad_enabled()))
    assert fresh == [True]


def test_graphs_built_and_freed_across_threads(library: Any) -> None:
    w = library.ones(4, requires_grad=True)
    shelf: list[Any] = [trunk(w, 200) for _ in range(8)]

    def work(index: int) -> None:
        for turn in range(20):
            other = (index + turn) % 8
            shelf[other] = trunk(w, 50)

    together(8, work)
    (gradient,) = library.autograd.grad(shelf[0].sum(), w)
    (alone,) = library.autograd.grad(trunk(w, 50).sum(), w)
    assert gradient.tolist() == alone.tolist()


def test_writes_from_threads_are_all_counted(library: Any) -> None:
    plain = library.zeros(4)

    def work(index: int) -> None:
        for _ in range(200):
            plain.detach().add_(1)

    together(4, work)
    assert plain._version == 800
