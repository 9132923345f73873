"""Kullback-Leibler divergences from and to Pareto's law: -H(p) - E_p[log q(x)]. The table is `kl`'s."""

from __future__ import annotations

import math
from typing import Any

from headgate.distributions import functions as F
from headgate.distributions.beta import Beta
from headgate.distributions.exponential import Exponential
from headgate.distributions.gamma import Gamma
from headgate.distributions.gumbel import Gumbel
from headgate.distributions.kl import INFINITE, register_kl
from headgate.distributions.laplace import Laplace
from headgate.distributions.normal import Normal
from headgate.distributions.pareto import Pareto
from headgate.distributions.uniform import Uniform


def _infinite(p: Any, q: Any) -> Any:
    return F.full_like(p.scale if isinstance(p, Pareto) else p.mean, INFINITE)


for _p in (Beta, Exponential, Gamma, Gumbel, Laplace, Normal):
    register_kl(_p, Pareto)(_infinite)
for _q in (Beta, Uniform):
    register_kl(Pareto, _q)(_infinite)


def _mean(p: Any) -> Any:
    """E[x] where it is finite; what it gives elsewhere is to be replaced."""
    return p.alpha * p.scale / (p.alpha - 1)


@register_kl(Pareto, Pareto)
def _pareto_pareto(p: Any, q: Any) -> Any:
    result = q.alpha * (p.scale / q.scale).log() - (q.alpha / p.alpha).log() + q.alpha / p.alpha - 1
    result[p.scale < q.scale] = INFINITE
    return result


@register_kl(Pareto, Exponential)
def _pareto_exponential(p: Any, q: Any) -> Any:
    result = -p.entropy() - q.rate.log() + q.rate * _mean(p)
    result[p.alpha <= 1] = INFINITE
    return result


@register_kl(Pareto, Gamma)
def _pareto_gamma(p: Any, q: Any) -> Any:
    mean_log = p.scale.log() + p.alpha.reciprocal()
    constant = q.concentration.lgamma() - q.concentration * q.rate.log()
    result = -p.entropy() + constant - (q.concentration - 1) * mean_log + q.rate * _mean(p)
    result[p.alpha <= 1] = INFINITE
    return result


@register_kl(Pareto, Normal)
def _pareto_normal(p: Any, q: Any) -> Any:
    variance = p.alpha * (p.scale / (p.alpha - 1)).pow(2) / (p.alpha - 2)
    spread = (variance + (_mean(p) - q.loc).pow(2)) / (2 * q.scale.pow(2))
    result = -p.entropy() + q.scale.log() + 0.5 * math.log(2 * math.pi) + spread
    result[p.alpha <= 2] = INFINITE
    return result


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Any, q: Any) -> Any:
    wide = p.high - p.low
    mean_log = (F.xlogy(p.high, p.high) - F.xlogy(p.low, p.low)) / wide - 1
    result = (q.alpha + 1) * mean_log - (q.alpha * q.scale.pow(q.alpha) * wide).log()
    result[p.low < q.scale] = INFINITE
    return result
