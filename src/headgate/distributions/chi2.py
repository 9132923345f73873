"""The chi-squared law, a gamma law."""

from __future__ import annotations

from typing import Any

from headgate.distributions import constraints
from headgate.distributions.gamma import Gamma


class Chi2(Gamma):
    """Gamma(df / 2, 1/2): the sum of the squares of df standard normal numbers."""

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Any:
        """The degrees of freedom."""
        return self.concentration * 2
