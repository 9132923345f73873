"""Poisson, binomial, gamma and Dirichlet numbers beside PyTorch: the same samples, the same position of the stream, the
same gradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import headgate

LIBRARIES = (headgate, torch)
PLAIN: Any = torch.distributions.dirichlet._Dirichlet  # with the gradient that the plain function lacks
RANDOM = np.random.default_rng(2)
RATES = np.concatenate([[0.0, 0.3, 2.0, 9.9, 10.0, 11.0, 57.3, 1234.5], RANDOM.uniform(0, 40, 200)])
SHAPES = np.concatenate([[0.05, 0.5, 1.0, 1.5, 7.9, 8.5, 30.0, 400.0], RANDOM.uniform(0.05, 20, 300)])
TRIALS = np.concatenate([[0.0, 5.0, 40.0, 40.0, 1000.0], RANDOM.integers(0, 90, 200)])
CHANCES = np.concatenate([[0.5, 0.0, 1.0, 0.7, 0.3], RANDOM.uniform(0, 1, 200)])


def both(call: Any, *given: Any, dtype: str = "float64") -> list[Any]:
    """Results and states afterwards of both libraries, from one seed."""
    found = []
    for library in LIBRARIES:
        tensors = [library.from_numpy(one.astype(dtype)).requires_grad_() for one in given]
        library.manual_seed(5)
        found.append((call(library, *tensors), tensors, library.get_rng_state().numpy()))
    np.testing.assert_array_equal(found[0][2], found[1][2])
    return found


def array(x: Any) -> Any:
    return np.asarray(x.detach().numpy())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_whole_numbers(dtype: str) -> None:
    for call, given in ((lambda m, x: m.poisson(x), (RATES,)), (lambda m, n, p: m.binomial(n, p), (TRIALS, CHANCES))):
        mine, theirs = both(call, *given, dtype=dtype)
        np.testing.assert_array_equal(array(mine[0]), array(theirs[0]))
        assert mine[0].dtype.name == dtype
        assert mine[0].grad_fn.name().rstrip("0") == theirs[0].grad_fn.name().split("::")[-1].rstrip("0")
        if len(given) == 1:
            mine[0].sum().backward()
            assert not array(mine[1][0].grad).any()
            continue
        with pytest.raises(RuntimeError, match="not implemented"):
            mine[0].sum().backward()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gamma(dtype: str) -> None:
    for given in (SHAPES, SHAPES[:12].reshape(3, 4), SHAPES[:1].reshape(())):
        mine, theirs = both(lambda m, x: m._standard_gamma(x), given, dtype=dtype)
        np.testing.assert_allclose(array(mine[0]), array(theirs[0]), rtol=1e-6 if dtype == "float32" else 1e-12)
        for result, _tensors, _ in (mine, theirs):
            (result * result).sum().backward()
        np.testing.assert_allclose(array(mine[1][0].grad), array(theirs[1][0].grad),
                                   rtol=2e-4 if dtype == "float32" else 1e-8)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("scale", [0.1, 1.0, 5.0, 30.0])
def test_dirichlet(dtype: str, scale: float) -> None:
    for shape in ((3,), (50, 3), (4, 5, 2)):
        given = RANDOM.uniform(0.3, 2, shape) * scale
        mine, theirs = both(lambda m, x: m._sample_dirichlet(x) if m is headgate else PLAIN.apply(x), given,
                            dtype=dtype)
        np.testing.assert_allclose(array(mine[0]), array(theirs[0]), rtol=2e-6 if dtype == "float32" else 1e-12)
        for result, _tensors, _ in (mine, theirs):
            (result * result).sum().backward()
        mine_grad, their_grad = array(mine[1][0].grad), array(theirs[1][0].grad)
        tolerance = 2e-3 if dtype == "float32" else 1e-8
        np.testing.assert_allclose(mine_grad, their_grad, rtol=tolerance, atol=tolerance * np.abs(their_grad).max())


def test_slopes() -> None:
    """All regions of the approximations."""
    x, alpha = np.meshgrid(np.geomspace(1e-3, 60, 40), np.geomspace(0.05, 60, 40))
    mine, theirs = (array(m._standard_gamma_grad(m.from_numpy(alpha), m.from_numpy(x))) for m in LIBRARIES)
    np.testing.assert_allclose(mine, theirs, rtol=1e-8)
    x, alpha, beta = (one.ravel() for one in np.meshgrid(
        np.linspace(0.01, 0.99, 25), np.geomspace(0.1, 50, 12), np.geomspace(0.1, 50, 12)))
    mine, theirs = (array(m._dirichlet_grad(*[m.from_numpy(one.copy()) for one in (x, alpha, alpha + beta)]))
                    for m in LIBRARIES)
    np.testing.assert_allclose(mine, theirs, rtol=1e-7)


@pytest.mark.parametrize("call", [
    lambda m: m.poisson(m.tensor([-1.0])), lambda m: m.poisson(m.tensor([1])), lambda m: m.poisson(3.0),
    lambda m: m.binomial(m.ones(2), m.ones(3)), lambda m: m.binomial(m.ones(2), m.ones(2).double()),
    lambda m: m._standard_gamma(m.tensor([1])), lambda m: m._sample_dirichlet(m.tensor([1])),
])  # fmt: skip
def test_errors(call: Any) -> None:
    found = []
    for library in LIBRARIES:
        with pytest.raises(Exception, match=".") as caught:
            call(library)
        found.append(caught.type)
    assert found[0] is found[1]


def test_own_generators() -> None:
    for library in LIBRARIES:
        generator = library.Generator()
        first = library.poisson(library.ones(5) * 4, generator=generator.manual_seed(3))
        second = library.poisson(library.ones(5) * 4, generator=generator.manual_seed(3))
        assert bool((first == second).all())
