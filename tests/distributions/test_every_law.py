"""Every law by every way to give its parameters, beside PyTorch: broadcasting, empty batches, numbers, values outside
of the support with and without validation, parameters that are refused; gradients of two orders of all that has some.
"""

from __future__ import annotations

import inspect
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headgate
import headgate.distributions

sys.path.insert(0, str(Path(__file__).parent))

from every_law import EVERY, NUMBERS, OF_OTHERS, parameter
from laws import LAWS
from test_laws import BOTH, outcome
from test_rest import CHECKS, PARAMETRIC, TRANSFORMS

SHAPES = [((2, 1), (3,)), ((3,), ()), ((0,), (0,))]
#: PyTorch says so of every sample of its Wishart, singular or not.
pytestmark = pytest.mark.filterwarnings("ignore:Singular sample detected")
every_law = pytest.mark.parametrize("name", EVERY)


def law(name: str, t: Any, d: Any, shapes: Any, dtype: str = "float64", grad: bool = True, **more: Any) -> Any:
    """A law with its leaf parameters, or the error that making it raised."""
    rng, given = np.random.default_rng(1), {}
    for (key, kind), shape in zip(EVERY[name].items(), itertools.cycle(shapes)):
        given[key] = parameter(t, kind, shape, rng, dtype, grad)
    given.update(more)
    made = outcome(lambda: getattr(d, name.strip("#"))(**given))
    return made, [one for one in given.values() if hasattr(one, "requires_grad") and one.requires_grad]


def differentiated(t: Any, result: Any, parameters: list[Any]) -> list[Any]:
    """A result and its gradients of two orders; the second of something that does not grow with the first."""
    if isinstance(result, Exception) or not hasattr(result, "requires_grad") or not result.requires_grad:
        return [result]
    weights = t.linspace(0.5, 2.0, max(result.numel(), 1), dtype=result.dtype)[: result.numel()]
    first = t.autograd.grad(
        (result * weights.reshape(result.shape)).sum(), parameters, create_graph=True, allow_unused=True)
    used = [one for one in first if one is not None and one.requires_grad]
    second = t.autograd.grad(sum(one.atan().sum() for one in used), parameters, allow_unused=True) if used else []
    both = zip([*first, *second], [*parameters, *parameters])
    return [result, *(t.zeros_like(p) if one is None else one for one, p in both)]


def same(mine: Any, theirs: Any, what: str, close: float) -> None:
    """Equal shapes, types and values, or errors of the same class."""
    if isinstance(theirs, Exception) or isinstance(mine, Exception):
        assert type(mine).__name__.strip("_") == type(theirs).__name__.strip("_"), f"{what}: {mine!r}, not {theirs!r}"
        return
    assert tuple(mine.shape) == tuple(theirs.shape) and str(mine.dtype) == str(theirs.dtype), what
    assert mine.requires_grad == theirs.requires_grad, what
    np.testing.assert_allclose(
        mine.detach().numpy(), theirs.detach().numpy(force=True), rtol=close, atol=close, err_msg=what, equal_nan=True)


def compare(results: list[list[Any]], what: str, close: float) -> None:
    assert len(results[0]) == len(results[1]), what
    for number, (mine, theirs) in enumerate(zip(*results)):
        same(mine, theirs, f"{what}, {number}", close)


def values_of(name: str, shapes: Any, dtype: str) -> Any:
    """Two samples of PyTorch's, as an array."""
    one, _ = law(name, torch, torch.distributions, shapes, dtype)
    torch.manual_seed(7)
    return one.sample((2,)).numpy()


@every_law
@pytest.mark.parametrize("shapes, dtype", [(SHAPES[0], "float64"), (SHAPES[0], "float32"), (SHAPES[1], "float64"),
                                           (SHAPES[2], "float64")])
def test_batches_of_every_shape(name: str, shapes: Any, dtype: str) -> None:
    if shapes == SHAPES[2] and (name in ("Beta", "LKJCholesky") or any(" " in kind for kind in EVERY[name].values())):
        pytest.skip("PyTorch's own checks fail for no vectors at all")
    close = 1e-7 if dtype == "float64" else 1e-2
    (mine, _), (theirs, _) = (law(name, t, d, shapes, dtype) for t, d in BOTH)
    assert mine.batch_shape == theirs.batch_shape and mine.event_shape == theirs.event_shape
    assert repr(mine) == repr(theirs)
    for what in ("mean", "mode", "variance", "stddev", "entropy", "perplexity"):
        found = []
        for t, d in BOTH:
            one, parameters = law(name, t, d, shapes, dtype)
            result = outcome(lambda one=one, what=what: getattr(one, what))
            result = outcome(result) if callable(result) else result
            found.append(outcome(lambda t=t, r=result, p=parameters: differentiated(t, r, p)))
        compare(found, f"{name}.{what}", close)
    for expand in (False, True):
        same(*(outcome(lambda one=one: one.enumerate_support(expand)) for one in (mine, theirs)), name, close)
    for method in ("sample", "rsample"):
        found = []
        for (t, _), one in zip(BOTH, (mine, theirs)):
            t.manual_seed(3)
            found.append(outcome(lambda one=one, method=method: getattr(one, method)((2,))))
        same(*found, f"{name}.{method}", max(close, 1e-5))
    with np.errstate(all="ignore"):
        array = values_of(name, shapes, dtype)
    for method in ("log_prob", "cdf"):
        if method == "cdf" and name in ("Gamma", "Chi2", "InverseGamma"):
            continue  # PyTorch has no gradient of it for the concentration; `test_laws` compares the values
        found = []
        for t, d in BOTH:
            one, parameters = law(name, t, d, shapes, dtype)
            result = outcome(lambda t=t, one=one, method=method: getattr(one, method)(t.from_numpy(array.copy())))
            found.append(outcome(lambda t=t, r=result, p=parameters: differentiated(t, r, p)))
        compare(found, f"{name}.{method}", 10 * close)


@every_law
def test_an_expanded_law_has_the_gradients_of_its_parameters(name: str) -> None:
    shape = (4, *law(name, torch, torch.distributions, SHAPES[0])[0].batch_shape)
    for what in ("log_prob", "mean", "sample"):
        found = []
        for t, d in BOTH:
            one, parameters = law(name, t, d, SHAPES[0], validate_args=False)
            larger = one.expand(shape)
            assert type(larger) is type(one) and larger.batch_shape == shape and larger._validate_args is False
            if what == "mean":
                result = outcome(lambda larger=larger: larger.mean)
            elif what == "sample":
                t.manual_seed(1)
                result = larger.sample((2,))
            else:
                inside = np.random.default_rng(0).uniform(0.1, 0.9, (*shape, *one.event_shape))
                result = larger.log_prob(t.from_numpy(inside / inside.sum(-1, keepdims=True)))
            found.append(differentiated(t, result, parameters))
        compare(found, f"{name}, {what} of an expanded law", 1e-5)


@every_law
@pytest.mark.parametrize("independent", [False, True])
def test_mixtures_of_every_law(name: str, independent: bool) -> None:
    """A mixture in a batch, or a mixture of independent ones; also made larger afterwards."""
    fields = ("mean", "variance", "support", "log_prob", "cdf", "sample", "larger")
    found: dict[str, list[list[Any]]] = {field: [] for field in fields}
    for t, d in BOTH:
        components, parameters = law(name, t, d, ((3, 2), (3, 2)) if independent else ((2, 3), (2, 3)))
        weights = t.tensor([[0.2, 0.3, 0.5], [0.3, 0.3, 0.4]], dtype=t.float64, requires_grad=True)
        components = d.Independent(components, 1) if independent else components
        mixture = d.MixtureSameFamily(d.Categorical(weights[0] if independent else weights), components)
        t.manual_seed(1)
        drawn = mixture.sample((2,))
        for field, read in {
            "mean": lambda: mixture.mean, "variance": lambda: mixture.variance, "sample": lambda: drawn,
            "support": lambda: mixture.support.check(drawn), "cdf": lambda: mixture.cdf(drawn),
            "log_prob": lambda: mixture.log_prob(drawn),
            "larger": lambda: mixture.expand((3, *mixture.batch_shape)).sample(),
        }.items():  # fmt: skip
            result = outcome(read)
            found[field].append(outcome(lambda: differentiated(t, result, [*parameters, weights])))
    for field, both in found.items():
        if isinstance(both[0], Exception) or isinstance(both[1], Exception):
            both = [[one] if isinstance(one, Exception) else one[:1] for one in both]
        compare(both, f"{field} of a mixture of {name}", 1e-6)


def test_divergences_of_batches_of_other_shapes() -> None:
    """Every pair that is registered, and every law with itself: values and gradients of two orders."""
    pairs = 0
    for first, second in itertools.product(EVERY, EVERY):
        kinds = tuple(getattr(torch.distributions, name.strip("#")) for name in (first, second))
        if kinds not in torch.distributions.kl._KL_REGISTRY and kinds[0] is not kinds[1]:
            continue
        found = []
        for t, d in BOTH:
            (p, mine), (q, other) = law(first, t, d, ((2, 1), (2, 1))), law(second, t, d, ((3,), (3,)))
            result = outcome(lambda p=p, q=q, d=d: d.kl_divergence(p, q))
            found.append(differentiated(t, result, [*mine, *other]))
        compare(found, f"{first}, {second}", 1e-6)
        pairs += not isinstance(found[1][0], Exception)
    assert pairs > 100


@every_law
def test_numbers_as_parameters(name: str) -> None:
    kinds = EVERY[name]
    if any(" " in kind for kind in kinds.values()):
        return  # its parameters are vectors
    found = []
    for t, d in BOTH:
        one = outcome(lambda d=d: getattr(d, name.strip("#"))(**{key: NUMBERS[kind][1] for key, kind in kinds.items()}))
        if isinstance(one, Exception):
            found.append([one])
            continue
        t.manual_seed(2)
        drawn = outcome(lambda one=one: one.sample((3,)))
        found.append([drawn, *(outcome(lambda one=one, key=key: getattr(one, key)) for key in ("mean", "variance")),
                      outcome(lambda one=one, drawn=drawn: one.log_prob(drawn)), outcome(one.entropy)])
    compare(found, name, 1e-5)


PLACES = [-2.0, -1.0, 0.0, 0.3, 1.0, 2.0, 3.0, 4.0, 1e30, float("inf"), -float("inf"), float("nan")]


@every_law
@pytest.mark.parametrize("validated", [False, True])
def test_values_inside_and_outside_of_the_support(name: str, validated: bool) -> None:
    (mine, _), (theirs, _) = (law(name, t, d, ((), ()), grad=False, validate_args=validated) for t, d in BOTH)
    for method in ("log_prob", "cdf", "icdf"):
        for place in PLACES:
            found = []
            for (t, _), one in zip(BOTH, (mine, theirs)):
                value = t.tensor(place, dtype=t.float64)
                value = value.expand(one.event_shape) if one.event_shape else value
                found.append(outcome(lambda one=one, value=value, method=method: getattr(one, method)(value)))
            same(*found, f"{name}.{method}({place})", 1e-7)


BAD: list[Any] = [-1.0, 0.0, 1.5, float("nan"), "x", None, [1.0], True, 2]


@every_law
@pytest.mark.parametrize("validated", [False, True])
def test_bad_parameters(name: str, validated: bool) -> None:
    for key, kind in EVERY[name].items():
        for bad, wrapped in itertools.product(BAD, (False, True)):
            if wrapped and (not isinstance(bad, float) or kind in ("whole", "limits")):
                continue
            found = []
            for t, d in BOTH:
                value = bad
                if wrapped:
                    like = parameter(t, kind, (), np.random.default_rng(0), "float64", False)
                    value = t.tensor(bad, dtype=t.float64).expand(like.shape)
                one, _ = law(name, t, d, ((), ()), grad=False, validate_args=validated, **{key: value})
                found.append(one if isinstance(one, Exception) else outcome(lambda one=one: one.mean))
            same(*found, f"{name}({key}={bad}), a tensor: {wrapped}", 1e-7)


@pytest.mark.parametrize("table", ["biject_to", "transform_to"])
def test_constraints_side_by_side_have_transforms_side_by_side(table: str) -> None:
    found = []
    for t, d in BOTH:
        c = d.constraints
        x = t.from_numpy(np.random.default_rng(0).normal(size=(2, 3))).requires_grad_()
        for constraint in (c.cat([c.positive, c.unit_interval], -1, [1, 2]), c.stack([c.real, c.positive], 0)):
            transform = getattr(d, table)(constraint)
            y = transform(x)
            found.append([*differentiated(t, t.cat([y, transform.inv(y * 1.0)]), [x])])
            found[-1].append(transform.log_abs_det_jacobian(x, y))
            assert bool(transform.codomain.check(y).all()) and bool(constraint.check(y).all())
            cached = transform.with_cache()
            assert cached.inv(cached(x)) is x and cached.with_cache() is cached and transform.bijective
    for mine, theirs in zip(found[:2], found[2:]):
        compare([mine, theirs], table, 1e-9)


JOINED: dict[str, Any] = {
    "no transform": lambda t, d: d.CatTransform([3]), "no transform to stack": lambda t, d: d.StackTransform([3]),
    "lengths": lambda t, d: d.CatTransform([d.ExpTransform()], lengths=[1, 2]),
    "size": lambda t, d: d.CatTransform([d.ExpTransform()])(t.ones(2)),
    "size back": lambda t, d: d.StackTransform([d.ExpTransform()]).inv(t.ones(2)),
    "dim": lambda t, d: d.StackTransform([d.ExpTransform()], dim=2)(t.ones(2)),
    "no constraint": lambda t, d: d.constraints.cat([3]), "no constraints": lambda t, d: d.constraints.stack([3]),
    "lengths of constraints": lambda t, d: d.constraints.cat([d.constraints.real], 0, [1, 2]),
    "dim of constraints": lambda t, d: d.constraints.stack([d.constraints.real], 3).check(t.ones(2)),
    "correlations": lambda t, d: d.CorrCholeskyTransform()(t.ones(2)),
    "shape": lambda t, d: d.CorrCholeskyTransform().forward_shape((2,)),
    "shape back": lambda t, d: d.CorrCholeskyTransform().inverse_shape((2, 3)),
    "lkj": lambda t, d: d.LKJCholesky(1), "two matrices": lambda t, d: d.Wishart(3.0, t.eye(2), t.eye(2)),
    "no matrix": lambda t, d: d.Wishart(3.0), "vector": lambda t, d: d.Wishart(3.0, t.ones(2)),
    "degrees": lambda t, d: d.Wishart(0.5, t.eye(2)), "both": lambda t, d: d.ContinuousBernoulli(0.5, 0.5),
    "factor": lambda t, d: d.LowRankMultivariateNormal(t.ones(2), t.ones(3, 1), t.ones(2)),
    "diagonal": lambda t, d: d.LowRankMultivariateNormal(t.ones(2), t.ones(2, 1), t.ones(3)),
    "loc": lambda t, d: d.LowRankMultivariateNormal(t.tensor(1.0), t.ones(2, 1), t.ones(2)),
    "vectors": lambda t, d: d.LowRankMultivariateNormal(t.ones(2), t.ones(2), t.ones(2)),
    "batches": lambda t, d: d.LowRankMultivariateNormal(t.ones(2, 2), t.ones(3, 2, 1), t.ones(2)),
    "no rsample": lambda t, d: d.VonMises(0.0, 1.0).rsample(), "angle": lambda t, d: d.VonMises(0.0, -1.0),
    "shapes": lambda t, d: d.kl_divergence(*(d.LowRankMultivariateNormal(
        t.ones(n), t.ones(n, 1), t.ones(n)) for n in (2, 3))),
}  # fmt: skip


def test_samples_of_wishart_pass_a_gradient() -> None:
    """To all their parameters; PyTorch's writes over what its backward needs. Compared with differences of samples."""
    def loss(df: Any, factor: Any) -> Any:
        headgate.manual_seed(4)
        sample = headgate.distributions.Wishart(df, scale_tril=factor).rsample((3,))
        return (sample * headgate.linspace(0.5, 2.0, sample.numel(), dtype=sample.dtype).view(sample.shape)).sum()

    df = headgate.tensor(3.5, dtype=headgate.float64, requires_grad=True)
    factor = headgate.tensor([[2.0, 0.0], [0.5, 1.0]], dtype=headgate.float64, requires_grad=True)
    to_df, to_factor = headgate.autograd.grad(loss(df, factor), [df, factor])
    for place in ((0, 0), (1, 0), (1, 1)):
        step = headgate.zeros(2, 2, dtype=headgate.float64)
        step[place] = 1e-6
        with headgate.no_grad():
            slope = (loss(df, factor + step) - loss(df, factor - step)) / 2e-6
        assert to_factor[place].item() == pytest.approx(slope.item(), rel=1e-6)
    assert to_df.item() != 0
    numbers = []
    for law_of in (lambda d, df: d.Wishart(df, scale_tril=headgate.tensor([[2.0]], dtype=headgate.float64)),
                   lambda d, df: d.Chi2(df)):
        headgate.manual_seed(5)
        if not numbers:
            sample = law_of(headgate.distributions, df).rsample()
        else:  # which a matrix of one number is made of; the first draw is dropped
            sample = 4 * [law_of(headgate.distributions, df).rsample() for _ in range(2)][1]
        numbers.append((sample.item(), headgate.autograd.grad(sample.sum(), df)[0].item()))
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)


@pytest.mark.parametrize("name", JOINED)
def test_errors_of_what_has_many_parts(name: str) -> None:
    mine, theirs = (outcome(lambda t=t, d=d: JOINED[name](t, d)) for t, d in BOTH)
    assert isinstance(theirs, Exception)
    same(mine, theirs, name, 0.0)


MATRICES = ["LowerCholesky", "PositiveDefinite"]


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("cache", [0, 1])
def test_transforms_of_matrices(name: str, cache: int) -> None:
    found = []
    for t, d in BOTH:
        transform = getattr(d, name + "Transform")(cache_size=cache)
        x = t.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 3))).requires_grad_()
        y = transform(x)
        back = transform.inv(y)
        assert (back is x) == bool(cache)
        found.append(differentiated(t, t.cat([y, transform.inv(y * 1.0)]), [x]))
        found[-1].append(outcome(lambda transform=transform, x=x, y=y: transform.log_abs_det_jacobian(x, y)))
        assert bool(transform.codomain.check(y).all()) and transform.domain.event_dim == 2
        assert transform == getattr(d, name + "Transform")() and repr(transform) == f"{name}Transform()"
    compare(found, name, 1e-9)


def test_everything_that_is_public_is_in_a_table() -> None:
    """Laws with all their parameters, transforms, constraints and divergences: none is left out of the comparisons."""
    theirs, mine = torch.distributions, headgate.distributions
    present = {name: kind for name, kind in vars(theirs).items()
               if inspect.isclass(kind) and issubclass(kind, theirs.Distribution) and hasattr(mine, name)}
    tabled = {name.strip("#") for name in EVERY} | OF_OTHERS
    assert [name for name in theirs.__all__ if not hasattr(mine, name)] == []
    assert present.keys() - tabled == {"Distribution", "ExponentialFamily"} and tabled == tabled & present.keys()
    assert tabled <= {name.partition(" ")[0] for name in LAWS}
    for name in tabled - OF_OTHERS:
        keys = list(inspect.signature(present[name]).parameters)
        assert list(inspect.signature(getattr(mine, name)).parameters) == keys
        given = {key for one, kinds in EVERY.items() if one.strip("#") == name for key in kinds}
        assert given | {"validate_args"} == set(keys), name
    transforms = {name for name in theirs.transforms.__all__ if hasattr(mine.transforms, name)}
    compared = {name.partition(" ")[0] for name in (*TRANSFORMS, *MATRICES)}
    assert {name.removesuffix("Transform") for name in transforms} - compared == {
        "", "identity_transform", "CumulativeDistribution"}  # which is "Cdf" there
    tested = {name.partition("(")[0] for name in (*CHECKS, *PARAMETRIC)}
    assert set(theirs.constraints.__all__) - tested == {
        "Constraint", "MixtureSameFamilyConstraint", "dependent", "dependent_property", "is_dependent"}
    pairs = [{tuple(one.__name__ for one in pair if one.__module__.startswith((
        "torch.", "headgate."))) for pair in table} for table in (mine.kl._REGISTRY, theirs.kl._KL_REGISTRY)]
    assert {pair for pair in pairs[0] if len(pair) == 2} == {pair for pair in pairs[1] if len(pair) == 2}
