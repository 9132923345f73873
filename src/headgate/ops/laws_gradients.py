"""How gamma and beta numbers move with their parameters at fixed probability: -(d cdf / d parameter) / density.

The same approximations as PyTorch's, so that gradients agree: series near 0 and 1, saddle points for large parameters
(after Rice), and fitted rational functions between. Arrays of float64 in and out; tensors are not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: PyTorch's fit of log of the gamma slope: rows are powers of log(x / alpha), columns four of log alpha twice (p, q).
GAMMA_FIT = np.array([
    [0.16009398, -0.094634809, 0.025146376, -0.0030648343, 1, 0.32668115, 0.10406089, 0.0014179084],
    [0.53487893, 0.1298071, 0.065735949, -0.0015649758, 0.16639465, 0.020070113, -0.0035938915, -0.00058392623],
    [0.040121004, -0.0065914022, -0.0026286047, -0.0013441777, 0.017050642, -0.0021309326, 0.00085092367,
     -1.5247877e-07],
])
#: PyTorch's fit of the beta slope's correction: p and q, powers of u, of a, of b.
BETA_FIT = np.array([
    1.003668233, -0.01061107488, -0.0657888334, 0.01201642863, 0.6336835991, -0.3557432599, 0.05486251648,
    -0.001465281033, -0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013,
    0.221950385, -0.3187676331, 0.01799915743, 0.01074823814, -0.2951249643, 0.06219954479, 0.01535556598,
    0.001550077057, 0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-05,
    -0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565, 0.02911413504, 0.01400243777, -0.002721828457,
    0.000751041181, 0.005900514878, -0.001936558688, -9.495446725e-06, 5.385558597e-05,
    1, -0.02924021934, -0.04438342661, 0.007285809825, 0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521,
    -0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149,
    0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273, 0.1014815858, -0.06589186703, 0.01272886114,
    -0.0007316646956, -0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-05,
    0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-05, 0.001925008108, -0.002869809258, 0.0008000589141,
    -6.063713228e-05, -0.0003477407336, 6.959756487e-05, 1.097287507e-05, -1.650964693e-06,
]).reshape(2, 3, 3, 4)  # fmt: skip
BERNOULLI = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)


def digamma(x: Any) -> Any:
    """The logarithmic derivative of gamma for x > 0: recurrence up to 10, then the asymptotic series."""
    found = np.where(x == 0, np.inf, 0.0)
    x = np.where(x == 0, 10.0, x)
    for _ in range(10):
        small = x < 10
        found = found - np.where(small, 1 / x, 0)
        x = np.where(small, x + 1, x)
    square = 1 / (x * x)
    rest = np.zeros_like(x)
    for number in reversed(BERNOULLI):
        rest = (rest + number) * square
    return found + np.log(x) - 0.5 / x - rest


def by_region(regions: list[tuple[Any, Callable[..., Any]]], *arrays: Any) -> Any:
    """Each formula on the elements of its region; the first region that holds counts."""
    arrays = tuple(np.atleast_1d(one) for one in np.broadcast_arrays(*arrays))
    found = np.full(arrays[0].shape, np.nan)
    open_places = np.ones(found.shape, bool)
    for region, formula in regions:
        here = open_places & np.atleast_1d(region)
        if here.any():
            found[here] = formula(*[one[here] for one in arrays])
        open_places &= ~here
    return found


def without_nan(x: Any) -> Any:
    """Zeros for NaN."""
    return np.where(np.isnan(x), 0, x)


# ---- gamma ----------------------------------------------------------------------------------------------------------


def gamma_small(alpha: Any, x: Any) -> Any:
    """Taylor series in x of the distribution function and its derivative by alpha."""
    term, plain, squared = np.ones_like(x), 1 / alpha, 1 / alpha**2
    for i in range(1, 6):
        term = term * -x / i
        plain = plain + term / (alpha + i)
        squared = squared + term / (alpha + i) ** 2
    density = x ** (alpha - 1) * np.exp(-x)
    slope = (np.log(x) - digamma(alpha)) * x**alpha * plain - x**alpha * squared
    return without_nan(-slope / density)


def gamma_middle(alpha: Any, x: Any) -> Any:
    """The saddle point expansion near x = alpha, where the general form is singular."""
    square = alpha * alpha
    first = 1 + 24 * alpha * (1 + 12 * alpha)
    second = 1440 * square + 6 * x * (53 - 120 * x) - 65 * x * x / alpha + alpha * (107 + 3600 * x)
    return first * second / (1244160 * square * square)


def gamma_large(alpha: Any, x: Any) -> Any:
    """The saddle point expansion for large alpha."""
    root, log_ratio = np.sqrt(8 * alpha), np.log(x / alpha)
    power = (x - alpha - alpha * log_ratio) ** -1.5
    inner = root / (alpha - x) + np.where(x < alpha, -power, power)
    inner = log_ratio * inner - np.sqrt(2 / alpha) * (alpha + x) / (alpha - x) ** 2
    stirling = 1 + 1 / (12 * alpha) * (1 + 1 / (24 * alpha))
    return -stirling * x * inner / root


def gamma_fitted(alpha: Any, x: Any) -> Any:
    """The fit between."""
    u, v = np.log(x / alpha), np.log(alpha)
    rows = GAMMA_FIT[0] + u[..., None] * (GAMMA_FIT[1] + u[..., None] * GAMMA_FIT[2])
    powers = v[..., None] ** np.arange(4)
    return np.exp((rows[..., :4] * powers).sum(-1) / (rows[..., 4:] * powers).sum(-1))


def gamma_slope(alpha: Any, x: Any) -> Any:
    """d x / d alpha of a gamma number x of shape alpha."""
    near = (alpha > 8) & (np.float32(0.9) * alpha <= x) & (x <= np.float32(1.1) * alpha)
    always = np.ones(np.shape(x), bool)
    regions = [(x < np.float32(0.8), gamma_small), (near, gamma_middle), (alpha > 8, gamma_large),
               (always, gamma_fitted)]
    return by_region(regions, alpha, x).reshape(np.shape(x))


# ---- beta -----------------------------------------------------------------------------------------------------------


def beta_alpha_small(x: Any, alpha: Any, total: Any) -> Any:
    """By alpha for x near 0: a Taylor series."""
    beta = total - alpha
    factor = digamma(alpha) - digamma(alpha + beta) - np.log(x)
    term, series = np.ones_like(x), (factor + 1 / alpha) / alpha
    for i in range(1, 11):
        term = term * (i - beta) * x / i
        series = series + term / (alpha + i) * (factor + 1 / (alpha + i))
    return without_nan(x * (1 - x) ** -beta * series)


def beta_near_one(x: Any, alpha: Any, total: Any) -> Any:
    """By alpha for x near 1: the series by beta of the mirrored law."""
    y, first, second = 1 - x, total - alpha, alpha
    factor = digamma(first + second) - digamma(second)
    term, product, slope, series = np.ones_like(x), np.ones_like(x), np.zeros_like(x), factor / first
    for i in range(1, 9):
        term = term * -y / i
        slope = slope * (second - i) + product
        product = product * (second - i)
        series = series + term / (first + i) * (slope + factor * product)
    return -without_nan(-((1 - y) ** (1 - second)) * series)


def beta_at_mean(x: Any, alpha: Any, total: Any) -> Any:
    """The saddle point expansion near the mean, where the general form is singular."""
    b = total - alpha
    last = 8 * (1 - x) * (135 * b - 11)
    third = (453 + 1620 * b * (1 - x) - 455 * x) * b + alpha * last
    second = 3 * (59 + 180 * b - 90 * x) * b**2 + alpha * third
    first = (43 + 20 * (16 + 27 * b) * x) * b**3 + alpha * second
    poly = 47 * x * b**4 + alpha * first
    above = (1 + 12 * alpha) * (1 + 12 * b) / total**2
    return above / (1 - x) * poly / (12960 * alpha**3 * b**2 * (1 + 12 * total))


def beta_large(x: Any, alpha: Any, total: Any) -> Any:
    """The saddle point expansion for large parameters."""
    beta = total - alpha
    lean = alpha * (x - 1) + beta * x
    first = (2 * alpha**2 * (x - 1) + alpha * beta * (x - 1) - x * beta**2) / (
        np.sqrt(2 * alpha / beta) * total**1.5 * lean**2)
    third = np.sqrt(8 * alpha * beta / total) / lean
    base = beta * np.log(beta / (total * (1 - x))) + alpha * np.log(alpha / (total * x))
    fourth = np.where(x < alpha / total, 1, -1) * base**-1.5
    whole = first + 0.5 * np.log(alpha / (total * x)) * (third + fourth)
    return stirling(alpha) * stirling(beta) / stirling(total) * -x / np.sqrt(2 * alpha * beta / total) * whole


def stirling(x: Any) -> Any:
    """The first terms of Stirling's series."""
    return 1 + 1 / (12 * x) + 1 / (288 * x * x)


def beta_fitted(x: Any, alpha: Any, total: Any) -> Any:
    """An analytic approximation with a fitted correction."""
    u = np.log(x)
    a = np.log(alpha) - u
    b = np.log(total) - a
    powers = [one[..., None] ** np.arange(count) for one, count in ((u, 3), (a, 3), (b, 4))]
    p, q = np.einsum("cijk,ni,nj,nk->cn", BETA_FIT, *powers)
    return p / q * x * (digamma(total) - digamma(alpha)) / (total - alpha)


def beta_slope(x: Any, alpha: Any, total: Any) -> Any:
    """d x / d alpha over 1 - x of a beta number x of parameters alpha and total - alpha."""
    beta, edge = total - alpha, total * x * (1 - x)
    mean = alpha / total
    deviation = np.sqrt(alpha * beta / (total + 1)) / total
    large = (alpha > 6) & (beta > 6)
    at_mean = large & (mean - 0.1 * deviation <= x) & (x <= mean + 0.1 * deviation)
    regions = [((x <= 0.5) & (edge < 2.5), beta_alpha_small), ((x >= 0.5) & (edge < 0.75), beta_near_one),
               (at_mean, beta_at_mean), (large, beta_large), (np.ones(np.shape(x), bool), beta_fitted)]
    return by_region(regions, x, alpha, total).reshape(np.shape(x))
