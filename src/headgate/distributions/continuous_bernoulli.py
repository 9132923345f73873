"""The continuous Bernoulli law, on [0, 1]."""

from __future__ import annotations

import math
from typing import Any

from headgate.autograd.grad_mode import no_grad
from headgate.core.size import Size
from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.bernoulli import Odds
from headgate.distributions.exp_family import ExponentialFamily
from headgate.distributions.utils import broadcast_all, clamp_probs, lazy_property, logits_to_probs


class ContinuousBernoulli(Odds, ExponentialFamily):
    """Density C probsˣ (1 - probs)¹⁻ˣ for x in [0, 1]; `logits` are the log odds of `probs`, which is no probability.

    Within `lims` of `probs`, near a half, everything is worked out by Taylor's formula. ValueError unless exactly one
    of `probs` and `logits` is given. Source: Loaiza-Ganem and Cunningham, 2019.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0
    _parameters = ("probs", "logits", "_param")
    _kept = ("_lims",)

    def __init__(
        self, probs: Any = None, logits: Any = None, lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:  # fmt: skip
        batch = self._take(probs, logits)
        if probs is not None:
            if validate_args is not None and not bool(constraints.unit_interval.check(self.probs).all()):
                raise ValueError("The parameter probs has invalid values")
            self.probs = self._param = clamp_probs(self.probs)
        self._lims = lims
        super().__init__(batch, validate_args=validate_args)

    @lazy_property
    def probs(self) -> Any:
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _away(self) -> Any:
        """Whether the parameter is far enough from a half."""
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _cut(self) -> Any:
        """The parameter, exchanged for a harmless one near a half."""
        return F.where(self._away(), self.probs, self._lims[0] * F.ones_like(self.probs))

    def _log_norm(self) -> Any:
        """log C."""
        cut = self._cut()
        low = F.where(cut <= 0.5, cut, F.zeros_like(cut))
        high = F.where(cut >= 0.5, cut, F.ones_like(cut))
        twice = F.where(cut <= 0.5, (-2.0 * low).log1p(), (2.0 * high - 1.0).log())
        x = (self.probs - 0.5).pow(2)
        taylor = math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x
        return F.where(self._away(), ((-cut).log1p() - cut.log()).abs().log() - twice, taylor)

    @property
    def mean(self) -> Any:
        cut, x = self._cut(), self.probs - 0.5
        mean = cut / (2.0 * cut - 1.0) + 1.0 / ((-cut).log1p() - cut.log())
        return F.where(self._away(), mean, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.pow(2)) * x)

    @property
    def variance(self) -> Any:
        cut, x = self._cut(), (self.probs - 0.5).pow(2)
        variance = cut * (cut - 1.0) / (1.0 - 2.0 * cut).pow(2) + 1.0 / ((-cut).log1p() - cut.log()).pow(2)
        return F.where(self._away(), variance, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    @property
    def stddev(self) -> Any:
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = Size()) -> Any:
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = Size()) -> Any:
        return self.icdf(F.rand(self._extended_shape(sample_shape), dtype=self.probs.dtype))

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -F.cross_entropy_with_logits(logits, value, reduction="none") + self._log_norm()

    def cdf(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        cut = self._cut()
        inside = (cut.pow(value) * (1.0 - cut).pow(1.0 - value) + cut - 1.0) / (2.0 * cut - 1.0)
        inside = F.where(self._away(), inside, value)
        above = F.where(value >= 1.0, F.ones_like(value), inside)
        return F.where(value <= 0.0, F.zeros_like(value), above)

    def icdf(self, value: Any) -> Any:
        cut = self._cut()
        rest = (-cut).log1p()
        found = ((-cut + value * (2.0 * cut - 1.0)).log1p() - rest) / (cut.log() - rest)
        return F.where(self._away(), found, value)

    def entropy(self) -> Any:
        zero, one = (-self.probs).log1p(), self.probs.log()
        return self.mean * (zero - one) - self._log_norm() - zero

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return (self.logits,)

    def _log_normalizer(self, x: Any) -> Any:
        away = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        cut = F.where(away, x, (self._lims[0] - 0.5) * F.ones_like(x))
        taylor = 0.5 * x + x.pow(2) / 24.0 - x.pow(4) / 2880.0
        return F.where(away, cut.expm1().abs().log() - cut.abs().log(), taylor)
