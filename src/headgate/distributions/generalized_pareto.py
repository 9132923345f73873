"""The generalized Pareto law of what lies above a threshold."""

from __future__ import annotations

import math
from numbers import Number
from typing import Any

from headgate.core.size import Size
from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.distribution import Distribution
from headgate.distributions.utils import batch_of, broadcast_all


class GeneralizedPareto(Distribution):
    """Survival function (1 + concentration z)^(-1 / concentration), z = (x - loc) / scale; exp(-z) for concentration 0.

    Mean and variance are NaN where they are not finite.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    has_rsample = True
    _parameters = ("loc", "scale", "concentration")

    def __init__(self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        numbers = all(isinstance(one, Number) for one in (loc, scale, concentration))
        super().__init__(batch_of(numbers, self.loc), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        most = F.where(self.concentration < 0, self.loc - self.scale / self.concentration, math.inf)
        return constraints.interval(self.loc, most)

    @property
    def mean(self) -> Any:
        finite = self.concentration < 1
        mean = self.loc + self.scale / (1 - F.where(finite, self.concentration, 0.5))
        return F.where(finite, mean, math.nan)

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        finite = self.concentration < 0.5
        shape = F.where(finite, self.concentration, 0.25)
        return F.where(finite, self.scale**2 / ((1 - shape) ** 2 * (1 - 2 * shape)), math.nan)

    def _shape(self) -> tuple[Any, Any]:
        """Whether the concentration is 0, and the concentration with 1 in its place there."""
        zero = F.isclose(self.concentration, F.zeros_like(self.concentration))
        return zero, F.where(zero, F.ones_like(self.concentration), self.concentration)

    def rsample(self, sample_shape: Any = Size()) -> Any:
        return self.icdf(F.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, shape = self._shape()
        power = 1 / shape + F.ones_like(z)
        return -self.scale.log() - F.where(zero, z, F.where(power == 0, power, power * (shape * z).log1p()))

    def log_survival_function(self, value: Any) -> Any:
        """log P(X > value)."""
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        zero, shape = self._shape()
        return F.where(zero, -z, -(shape * z).log1p() / shape)

    def log_cdf(self, value: Any) -> Any:
        """log P(X <= value)."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Any) -> Any:
        return self.log_cdf(value).exp()

    def icdf(self, value: Any) -> Any:
        zero, shape = self._shape()
        rest = (-value).log1p()
        found = self.loc + self.scale / shape * (-shape * rest).expm1()
        return F.where(zero, self.loc - self.scale * rest, found)

    def entropy(self) -> Any:
        return (self.scale.log() + self.concentration + 1).expand(self._batch_shape)
