"""Window functions, histograms, functions of the user for every element and low rank, beside PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import headgate

WINDOWS = ("hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window")
NAMED: dict[str, dict[str, Any]] = {
    "bartlett": {}, "blackman": {}, "cosine": {}, "exponential": {"tau": 2.5}, "gaussian": {"std": 0.7},
    "general_cosine": {"a": [0.46, 0.23, 0.31]}, "general_hamming": {"alpha": 0.6}, "hamming": {}, "hann": {},
    "kaiser": {"beta": 3.5}, "nuttall": {},
}  # fmt: skip


def array(x: Any) -> np.ndarray[Any, Any]:
    return np.asarray(x.detach().numpy())


@pytest.mark.parametrize("kind", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name: str, kind: str) -> None:
    for length in (0, 1, 2, 3, 8, 33):
        for periodic in (True, False):
            mine, theirs = (getattr(t, name)(length, periodic, dtype=getattr(t, kind)) for t in (headgate, torch))
            assert mine.dtype.name == kind and tuple(mine.shape) == tuple(theirs.shape)
            near = {"float64": 1e-14, "float32": 3e-7, "float16": 2e-3}[kind]
            np.testing.assert_allclose(array(mine), array(theirs), rtol=near, atol=near)
    assert getattr(headgate, name)(5, requires_grad=True).requires_grad


@pytest.mark.parametrize("name", NAMED)
def test_named_windows(name: str) -> None:
    for length in (0, 1, 2, 7, 12):
        for sym in (True, False):
            for kind in ("float32", "float64"):
                mine, theirs = (getattr(t.signal.windows, name)(length, sym=sym, dtype=getattr(t, kind), **NAMED[name])
                                for t in (headgate, torch))
                assert mine.dtype.name == kind and tuple(mine.shape) == tuple(theirs.shape)
                near = 1e-13 if kind == "float64" else 2e-6
                np.testing.assert_allclose(array(mine), array(theirs), rtol=near, atol=near)


def test_window_options() -> None:
    for make in (lambda t: t.signal.windows.exponential(5, center=1.0, sym=False),
                 lambda t: t.hamming_window(6, True, 0.5), lambda t: t.hamming_window(6, False, 0.6, beta=0.3),
                 lambda t: t.kaiser_window(6, False, 3.0), lambda t: t.kaiser_window(5, periodic=False, beta=2.0)):
        np.testing.assert_allclose(array(make(headgate)), array(make(torch)), rtol=1e-6, atol=1e-7)


def mapped(t: Any, name: str, kind: str) -> Any:
    x = t.arange(6).view(2, 3).to(getattr(t, kind))
    whole = x.t()[1:]  # written through a view
    if name == "apply_":
        assert whole.apply_(lambda v: v * 2 + 1) is whole
    elif name == "map_":
        whole.map_(t.tensor([1, 2]).to(x.dtype), lambda a, b: a * 10 + b)
    else:
        whole.map2_(t.tensor([1, 2]).to(x.dtype), t.tensor([[3], [4]]).to(x.dtype), lambda a, b, c: a + b * c)
    return x, x._version


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "int64", "uint8", "bool"])
@pytest.mark.parametrize("name", ["apply_", "map_", "map2_"])
def test_a_function_for_every_element(name: str, kind: str) -> None:
    mine, theirs = mapped(headgate, name, kind), mapped(torch, name, kind)
    np.testing.assert_array_equal(array(mine[0]), array(theirs[0]))
    assert mine[1] == theirs[1]


def test_a_function_for_shared_memory() -> None:
    for t in (headgate, torch):
        x = t.ones(1)
        x.expand(3).apply_(lambda v: v + 1)
        assert x.item() == 4


def test_a_function_that_fails_leaves_the_rest() -> None:
    for t in (headgate, torch):
        x = t.ones(3)
        seen: list[float] = []

        def second_fails(value: float, seen: list[float] = seen) -> float:
            seen.append(value)
            if len(seen) == 2:
                raise KeyError("no")
            return 5.0

        with pytest.raises(KeyError):
            x.apply_(second_fails)
        assert x.tolist() == [5.0, 1.0, 1.0]


@pytest.mark.parametrize("shape", [(9, 5), (4, 8), (2, 6, 5)])
def test_low_rank(shape: tuple[int, ...]) -> None:
    """The same seed gives the same numbers, up to signs of vectors."""
    values = np.sin(np.arange(np.prod(shape), dtype=np.float64)).reshape(shape)
    for function in (lambda t, x: t.svd_lowrank(x, 3), lambda t, x: t.svd_lowrank(x, q=2, niter=1, M=x * 0.5),
                     lambda t, x: t.pca_lowrank(x), lambda t, x: t.pca_lowrank(x, 2, center=False, niter=3)):
        results = []
        for t in (headgate, torch):
            t.manual_seed(4)
            u, s, v = function(t, t.from_numpy(values.copy()))
            results.append([array(s), array(u @ t.diag_embed(s) @ v.transpose(-1, -2)), array(t.rand(1))])
        for mine, theirs in zip(*results):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-10)


def test_the_old_triangular_solve() -> None:
    a, b = np.tril(np.random.default_rng(1).normal(size=(2, 3, 3))) + 2 * np.eye(3), np.ones((3, 2))
    for flags in ((True, False, False), (False, False, False), (False, True, False), (True, True, True)):
        found = []
        for t in (headgate, torch):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                x, y = t.from_numpy(a.copy()).requires_grad_(), t.from_numpy(b.copy()).requires_grad_()
                solution, copy = t.triangular_solve(y, x, *flags)
                found.append([array(solution), array(copy),
                              *(array(g) for g in t.autograd.grad(solution.sin().sum(), [x, y]))])
        for mine, theirs in zip(*found):
            np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)
    with pytest.warns(UserWarning, match="torch.triangular_solve is deprecated"):
        headgate.ones(2, 1).triangular_solve(headgate.eye(2))


ERRORS: dict[str, Callable[[Any], Any]] = {
    "length": lambda t: t.hann_window(-1),
    "length of a float": lambda t: t.hann_window(4.5),
    "whole window": lambda t: t.hamming_window(4, dtype=t.int64),
    "whole window of bools": lambda t: t.bartlett_window(4, dtype=t.bool),
    "named length": lambda t: t.signal.windows.hann(-1),
    "named kind": lambda t: t.signal.windows.cosine(3, dtype=t.float16),
    "tau": lambda t: t.signal.windows.exponential(3, tau=0),
    "center": lambda t: t.signal.windows.exponential(3, center=1.0),
    "deviation": lambda t: t.signal.windows.gaussian(3, std=-1.0),
    "beta": lambda t: t.signal.windows.kaiser(3, beta=-1.0),
    "coefficients": lambda t: t.signal.windows.general_cosine(3, a=[]),
    "coefficient": lambda t: t.signal.windows.general_cosine(3, a=0.5),
    "apply to a leaf": lambda t: t.ones(2, requires_grad=True).apply_(lambda v: v),
    "apply a number": lambda t: t.ones(2).apply_(3),
    "apply to text": lambda t: t.ones(2).apply_(lambda v: "a"),
    "map a leaf": lambda t: t.ones(2).map_(t.ones(2, requires_grad=True), lambda a, b: a),
    "map of types": lambda t: t.ones(2).map_(t.ones(2).double(), lambda a, b: a),
    "map of shapes": lambda t: t.ones(2).map_(t.ones(3), lambda a, b: a),
    "map a number": lambda t: t.ones(2).map_(1.0, lambda a, b: a),
    "renorm of a vector": lambda t: t.renorm(t.ones(3), 2, 0, 1),
    "renorm by 0": lambda t: t.renorm(t.ones(2, 2), 0, 0, 1),
    "renorm to less than none": lambda t: t.renorm(t.ones(2, 2), 2, 0, -1),
    "renorm of whole numbers": lambda t: t.renorm(t.ones(2, 2).long(), 2, 0, 1),
    "renorm along": lambda t: t.renorm(t.ones(2, 2), 2, 5, 1),
    "renorm by text": lambda t: t.renorm(t.ones(2, 2), "a", 0, 1),
    "frexp of whole numbers": lambda t: t.frexp(t.tensor([1])),
    "frexp of a number": lambda t: t.frexp(1.0),
    "no bins": lambda t: t.histogram(t.ones(2), 0),
    "range": lambda t: t.histogram(t.ones(2), 2, range=(3, 1)),
    "range of nan": lambda t: t.histogram(t.tensor([1.0, float("nan")]), 2),
    "bins of whole numbers": lambda t: t.histogram(t.ones(2), t.tensor([1, 2])),
    "bins of two dims": lambda t: t.histogram(t.ones(2), t.ones(2, 2)),
    "one edge": lambda t: t.histogram(t.ones(2), t.tensor([1.0])),
    "weights": lambda t: t.histogram(t.ones(2), 2, weight=t.ones(3)),
    "type of weights": lambda t: t.histogram(t.ones(2), 2, weight=t.ones(2).double()),
    "histogram of whole numbers": lambda t: t.histogram(t.tensor([1, 2]), 2),
    "points": lambda t: t.histogramdd(t.ones(4), [2]),
    "bins of points": lambda t: t.histogramdd(t.ones(4, 2), [2]),
    "range of points": lambda t: t.histogramdd(t.ones(4, 2), [2, 2], range=[0.0, 1.0]),
    "rank": lambda t: t.pca_lowrank(t.ones(3, 2), 3),
    "steps": lambda t: t.pca_lowrank(t.ones(3, 2), niter=-1),
    "solve a vector": lambda t: t.triangular_solve(t.ones(3), t.eye(3)),
    "solve no square": lambda t: t.triangular_solve(t.ones(3, 1), t.ones(2, 3)),
    "solve sizes": lambda t: t.triangular_solve(t.ones(2, 1), t.eye(3)),
    "solve types": lambda t: t.triangular_solve(t.ones(3, 1).double(), t.eye(3)),
}


@pytest.mark.filterwarnings("ignore:torch.triangular_solve")
@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    with pytest.raises(Exception) as theirs:
        ERRORS[name](torch)
    with pytest.raises(type(theirs.value)) as mine:
        ERRORS[name](headgate)
    assert str(mine.value).splitlines()[0] == str(theirs.value).splitlines()[0]
