"""The incomplete gamma functions beside PyTorch's: values over a wide range, edges, gradients, errors."""

import numpy as np
import pytest
import torch

import headgate

SHAPES = [0.01, 0.5, 1.0, 2.5, 10.0, 99.0, 1000.0, 0.0, float("inf"), -1.0, float("nan")]
POINTS = [0.0, 1e-8, 0.3, 1.0, 2.5, 9.0, 11.0, 95.0, 105.0, 1000.0, float("inf"), -1.0, float("nan")]


@pytest.mark.parametrize("name", ["gammainc", "gammaincc"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values(name: str, dtype: str) -> None:
    found = []
    for t in (headgate, torch):
        a = t.tensor(SHAPES, dtype=getattr(t, dtype)).unsqueeze(-1)
        x = t.tensor(POINTS, dtype=getattr(t, dtype))
        found.append(getattr(t.special, name)(a, x))
    close = 2e-9 if dtype == "float64" else 3e-5  # PyTorch's own series is that far off near a = x
    assert str(found[0].dtype) == str(found[1].dtype)
    np.testing.assert_allclose(found[0].numpy(), found[1].numpy(), rtol=close, atol=1e-12 if close < 1e-6 else 1e-6)


@pytest.mark.parametrize("name", ["igamma", "igammac"])
def test_gradients(name: str) -> None:
    found = []
    for t in (headgate, torch):
        a = t.tensor([[0.5], [2.0]], dtype=t.float64)
        x = t.tensor([0.5, 2.0, 7.0], dtype=t.float64, requires_grad=True)
        y = getattr(t, name)(a, x)
        (first,) = t.autograd.grad(y.square().sum(), x, create_graph=True)
        (second,) = t.autograd.grad(first.sum(), x)
        found.append((getattr(a, name)(x).detach(), first.detach(), second, type(y.grad_fn).__name__))
    for mine, theirs in zip(found[0][:3], found[1][:3]):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-9)
    assert found[0][3] == found[1][3]


def test_errors() -> None:
    for t in (headgate, torch):
        a = t.tensor([2.0], requires_grad=True)
        with pytest.raises(RuntimeError, match="the derivative for 'igamma: input' is not implemented"):
            t.igamma(a, t.tensor([1.0])).sum().backward()
        with pytest.raises(NotImplementedError):
            t.igamma(t.tensor([2]), t.tensor([1]))
        with pytest.raises(RuntimeError):
            t.igamma(t.ones(2), t.ones(3))
        with pytest.raises(TypeError):
            t.igamma(2.0, t.tensor([1.0]))
