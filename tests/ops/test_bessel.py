"""Bessel functions, polynomials and zeta beside PyTorch and, where that has fewer digits, beside known values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import headgate

WIDE = np.concatenate([np.linspace(-40, 40, 400), [1e-300, 1e-8, 2.0, 25.0, 100.0, 1e4, 0.0, np.inf, -np.inf, np.nan]])
EXACT = (
    "i0e i1e erfcx modified_bessel_i0 modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 "
    "scaled_modified_bessel_k0 scaled_modified_bessel_k1 spherical_bessel_j0"
).split()
ROUGH = {"bessel_j0": 2e-6, "bessel_j1": 2e-6, "bessel_y0": 2e-6, "bessel_y1": 2e-6, "airy_ai": 1e-5}

# Abramowitz and Stegun (1964), tables 9.1 and 10.11.
KNOWN = {
    "bessel_j0": {1.0: 0.765197686557967, 5.0: -0.177596771314338, 10.0: -0.245935764451348, 17.0: -0.169854252151184},
    "bessel_j1": {1.0: 0.440050585744934, 5.0: -0.327579137591465, 10.0: 0.043472746168861},
    "bessel_y0": {1.0: 0.088256964215677, 5.0: -0.308517625249034, 10.0: 0.055671167283599},
    "bessel_y1": {1.0: -0.781212821300289, 5.0: 0.147863143391227, 10.0: 0.249015424206954},
    "airy_ai": {0.0: 0.355028053887817, 1.0: 0.135292416312881, -1.0: 0.535560883292352},
}


def values(t: Any, name: str, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(getattr(t.special, name)(t.from_numpy(x.copy())).numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EXACT)
def test_far_and_near(name: str, dtype: str) -> None:
    """Beyond the table test's inputs: where series, recurrences, integrals and expansions meet; the signs of zeros."""
    x = np.append(WIDE, -0.0).astype(dtype)
    mine, theirs = values(headgate, name, x), values(torch, name, x)
    rtol, atol = {"float32": (5e-6, 1e-37), "float64": (1e-12, 1e-300)}[dtype]
    np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=atol)
    np.testing.assert_array_equal(np.signbit(mine[mine == 0]), np.signbit(theirs[mine == 0]))


@pytest.mark.parametrize("name", ROUGH)
def test_of_fewer_digits(name: str) -> None:
    """As PyTorch's to its digits, and as the tables to theirs."""
    np.testing.assert_allclose(values(headgate, name, WIDE[:400]), values(torch, name, WIDE[:400]), rtol=0,
                               atol=ROUGH[name])
    np.testing.assert_allclose(values(headgate, name, WIDE[400:]), values(torch, name, WIDE[400:]), rtol=1e-5,
                               atol=ROUGH[name])
    places = np.array(list(KNOWN[name]))
    np.testing.assert_allclose(values(headgate, name, places), list(KNOWN[name].values()), rtol=0, atol=2e-15)
    x = headgate.ones(2, requires_grad=True)
    assert not getattr(headgate.special, name)(x).requires_grad


def test_normal_places() -> None:
    p = np.concatenate([10.0 ** -np.arange(0, 300, 7), np.linspace(-0.1, 1.1, 200), [np.nan, 1 - 1e-12, np.inf]])
    np.testing.assert_allclose(values(headgate, "ndtri", p), values(torch, "ndtri", p), rtol=1e-13, atol=1e-15)


def test_inverse_of_erf_towards_one() -> None:
    """Where the centre's series, the tail's and the last number below 1 are."""
    for kind, step in (("float32", 6e-8), ("float64", 1.2e-16)):
        x = 1 - np.concatenate([np.geomspace(step, 0.5, 300), [0.0, 1.0, -0.5, np.nan]])
        x = np.concatenate([x, -x]).astype(kind)
        mine, theirs = (np.asarray(t.erfinv(t.from_numpy(x)).numpy()) for t in (headgate, torch))
        np.testing.assert_allclose(mine, theirs, rtol={"float32": 3e-7, "float64": 1e-15}[kind])


def test_zeta_of_two_tensors() -> None:
    s = np.array([2.0, 1.0, 0.5, 3.0, 3.0, 2.5, 4.0, 2.0, np.nan, 7.5])[:, None]
    q = np.array([1.0, 0.5, -1.5, -2.0, 0.0, 3.25, np.nan, 1e6])
    mine, theirs = (np.asarray(t.special.zeta(t.from_numpy(s), t.from_numpy(q)).numpy()) for t in (headgate, torch))
    np.testing.assert_allclose(mine, theirs, rtol=1e-13)
    assert headgate.special.zeta(headgate.tensor(2.0), 1).item() == torch.special.zeta(torch.tensor(2.0), 1).item()


ERRORS: dict[str, Callable[[Any], Any]] = {
    "zeta in its first": lambda t: t.special.zeta(t.ones(2, requires_grad=True), 2).sum().backward(),
    "zeta in both": lambda t: t.special.zeta(t.full((2,), 2.0, requires_grad=True), t.ones(2)).sum().backward(),
    "polygamma below 0": lambda t: t.ones(2).polygamma(-1),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    with pytest.raises(Exception) as theirs:
        ERRORS[name](torch)
    with pytest.raises(type(theirs.value)) as mine:
        ERRORS[name](headgate)
    assert str(mine.value) == str(theirs.value)


def test_polygamma_is_a_method() -> None:
    mine, theirs = headgate.tensor([0.5, 1.5]), torch.tensor([0.5, 1.5])
    np.testing.assert_allclose(mine.polygamma(2).numpy(), theirs.polygamma(2).numpy(), rtol=1e-6)
    assert mine.polygamma_(1) is mine
    np.testing.assert_allclose(mine.numpy(), theirs.polygamma_(1).numpy(), rtol=1e-6)
