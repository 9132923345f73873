"""The gamma law, by concentration and rate."""

from __future__ import annotations

from numbers import Number
from typing import Any

from headgate import dtypes
from headgate.autograd import allow_stale
from headgate.core.entry import PUBLIC
from headgate.core.size import Size
from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.exp_family import ExponentialFamily
from headgate.distributions.utils import batch_of, broadcast_all


class Gamma(ExponentialFamily):
    """Density rateᵃ xᵃ⁻¹ exp(-rate x) / Γ(a) for x >= 0, a the concentration.

    Samples pass a gradient to the concentration by implicit reparametrisation (Figurnov et al., 2018).
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0
    _parameters = ("concentration", "rate")

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        numbers = isinstance(concentration, Number) and isinstance(rate, Number)
        super().__init__(batch_of(numbers, self.concentration), validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.concentration / self.rate

    @property
    def mode(self) -> Any:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Any:
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape: Any = Size()) -> Any:
        shape = self._extended_shape(sample_shape)
        value = standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        with allow_stale():  # zero is not in the support of what follows; the gradient is that of what was drawn
            value.detach().clamp_(min=dtypes.finfo(value.dtype).tiny)
        return value

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        value = F.as_tensor(value, dtype=self.rate.dtype)
        return (
            F.xlogy(self.concentration, self.rate) + F.xlogy(self.concentration - 1, value) - self.rate * value
            - self.concentration.lgamma()
        )

    def entropy(self) -> Any:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1.0 - a) * a.digamma()

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        return (x + 1).lgamma() + (x + 1) * (-y.reciprocal()).log()

    def cdf(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return PUBLIC["special.gammainc"](self.concentration, self.rate * value)


def standard_gamma(concentration: Any) -> Any:
    """Gamma numbers of rate 1, from PyTorch's stream."""
    return PUBLIC["_standard_gamma"](concentration)
