"""The stale-history guard speaks where a gradient ignores a write, and only there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import headgate as hg


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    hg.set_write_guard("error")
    yield
    hg.set_write_guard("warn")


def product() -> Any:
    return hg.tensor([1.0, 2.0, 3.0], requires_grad=True) * 2


def overwritten(y: Any) -> Any:
    y.detach().sigmoid_()
    return y.fill_(0.75)


def cancelled(y: Any) -> Any:
    y.data.sigmoid_()
    y -= y
    return y


def written_with_itself(y: Any) -> Any:
    y.detach()[...] = y
    y.data.copy_(y)
    return y * y


def rebound_to_itself(y: Any) -> Any:
    z = y**2
    y.data = y.detach() / 2 * 2
    return z + y


def another_part(y: Any) -> Any:
    y.detach()[0] = 5.0
    y[1].mul_(2)
    return y[1:]


def masked(y: Any) -> Any:
    y.detach()[0] = 5.0
    return y * hg.tensor([0.0, 1.0, 1.0])


SILENT = (overwritten, cancelled, written_with_itself, rebound_to_itself, another_part, masked)


@pytest.mark.parametrize("program", SILENT, ids=lambda program: program.__name__)
def test_silent_where_the_gradient_is_right(program: Callable[[Any], Any]) -> None:
    program(product()).sum().backward()


def part_of_a_view(y: Any) -> Any:
    y.detach()[1:] = 5.0
    y[0] = 1.0  # makes a new history of all of y
    return y


def read_by_a_view(y: Any) -> Any:
    y.detach()[0] = 5.0
    y[0:2].mul_(2)
    return y


def two_writes(y: Any) -> Any:
    y.detach()[0] = 5.0
    y.detach()[2] = 5.0
    y[2].fill_(1.0)
    return y[0:1]


def multiplied(y: Any) -> Any:
    y.data.add_(1)
    return y * 3


TOLD = (part_of_a_view, read_by_a_view, two_writes, multiplied)


@pytest.mark.parametrize("program", TOLD, ids=lambda program: program.__name__)
def test_told_where_the_gradient_ignores_a_write(program: Callable[[Any], Any]) -> None:
    with pytest.raises(RuntimeError, match="written without its history"):
        program(product()).sum().backward()


def test_a_zero_gradient_may_have_derivatives() -> None:
    y = product()
    y.data.sigmoid_()
    y -= y
    with pytest.raises(RuntimeError, match="written without its history"):
        y.sum().backward(create_graph=True)
