"""Divergences, transforms, constraints, errors and user classes, beside PyTorch's."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headgate
import headgate.distributions

sys.path.insert(0, str(Path(__file__).parent))

from laws import LAWS, Maker
from test_laws import BOTH, differentiated, outcome, same

PAIRS = [
    name for name in LAWS
    if name not in ("Normal numbers", "Normal broadcast", "Beta numbers", "Bernoulli number", "Multinomial logits")
]  # fmt: skip


def scaled(maker: Maker) -> Any:
    """A maker of other parameters: the second law of a pair."""
    return lambda *given: maker(*_moved(list(given)))


def _moved(values: Any) -> Any:
    return [_moved(one) for one in values] if isinstance(values, list) else values


@pytest.mark.parametrize("first", PAIRS)
def test_divergences(first: str) -> None:
    """Every pair: values and gradients of two orders, or the same error."""
    for second in PAIRS:
        found = []
        for t, d in BOTH:
            one, other = Maker(t, "float64"), Maker(t, "float64")
            p, q = LAWS[first](t, d, one), LAWS[second](t, d, other)
            if first == second and first in ("Normal", "Beta", "Gamma", "Exponential", "Laplace", "Cauchy", "Gumbel"):
                q = q.expand(q.batch_shape)
                for field in ("scale", "rate"):
                    if field in vars(q):
                        vars(q)[field] = vars(q)[field] * 1.7
            result = outcome(lambda p=p, q=q: d.kl_divergence(p, q))
            failed = isinstance(result, Exception)
            found.append(result if failed else [result, *differentiated(t, result, [*one.made, *other.made])])
        if isinstance(found[0], Exception) or isinstance(found[1], Exception):
            if "must match" in str(found[1]) or "shape mismatch" in str(found[1]):
                assert isinstance(found[0], Exception)
                continue
            same(found[0], found[1], f"{first} {second}")
            continue
        for mine, theirs in zip(*found):
            same(mine.detach(), theirs.detach(), f"kl({first}, {second})", 1e-7)


def test_divergences_of_ones_own_classes() -> None:
    texts = []
    for _, d in BOTH:

        class Mine(d.Normal):  # type: ignore[name-defined, misc]
            pass

        class Other(d.Normal):  # type: ignore[name-defined, misc]
            pass

        plain = d.kl_divergence(Mine(0.0, 1.0), Other(0.0, 2.0)).item()
        d.register_kl(Mine, d.Normal)(lambda p, q: 1)
        d.register_kl(d.Normal, Other)(lambda p, q: 2)
        with pytest.warns(RuntimeWarning, match="Ambiguous kl_divergence") as caught:
            found = d.kl_divergence(Mine(0.0, 1.0), Other(0.0, 2.0))
        texts.append((round(plain, 6), found, str(caught[0].message)))
        with pytest.raises(TypeError):
            d.register_kl(3, d.Normal)
    assert texts[0] == texts[1]


TRANSFORMS = {
    "Exp": lambda t, d: d.ExpTransform(), "Power": lambda t, d: d.PowerTransform(t.tensor(2.5, dtype=t.float64)),
    "Sigmoid": lambda t, d: d.SigmoidTransform(), "Softplus": lambda t, d: d.SoftplusTransform(),
    "Tanh": lambda t, d: d.TanhTransform(), "Abs": lambda t, d: d.AbsTransform(),
    "Affine": lambda t, d: d.AffineTransform(1.0, -2.0),
    "Affine vector": lambda t, d: d.AffineTransform(t.ones(3, dtype=t.float64), 2.0, event_dim=1),
    "Compose": lambda t, d: d.ComposeTransform([d.AffineTransform(0.5, 2.0), d.TanhTransform()]),
    "Independent": lambda t, d: d.IndependentTransform(d.ExpTransform(), 1),
    "Reshape": lambda t, d: d.ReshapeTransform((3,), (3, 1)), "Softmax": lambda t, d: d.SoftmaxTransform(),
    "StickBreaking": lambda t, d: d.StickBreakingTransform(), "identity": lambda t, d: d.identity_transform,
    "Cdf": lambda t, d: d.CumulativeDistributionTransform(d.Normal(0.0, 1.0)),
    "CorrCholesky": lambda t, d: d.CorrCholeskyTransform(),
    "Cat": lambda t, d: d.CatTransform([d.ExpTransform(), d.TanhTransform()], -1, [1, 2]),
    "Cat rows": lambda t, d: d.CatTransform([d.ExpTransform(), d.AffineTransform(0.5, 2.0, event_dim=1)]),
    "Stack": lambda t, d: d.StackTransform([d.ExpTransform(), d.TanhTransform(), d.SigmoidTransform()], -1),
    "Stack rows": lambda t, d: d.StackTransform([d.ExpTransform(), d.SoftplusTransform()]),
    "inverse": lambda t, d: d.ComposeTransform([d.TanhTransform(), d.AffineTransform(0.5, 2.0)]).inv,
}  # fmt: skip


UNEQUAL = ("Independent", "Reshape", "Cdf", "inverse", "CorrCholesky", "Cat", "Cat rows", "Stack", "Stack rows")


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("cache", [0, 1])
def test_transforms(name: str, cache: int) -> None:
    found = []
    for t, d in BOTH:
        transform = TRANSFORMS[name](t, d)
        if cache:
            transform = outcome(lambda transform=transform: transform.with_cache(1))
            if isinstance(transform, Exception):
                found.append([transform])
                continue
        x = t.tensor([[0.1, 0.7, 0.4], [0.9, 0.2, 0.5]], dtype=t.float64, requires_grad=True)
        y = transform(x)
        back = transform.inv(y)
        jacobian = outcome(lambda transform=transform, x=x, y=y: transform.log_abs_det_jacobian(x, y))
        found.append([y, back, jacobian, *differentiated(t, y, [x])])
        assert (back is x) == bool(cache) or name == "identity"
        assert transform.inv.inv is transform
        found[-1].append([transform.forward_shape(t.Size((2, 3))), transform.inverse_shape(y.shape)])
        found[-1].append([repr(outcome(lambda transform=transform, field=field: getattr(transform, field)))
                          for field in ("domain", "codomain", "bijective", "sign", "event_dim")] + [repr(transform)])
        assert transform == TRANSFORMS[name](t, d) or name in UNEQUAL or cache
    assert len(found[0]) == len(found[1])
    for mine, theirs in zip(*found):
        if isinstance(mine, list):
            assert [str(one) for one in mine] == [str(one) for one in theirs]
        else:
            same(mine, theirs, name)


@pytest.mark.parametrize(
    "name", ["real", "positive", "nonnegative", "unit_interval", "simplex", "lower_cholesky", "positive_definite",
             "real_vector", "boolean", "one_hot", "corr_cholesky"])
@pytest.mark.parametrize("table", ["biject_to", "transform_to"])
def test_registries(name: str, table: str) -> None:
    found = []
    for t, d in BOTH:
        transform = outcome(lambda d=d: getattr(d, table)(getattr(d.constraints, name)))
        if isinstance(transform, Exception):
            found.append(transform)
            continue
        x = t.tensor([[0.1, 0.7], [-0.4, 0.2]], dtype=t.float64)
        x = t.cat([x, x[:, :1]], 1) if name == "corr_cholesky" else x
        found.append(transform(x))
        assert bool(getattr(d.constraints, name).check(found[-1]).all())
    same(found[0], found[1], f"{table} {name}")


CHECKS: dict[str, Any] = {
    "boolean": [0.0, 1.0, 0.5, 2.0], "nonnegative_integer": [0.0, 1.0, 0.5, -1.0], "positive_integer": [0.0, 1.0, 1.5],
    "real": [0.0, float("nan"), float("inf")], "positive": [0.0, 1.0, -1.0], "nonnegative": [0.0, 1.0, -1.0],
    "unit_interval": [0.0, 1.0, 1.1], "simplex": [[0.5, 0.5], [0.4, 0.5], [-0.5, 1.5]],
    "one_hot": [[0.0, 1.0], [1.0, 1.0], [0.5, 0.5]], "real_vector": [[0.0, 1.0], [float("nan"), 1.0]],
    "lower_triangular": [[[1.0, 0.0], [1.0, 1.0]], [[1.0, 1.0], [0.0, 1.0]]],
    "lower_cholesky": [[[1.0, 0.0], [1.0, 1.0]], [[-1.0, 0.0], [0.0, 1.0]]],
    "corr_cholesky": [[[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [1.0, 1.0]]],
    "symmetric": [[[1.0, 2.0], [2.0, 1.0]], [[1.0, 0.0], [1.0, 1.0]]], "square": [[[1.0, 2.0], [2.0, 1.0]]],
    "positive_definite": [[[2.0, 1.0], [1.0, 2.0]], [[1.0, 2.0], [2.0, 1.0]]],
    "positive_semidefinite": [[[1.0, 1.0], [1.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]]],
}  # fmt: skip
PARAMETRIC: dict[str, Any] = {
    "integer_interval(0, 3)": lambda c: c.integer_interval(0, 3), "interval(0.0, 2.0)": lambda c: c.interval(0.0, 2.0),
    "half_open_interval": lambda c: c.half_open_interval(0.0, 2.0), "greater_than": lambda c: c.greater_than(1.0),
    "greater_than_eq": lambda c: c.greater_than_eq(1.0), "less_than": lambda c: c.less_than(1.0),
    "multinomial": lambda c: c.multinomial(3), "independent": lambda c: c.independent(c.positive, 1),
    "cat": lambda c: c.cat([c.positive, c.real], -1, [1, 1]), "stack": lambda c: c.stack([c.positive, c.real], -1),
}  # fmt: skip


@pytest.mark.parametrize("name", [*CHECKS, *PARAMETRIC])
def test_constraints(name: str) -> None:
    found, texts = [], []
    for t, d in BOTH:
        constraint = PARAMETRIC[name](d.constraints) if name in PARAMETRIC else getattr(d.constraints, name)
        value = t.tensor(CHECKS.get(name, [[0.0, 1.0], [2.0, 3.0], [-1.0, 0.5]]))
        found.append(constraint.check(value))
        texts.append((constraint.event_dim, constraint.is_discrete,
                      repr(constraint) if name not in ("cat", "stack") else ""))
    same(found[0], found[1], name)
    assert texts[0] == texts[1]


ERRORS = {
    "scale": lambda t, d: d.Normal(0.0, -1.0), "nan": lambda t, d: d.Normal(t.tensor([float("nan")]), 1.0),
    "scales": lambda t, d: d.Normal(t.zeros(2), t.tensor([1.0, 0.0])), "both": lambda t, d: d.Bernoulli(0.5, 0.5),
    "none": lambda t, d: d.Bernoulli(), "probs": lambda t, d: d.Bernoulli(1.5), "text": lambda t, d: d.Normal("a", 1.0),
    "categories": lambda t, d: d.Categorical(t.tensor([-1.0, 2.0])),
    "scalar": lambda t, d: d.Categorical(t.tensor(1.0)),
    "scalar logits": lambda t, d: d.Categorical(logits=t.tensor(1.0)), "none of": lambda t, d: d.Categorical(),
    "uniform": lambda t, d: d.Uniform(1.0, 0.0), "rate": lambda t, d: d.Exponential(t.tensor([0.0])),
    "poisson": lambda t, d: d.Poisson(-1.0), "dirichlet": lambda t, d: d.Dirichlet(t.tensor(1.0)),
    "geometric": lambda t, d: d.Geometric(t.tensor([0.0])), "binomial": lambda t, d: d.Binomial(3, t.tensor([1.5])),
    "counts": lambda t, d: d.Multinomial(t.tensor([1, 2]), t.ones(2)), "loc": lambda t, d: d.MultivariateNormal(
        t.tensor(0.0), t.eye(2)), "two": lambda t, d: d.MultivariateNormal(t.zeros(2), t.eye(2), t.eye(2)),
    "vector": lambda t, d: d.MultivariateNormal(t.zeros(2), t.ones(2)),
    "indefinite": lambda t, d: d.MultivariateNormal(t.zeros(2), t.tensor([[1.0, 2.0], [2.0, 1.0]])),
    "factor": lambda t, d: d.MultivariateNormal(t.zeros(2), scale_tril=t.tensor([[1.0, 2.0], [2.0, 1.0]])),
    "dims": lambda t, d: d.Independent(d.Normal(0.0, 1.0), 1),
    "mixture": lambda t, d: d.MixtureSameFamily(d.Categorical(t.ones(3)), d.Normal(t.zeros(2), t.ones(2))),
    "no mixture": lambda t, d: d.MixtureSameFamily(d.Normal(0.0, 1.0), d.Normal(t.zeros(2), t.ones(2))),
    "no component": lambda t, d: d.MixtureSameFamily(d.Categorical(t.ones(3)), 3),
    "transform": lambda t, d: d.TransformedDistribution(d.Normal(0.0, 1.0), [3]),
    "too few dims": lambda t, d: d.TransformedDistribution(d.Normal(0.0, 1.0), d.StickBreakingTransform()),
    "value": lambda t, d: d.Normal(0.0, 1.0).log_prob(t.tensor(float("nan"))),
    "number": lambda t, d: d.Normal(0.0, 1.0).log_prob(1.0), "discrete": lambda t, d: d.Poisson(1.0).log_prob(
        t.tensor(0.5)), "category": lambda t, d: d.Categorical(t.ones(3)).log_prob(t.tensor(3)),
    "shape": lambda t, d: d.Normal(t.zeros(2), t.ones(2)).log_prob(t.zeros(3)),
    "event": lambda t, d: d.MultivariateNormal(t.zeros(2), t.eye(2)).log_prob(t.zeros(3)),
    "outside": lambda t, d: d.Beta(1.0, 1.0).log_prob(t.tensor(1.5)), "gamma": lambda t, d: d.Gamma(1.0, -1.0),
    "below": lambda t, d: d.Exponential(1.0).cdf(t.tensor(-1.0)), "no rsample": lambda t, d: d.Bernoulli(0.5).rsample(),
    "default": lambda t, d: d.Distribution.set_default_validate_args(3), "cache": lambda t, d: d.ExpTransform(2),
    "shapes": lambda t, d: d.Normal(t.zeros(2), t.ones(3)), "reshape": lambda t, d: d.ReshapeTransform((2,), (3,)),
    "registry": lambda t, d: d.biject_to.register(3, 4),
    "no transform": lambda t, d: d.biject_to(d.constraints.one_hot),
    "dependent": lambda t, d: d.constraints.dependent.check(t.ones(1)),
    "entropy": lambda t, d: d.Binomial(t.tensor([1.0, 2.0]), 0.5 * t.ones(2)).entropy(),
    "cartesian": lambda t, d: d.Independent(d.Bernoulli(0.5 * t.ones(2)), 1).enumerate_support(),
    "divergence": lambda t, d: d.kl_divergence(d.Normal(0.0, 1.0), d.Poisson(1.0)),
    "divergences": lambda t, d: d.kl_divergence(d.Binomial(1, t.tensor(0.5)), d.Binomial(2, t.tensor(0.5))),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    mine, theirs = (outcome(lambda t=t, d=d: ERRORS[name](t, d)) for t, d in BOTH)
    assert isinstance(theirs, Exception)
    words = 0 if name in ("default", "shapes", "no mixture") else 60
    same(mine, theirs, name, words=words)


NUMBERS = [0.0, -0.0, 1.0, 2.0, 0.5, -1.0, 3.0, 1e30, float("inf"), -float("inf"), float("nan")]


@pytest.mark.parametrize("name", [*CHECKS, *PARAMETRIC, "independent real"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64"])
def test_what_is_surely_inside_is_inside(name: str, dtype: str) -> None:
    """A cheap look at plain values never takes one that the constraint itself refuses."""
    from headgate.distributions.constraints import surely

    c = headgate.distributions.constraints
    constraint = (c.independent(c.real, 1) if name == "independent real" else
                  PARAMETRIC[name](c) if name in PARAMETRIC else getattr(c, name))
    for first in NUMBERS:
        for second in NUMBERS:
            if dtype == "int64" and not (abs(first) < 9 and abs(second) < 9):
                continue
            value = headgate.tensor([first, second]).to(getattr(headgate, dtype))
            for one in (value, value[::2], headgate.stack([value, value], 1)[:, 0], value[:0]):
                fine = outcome(lambda one=one: bool(constraint.check(one).all()))
                assert not surely(constraint, one) or fine is True
    unknown = type("Own", (type(c.real),), {"check": lambda self, value: value > 0})()
    assert not surely(unknown, headgate.ones(2))


def test_the_cheap_look_is_taken() -> None:
    from headgate.distributions.constraints import surely

    c = headgate.distributions.constraints
    inside = [(c.real, 1.0), (c.real_vector, 1.0), (c.positive, 1.0), (c.nonnegative, 0.0), (c.unit_interval, 1.0),
              (c.less_than(2.0), 1.0), (c.half_open_interval(0.0, 2.0), 0.0), (c.integer_interval(0, 3), 3),
              (c.nonnegative_integer, 0)]
    if os.environ.get("HEADGATE_PURE") != "1":
        assert all(surely(one, headgate.tensor([value])) for one, value in inside)


@pytest.mark.parametrize("shape", [(2,), (1, 2), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("given", ["logits", "probs"])
def test_categories_of_every_kind_of_tensor(shape: tuple[int, ...], given: str) -> None:
    """Plain tensors, parameters and subclasses: samples, values, nodes and gradients of two orders."""
    found = []
    for t, d in BOTH:

        class Own(t.Tensor):  # type: ignore[name-defined, misc]
            pass

        for kind in ("plain", "parameter", "subclass"):
            t.manual_seed(3)
            x = t.rand(shape, dtype=t.float64) + 0.1
            x = t.nn.Parameter(x) if kind == "parameter" else x.requires_grad_()
            p = d.Categorical(**{given: x.as_subclass(Own) if kind == "subclass" else x * 1 if kind == "plain" else x})
            action = p.sample()
            several = p.sample((3,))
            value = p.log_prob(action)
            y = value.sum() + p.entropy().sum() + p.log_prob(several).sum()
            found.append([type(one) is Own for one in (p.probs, action, value, p.entropy())])
            found.append([action, several, value, p.entropy(), p.probs, p.logits, *differentiated(t, y, [x])])
            if kind == "plain":
                found.append([names(one) for one in (value, p.entropy(), p.probs, p.logits)])
                found.append([action._is_view(), action.requires_grad, str(action.dtype), p.batch_shape])
    half = len(found) // 2
    for mine, theirs in zip(found[:half], found[half:]):
        for one, other in zip(mine, theirs):
            if isinstance(other, torch.Tensor):
                same(one.as_subclass(headgate.Tensor), other.as_subclass(torch.Tensor), f"{shape} {given}")
            else:
                assert one == other


def names(x: Any) -> list[str]:
    """The nodes below a tensor, as far as each has one input."""
    found, node = [], x.grad_fn
    while node is not None:
        found.append(node.name())
        node = node.next_functions[0][0] if node.next_functions else None
    return found


def test_validation_can_be_turned_off() -> None:
    for t, d in BOTH:
        one = d.Normal(t.tensor(0.0), t.tensor(-1.0), validate_args=False)
        assert one.log_prob(t.tensor(float("nan"))).isnan()
        d.Distribution.set_default_validate_args(False)
        try:
            d.Normal(0.0, -1.0)
        finally:
            d.Distribution.set_default_validate_args(True)


def test_ones_own_laws() -> None:
    for t, d in BOTH:

        class Shifted(d.Distribution):  # type: ignore[name-defined, misc]
            has_rsample = True

            def __init__(self, shift: Any) -> None:
                self.shift = shift
                super().__init__(shift.shape)

            def rsample(self, sample_shape: Any = ()) -> Any:
                return self.shift + t.rand(self._extended_shape(sample_shape))

        class Named(d.Normal):  # type: ignore[name-defined, misc]
            def __init__(self) -> None:
                super().__init__(t.zeros(2), t.ones(2))

        with pytest.warns(UserWarning, match="does not define `arg_constraints`"):
            one = Shifted(t.ones(2))
        assert one.sample((3,)).shape == (3, 2) and not one.sample().requires_grad
        with pytest.raises(NotImplementedError, match="must also define a custom .expand"):
            Named().expand((3, 2))
        with pytest.warns(FutureWarning, match="sample_n"):
            assert Named().sample_n(3).shape == (3, 2)


def test_the_policy_gradient_of_a_script() -> None:
    """What an actor-critic script does, with the same numbers."""
    losses = []
    for t, d in BOTH:
        t.manual_seed(0)
        weight = t.randn(4, 2).requires_grad_()
        law = d.Categorical(t.nn.functional.softmax(t.ones(3, 4) @ weight, dim=-1))
        action = law.sample()
        loss = -(law.log_prob(action) * t.tensor([1.0, -1.0, 0.5])).sum() - 0.01 * law.entropy().sum()
        loss.backward()
        losses.append([action.tolist(), loss.item(), weight.grad.tolist()])
    assert losses[0][0] == losses[1][0]
    np.testing.assert_allclose(losses[0][1], losses[1][1], rtol=1e-6)
    np.testing.assert_allclose(losses[0][2], losses[1][2], rtol=1e-5, atol=1e-7)


def test_warnings_are_none() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        headgate.distributions.Normal(0.0, 1.0).log_prob(headgate.tensor(0.5))
        headgate.distributions.MultivariateNormal(headgate.zeros(2), headgate.eye(2)).rsample()
        shape = headgate.tensor(0.5, requires_grad=True)
        headgate.distributions.Gamma(shape, 1.0).rsample((3,)).sum().backward()
    assert torch.distributions.Normal is not headgate.distributions.Normal
