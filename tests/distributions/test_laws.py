"""Every law beside PyTorch's: shapes, moments, densities, samples from one seed, gradients of two orders, texts."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headgate
import headgate.distributions

sys.path.insert(0, str(Path(__file__).parent))

from laws import LAWS, STREAMS, Maker

CLOSE = {"float64": 1e-8, "float32": 3e-4}
BOTH = ((headgate, headgate.distributions), (torch, torch.distributions))
#: PyTorch says so of every sample of its Wishart, singular or not.
pytestmark = pytest.mark.filterwarnings("ignore:Singular sample detected")
every_law = pytest.mark.parametrize("name", LAWS)


def law(name: str, t: Any, d: Any, dtype: str = "float64") -> tuple[Any, list[Any]]:
    maker = Maker(t, dtype)
    return LAWS[name](t, d, maker), maker.made


def outcome(call: Callable[[], Any]) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call()
    except Exception as error:
        return error


def same(mine: Any, theirs: Any, what: str, close: float = 1e-8, words: int = 0) -> None:
    """Equal values, shapes and types, or errors of the same class with the same opening words."""
    if isinstance(theirs, Exception):
        assert isinstance(mine, type(theirs)), f"{what}: {mine!r}, PyTorch {theirs!r}"
        assert str(mine)[:words] == str(theirs)[:words]
        return
    if isinstance(mine, Exception):
        raise AssertionError(f"{what}: PyTorch gives {theirs!r}") from mine
    assert tuple(mine.shape) == tuple(theirs.shape), f"{what}: {mine.shape}, PyTorch {theirs.shape}"
    assert str(mine.dtype) == str(theirs.dtype), f"{what}: {mine.dtype}, PyTorch {theirs.dtype}"
    assert mine.requires_grad == theirs.requires_grad, f"{what}: requires_grad {mine.requires_grad}"
    if mine.dtype == headgate.float32:
        close = max(close, 3e-6)
    np.testing.assert_allclose(
        mine.detach().numpy(), theirs.detach().numpy(force=True), rtol=close, atol=close, err_msg=what)


@every_law
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_moments_and_shapes(name: str, dtype: str) -> None:
    (mine, _), (theirs, _) = (law(name, t, d, dtype) for t, d in BOTH)
    for field in ("batch_shape", "event_shape", "has_rsample", "has_enumerate_support"):
        assert getattr(mine, field) == getattr(theirs, field), field
    assert type(mine.batch_shape) is type(mine.event_shape) is headgate.Size
    for field in ("mean", "mode", "variance", "stddev", "probs", "logits", "param_shape"):
        if field == "param_shape":
            assert getattr(mine, field, None) == getattr(theirs, field, None)
            continue
        found, wanted = (outcome(lambda one=one: getattr(one, field)) for one in (mine, theirs))
        same(found, wanted, f"{name}.{field}", CLOSE[dtype])
    for method in ("entropy", "perplexity"):
        found, wanted = (outcome(lambda one=one: getattr(one, method)()) for one in (mine, theirs))
        same(found, wanted, f"{name}.{method}", CLOSE[dtype])
    for expand in (False, True):
        found, wanted = (outcome(lambda one=one: one.enumerate_support(expand)) for one in (mine, theirs))
        same(found, wanted, f"{name}.enumerate_support", CLOSE[dtype])


@every_law
def test_texts(name: str) -> None:
    texts = []
    for t, d in BOTH:
        maker = Maker(t, "float32", gradient=False)
        one = LAWS[name](t, d, maker)
        support = outcome(lambda one=one: one.support)
        texts.append((repr(one), repr(support), str(getattr(support, "event_dim", None)),
                      str(getattr(support, "is_discrete", None))))
    assert texts[0] == texts[1]


@every_law
@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_samples_from_one_seed(name: str, shape: tuple[int, ...]) -> None:
    for method in ("sample", "rsample"):
        found = []
        for t, d in BOTH:
            one, _ = law(name, t, d, "float32")
            t.manual_seed(3)
            found.append((outcome(lambda one=one, method=method: getattr(one, method)(shape)), t.rand(1).item()))
        same(found[0][0], found[1][0], f"{name}.{method}{shape}", 3e-5)
        assert found[0][1] == found[1][1], "the stream is elsewhere after"


def differentiated(t: Any, result: Any, parameters: list[Any]) -> list[Any]:
    """Gradients of two orders."""
    if not result.requires_grad:
        return []
    weights = t.linspace(0.5, 2.0, max(result.numel(), 1), dtype=result.dtype)[: result.numel()]
    first = t.autograd.grad(
        (result * weights.reshape(result.shape)).sum(), parameters, create_graph=True, allow_unused=True)
    used = [one for one in first if one is not None]
    second: list[Any] = []
    if any(one.requires_grad for one in used):
        total = sum((one * one.cos()).sum() for one in used)
        second = list(t.autograd.grad(total, parameters, allow_unused=True))
    return [t.zeros_like(p) if one is None else one for one, p in zip([*first, *second], [*parameters, *parameters])]


@every_law
def test_gradients_of_samples(name: str) -> None:
    found = []
    for t, d in BOTH:
        one, parameters = law(name, t, d)
        if not one.has_rsample or not parameters or name.startswith("Wishart"):
            return  # PyTorch's backward of Wishart fails; `test_every_law` has Headgate's
        t.manual_seed(5)
        sample = one.rsample((4,))
        if STREAMS.get(name.partition(" ")[0]):  # no second gradient in PyTorch
            gradients = t.autograd.grad(sample.sum() + sample.square().sum(), parameters, allow_unused=True)
            found.append([g for g in gradients if g is not None])
        else:
            found.append(differentiated(t, sample, parameters))
    assert len(found[0]) == len(found[1])
    for number, (mine, theirs) in enumerate(zip(*found)):
        np.testing.assert_allclose(
            mine.detach().numpy(), theirs.detach().numpy(), rtol=2e-6, atol=1e-8, err_msg=f"{name} {number}")


def values(name: str) -> list[np.ndarray]:
    """Values in the support, as PyTorch draws them."""
    one, _ = law(name, torch, torch.distributions)
    torch.manual_seed(7)
    return [one.sample(shape).numpy() for shape in ((), (3,))]


@every_law
def test_log_prob_with_gradients(name: str) -> None:
    for array in values(name):
        found = []
        for t, d in BOTH:
            one, parameters = law(name, t, d)
            value = t.tensor(array.tolist(), dtype=getattr(t, str(array.dtype)))
            if value.is_floating_point() and not one.support.is_discrete:
                value.requires_grad_()
                parameters = [*parameters, value]
            result = one.log_prob(value)
            found.append([result, *differentiated(t, result, parameters)])
        assert len(found[0]) == len(found[1])
        for number, (mine, theirs) in enumerate(zip(*found)):
            same(mine.detach(), theirs.detach(), f"{name} {number}", 1e-7)


def check_gamma_cdf(name: str) -> None:
    """PyTorch has no gradient of it for the concentration."""
    for array in values(name):
        found = []
        for t, d in BOTH:
            one = LAWS[name](t, d, Maker(t, "float64", gradient=False))
            value = t.tensor(array.tolist(), dtype=t.float64, requires_grad=True)
            result = one.cdf(value)
            found.append([result, *differentiated(t, result, [value])])
        for mine, theirs in zip(*found):
            same(mine.detach(), theirs.detach(), f"{name}.cdf", 1e-7)


@every_law
@pytest.mark.parametrize("method", ["cdf", "icdf"])
def test_distribution_functions(name: str, method: str) -> None:
    if name.startswith(("Gamma", "Chi2", "InverseGamma")) and method == "cdf":
        check_gamma_cdf(name)
        return
    for array in values(name):
        found = []
        if method == "icdf":
            array = np.linspace(0.05, 0.95, array.size).reshape(array.shape)
        for t, d in BOTH:
            one, parameters = law(name, t, d)
            value = t.tensor(array.tolist(), dtype=getattr(t, str(array.dtype)))
            result = outcome(lambda one=one, value=value: getattr(one, method)(value))
            if isinstance(result, Exception):
                found.append(result)
            else:
                found.append([result, *differentiated(t, result, parameters)])
        if isinstance(found[1], Exception) or isinstance(found[0], Exception):
            same(found[0], found[1], f"{name}.{method}")
            continue
        for mine, theirs in zip(*found):
            same(mine.detach(), theirs.detach(), f"{name}.{method}", 1e-7)


@every_law
def test_expand(name: str) -> None:
    found = []
    for t, d in BOTH:
        one, _ = law(name, t, d)
        larger = one.expand((3, *one.batch_shape))
        value = t.tensor(values(name)[0].tolist(), dtype=getattr(t, str(values(name)[0].dtype)))
        found.append((larger, outcome(lambda larger=larger, value=value: larger.log_prob(value)),
                      outcome(lambda larger=larger: larger.mean)))
        assert type(larger) is type(one) and larger.event_shape == one.event_shape
        assert larger.batch_shape == (3, *one.batch_shape)
        assert larger._validate_args == one._validate_args
    same(found[0][1], found[1][1], f"{name}: log_prob of an expanded law")
    same(found[0][2], found[1][2], f"{name}: mean of an expanded law")
    if STREAMS.get(name.partition(" ")[0]) is None:
        drawn = []
        for (larger, *_), (t, _) in zip(found, BOTH):
            t.manual_seed(1)
            drawn.append(larger.sample((2,)))
        same(drawn[0], drawn[1], f"{name}: sample of an expanded law", 3e-5)
