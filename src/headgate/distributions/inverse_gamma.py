"""The law of the reciprocal of a gamma number."""

from __future__ import annotations

import math
from typing import Any

from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.gamma import Gamma
from headgate.distributions.transformed_distribution import TransformedDistribution
from headgate.distributions.transforms import PowerTransform


class InverseGamma(TransformedDistribution):
    """1 / x, x of Gamma(concentration, rate)."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(-base.rate.new_ones(())), validate_args=validate_args)

    @property
    def concentration(self) -> Any:
        """The gamma law's concentration."""
        return self.base_dist.concentration

    @property
    def rate(self) -> Any:
        """The gamma law's rate."""
        return self.base_dist.rate

    @property
    def mean(self) -> Any:
        return F.where(self.concentration > 1, self.rate / (self.concentration - 1), math.inf)

    @property
    def mode(self) -> Any:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Any:
        a = self.concentration
        return F.where(a > 2, self.rate.square() / ((a - 1).square() * (a - 2)), math.inf)

    def entropy(self) -> Any:
        a = self.concentration
        return a + self.rate.log() + a.lgamma() - (1 + a) * a.digamma()
