"""Rarer special functions in plain NumPy, for the compiled door too: nobody needs them fast.

Each takes arrays of one float type, then parameters as floats. Nothing here knows of tensors.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

# Euler-Maclaurin: B(2k) / (2k)!, k = 1 ...
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)


def zeta(s: Any, q: Array) -> Array:
    """The Hurwitz zeta function, sum over k >= 0 of (k + q)^-s, for s > 1 and q not a pole, in float64."""
    total = np.zeros_like(q)
    shift = 12
    for k in range(shift):
        total = total + (q + k) ** -s
    end = q + shift
    total = total + end ** (1.0 - s) / (s - 1.0) + 0.5 * end**-s
    factor, power = s, end ** (-s - 1.0)
    for k, bernoulli in enumerate(_BERNOULLI, 1):
        total = total + bernoulli / math.factorial(2 * k) * factor * power
        factor = factor * (s + 2 * k - 1) * (s + 2 * k)
        power = power / (end * end)
    return total


def polygamma(x: Array, *order: float) -> Array:
    """The n-th derivative of digamma, the first by default; for x < 0 the sum starts below x, poles give infinity."""
    n = order[0] if order else 1.0
    if n == 0:
        from headgate.kernels.reference_forms import digamma

        return digamma(x)
    q = x.astype(np.float64)
    with np.errstate(all="ignore"):
        low = np.where(np.isfinite(q), np.minimum(np.floor(q), 0.0), 0.0)
        steps = int(-low.min()) if low.size else 0
        steps = min(steps, 100000)
        total = zeta(n + 1.0, q - low)
        for k in range(steps):
            total = total + np.where(k < -low, (q + k) ** -(n + 1.0), 0.0)
        sign = 1.0 if n % 2 else -1.0
        result = sign * math.gamma(n + 1.0) * total
        result = np.where(np.isposinf(q), 0.0, result)
    return result.astype(x.dtype)


def bessel_i1(x: Array) -> Array:
    """The modified Bessel function of order 1: its series up to 30, the asymptotic expansion beyond."""
    q = np.abs(x.astype(np.float64))
    with np.errstate(all="ignore"):
        near = np.minimum(q, 30.0)
        half = near / 2
        term = half.copy()
        total = term.copy()
        for k in range(1, 70):
            term = term * half * half / (k * (k + 1))
            total = total + term
        far = np.maximum(q, 30.0)
        part = np.ones_like(far)
        tail = part.copy()
        for k in range(1, 20):
            part = part * -(4.0 - (2 * k - 1) ** 2) / (k * 8 * far)
            tail = tail + part
        big = np.exp(far / 2) * tail / np.sqrt(2 * math.pi * far) * np.exp(far / 2)
        result = np.where(q <= 30, total, big)
        result = np.where(np.isnan(q), np.nan, np.where(x < 0, -result, result))
        return result.astype(x.dtype)


def log_normal(x: Array) -> Array:
    """log of the normal distribution's area below x; below -10 by the continued fraction of the tail."""
    from headgate.kernels.reference_forms import erfc

    q = x.astype(np.float64)
    with np.errstate(all="ignore"):
        middle = np.log(0.5 * erfc(-np.maximum(q, -10.0) * math.sqrt(0.5)))
        high = np.log1p(-0.5 * erfc(np.maximum(q, 0.0) * math.sqrt(0.5)))
        t = -np.minimum(q, -10.0)
        fraction = t.copy()
        for k in range(40, 0, -1):
            fraction = t + k / fraction
        low = -0.5 * t * t - 0.5 * math.log(2 * math.pi) - np.log(fraction)
        return np.where(q < -10, low, np.where(q > 1, high, middle)).astype(x.dtype)


def entr(x: Array) -> Array:
    """-x log x, 0 at 0 and -inf below."""
    positive = x > 0
    value = -x * np.log(np.where(positive, x, x.dtype.type(1)))
    value = np.where(positive | np.isnan(x), value, np.where(x == 0, x.dtype.type(0), x.dtype.type(-np.inf)))
    return np.asarray(value, x.dtype)


def xlog1py(x: Array, y: Array) -> Array:
    """x log(1 + y), 0 where x is 0 unless y is NaN."""
    with np.errstate(all="ignore"):
        return np.asarray(np.where((x == 0) & ~np.isnan(y), x.dtype.type(0), x * np.log1p(y)), x.dtype)


def trigamma(x: Array) -> Array:
    """The first derivative of digamma."""
    return polygamma(x, 1.0)


def cube(x: Array) -> Array:
    """x x x, rounded twice."""
    return x * x * x


def zero_nan(x: Array) -> Array:
    """0 where x is NaN."""
    return np.where(np.isnan(x), x.dtype.type(0), x)


def round_down_to(x: Array, scale: float) -> Array:
    """The nearest multiple of 1 / scale."""
    return np.rint(x * x.dtype.type(scale)) / x.dtype.type(scale)


def round_up_to(x: Array, scale: float) -> Array:
    """The nearest multiple of scale."""
    return np.rint(x / x.dtype.type(scale)) * x.dtype.type(scale)


def prelu(x: Array, weight: Array) -> Array:
    """x above 0, weight x below."""
    return np.where(x > 0, x, weight * x)


# ---- losses of a value and what it should be ------------------------------------------------------------------------


def squared_difference(x: Array, y: Array) -> Array:
    """(x - y)^2."""
    return np.square(x - y)


def smooth_l1(x: Array, y: Array, beta: float) -> Array:
    """d^2 / (2 beta) where d = |x - y| < beta, else d - beta / 2."""
    d, kind = np.abs(x - y), x.dtype.type
    return np.where(d < beta, kind(0.5) * d * d / kind(beta), d - kind(0.5 * beta))


def huber(x: Array, y: Array, delta: float) -> Array:
    """d^2 / 2 where d = |x - y| <= delta, else delta (d - delta / 2)."""
    d, kind = np.abs(x - y), x.dtype.type
    return np.where(d <= delta, kind(0.5) * d * d, kind(delta) * (d - kind(0.5 * delta)))


def bce(x: Array, y: Array) -> Array:
    """-(y log x + (1 - y) log(1 - x)), logarithms at least -100."""
    low = x.dtype.type(-100)
    return (y - 1) * np.maximum(np.log1p(-x), low) - y * np.maximum(np.log(x), low)


def bce_logits(x: Array, y: Array) -> Array:
    """(1 - y) x - log sigmoid(x): binary cross entropy of sigmoid(x), without overflow."""
    return (1 - y) * x - (np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))))
