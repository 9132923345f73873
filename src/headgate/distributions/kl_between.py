"""Kullback-Leibler divergences between laws of different families: -H(p) - E_p[log q(x)], from moments of p.

Where p has mass outside of q's support the divergence is infinite. The table is `kl`'s.
"""

from __future__ import annotations

import math
from typing import Any

from headgate.distributions import functions as F
from headgate.distributions.bernoulli import Bernoulli
from headgate.distributions.beta import Beta
from headgate.distributions.binomial import Binomial
from headgate.distributions.exponential import Exponential
from headgate.distributions.gamma import Gamma
from headgate.distributions.gumbel import Gumbel
from headgate.distributions.kl import INFINITE, register_kl
from headgate.distributions.laplace import Laplace
from headgate.distributions.normal import Normal
from headgate.distributions.poisson import Poisson
from headgate.distributions.uniform import Uniform
from headgate.distributions.utils import euler_constant


def _infinite(p: Any, q: Any) -> Any:
    return F.full_like(p.mean, INFINITE)


for _p, _others in (
    (Exponential, (Beta, Uniform)), (Gamma, (Beta, Uniform)), (Gumbel, (Beta, Exponential, Gamma, Uniform)),
    (Laplace, (Beta, Exponential, Gamma, Uniform)), (Normal, (Beta, Exponential, Gamma, Uniform)),
    (Poisson, (Bernoulli, Binomial)),
):  # fmt: skip
    for _q in _others:
        register_kl(_p, _q)(_infinite)


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Any:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


# ---- to a normal law: mean and variance -----------------------------------------------------------------------------


@register_kl(Beta, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Laplace, Normal)
@register_kl(Uniform, Normal)
def _to_normal(p: Any, q: Any) -> Any:
    spread = (p.variance + (p.mean - q.loc).pow(2)) / (2 * q.scale.pow(2))
    return -p.entropy() + q.scale.log() + 0.5 * math.log(2 * math.pi) + spread


@register_kl(Normal, Laplace)
def _normal_laplace(p: Any, q: Any) -> Any:
    """E|x - loc| of a normal x: the mean of a folded normal number."""
    distance = p.loc - q.loc
    folded = math.sqrt(2 / math.pi) * p.scale * (-0.5 * (distance / p.scale).pow(2)).exp() + distance * (
        math.sqrt(0.5) * distance / p.scale).erf()
    return -p.entropy() + (2 * q.scale).log() + folded / q.scale


# ---- to an exponential or gamma law: mean and E[log x] --------------------------------------------------------------


def _mean_log(p: Any) -> Any:
    """E[log x]."""
    if isinstance(p, Beta):
        return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()
    if isinstance(p, Exponential):
        return -p.rate.log() - euler_constant
    return (F.xlogy(p.high, p.high) - F.xlogy(p.low, p.low)) / (p.high - p.low) - 1


@register_kl(Beta, Exponential)
@register_kl(Gamma, Exponential)
def _to_exponential(p: Any, q: Any) -> Any:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Beta, Gamma)
@register_kl(Exponential, Gamma)
def _to_gamma(p: Any, q: Any) -> Any:
    constant = q.concentration.lgamma() - q.concentration * q.rate.log()
    return -p.entropy() + constant - (q.concentration - 1) * _mean_log(p) + q.rate * p.mean


@register_kl(Uniform, Exponential)
def _uniform_exponential(p: Any, q: Any) -> Any:
    result = _to_exponential(p, q)
    result[p.low < 0] = INFINITE
    return result


@register_kl(Uniform, Gamma)
def _uniform_gamma(p: Any, q: Any) -> Any:
    result = _to_gamma(p, q)
    result[p.low < 0] = INFINITE
    return result


# ---- to a Gumbel law: mean and E[exp(-x / scale)] -------------------------------------------------------------------


@register_kl(Exponential, Gumbel)
@register_kl(Gamma, Gumbel)
@register_kl(Normal, Gumbel)
@register_kl(Uniform, Gumbel)
def _to_gumbel(p: Any, q: Any) -> Any:
    return -p.entropy() + q.scale.log() + (p.mean - q.loc) / q.scale + _mean_tail(p, q)


def _mean_tail(p: Any, q: Any) -> Any:
    """E[exp(-(x - loc) / scale)] with q's loc and scale."""
    if isinstance(p, Exponential):
        product = p.rate * q.scale
        return (q.loc / q.scale).exp() * product / (product + 1)
    if isinstance(p, Gamma):
        return (q.loc / q.scale).exp() * (1 + (p.rate * q.scale).reciprocal()).pow(-p.concentration)
    if isinstance(p, Normal):
        return ((q.loc - p.loc) / q.scale + 0.5 * (p.scale / q.scale).pow(2)).exp()
    low, high = ((q.loc - p.low) / q.scale).exp(), ((q.loc - p.high) / q.scale).exp()
    return q.scale / (p.high - p.low) * (low - high)


# ---- bounded laws ---------------------------------------------------------------------------------------------------


@register_kl(Beta, Uniform)
def _beta_uniform(p: Any, q: Any) -> Any:
    result = -p.entropy() + (q.high - q.low).log()
    result[(q.low > 0) | (q.high < 1)] = INFINITE
    return result


@register_kl(Uniform, Beta)
def _uniform_beta(p: Any, q: Any) -> Any:
    wide = p.high - p.low
    mean_log = (F.xlogy(p.high, p.high) - F.xlogy(p.low, p.low)) / wide - 1
    mean_rest = (F.xlogy(1 - p.low, 1 - p.low) - F.xlogy(1 - p.high, 1 - p.high)) / wide - 1
    constant = (
        q.concentration1.lgamma() + q.concentration0.lgamma() - (q.concentration1 + q.concentration0).lgamma())
    result = constant - wide.log() - (q.concentration1 - 1) * mean_log - (q.concentration0 - 1) * mean_rest
    result[(p.high > 1) | (p.low < 0)] = INFINITE
    return result
