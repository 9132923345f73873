"""The F law: a quotient of two means of squares."""

from __future__ import annotations

import math
from numbers import Number
from typing import Any

from headgate import dtypes
from headgate.autograd import allow_stale
from headgate.core.size import Size
from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.distribution import Distribution
from headgate.distributions.gamma import Gamma
from headgate.distributions.utils import batch_of, broadcast_all


class FisherSnedecor(Distribution):
    """x / y, x of Gamma(df1 / 2, df1) and y of Gamma(df2 / 2, df2)."""

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True
    _parameters = ("df1", "df2", "_gamma1", "_gamma2")

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        self._gamma1, self._gamma2 = Gamma(self.df1 * 0.5, self.df1), Gamma(self.df2 * 0.5, self.df2)
        numbers = isinstance(df1, Number) and isinstance(df2, Number)
        super().__init__(batch_of(numbers, self.df1), validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return F.where(self.df2 > 2, self.df2 / (self.df2 - 2), math.nan)

    @property
    def mode(self) -> Any:
        return F.where(self.df1 > 2, (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2), math.nan)

    @property
    def variance(self) -> Any:
        one, two = self.df1, F.where(self.df2 > 4, self.df2, math.nan)
        return 2 * two.pow(2) * (one + two - 2) / (one * (two - 2).pow(2) * (two - 4))

    def rsample(self, sample_shape: Any = Size()) -> Any:
        shape = self._extended_shape(sample_shape)
        above, below = (law.rsample(sample_shape).view(shape) for law in (self._gamma1, self._gamma2))
        tiny = dtypes.finfo(below.dtype).tiny
        with allow_stale():  # what is clamped is not in the support; the gradient is that of what was drawn
            below.detach().clamp_(min=tiny)
        return (above / below).clamp_(min=tiny)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        first, second, quotient = self.df1 * 0.5, self.df2 * 0.5, self.df1 / self.df2
        constant = (first + second).lgamma() - first.lgamma() - second.lgamma()
        power = first * quotient.log() + (first - 1) * value.log()
        return constant + power - (first + second) * (quotient * value).log1p()
