"""Decompositions beside PyTorch: values put together again, gradients of two orders, errors, what solvers give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import headgate

RANDOM = np.random.default_rng(5)
MATRICES = {"square": RANDOM.normal(size=(4, 4)), "tall": RANDOM.normal(size=(5, 3)),
            "wide": RANDOM.normal(size=(3, 5)), "batch": RANDOM.normal(size=(2, 4, 3))}
EVEN = {"square": RANDOM.normal(size=(4, 4)), "batch": RANDOM.normal(size=(2, 3, 3))}
W = RANDOM.normal(size=(2, 5, 5))


def weight(t: Any, y: Any) -> Any:
    """Fixed weights of a result's shape."""
    full = t.from_numpy(W)
    return full[:y.shape[0], :y.shape[-2], :y.shape[-1]] if y.ndim == 3 else full[0, :y.shape[-2], :y.shape[-1]]


def weighed(t: Any, y: Any) -> Any:
    return (y * weight(t, y)).sum()


def turned(y: Any) -> Any:
    return y.transpose(-1, -2)


# Every result is one number or tensor that does not depend on the signs of singular and eigenvectors.
ANY: dict[str, Callable[[Any, Any], Any]] = {
    "singular values": lambda t, x: t.linalg.svdvals(x),
    "svd": lambda t, x: [t.linalg.svd(x, False).S, t.linalg.svd(x).U[..., :2].pow(2), t.linalg.svd(x, False).Vh.abs()],
    "polar": lambda t, x: (lambda u, s, v: weighed(t, u @ v))(*t.linalg.svd(x, full_matrices=False)),
    "svd and values": lambda t, x: (lambda u, s, v: weighed(t, (u * s.sin().unsqueeze(-2)) @ v))(
        *t.linalg.svd(x, full_matrices=False)),
    "old svd": lambda t, x: (lambda u, s, v: weighed(t, (u * s.exp().unsqueeze(-2)) @ turned(v)))(*t.svd(x)),
    "old values": lambda t, x: t.svd(x, compute_uv=False)[1],
    "qr": lambda t, x: list(t.linalg.qr(x)),
    "qr weighed": lambda t, x: (lambda q, r: weighed(t, q) + weighed(t, r.sin()))(*t.linalg.qr(x)),
    "q alone": lambda t, x: weighed(t, t.linalg.qr(x)[0]),
    "r alone": lambda t, x: weighed(t, t.linalg.qr(x)[1]),
    "pinv": lambda t, x: t.linalg.pinv(x),
    "old pinv": lambda t, x: t.pinverse(x),
    "lu": lambda t, x: list(t.linalg.lu(x)),
    "lu weighed": lambda t, x: (lambda p, low, u: weighed(t, low.sin()) + weighed(t, u.sin()))(*t.linalg.lu(x)),
    "lu factor": lambda t, x: t.linalg.lu_factor(x)[0].sin(),
    "pivots": lambda t, x: [t.linalg.lu_factor(x)[1], t.linalg.lu_factor_ex(x).info],
    "lu unpacked": lambda t, x: (lambda p, low, u: weighed(t, p @ low @ u.sin()))(*t.lu_unpack(*t.linalg.lu_factor(x))),
    "least squares": lambda t, x: t.linalg.lstsq(x, x.sin()[..., :2]).solution,
    "residuals": lambda t, x: list(t.linalg.lstsq(x, x.detach().sin()[..., :2], driver="gelsd")),
    "rank": lambda t, x: [t.linalg.matrix_rank(x), t.linalg.matrix_rank(x, atol=1.5), t.linalg.matrix_rank(x, 1.5)],
    "condition": lambda t, x: [t.linalg.cond(x), t.linalg.cond(x, -2)],
}
SQUARE: dict[str, Callable[[Any, Any], Any]] = {
    "eigenvalues": lambda t, x: [t.linalg.eigvalsh(x), t.linalg.eigvalsh(x, "U"), t.linalg.eigh(x)[0]],
    "eigh": lambda t, x: (lambda w, v: weighed(t, (v * w.sin().unsqueeze(-2)) @ turned(v)))(*t.linalg.eigh(x)),
    "eigenvectors": lambda t, x: (lambda w, v: weighed(t, v.pow(2)))(*t.linalg.eigh(x, UPLO="U")),
    "solved": lambda t, x: t.linalg.lu_solve(*t.linalg.lu_factor(x), x.cos()),
    "solved transposed": lambda t, x: t.linalg.lu_solve(*t.linalg.lu_factor(x), x.cos(), adjoint=True),
    "solved right": lambda t, x: t.linalg.lu_solve(*t.linalg.lu_factor(x), x.cos(), left=False),
    "inverse": lambda t, x: list(t.linalg.inv_ex(x)),
    "solution": lambda t, x: list(t.linalg.solve_ex(x, x.sin())),
    "cholesky": lambda t, x: list(t.linalg.cholesky_ex(x @ turned(x) + t.eye(x.shape[-1], dtype=x.dtype))),
    "symmetric pinv": lambda t, x: t.linalg.pinv(x + turned(x), hermitian=True),
}
CASES = [(name, key) for name in ANY for key in MATRICES] + [(name, key) for name in SQUARE for key in EVEN]


def found(t: Any, name: str, key: str) -> list[Any]:
    """Results, gradients and second gradients, as arrays."""
    function = ANY.get(name) or SQUARE[name]
    x = t.from_numpy((MATRICES if name in ANY else EVEN)[key].copy()).requires_grad_()
    results = function(t, x)
    results = results if isinstance(results, list) else [results]
    arrays = [y.detach().numpy() for y in results]
    parts = [(y * y.cos()).sum() for y in results if y.requires_grad and y.numel()]
    if parts:
        g, = t.autograd.grad(sum(parts), x, create_graph=True)
        arrays.append(g.detach().numpy())
        if g.requires_grad:
            arrays.append(t.autograd.grad(g.sin().sum(), x)[0].numpy())
    return arrays


@pytest.mark.parametrize("name, key", CASES)
def test_beside_pytorch(name: str, key: str) -> None:
    mine, theirs = found(headgate, name, key), found(torch, name, key)
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-7)


ERRORS: dict[str, Callable[[Any], Any]] = {
    "svd of a vector": lambda t: t.linalg.svd(t.ones(3)),
    "svd of whole numbers": lambda t: t.linalg.svd(t.ones(3, 3).long()),
    "svd of halves": lambda t: t.linalg.svd(t.ones(3, 3).half()),
    "svd of nan": lambda t: t.linalg.svd(t.full((2, 2), float("nan"))),
    "kind of qr": lambda t: t.linalg.qr(t.ones(2, 2), "all"),
    "r has no gradient": lambda t: t.linalg.qr(t.eye(2).requires_grad_(), "r")[1].sum().backward(),
    "tall and complete": lambda t: t.linalg.qr(t.eye(3, 2).requires_grad_(), "complete")[0].sum().backward(),
    "eigh of no square": lambda t: t.linalg.eigh(t.ones(2, 3)),
    "triangle": lambda t: t.linalg.eigh(t.ones(2, 2), "X"),
    "pinv of halves": lambda t: t.linalg.pinv(t.ones(3, 3).half()),
    "rank of a vector": lambda t: t.linalg.matrix_rank(t.ones(3)),
    "norm of condition": lambda t: t.linalg.cond(t.ones(2, 2), 3),
    "rows": lambda t: t.linalg.lstsq(t.ones(2, 3), t.ones(3, 1)),
    "driver": lambda t: t.linalg.lstsq(t.ones(2, 3), t.ones(2, 1), driver="x"),
    "types": lambda t: t.linalg.lstsq(t.ones(2, 3), t.ones(2, 1).double()),
    "lu of a vector": lambda t: t.linalg.lu(t.ones(3)),
    "zero pivot": lambda t: t.linalg.lu_factor(t.zeros(2, 2)),
    "singular": lambda t: t.linalg.inv_ex(t.zeros(2, 2), check_errors=True),
    "not positive": lambda t: t.linalg.cholesky_ex(-t.eye(2), check_errors=True),
    "pivots": lambda t: t.linalg.lu_solve(t.ones(2, 2), t.ones(2).long(), t.ones(2, 1)),
    "no map": lambda t: t.linalg.tensorinv(t.ones(2, 3, 4)),
    "ind": lambda t: t.linalg.tensorinv(t.ones(2, 3, 4), 0),
    "no system": lambda t: t.linalg.tensorsolve(t.ones(2, 3, 4), t.ones(2, 3)),
    "dot of types": lambda t: t.linalg.vecdot(t.ones(3), t.ones(3).long()),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error(name: str) -> None:
    with pytest.raises(Exception) as theirs:
        ERRORS[name](torch)
    with pytest.raises(Exception) as mine:
        ERRORS[name](headgate)
    assert type(mine.value).__name__.lstrip("_") == type(theirs.value).__name__.lstrip("_")
    assert isinstance(mine.value, type(theirs.value).__mro__[1])
    assert str(mine.value) == str(theirs.value)


def test_failures_as_numbers() -> None:
    bad = np.stack([np.eye(2), [[1.0, 2.0], [2.0, 1.0]], np.zeros((2, 2))])
    for call in (lambda t, x: t.linalg.inv_ex(x).info, lambda t, x: t.linalg.cholesky_ex(x).info,
                 lambda t, x: t.linalg.solve_ex(x, x).info, lambda t, x: t.linalg.lu_factor_ex(x).info):
        mine, theirs = call(headgate, headgate.from_numpy(bad)), call(torch, torch.from_numpy(bad))
        assert mine.tolist() == theirs.tolist() and str(mine.dtype).endswith("int32")
    first = headgate.linalg.inv_ex(headgate.from_numpy(bad)).inverse[0]
    assert headgate.equal(first, headgate.eye(2, dtype=headgate.float64))


def test_inverse_of_a_map() -> None:
    a = RANDOM.normal(size=(4, 2, 2))
    x, y = (t.from_numpy(a).requires_grad_() for t in (headgate, torch))
    mine, theirs = headgate.linalg.tensorinv(x, 1), torch.linalg.tensorinv(y, 1)
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=1e-9)
    mine.sum().backward()
    theirs.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-9)


@pytest.mark.parametrize("p", ["fro", "nuc", 1, -1, float("inf"), float("-inf")])
def test_conditions(p: Any) -> None:
    """Values alone: PyTorch writes over what the gradient would need, and refuses it; here it is the derivative."""
    for a in (EVEN["square"], EVEN["batch"], np.zeros((2, 2))):
        mine, theirs = headgate.linalg.cond(headgate.from_numpy(a), p), torch.linalg.cond(torch.from_numpy(a), p)
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-9)
    x = headgate.from_numpy(EVEN["square"].copy()).requires_grad_()
    assert headgate.autograd.gradcheck(lambda x: headgate.linalg.cond(x, p), (x,))


@pytest.mark.parametrize("count, increasing", [(None, False), (None, True), (2, False), (5, True), (1, False),
                                               (0, True)])
@pytest.mark.parametrize("kind", ["float64", "float16", "int32", "bool"])
def test_vander(count: Any, increasing: bool, kind: str) -> None:
    results = []
    for t in (headgate, torch):
        x = t.tensor([1.0, 2.0, -1.5]).to(getattr(t, kind))
        results.append(t.vander(x, count, increasing).numpy())
    assert results[0].dtype == results[1].dtype
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("ord", ["nuc", 2, -2])
@pytest.mark.parametrize("dim, keepdim", [((-2, -1), False), ((0, 2), True), ((2, 1), True), ((1, 0), False)])
def test_norms_of_singular_values(ord: Any, dim: tuple[int, int], keepdim: bool) -> None:
    found = []
    for t in (headgate, torch):
        x = t.from_numpy(W[:, :3].copy()).requires_grad_()
        y = t.linalg.matrix_norm(x, ord, dim, keepdim)
        y.sin().sum().backward()
        found.append((y.detach().numpy(), x.grad.numpy()))
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
