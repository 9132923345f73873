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
    if shapes == SHAPES[2] and (name == "Beta" or any(" " in kind for kind in EVERY[name].values())):
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
def test_numbers_as_parameters(name: str) -> None:
    kinds = EVERY[name]
    if any(" " in kind for kind in kinds.values()):
        pytest.skip("its parameters are vectors")
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
            if wrapped and (not isinstance(bad, float) or kind == "whole"):
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
    registered = ({tuple(one.__name__ for one in pair) for pair in d.kl._KL_REGISTRY} for d in (theirs,))
    wanted = {pair for pair in next(registered) if pair[0] in present and pair[1] in present}
    assert {tuple(one.__name__ for one in pair) for pair in mine.kl._REGISTRY} >= wanted
