"""Kullback-Leibler divergences of the continuous Bernoulli law and of normal laws of low rank. The table is `kl`'s."""

from __future__ import annotations

import math
from typing import Any

from headgate.distributions import functions as F
from headgate.distributions.beta import Beta
from headgate.distributions.continuous_bernoulli import ContinuousBernoulli
from headgate.distributions.exponential import Exponential
from headgate.distributions.gamma import Gamma
from headgate.distributions.gumbel import Gumbel
from headgate.distributions.kl import INFINITE, register_kl
from headgate.distributions.laplace import Laplace
from headgate.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from headgate.distributions.multivariate_normal import MultivariateNormal, mahalanobis
from headgate.distributions.normal import Normal
from headgate.distributions.pareto import Pareto
from headgate.distributions.uniform import Uniform

SHAPES = "KL-divergence between two (Low Rank) Multivariate Normals with different event shapes cannot be computed"


# ---- the continuous Bernoulli law: -H(p) - E_p[log q(x)] ------------------------------------------------------------


def _infinite(p: Any, q: Any) -> Any:
    """p has mass outside of q's support."""
    like = p.scale if isinstance(p, Pareto) else p.probs if isinstance(p, ContinuousBernoulli) else p.mean
    return F.full_like(like, INFINITE)


for _p in (Exponential, Gamma, Gumbel, Laplace, Normal, Pareto):
    register_kl(_p, ContinuousBernoulli)(_infinite)
register_kl(ContinuousBernoulli, Pareto)(_infinite)


def _cross(p: Any, q: Any) -> Any:
    """-E_p[log q(x)] for a p on [0, 1]."""
    return -p.mean * q.logits - (-q.probs).log1p() - q._log_norm()


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
@register_kl(Beta, ContinuousBernoulli)
def _to_continuous_bernoulli(p: Any, q: Any) -> Any:
    return -p.entropy() + _cross(p, q)


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Any, q: Any) -> Any:
    """Infinite, as in PyTorch, also where p reaches up to an end of [0, 1]."""
    inside = (p.high < 1.0) & (p.low > 0.0)
    return F.where(inside, -p.entropy() + _cross(p, q), F.full_like(p.mean, INFINITE))


@register_kl(ContinuousBernoulli, Exponential)
def _continuous_bernoulli_exponential(p: Any, q: Any) -> Any:
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(ContinuousBernoulli, Normal)
def _continuous_bernoulli_normal(p: Any, q: Any) -> Any:
    spread = (p.variance + (p.mean - q.loc).pow(2)) / (2 * q.scale.pow(2))
    return -p.entropy() + q.scale.log() + 0.5 * math.log(2 * math.pi) + spread


@register_kl(ContinuousBernoulli, Uniform)
def _continuous_bernoulli_uniform(p: Any, q: Any) -> Any:
    """Infinite, as in PyTorch, also where the supports are one and the same."""
    result = -p.entropy() + (q.high - q.low).log()
    return F.where((q.low >= 0.0) | (q.high <= 1.0), F.full_like(result, INFINITE), result)


# ---- normal laws: (log det q - log det p + trace(q⁻¹ p) + distance of the means - n) / 2 -----------------------------


def _squares(x: Any) -> Any:
    return x.pow(2).sum((-2, -1))


def _half(p: Any, logs: Any, trace: Any, distance: Any) -> Any:
    return 0.5 * (logs + trace + distance - p.event_shape[0])


def _trace_below(q: Any, factor: Any) -> Any:
    """trace(q⁻¹ F Fᵀ) for a q of low rank: that of D⁻¹ less that of what its factor takes off."""
    return _squares(factor * q._unbroadcasted_cov_diag.rsqrt().unsqueeze(-1)) - _squares(q.whitened() @ factor)


def _check(p: Any, q: Any) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(SHAPES)


def _log_determinant(p: Any) -> Any:
    """log det of a covariance."""
    if isinstance(p, LowRankMultivariateNormal):
        return p.log_determinant()
    return 2 * p._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _low_low(p: Any, q: Any) -> Any:
    _check(p, q)
    mine, other = p._unbroadcasted_cov_diag, q._unbroadcasted_cov_diag
    diagonal = (mine / other).sum(-1) - _squares(q.whitened() * mine.sqrt().unsqueeze(-2))
    trace = diagonal + _trace_below(q, p._unbroadcasted_cov_factor)
    return _half(p, _log_determinant(q) - _log_determinant(p), trace, q.distance(q.loc - p.loc))


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _full_low(p: Any, q: Any) -> Any:
    _check(p, q)
    trace = _trace_below(q, p._unbroadcasted_scale_tril)
    return _half(p, _log_determinant(q) - _log_determinant(p), trace, q.distance(q.loc - p.loc))


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _low_full(p: Any, q: Any) -> Any:
    _check(p, q)
    factor = q._unbroadcasted_scale_tril
    parts = (p._unbroadcasted_cov_factor, F.diag_embed(p._unbroadcasted_cov_diag.sqrt()))
    trace = sum(_squares(F.solve_triangular(*_together(factor, part), upper=False)) for part in parts)
    return _half(p, _log_determinant(q) - _log_determinant(p), trace, mahalanobis(factor, q.loc - p.loc))


def _together(first: Any, second: Any) -> tuple[Any, Any]:
    """Two batches of matrices with a common batch shape."""
    batch = F.broadcast_shapes(first.shape[:-2], second.shape[:-2])
    return first.expand(batch + first.shape[-2:]), second.expand(batch + second.shape[-2:])
