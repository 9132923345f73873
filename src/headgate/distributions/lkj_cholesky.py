"""The law of Lewandowski, Kurowicka and Joe, of Cholesky factors of correlation matrices."""

from __future__ import annotations

import math
from typing import Any

from headgate import dtypes
from headgate.core.size import Size
from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.beta import Beta
from headgate.distributions.distribution import Distribution
from headgate.distributions.utils import broadcast_all


class LKJCholesky(Distribution):
    """Lower factors L of dim x dim correlation matrices L Lᵀ, of density det(L Lᵀ)^(concentration - 1).

    Samples, without a gradient, are made row by row from spheres (the onion method). ValueError for `dim` below 2.
    Source: Lewandowski, Kurowicka and Joe, 2009.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        event = Size((dim, dim))
        rows = F.arange(dim - 1, dtype=self.concentration.dtype)
        rows = F.cat([rows.new_zeros((1,)), rows])
        marginal = self.concentration + 0.5 * (dim - 2)
        self._beta = Beta(rows + 0.5, marginal.unsqueeze(-1) - 0.5 * rows)
        super().__init__(self.concentration.size(), event, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(LKJCholesky, _instance)
        batch = Size(batch_shape)
        new.dim = self.dim
        new.concentration = self.concentration.expand(batch)
        new._beta = self._beta.expand(batch + (self.dim,))
        Distribution.__init__(new, batch, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def sample(self, sample_shape: Any = Size()) -> Any:
        lengths = self._beta.sample(sample_shape).unsqueeze(-1)
        drawn = F.randn(self._extended_shape(sample_shape), dtype=lengths.dtype).tril(-1)
        directions = drawn / drawn.norm(dim=-1, keepdim=True)
        directions[..., 0, :].fill_(0.0)
        rows = lengths.sqrt() * directions
        tiny = dtypes.finfo(rows.dtype).tiny
        return rows + F.diag_embed((1 - (rows**2).sum(-1)).clamp(min=tiny).sqrt())

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        powers = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - F.arange(2, self.dim + 1)
        below = self.dim - 1
        alpha = self.concentration + 0.5 * below
        norm = 0.5 * below * math.log(math.pi) + (alpha - 0.5).mvlgamma(below) - alpha.lgamma() * below
        return (powers * diagonal.log()).sum(-1) - norm
