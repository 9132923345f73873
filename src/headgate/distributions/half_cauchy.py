"""The absolute value of a Cauchy number."""

from __future__ import annotations

import math
from typing import Any

from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.cauchy import Cauchy
from headgate.distributions.transformed_distribution import TransformedDistribution
from headgate.distributions.transforms import AbsTransform


class HalfCauchy(TransformedDistribution):
    """|x|, x of Cauchy(0, scale)."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy(0, scale, validate_args=False), AbsTransform(), validate_args=validate_args)

    @property
    def scale(self) -> Any:
        """The scale before the absolute value."""
        return self.base_dist.scale

    @property
    def mean(self) -> Any:
        return F.full_like(self.scale, math.inf)

    @property
    def mode(self) -> Any:
        return F.zeros_like(self.scale)

    @property
    def variance(self) -> Any:
        return self.base_dist.variance

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        value = F.as_tensor(value, dtype=self.base_dist.scale.dtype)
        log_prob = self.base_dist.log_prob(value) + math.log(2)
        return F.where(value >= 0, log_prob, -math.inf)

    def cdf(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Any) -> Any:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Any:
        return self.base_dist.entropy() - math.log(2)
