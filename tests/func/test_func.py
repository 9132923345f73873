"""torch.func beside PyTorch: the same functions, through grad, vjp, jvp, Jacobians, vmap and their nestings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import headgate

X = np.array([0.3, -1.2, 2.1, 0.7])
M = np.linspace(-1.0, 1.5, 12).reshape(3, 4)


def plain(value: Any) -> Any:
    """Tensors as arrays, containers as they are."""
    if isinstance(value, (torch.Tensor, headgate.Tensor)):
        return value.detach().numpy()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, (tuple, list)) else value


def same(mine: Any, theirs: Any) -> None:
    assert type(mine) is type(theirs)
    if isinstance(theirs, dict):
        assert list(mine) == list(theirs)
        mine, theirs = list(mine.values()), list(theirs.values())
    if isinstance(theirs, list):
        assert len(mine) == len(theirs)
        for one, other in zip(mine, theirs):
            same(one, other)
    else:
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)


PROGRAMS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "grad": lambda t, x, m: t.func.grad(lambda x: (x.sin() * x).sum())(x),
    "grad of a dictionary": lambda t, x, m: t.func.grad(lambda d: (d["a"] * d["b"][0]).sum())({"a": x, "b": (x, m)}),
    "grad by two": lambda t, x, m: t.func.grad(lambda a, b: (b @ a).pow(3).sum(), argnums=(1, 0))(x, m),
    "grad with more": lambda t, x, m: t.func.grad(lambda x: (x.exp().sum(), {"more": x * 2}), has_aux=True)(x),
    "value": lambda t, x, m: t.func.grad_and_value(lambda x: x.pow(2).sum())(x),
    "value with more": lambda t, x, m: t.func.grad_and_value(lambda x: (x.pow(2).sum(), x + 1), has_aux=True)(x),
    "nothing depends": lambda t, x, m: t.func.grad(lambda x: t.ones(()))(x),
    "grad of grad": lambda t, x, m: t.func.grad(t.func.grad(lambda a: a.sin() * a))(x[0]),
    "confused levels": lambda t, x, m: t.func.grad(lambda a: a * t.func.grad(lambda b: a * b)(x[1]))(x[0]),
    "vjp": lambda t, x, m: t.func.vjp(lambda a, b: (b @ a, a.sum()), x, m)[1]((t.ones_like(m[:, 0]), x[0])),
    "jvp": lambda t, x, m: t.func.jvp(lambda a, b: (b @ a).sin(), (x, m), (x * 2, m + 1)),
    "jvp of a linear function": lambda t, x, m: t.func.jvp(lambda a: m @ a, (x,), (x,)),
    "jvp with more": lambda t, x, m: t.func.jvp(lambda a: (a * a, a.sum()), (x,), (x,), has_aux=True),
    "jacrev": lambda t, x, m: t.func.jacrev(lambda a: (m @ a).tanh())(x),
    "jacrev by two": lambda t, x, m: t.func.jacrev(lambda a, b: (b @ a).tanh(), argnums=(0, 1))(x, m),
    "jacrev of containers": lambda t, x, m: t.func.jacrev(
        lambda d: {"y": d["x"].sin(), "z": (d["x"].sum(),)})({"x": x}),
    "jacfwd": lambda t, x, m: t.func.jacfwd(lambda a: (m @ a).tanh())(x),
    "jacfwd with more": lambda t, x, m: t.func.jacfwd(lambda a: (a * a, a), has_aux=True)(x),
    "hessian": lambda t, x, m: t.func.hessian(lambda a: (m @ a).tanh().sum())(x),
    "hessian by two": lambda t, x, m: t.func.hessian(lambda a, b: (a * b).sin().sum(), argnums=(0, 1))(x, x + 1),
    "vmap": lambda t, x, m: t.func.vmap(lambda row: (row.sum(), {"y": row * 2}))(m),
    "vmap by another dim": lambda t, x, m: t.func.vmap(lambda a, b: a * b, in_dims=(1, None), out_dims=1)(m, m[:, 0]),
    "vmap of a nested argument": lambda t, x, m: t.func.vmap(
        lambda d, k: d["a"] * k + d["b"], in_dims=({"a": 0, "b": None}, None))({"a": m, "b": x}, 3.0),
    "vmap of keywords": lambda t, x, m: t.func.vmap(lambda a, b: a + b)(m, b=m),
    "vmap of vmap": lambda t, x, m: t.func.vmap(t.func.vmap(lambda a, b: a * b, (None, 0)), (0, None))(x, x),
    "gradients of samples": lambda t, x, m: t.func.vmap(t.func.grad(lambda w, r: (w @ r).tanh()), (None, 0))(x, m),
    "grad through vmap": lambda t, x, m: t.func.grad(lambda w: t.vmap(lambda r: r @ w)(m).pow(2).sum())(x),
    "jacrev of vmap": lambda t, x, m: t.func.jacrev(t.func.vmap(t.sin))(x),
    "under no_grad": lambda t, x, m: t.no_grad()(t.func.grad(lambda a: a.pow(3).sum()))(x),
    "no_grad inside": lambda t, x, m: t.func.grad(lambda a: (a * t.no_grad()(lambda: a * a)()).sum())(x),
    "linearize": lambda t, x, m: t.func.linearize(lambda a: a.sin(), x)[1](x),
    "empty result": lambda t, x, m: t.func.jacrev(lambda a: a[:0])(x),
}


def inputs(t: Any) -> tuple[Any, Any]:
    return t.from_numpy(X.copy()), t.from_numpy(M.copy())


@pytest.mark.parametrize("name", PROGRAMS)
def test_value(name: str) -> None:
    mine = PROGRAMS[name](headgate, *inputs(headgate))
    same(plain(mine), plain(PROGRAMS[name](torch, *inputs(torch))))


@pytest.mark.parametrize("name", PROGRAMS)
def test_results_of_plain_tensors_have_no_history(name: str) -> None:
    def check(value: Any) -> None:
        for one in value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ():
            check(one)
        if isinstance(value, headgate.Tensor):
            assert not value.requires_grad

    check(PROGRAMS[name](headgate, *inputs(headgate)))


ERRORS: dict[str, Callable[[Any, Any], Any]] = {
    "no scalar": lambda t, x: t.func.grad(lambda x: x * 2)(x),
    "no tensor": lambda t, x: t.func.grad(lambda x: 3.0)(x),
    "several": lambda t, x: t.func.grad(lambda x: (x.sum(), 1))(x),
    "no pair": lambda t, x: t.func.grad(lambda x: x.sum(), has_aux=True)(x),
    "no such argument": lambda t, x: t.func.grad(lambda x: x.sum(), argnums=1)(x),
    "whole numbers": lambda t, x: t.func.grad(lambda x: x.sum())(t.tensor([1, 2])),
    "a number": lambda t, x: t.func.grad(lambda x: x)(3.0),
    "cotangents": lambda t, x: t.func.vjp(lambda x: (x, {"a": [x]}), x)[1](x),
    "primals": lambda t, x: t.func.jvp(lambda x: x, x, (x,)),
    "tangents": lambda t, x: t.func.jvp(lambda x: x, (x,), (x, x)),
    "sizes of tangents": lambda t, x: t.func.jvp(lambda x: x, (x,), (x[:2],)),
    "no inputs": lambda t, x: t.func.vmap(lambda: x)(),
    "no tensor to map": lambda t, x: t.func.vmap(abs)(3.0),
    "nothing mapped": lambda t, x: t.func.vmap(abs, in_dims=(None,))(x),
    "sizes": lambda t, x: t.func.vmap(t.add)(x, x[:2]),
    "structure": lambda t, x: t.func.vmap(abs, in_dims=(0, 0))(x),
    "no dims": lambda t, x: t.func.vmap(abs, in_dims=None)(x),
    "no such dim": lambda t, x: t.func.vmap(abs, in_dims=1)(x),
    "no tensor comes": lambda t, x: t.func.vmap(lambda x: None)(x),
    "out dims": lambda t, x: t.func.vmap(lambda x: (x, x), out_dims=(0,))(x),
    "no such out dim": lambda t, x: t.func.vmap(lambda x: x, out_dims=3)(x),
    "randomness": lambda t, x: t.func.vmap(lambda x: x + t.rand(()))(x),
    "kind of randomness": lambda t, x: t.func.vmap(abs, randomness="some")(x),
    "chunks": lambda t, x: t.func.vmap(abs, chunk_size=0)(x),
    "no models": lambda t, x: t.func.stack_module_state([]),
    "other models": lambda t, x: t.func.stack_module_state([t.nn.Linear(1, 1), t.nn.ReLU()]),
    "modes of models": lambda t, x: t.func.stack_module_state([t.nn.ReLU(), t.nn.ReLU().eval()]),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error(name: str) -> None:
    """The same error with the same text, but for the numbers of an object's memory."""
    with pytest.raises(Exception) as theirs:
        ERRORS[name](torch, inputs(torch)[0])
    with pytest.raises(type(theirs.value)) as mine:
        ERRORS[name](headgate, inputs(headgate)[0])
    assert str(mine.value) == str(theirs.value)


def test_parameters_keep_their_part() -> None:
    """A result that depends on somebody else's leaf carries its history, as without the function."""
    found = []
    for t in (torch, headgate):
        x, _ = inputs(t)
        w = t.ones(4, dtype=t.float64, requires_grad=True)
        result = t.func.grad(lambda a, w=w: ((a * w) ** 3).sum())(x)
        assert result.requires_grad
        result.sum().backward()
        found.append(w.grad.numpy())
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_same_and_different_numbers() -> None:
    same_rows = headgate.func.vmap(lambda x: x * 0 + headgate.rand(()), randomness="same")(headgate.zeros(4))
    assert len(set(same_rows.tolist())) == 1
    rows = headgate.func.vmap(lambda x: x * 0 + headgate.rand(()), randomness="different")(headgate.zeros(4))
    assert len(set(rows.tolist())) == 4


def test_refused_numbers_are_put_back() -> None:
    headgate.manual_seed(3)
    before = headgate.get_rng_state()
    with pytest.raises(RuntimeError, match="randomness error mode"):
        headgate.func.vmap(lambda x: headgate.dropout(x, 0.5, True))(headgate.ones(3, 4))
    assert headgate.equal(headgate.get_rng_state(), before)


def test_stacked_models() -> None:
    models = [headgate.nn.Linear(3, 2) for _ in range(4)]
    parameters, buffers = headgate.func.stack_module_state(models)
    assert not buffers
    assert parameters["weight"].is_leaf and parameters["weight"].requires_grad
    x = headgate.randn(5, 3)
    found = headgate.func.vmap(lambda p: headgate.func.functional_call(models[0], p, (x,)))(parameters)
    assert headgate.equal(found, headgate.stack([model(x) for model in models]))
    norm = headgate.func.replace_all_batch_norm_modules_(headgate.nn.Sequential(headgate.nn.BatchNorm1d(3)))[0]
    assert norm.running_mean is None and norm.num_batches_tracked is None and not norm.track_running_stats
