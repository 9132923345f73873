"""Orthogonal polynomials and the Hurwitz zeta function of two arrays, in plain NumPy and in the arrays' own type.

A degree is an array of the same type, of which the whole part counts; below 0 the polynomials are 0. Nothing here knows
of tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headgate.kernels.reference_special import zeta as zeta_above

Array = np.ndarray[Any, np.dtype[Any]]
Form = Callable[[Array, Array], Array]
Step = Callable[[Array, Array, Array, int], Array]  # (x, P_k, P_(k-1), k) -> P_(k+1)


def chosen(x: Array, n: Array, first: Array, step: Step) -> Array:
    """P_n(x) by recurrence from P_0 = 1 and P_1 = `first`, to the largest degree asked for."""
    x, n = np.broadcast_arrays(x, n)
    degrees = np.where(np.isfinite(n), np.trunc(n), -1)
    before, now = np.ones_like(x), np.broadcast_to(first, x.shape)
    result = np.where(degrees == 0, before, np.where(degrees == 1, now, np.zeros_like(x)))
    with np.errstate(all="ignore"):
        for k in range(1, int(degrees.max(initial=0))):
            before, now = now, step(x, now, before, k)
            result = np.where(degrees == k + 1, now, result)
    return np.asarray(result, x.dtype)


def chebyshev(first: Callable[[Array], Array], ends: Callable[[Array], tuple[Any, Any]], shifted: bool) -> Form:
    """One of the four kinds: P_1 of x, and the values at 1 and, up to the sign of odd degrees, at -1."""

    def polynomial(x: Array, n: Array) -> Array:
        x = x + x - x.dtype.type(1) if shifted else x
        found = chosen(x, n, first(x), lambda x, now, before, k: (x + x) * now - before)
        degree = np.trunc(n)
        high, low = ends(degree)
        low = np.where(degree % 2 == 0, low, -low)
        value = np.where(degree < 0, 0, np.where(x == 1, high, np.where(x == -1, low, found)))
        return np.asarray(value, x.dtype)

    return polynomial


KINDS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], tuple[Any, Any]]]] = {
    "t": (lambda x: x, lambda n: (n * 0 + 1, n * 0 + 1)),
    "u": (lambda x: x + x, lambda n: (n + 1, n + 1)),
    "v": (lambda x: x + x - 1, lambda n: (n * 0 + 1, n + n + 1)),
    "w": (lambda x: x + x + 1, lambda n: (n + n + 1, n * 0 + 1)),
}


def hermite_h(x: Array, n: Array) -> Array:
    """The physicists' Hermite polynomials."""
    return chosen(x, n, x + x, lambda x, now, before, k: (x + x) * now - 2 * k * before)


def hermite_he(x: Array, n: Array) -> Array:
    """The probabilists' Hermite polynomials."""
    return chosen(x, n, x, lambda x, now, before, k: x * now - k * before)


def laguerre(x: Array, n: Array) -> Array:
    """The Laguerre polynomials."""
    return chosen(x, n, 1 - x, lambda x, now, before, k: ((2 * k + (1 - x)) * now - k * before) / (k + 1))


def legendre(x: Array, n: Array) -> Array:
    """The Legendre polynomials."""
    return chosen(x, n, x, lambda x, now, before, k: ((2 * k + 1) * x * now - k * before) / (k + 1))


def zeta(s: Array, q: Array) -> Array:
    """The sum of (k + q)^-s over k >= 0: inf for s = 1 and at poles, NaN for s below 1 or a power without value."""
    s, q = np.broadcast_arrays(np.asarray(s), np.asarray(q))
    exponent, place = np.asarray(s, np.float64), np.asarray(q, np.float64)
    with np.errstate(all="ignore"):
        low = np.where(np.isfinite(place), np.minimum(np.floor(place), 0.0), 0.0)
        total = zeta_above(np.where(exponent <= 1, 2.0, exponent), place - low)
        for k in range(min(int(-low.min(initial=0)), 100_000)):
            total = total + np.where(k < -low, (place + k) ** -exponent, 0.0)
        pole = (place <= 0) & (place == np.floor(place))
        undefined = (place < 0) & (exponent != np.floor(exponent))
        total = np.where(pole, np.inf, np.where(undefined, np.nan, total))
        total = np.where(exponent == 1, np.inf, np.where(exponent < 1, np.nan, total))
        return np.asarray(total, s.dtype)
