"""A law on the simplex: stick breaking of normal numbers."""

from __future__ import annotations

from typing import Any

from headgate.distributions import constraints
from headgate.distributions.normal import Normal
from headgate.distributions.transformed_distribution import TransformedDistribution
from headgate.distributions.transforms import StickBreakingTransform


class LogisticNormal(TransformedDistribution):
    """Stick breaking of Normal(loc, scale) along the last dim: k numbers give k + 1 that sum to 1."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base: Any = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand([1])
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    @property
    def loc(self) -> Any:
        """The mean before the breaking."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self) -> Any:
        """The standard deviation before the breaking."""
        return self.base_dist.base_dist.scale
