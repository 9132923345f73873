"""Weight and spectral norm, parametrisations and functional_call beside PyTorch."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from beside import LIBRARIES, compare, outcome, same

import headgate
from headgate.nn.utils.weight_norm import norm_except_dim, scaled

X = np.random.default_rng(5).normal(size=(4, 6))


def quiet(call: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call()


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("make", [
    lambda nn: quiet(lambda: nn.utils.weight_norm(nn.Linear(6, 3))),
    lambda nn: quiet(lambda: nn.utils.weight_norm(nn.Linear(6, 3), dim=1)),
    lambda nn: quiet(lambda: nn.utils.weight_norm(nn.Linear(6, 3), dim=None)),
    lambda nn: nn.utils.spectral_norm(nn.Linear(6, 3), n_power_iterations=3),
    lambda nn: nn.utils.spectral_norm(nn.Linear(6, 3), dim=1),
    lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(6, 3)),
    lambda nn: nn.utils.parametrizations.weight_norm(nn.Linear(6, 3), dim=None),
    lambda nn: nn.utils.parametrizations.spectral_norm(nn.Linear(6, 3)),
])  # fmt: skip
def test_normalised_weights(make: Any, train: bool, kind: str) -> None:
    # the norms are first taken in single precision; PyTorch's own second gradient of weight_norm fails gradgradcheck
    compare(make, X, kind=kind, train=train, exact=False, rtol=3e-6, atol=3e-6, second=False)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_second_gradients_of_weight_norm(dim: int) -> None:
    headgate.manual_seed(0)
    v = headgate.randn(3, 4, dtype=headgate.float64, requires_grad=True)
    g = headgate.rand_like(norm_except_dim(v.detach(), dim)).requires_grad_()
    assert headgate.autograd.gradcheck(lambda v, g: scaled(v, g, dim), (v, g))
    assert headgate.autograd.gradgradcheck(lambda v, g: scaled(v, g, dim), (v, g))


def test_removing() -> None:
    for library in LIBRARIES:
        utils = library.nn.utils
        library.manual_seed(1)
        plain = library.nn.Linear(3, 4)
        weight = plain.weight.detach().clone()
        quiet(lambda utils=utils, plain=plain: utils.weight_norm(plain))
        assert "weight" not in dict(plain.named_parameters()) and set(plain.state_dict()) == {
            "bias", "weight_g", "weight_v"}
        utils.remove_weight_norm(plain)
        np.testing.assert_allclose(plain.weight.detach().numpy(), weight.numpy(), rtol=1e-5)
        utils.spectral_norm(plain)
        assert "spectral_norm" in plain.state_dict()._metadata[""]
        utils.remove_spectral_norm(plain)
        assert set(plain.state_dict()) == {"weight", "bias"} and not plain._state_dict_hooks
        utils.parametrizations.weight_norm(plain)
        assert utils.parametrize.is_parametrized(plain) and type(plain).__name__ == "ParametrizedLinear"
        twin = copy.deepcopy(plain)
        assert set(twin.state_dict()) == set(plain.state_dict())
        with pytest.raises(RuntimeError, match="Serialization of parametrized modules"):
            pickle.dumps(plain)
        utils.parametrize.remove_parametrizations(plain, "weight")
        assert type(plain) is library.nn.Linear and plain.weight.is_leaf


@pytest.mark.parametrize("call", [
    lambda t, m: t.nn.utils.remove_weight_norm(m), lambda t, m: t.nn.utils.remove_spectral_norm(m, "bias"),
    lambda t, m: t.nn.utils.spectral_norm(t.nn.utils.spectral_norm(m)),
    lambda t, m: t.nn.utils.weight_norm(t.nn.utils.weight_norm(m)),
    lambda t, m: t.nn.utils.spectral_norm(m, n_power_iterations=0),
    lambda t, m: t.nn.utils.spectral_norm(t.nn.Linear(2, 2, bias=False), "bias"),
    lambda t, m: t.nn.utils.parametrizations.spectral_norm(m, "zz"),
    lambda t, m: t.nn.utils.parametrizations.spectral_norm(m, dim=5),
    lambda t, m: t.nn.utils.parametrize.register_parametrization(m, "zz", t.nn.ReLU()),
    lambda t, m: t.nn.utils.parametrize.register_parametrization(m, "weight", t.nn.Flatten(0)),
    lambda t, m: t.nn.utils.parametrize.remove_parametrizations(m, "weight"),
    lambda t, m: t.func.functional_call(m, {"zz": t.ones(1)}, (t.ones(1, 2),), strict=True),
    lambda t, m: t.func.functional_call(m, [{"bias": 1}, {"bias": 1}], (t.ones(1, 2),)),
    lambda t, m: t.func.functional_call(m, 3, (t.ones(1, 2),)),
])  # fmt: skip
def test_errors(call: Any) -> None:
    theirs, mine = (quiet(lambda library=library: outcome(lambda: call(library, library.nn.Linear(2, 2))))
                    for library in LIBRARIES)
    assert isinstance(theirs, tuple) and theirs == mine


def test_own_parametrisation() -> None:
    results = []
    for library in LIBRARIES:
        class Symmetric(library.nn.Module):  # type: ignore[misc, name-defined]
            def forward(self, x: Any) -> Any:
                return x.triu() + x.triu(1).transpose(-1, -2)

            def right_inverse(self, x: Any) -> Any:
                return x.triu()

        library.manual_seed(2)
        layer = library.nn.Linear(3, 3)
        kept = layer.weight
        parametrize = library.nn.utils.parametrize
        parametrize.register_parametrization(layer, "weight", Symmetric())
        assert layer.parametrizations.weight.original is kept
        layer(library.ones(2, 3)).sum().backward()
        with parametrize.cached():
            assert layer.weight is layer.weight
        layer.weight = library.ones(3, 3)
        results.append([layer.weight, kept.grad, kept, repr(layer)])
    same(results[0], results[1], 1e-6, 1e-7)
    assert results[0][-1] == results[1][-1]


def test_functional_call() -> None:
    for library in LIBRARIES:
        model = library.nn.Sequential(library.nn.Linear(2, 2), library.nn.Linear(2, 2))
        model[1].weight = model[0].weight
        own = model[0].weight
        value = library.eye(2, requires_grad=True)
        given = {"0.weight": value, "0.bias": library.zeros(2), "1.bias": library.ones(2)}
        result = library.func.functional_call(model, given, (library.ones(1, 2),))
        assert result.tolist() == [[2.0, 2.0]] and model[0].weight is own and model[1].weight is own
        result.sum().backward()
        assert value.grad is not None and own.grad is None
        untied = library.func.functional_call(model, given, library.ones(1, 2), tie_weights=False)
        bias = model[1].bias
        expected = library.nn.functional.linear(library.full((1, 2), 1.0), own, library.ones(2))
        assert library.equal(untied, expected) and model[1].bias is bias
