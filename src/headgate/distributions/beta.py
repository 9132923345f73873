"""The beta law on the unit interval."""

from __future__ import annotations

from numbers import Number
from typing import Any

from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.dirichlet import Dirichlet
from headgate.distributions.exp_family import ExponentialFamily
from headgate.distributions.utils import broadcast_all


class Beta(ExponentialFamily):
    """Density x^(a - 1) (1 - x)^(b - 1) Γ(a + b) / (Γ(a) Γ(b)) on [0, 1], a and b the concentrations 1 and 0."""

    arg_constraints = {"concentration1": constraints.positive, "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True
    _parameters = ("_dirichlet",)

    def __init__(self, concentration1: Any, concentration0: Any, validate_args: bool | None = None) -> None:
        if isinstance(concentration1, Number) and isinstance(concentration0, Number):
            both = F.tensor([float(concentration1), float(concentration0)])  # type: ignore[arg-type]
        else:
            both = F.stack(broadcast_all(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(both, validate_args=validate_args)
        super().__init__(self._dirichlet._batch_shape, validate_args=validate_args)

    @property
    def concentration1(self) -> Any:
        """The first concentration."""
        return self._concentration(0)

    @property
    def concentration0(self) -> Any:
        """The second concentration."""
        return self._concentration(1)

    def _concentration(self, index: int) -> Any:
        return self._dirichlet.concentration[..., index]

    @property
    def mean(self) -> Any:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Any:
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self) -> Any:
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Any:
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return self._dirichlet.log_prob(F.stack([value, 1.0 - value], -1))

    def entropy(self) -> Any:
        return self._dirichlet.entropy()

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return self.concentration1, self.concentration0

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        return x.lgamma() + y.lgamma() - (x + y).lgamma()
