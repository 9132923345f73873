"""Reductions and products, for what a table of samples cannot say: zeros in products, ties, NaN, recorded nodes."""

import pytest
import torch

import headgate


def both(values: object) -> tuple[headgate.Tensor, torch.Tensor]:
    return (headgate.tensor(values, dtype=headgate.float64, requires_grad=True),
            torch.tensor(values, dtype=torch.float64, requires_grad=True))


def gradients(library: object, x: object, loss: object) -> list[list[float]]:
    """The first and the second gradient of a loss, as lists."""
    (first,) = library.autograd.grad(loss, x, create_graph=True)
    (second,) = library.autograd.grad((first * first).sum(), x)
    return [first.tolist(), second.tolist()]


def polynomial(x: torch.Tensor) -> torch.Tensor:
    """The product of four elements by multiplication alone: right at zeros to every order."""
    return x[0] * x[1] * x[2] * x[3]


@pytest.mark.parametrize(
    "values", [[1.0, 2.0, 0.0, 3.0], [0.0, 2.0, 0.0, 3.0], [0.0, 0.0, 0.0, 1.0], [1.0, -2.0, 3.0, 4.0]]
)
def test_product_at_zeros_to_second_order(values: list[float]) -> None:
    x, y = both(values)
    mine, theirs = gradients(headgate, x, x.prod()), gradients(torch, y, polynomial(y))
    for one, other in zip(mine, theirs):
        assert one == pytest.approx(other)


@pytest.mark.parametrize("values", [[1.0, 2.0, 0.0, 3.0], [0.0, 2.0, 0.0, 3.0], [1.0, -2.0, 3.0, 4.0]])
def test_running_product_at_zeros_to_second_order(values: list[float]) -> None:
    x, y = both(values)
    weights = [1.0, -2.0, 0.5, 3.0]
    running = torch.stack([y[0], y[0] * y[1], y[0] * y[1] * y[2], polynomial(y)])
    mine = gradients(headgate, x, (x.cumprod(0) * headgate.tensor(weights, dtype=headgate.float64)).sum())
    theirs = gradients(torch, y, (running * torch.tensor(weights, dtype=torch.float64)).sum())
    for one, other in zip(mine, theirs):
        assert one == pytest.approx(other)


def test_gradient_of_an_extreme_is_shared_among_equals_unless_there_is_an_index() -> None:
    x, _ = both([1.0, 3.0, 3.0])
    assert headgate.autograd.grad(x.max(), x)[0].tolist() == [0.0, 0.5, 0.5]
    assert headgate.autograd.grad(x.amax(), x)[0].tolist() == [0.0, 0.5, 0.5]
    assert headgate.autograd.grad(x.max(0).values, x)[0].tolist() == [0.0, 1.0, 0.0]


NODES = [
    ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 2, 3), (3, 4)), ((2, 2, 3), (3,)), ((3,), (2, 3, 4)),
    ((2, 3), (2, 3, 4)), ((2, 1, 2, 3), (3, 3, 2)), ((1, 2, 3), (4, 3, 2)), ((3,), (3,)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), NODES)
def test_a_product_is_recorded_as_in_pytorch(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    mine = headgate.ones(left, requires_grad=True) @ headgate.ones(right, requires_grad=True)
    theirs = torch.ones(left, requires_grad=True) @ torch.ones(right, requires_grad=True)
    assert mine.grad_fn.name() == theirs.grad_fn.name()
    assert mine.tolist() == theirs.tolist()


@pytest.mark.parametrize("dim", [(0,), (-1,), (), (0, -1), (0, 0), (0, 1), 0, -1, 1])
@pytest.mark.parametrize("name", ["sum", "mean", "amax", "var", "logsumexp", "any", "nansum", "count_nonzero"])
def test_dims_of_a_number(name: str, dim: object) -> None:
    """A number may be reduced over its only dim, by either name, once."""
    found = []
    for library in (torch, headgate):
        try:
            found.append(tuple(getattr(library.tensor(1.0), name)(dim).shape))
        except (RuntimeError, IndexError) as error:
            found.append((type(error), str(error)))
    assert found[0] == found[1]
