"""Bessel and Airy functions, the scaled error function and the inverse of the normal area, in plain NumPy.

Each takes an array of one float type and computes in float64, by series near 0, recurrences or integrals in the middle,
asymptotic expansions far out (Abramowitz and Stegun, 1964). Nothing here knows of tensors; nobody needs them fast.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from headgate.kernels.reference_forms import erfc, erfinv
from headgate.kernels.reference_special import log_normal

Array = np.ndarray[Any, np.dtype[Any]]
Form = Callable[[Array], Array]

EULER = 0.5772156649015329
TWO_OVER_PI = 2 / math.pi
NEAR, FAR, ORDERS = 2.0, 25.0, 80
POINTS = 160
SLOPE_AT_0 = 3 ** (-1 / 3) / math.gamma(1 / 3)  # Ai falls by it
VALUE_AT_0 = 3 ** (-2 / 3) / math.gamma(2 / 3)


def in_double(form: Form) -> Form:
    """`form` computed in float64 and rounded."""

    @functools.wraps(form)
    def rounded(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(form(np.asarray(x, np.float64)), x.dtype)

    return rounded


def by_parts(x: Array, parts: list[tuple[Array, Form]]) -> Array:
    """Each part's values where its mask says; NaN where none does, at infinities too where PyTorch has it so."""
    result = np.full(x.shape, np.nan)
    for where, form in parts:
        if where.any():
            result[where] = form(x[where])
    return result


# ---- Bessel functions of the first and second kind ------------------------------------------------------------------


def power_series(x: Array, order: int, sign: float, weight: Callable[[int], float]) -> Array:
    """The sum of weight(k) (sign x² / 4)^k (x / 2)^order / (k! (k + order)!)."""
    term = (x / 2) ** order / math.factorial(order)
    total = term * weight(0)
    for k in range(1, 60):
        term = term * (sign * x * x / 4) / (k * (k + order))
        total = total + term * weight(k)
    return total


def harmonic(k: int) -> float:
    """1 + 1/2 + ... + 1/k."""
    return sum(1 / i for i in range(1, k + 1))


def downwards(x: Array) -> list[Array]:
    """J of all orders below `ORDERS`, for x from 2 to 25: by recurrence from where they vanish, then to their sum."""
    values = [np.zeros_like(x), np.full_like(x, 1e-280)]
    for order in range(ORDERS, 0, -1):
        values.append(2 * order / x * values[-1] - values[-2])
    values = values[:0:-1]
    total = values[0] + 2 * sum(values[2::2])
    return [value / total for value in values]


def far_parts(x: Array, order: int) -> tuple[Array, Array]:
    """What multiplies the cosine and the sine in the expansion for large x."""
    even, odd, term = np.ones_like(x), np.zeros_like(x), np.ones_like(x)
    for k in range(1, 24):
        term = term * (4 * order * order - (2 * k - 1) ** 2) / (k * 8 * x)
        if k % 2:
            odd = odd + (term if k % 4 == 1 else -term)
        else:
            even = even + (term if k % 4 == 0 else -term)
    return even, odd


def far_first(x: Array, order: int, second: bool) -> Array:
    """J or Y of order 0 or 1 for large x."""
    even, odd = far_parts(x, order)
    sine, cosine = np.sin(x), np.cos(x)
    c, s = (cosine + sine, sine - cosine) if order == 0 else (sine - cosine, -sine - cosine)
    both = even * s + odd * c if second else even * c - odd * s
    return both / np.sqrt(math.pi * x)


def near_second(x: Array, order: int) -> Array:
    """Y of order 0 or 1 for x up to 2."""
    first = power_series(x, order, -1, lambda k: 1)
    log = np.log(x / 2) + EULER
    if order == 0:
        return TWO_OVER_PI * (log * first - power_series(x, 0, -1, harmonic))
    return (2 * log * first - power_series(x, 1, -1, lambda k: harmonic(k) + harmonic(k + 1)) - 2 / x) / math.pi


def middle_second(x: Array, order: int) -> Array:
    """Y of order 0 or 1 from 2 to 25: Neumann's series, and its derivative."""
    first = downwards(x)
    log = np.log(x / 2) + EULER
    signs = [(k, (-1) ** k) for k in range(1, ORDERS // 2)]
    if order == 0:
        return TWO_OVER_PI * (log * first[0] - 2 * sum(sign * first[2 * k] / k for k, sign in signs))
    rest = sum(sign / k * (first[2 * k - 1] - first[2 * k + 1]) for k, sign in signs)
    return TWO_OVER_PI * (log * first[1] - first[0] / x + rest)


def first_kind(order: int) -> Form:
    """J of order 0 or 1."""

    @in_double
    def bessel_j(x: Array) -> Array:
        q = np.abs(x)
        found = by_parts(q, [
            (q < NEAR, lambda q: power_series(q, order, -1, lambda k: 1)),
            ((q >= NEAR) & (q < FAR), lambda q: downwards(q)[order]),
            ((q >= FAR) & (q < np.inf), lambda q: far_first(q, order, False))])
        return found if order == 0 else np.where(x < 0, -found, found)

    return bessel_j


def second_kind(order: int) -> Form:
    """Y of order 0 or 1; -inf at 0, NaN below."""

    @in_double
    def bessel_y(x: Array) -> Array:
        return by_parts(x, [
            ((x >= 0) & (x < NEAR), lambda q: np.where(q == 0, -np.inf, near_second(q, order))),
            ((x >= NEAR) & (x < FAR), lambda q: middle_second(q, order)),
            ((x >= FAR) & (x < np.inf), lambda q: far_first(q, order, True))])

    return bessel_y


@in_double
def spherical_j0(x: Array) -> Array:
    """sin(x) / x, 1 at 0."""
    return np.where(x == 0, 1.0, np.where(np.isinf(x), 0.0, np.sin(x) / x))


# ---- modified Bessel functions --------------------------------------------------------------------------------------


def scaled_first(order: int) -> Form:
    """I of order 0 or 1 times exp(-|x|)."""

    def far(q: Array) -> Array:
        term = np.ones_like(q)
        total = term
        for k in range(1, 20):
            term = term * -(4.0 * order * order - (2 * k - 1) ** 2) / (k * 8 * q)
            total = total + term
        return total / np.sqrt(2 * math.pi * q)

    @in_double
    def bessel_ie(x: Array) -> Array:
        q = np.abs(x)
        found = by_parts(q, [(q < 20, lambda q: np.exp(-q) * power_series(q, order, 1, lambda k: 1)),
                             ((q >= 20) & (q < np.inf), far), (q == np.inf, np.zeros_like)])
        return found if order == 0 else np.where(x < 0, -found, found)

    return bessel_ie


def near_third(x: Array, order: int) -> Array:
    """K of order 0 or 1 for x up to 2."""
    first = power_series(x, order, 1, lambda k: 1)
    log = np.log(x / 2) + EULER
    if order == 0:
        return power_series(x, 0, 1, harmonic) - log * first
    return 1 / x + log * first - power_series(x, 1, 1, lambda k: harmonic(k) + harmonic(k + 1)) / 2


def integral_third(x: Array, order: float) -> Array:
    """exp(x) K(x) of any order from 2 on: the integral of exp(-x (cosh t - 1)) cosh(order t) by equal steps, which
    converges as fast as its integrand falls."""
    end = np.arccosh(1 + 745 / x)
    step = end / POINTS
    total = np.full_like(x, 0.5)
    for k in range(1, POINTS + 1):
        half = np.sinh(k * step / 2)  # cosh t - 1 = 2 sinh² (t / 2), exact where t is small
        total = total + np.exp(-2 * x * half * half) * np.cosh(order * (k * step))
    return total * step


def third_kind(order: int, scaled: bool) -> Form:
    """K of order 0 or 1, times exp(x) if `scaled`; inf at 0, NaN below."""

    def near(q: Array) -> Array:
        found = near_third(q, order) * (np.exp(q) if scaled else 1)
        return np.where(q == 0, np.inf, found)

    @in_double
    def bessel_k(x: Array) -> Array:
        return by_parts(x, [
            ((x >= 0) & (x < NEAR), near),
            ((x >= NEAR) & (x < np.inf), lambda q: integral_third(q, order) * (1 if scaled else np.exp(-q))),
            (x == np.inf, np.zeros_like)])

    return bessel_k


# ---- Airy, the error function, the normal law -----------------------------------------------------------------------


def airy_series(x: Array) -> Array:
    """Ai around 0, in the widest type there is: its two series cancel."""
    wide = np.asarray(x, np.longdouble)
    cube: Any = wide**3
    one, other = np.ones_like(wide), wide.copy()
    total: Any = VALUE_AT_0 * one - SLOPE_AT_0 * other
    for k in range(1, 100):
        one, other = one * cube / ((3 * k - 1) * (3 * k)), other * cube / ((3 * k) * (3 * k + 1))
        total = total + VALUE_AT_0 * one - SLOPE_AT_0 * other
    return np.asarray(total, np.float64)


def airy_waves(x: Array) -> Array:
    """Ai far below 0."""
    zeta = (-x) ** 1.5 * (2 / 3)
    even, odd, term = np.ones_like(x), np.zeros_like(x), np.ones_like(x)
    for k in range(1, 24):
        term = term * ((6 * k - 5) * (6 * k - 1) / (72 * k)) / zeta
        if k % 2:
            odd = odd + (term if k % 4 == 1 else -term)
        else:
            even = even + (term if k % 4 == 0 else -term)
    angle = zeta - math.pi / 4
    return (np.cos(angle) * even + np.sin(angle) * odd) / (math.sqrt(math.pi) * (-x) ** 0.25)


@in_double
def airy(x: Array) -> Array:
    """The Airy function Ai."""

    def above(q: Array) -> Array:
        zeta = q**1.5 * (2 / 3)
        return np.sqrt(q / 3) / math.pi * np.exp(-zeta) * integral_third(zeta, 1 / 3)

    return by_parts(x, [((x >= 2.5) & (x < np.inf), above), ((x > -9) & (x < 2.5), airy_series),
                        ((x <= -9) & (x > -np.inf), airy_waves)])


@in_double
def scaled_erfc(x: Array) -> Array:
    """exp(x²) erfc(x)."""

    def far(q: Array) -> Array:
        fraction: Array = q
        for k in range(60, 0, -1):
            fraction = q + k / 2 / fraction
        return 1 / (math.sqrt(math.pi) * fraction)

    q = np.abs(x)
    found = by_parts(q, [(q < 3, lambda q: np.exp(q * q) * erfc(q)), ((q >= 3) & (q < np.inf), far),
                         (q == np.inf, np.zeros_like)])
    return np.where(x < 0, 2 * np.exp(x * x) - found, found)


def normal_tail(p: Array) -> Array:
    """Where the normal area is a small p: Newton's method on its logarithm, from below."""
    log = np.log(p)
    z = -np.sqrt(-2 * log)
    for _ in range(12):
        area = log_normal(z)
        z = z - (area - log) / np.exp(-z * z / 2 - area) * math.sqrt(2 * math.pi)
    return z


@in_double
def normal_place(p: Array) -> Array:
    """Where the normal distribution's area is p: -inf for 0, inf for 1, NaN outside."""
    return by_parts(p, [((p > 0) & (p < 0.1), normal_tail), ((p > 0.9) & (p < 1), lambda p: -normal_tail(1 - p)),
                        ((p >= 0.1) & (p <= 0.9), lambda p: math.sqrt(2) * erfinv(2 * p - 1)),
                        (p == 0, lambda p: np.full_like(p, -np.inf)), (p == 1, lambda p: np.full_like(p, np.inf))])
