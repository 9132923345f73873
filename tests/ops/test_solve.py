"""Decompositions, systems and determinants beside PyTorch: values, gradients of two orders, errors."""

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import headgate

RANDOM = np.random.default_rng(5)


def matrices(*shape: int) -> np.ndarray:
    """Positive-definite matrices."""
    x = RANDOM.standard_normal(shape)
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])


def both(function: Callable[..., Any], *arrays: np.ndarray, dtype: str = "float64") -> None:
    """Values, gradients and second gradients of a function of the library and tensors are equal."""
    found = []
    for t in (headgate, torch):
        inputs = [t.tensor(one.tolist(), dtype=getattr(t, dtype), requires_grad=True) for one in arrays]
        result = function(t, *inputs)
        weights = t.linspace(0.5, 2.0, max(result.numel(), 1), dtype=result.dtype)[: result.numel()]
        first = t.autograd.grad((result * weights.reshape(result.shape)).sum(), inputs, create_graph=True)
        total = sum((one * one.cos()).sum() for one in first)
        second = t.autograd.grad(total, inputs, allow_unused=True)
        found.append([result, *first, *(one for one in second if one is not None)])
    assert len(found[0]) == len(found[1])
    close = {"float64": 1e-8, "float32": 2e-3}[dtype]
    for mine, theirs in zip(*found):
        assert tuple(mine.shape) == tuple(theirs.shape) and str(mine.dtype) == str(theirs.dtype)
        np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=close, atol=close)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 4, 4), (2, 1, 3, 3), (20, 20)])
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(shape: tuple[int, ...], upper: bool) -> None:
    both(lambda t, x: t.linalg.cholesky(x, upper=upper), matrices(*shape))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        both(lambda t, x: t.cholesky(x, upper), matrices(*shape))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["inv", "det", "cholesky"])
def test_single_precision(name: str, dtype: str) -> None:
    both(lambda t, x: getattr(t.linalg, name)(x), matrices(3, 3) / 3, dtype=dtype)


@pytest.mark.parametrize("options", list(itertools.product([False, True], repeat=3)))
@pytest.mark.parametrize(("a", "b"), [((3, 3), (3, 3)), ((2, 3, 3), (3, 3)), ((4, 4), (2, 4, 4)), ((40, 40), (40, 40))])
def test_triangular_systems(options: tuple[bool, bool, bool], a: tuple[int, ...], b: tuple[int, ...]) -> None:
    upper, left, unit = options
    scale = 0.2 if a[-1] > 10 else 1.0
    both(lambda t, x, y: t.linalg.solve_triangular(x, y, upper=upper, left=left, unitriangular=unit),
         matrices(*a) / a[-1] * scale + np.eye(a[-1]), RANDOM.standard_normal(b))


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize(
    ("a", "b"), [((3, 3), (3, 3)), ((3, 3), (3,)), ((2, 3, 3), (2, 3)), ((2, 1, 3, 3), (4, 3, 3)), ((1, 1), (1, 1))])
def test_systems(left: bool, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    if not left and len(b) < len(a):
        return  # an error, among those below
    both(lambda t, x, y: t.linalg.solve(x, y, left=left), matrices(*a), RANDOM.standard_normal(b))


@pytest.mark.parametrize("upper", [False, True])
def test_systems_of_cholesky_factors(upper: bool) -> None:
    both(lambda t, x, y: t.cholesky_solve(y, t.linalg.cholesky(x, upper=upper), upper), matrices(2, 3, 3),
         RANDOM.standard_normal((3, 2)))
    both(lambda t, x: t.cholesky_inverse(t.linalg.cholesky(x, upper=upper), upper), matrices(3, 3))


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (2, 4, 4)])
def test_determinants(shape: tuple[int, ...]) -> None:
    array = RANDOM.standard_normal(shape)
    both(lambda t, x: t.det(x), array)
    both(lambda t, x: t.slogdet(x).logabsdet, array)
    both(lambda t, x: t.logdet(x), matrices(*shape))
    both(lambda t, x: t.inverse(x), array)
    for mine, theirs in zip(headgate.linalg.slogdet(headgate.tensor(array)), torch.linalg.slogdet(torch.tensor(array))):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy())


def test_the_gradient_of_a_determinant_that_is_zero() -> None:
    array = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 5.0]])
    x = headgate.tensor(array.tolist(), dtype=headgate.float64, requires_grad=True)
    headgate.det(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), [[14.0, -10.0, 2.0], [-7.0, 5.0, -1.0], [0.0, 0.0, 0.0]], atol=1e-12)
    singular = headgate.slogdet(headgate.tensor(array))
    assert singular.logabsdet.item() == float("-inf") or singular.logabsdet.item() < -30


ONE_SIDED = {
    "linalg.cholesky": lambda t, x: t.linalg.cholesky(x), "linalg.inv": lambda t, x: t.linalg.inv(x),
    "linalg.det": lambda t, x: t.linalg.det(x), "linalg.slogdet": lambda t, x: t.linalg.slogdet(x),
    "inverse": lambda t, x: t.inverse(x), "det": lambda t, x: t.det(x), "logdet": lambda t, x: t.logdet(x),
    "cholesky": lambda t, x: t.cholesky(x), "slogdet": lambda t, x: t.slogdet(x),
    "cholesky_inverse": lambda t, x: t.cholesky_inverse(x),
}  # fmt: skip
BAD_MATRICES = {
    "wide": lambda t: t.ones(2, 3), "vector": lambda t: t.ones(3), "integers": lambda t: t.ones(2, 2, dtype=t.int64),
    "half": lambda t: t.ones(2, 2, dtype=t.float16), "number": lambda t: 1, "indefinite": lambda t: t.tensor(
        [[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]]]), "singular": lambda t: t.tensor([[1.0, 2.0], [2.0, 4.0]]),
    "batch": lambda t: t.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 4.0]]]), "empty": lambda t: t.ones(0, 0),
    "inf": lambda t: t.full((2, 2), float("inf")),
    "nan": lambda t: t.full((2, 2), float("nan")), "some nan": lambda t: t.tensor(
        [[[1.0, 0.0], [0.0, 1.0]], [[1.0, float("nan")], [float("nan"), 1.0]]]),
}  # fmt: skip


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        return error


def same_error(mine: Any, theirs: Any, words: int) -> None:
    assert isinstance(mine, Exception) == isinstance(theirs, Exception), (mine, theirs)
    if isinstance(theirs, torch.linalg.LinAlgError):
        assert isinstance(mine, headgate.linalg.LinAlgError) and isinstance(mine, RuntimeError)
    elif isinstance(theirs, Exception):
        assert isinstance(mine, type(theirs)), (mine, theirs)
    if isinstance(theirs, Exception):
        assert str(mine)[:words] == str(theirs)[:words]


@pytest.mark.filterwarnings("ignore:torch.cholesky is deprecated")
@pytest.mark.parametrize("bad", BAD_MATRICES)
@pytest.mark.parametrize("name", ONE_SIDED)
def test_errors(name: str, bad: str) -> None:
    if name == "cholesky_inverse" and bad in ("wide", "vector", "half", "integers"):
        words = 0
    else:
        words = 90
    mine, theirs = (outcome(lambda t=t: ONE_SIDED[name](t, BAD_MATRICES[bad](t))) for t in (headgate, torch))
    same_error(mine, theirs, words)


PAIRS = {
    "singular": lambda t: (t.ones(2, 2), t.ones(2, 1)), "vector": lambda t: (t.eye(2), t.ones(2)),
    "rows": lambda t: (t.eye(2), t.ones(3, 1)), "types": lambda t: (t.eye(2), t.ones(2, 1, dtype=t.float64)),
    "wide": lambda t: (t.ones(2, 3), t.ones(2, 1)), "integers": lambda t: (t.ones(2, 2).long(), t.ones(2, 1).long()),
    "vectors": lambda t: (t.ones(2), t.ones(2)), "number": lambda t: (t.eye(2), t.tensor(1.0)),
    "no tensor": lambda t: (t.eye(2), 3.0), "batches": lambda t: (t.ones(3, 2, 2) + t.eye(2), t.ones(3, 2)),
}  # fmt: skip
TWO_SIDED = {
    "solve": lambda t, a, b: t.linalg.solve(a, b), "right": lambda t, a, b: t.linalg.solve(a, b, left=False),
    "triangular": lambda t, a, b: t.linalg.solve_triangular(a, b, upper=True),
    "cholesky": lambda t, a, b: t.cholesky_solve(b, a),
}  # fmt: skip


@pytest.mark.parametrize("bad", PAIRS)
@pytest.mark.parametrize("name", TWO_SIDED)
def test_errors_of_systems(name: str, bad: str) -> None:
    if (name, bad) == ("triangular", "types"):
        return  # PyTorch reads the other type's bytes
    mine, theirs = (outcome(lambda t=t: TWO_SIDED[name](t, *PAIRS[bad](t))) for t in (headgate, torch))
    same_error(mine, theirs, 60 if bad != "no tensor" else 10)


def test_cholesky_functions_alone() -> None:
    """Their gradients for a factor that is no result of cholesky."""
    factor = np.tril(matrices(3, 3))
    both(lambda t, x, y: t.cholesky_solve(y, x), factor, RANDOM.standard_normal((3, 2)))
    both(lambda t, x: t.cholesky_inverse(x), factor)


def test_out() -> None:
    x = headgate.tensor(matrices(3, 3))
    for function in (headgate.linalg.inv, headgate.linalg.cholesky, headgate.linalg.det, headgate.inverse):
        out = headgate.empty(0, dtype=headgate.float64)
        assert function(x, out=out) is out and headgate.equal(out, function(x))
