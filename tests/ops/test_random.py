"""Random tensors beside PyTorch: the same numbers and the same position of the stream after every call."""

from typing import Any

import numpy as np
import pytest
import torch

import headgate

EXACT = """rand(3)|rand(2, 5, dtype=T.float64)|rand(7, dtype=T.float16)|randint(10, (5,))|randint(-3, 7, (2, 3))
randint(0, 2**40, (4,))|randperm(9)|randperm(4, dtype=T.float32)|ones(5).uniform_(-1, 3)|ones(2, 3).t().uniform_()
ones(5, dtype=T.int32).random_()|ones(5).random_(7)|ones(5, dtype=T.int64).random_(-4, 9)|ones(5).bernoulli_(0.3)
ones(3).bernoulli_(T.full((3,), 0.4))|bernoulli(T.full((4,), 0.6))|bernoulli(T.ones(3), 0.2)|rand_like(T.ones(3))
randint_like(T.ones(3), 5)|ones(4).geometric_(0.3)|multinomial(T.tensor([0.1, 0.2, 0.7]), 2)
multinomial(T.tensor([0.1, 0.2, 0.7]), 6, True)""".replace("\n", "|").split("|")
NEAR = """randn(3)|randn(20)|randn(33, dtype=T.float64)|ones(5).normal_(2, 3)|ones(4).exponential_(2)|ones(4).cauchy_()
ones(4).log_normal_()|normal(0.0, 1.0, (17,))|normal(T.zeros(3), 2.0)|normal(T.zeros(3, 1), T.ones(2))
normal(1.0, T.ones(4))|randn_like(T.ones(3))""".replace("\n", "|").split("|")
WRONG = """rand("a")|rand()|rand(2, dtype=T.int64)|rand(2.5)|randn(2, dtype=T.int64)|randint(5, 2, (2,))|randint(3)
randperm(-1)|randperm(2.5)|normal(0.0, 1.0)|normal(T.zeros(3), T.ones(2))|normal(T.zeros(3), -T.ones(3))
bernoulli(T.ones(3) * 2)|multinomial(T.ones(3), 5)|rand(3, generator=5)|randint(3, (2,), requires_grad=True)
ones(3, requires_grad=True).uniform_()|ones(3).uniform_(2, 1)|ones(3, dtype=T.int32).uniform_()
ones(3).expand(3, 3).uniform_()|ones(3).bernoulli_(1.5)|set_rng_state(T.zeros(3))|manual_seed("a")""".replace(
    "\n", "|").split("|")  # fmt: skip


def draw(library: Any, call: str) -> tuple[Any, Any]:
    library.manual_seed(11)
    made = eval(f"T.{call}", {"T": library})
    return made, library.rand(2).tolist()


@pytest.mark.parametrize("call", EXACT + NEAR)
def test_streams(call: str) -> None:
    expected, after = draw(torch, call)
    found, then = draw(headgate, call)
    assert str(found.dtype) == str(expected.dtype)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=3e-7 if call in NEAR else 0, atol=1e-7)
    assert then == after


@pytest.mark.parametrize("call", WRONG)
def test_errors(call: str) -> None:
    seen = []
    for library in (torch, headgate):
        with pytest.raises(Exception) as caught:
            eval(f"T.{call}", {"T": library})
        seen.append((caught.type, str(caught.value)[:40]))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("name", ["uniform_", "normal_", "random_", "bernoulli_", "exponential_", "cauchy_"])
def test_the_overwritten_value_gets_a_gradient_of_zero(name: str) -> None:
    seen = []
    for library in (torch, headgate):
        x = library.ones(4, requires_grad=True)
        y = x * 2
        getattr(y, name)()
        y.sum().backward()
        seen.append((y.grad_fn.name(), x.grad.tolist(), y._version))
    assert seen[0] == seen[1]


def test_states_are_interchangeable() -> None:
    torch.manual_seed(3)
    headgate.set_rng_state(headgate.from_numpy(torch.get_rng_state().numpy()))
    assert headgate.randn(5).tolist() == pytest.approx(torch.randn(5).tolist(), rel=1e-6)
    generator = headgate.Generator().manual_seed(4)
    state = generator.get_state()
    first = headgate.rand(3, generator=generator).tolist()
    generator.set_state(state)
    assert headgate.rand(3, generator=generator).tolist() == first


def test_fork_rng_restores_the_stream() -> None:
    headgate.manual_seed(5)
    expected = headgate.rand(2).tolist()
    headgate.manual_seed(5)
    with headgate.random.fork_rng():
        headgate.rand(100)
    assert headgate.rand(2).tolist() == expected


@pytest.mark.parametrize("shape", [(3, 5), (1, 5), (4, 1)])
@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial_of_an_expanded_row_or_column(shape: tuple[int, int], replacement: bool) -> None:
    rng = np.random.default_rng(0)
    for weights in (rng.random(shape[1]), rng.random((shape[0], 1))):
        for count in (1, 3 if replacement else shape[1]):
            found = []
            for t in (headgate, torch):
                t.manual_seed(7)
                drawn = t.multinomial(t.tensor(weights).expand(shape), count, replacement)
                found.append([drawn.tolist(), t.rand(1).item()])
            assert found[0] == found[1]
