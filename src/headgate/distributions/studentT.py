"""Student's law of a mean's error."""

from __future__ import annotations

import math
from typing import Any

from headgate.core.size import Size
from headgate.distributions import constraints
from headgate.distributions.chi2 import Chi2
from headgate.distributions.distribution import Distribution
from headgate.distributions.utils import broadcast_all, standard_normal


class StudentT(Distribution):
    """loc + scale T, with T of Student's law with df degrees of freedom."""

    arg_constraints = {"df": constraints.positive, "loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _parameters = ("df", "loc", "scale", "_chi2")

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.size(), validate_args=validate_args)

    @property
    def mean(self) -> Any:
        mean = self.loc.clone()
        mean[self.df <= 1] = float("nan")
        return mean

    @property
    def mode(self) -> Any:
        return self.loc

    @property
    def variance(self) -> Any:
        made, wide = self.df.clone(), self.df > 2
        made[wide] = self.scale[wide].pow(2) * self.df[wide] / (self.df[wide] - 2)
        made[(self.df <= 2) & (self.df > 1)] = float("inf")
        made[self.df <= 1] = float("nan")
        return made

    def rsample(self, sample_shape: Any = Size()) -> Any:
        normal = standard_normal(self._extended_shape(sample_shape), self.df)
        chi = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (normal * (chi / self.df).rsqrt())

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        constant = (
            self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi) + (0.5 * self.df).lgamma()
            - (0.5 * (self.df + 1.0)).lgamma()
        )
        return -0.5 * (self.df + 1.0) * (y**2.0 / self.df).log1p() - constant

    def entropy(self) -> Any:
        beta = (0.5 * self.df).lgamma() + math.lgamma(0.5) - (0.5 * (self.df + 1)).lgamma()
        slope = (0.5 * (self.df + 1)).digamma() - (0.5 * self.df).digamma()
        return self.scale.log() + 0.5 * (self.df + 1) * slope + 0.5 * self.df.log() + beta
