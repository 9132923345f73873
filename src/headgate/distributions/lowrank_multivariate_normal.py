"""The normal law of several dimensions with a covariance of low rank and a diagonal."""

from __future__ import annotations

import math
from typing import Any

from headgate.core.size import Size
from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.distribution import Distribution
from headgate.distributions.multivariate_normal import mahalanobis
from headgate.distributions.utils import lazy_property, standard_normal


def times(matrix: Any, vector: Any) -> Any:
    """A batch of matrices times a larger batch of vectors."""
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


class LowRankMultivariateNormal(Distribution):
    """The normal law with covariance W Wᵀ + D, W `cov_factor` (n x rank) and D the diagonal matrix of `cov_diag`.

    Determinant and inverse are those of the capacitance I + Wᵀ D⁻¹ W (rank x rank). ValueError for shapes that do not
    fit together.
    """

    arg_constraints = {
        "loc": constraints.real_vector, "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }  # fmt: skip
    support = constraints.real_vector
    has_rsample = True
    _parameters = ("loc", "cov_factor", "cov_diag")
    _kept = ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril")

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        if cov_factor.shape[-2:-1] != event:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
        if cov_diag.shape[-1:] != event:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event}")
        try:
            place, self.cov_factor, diagonal = F.broadcast_tensors(
                loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1))
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            ) from error
        self.loc, self.cov_diag = place[..., 0], diagonal[..., 0]
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        capacitance = (cov_factor.mT / cov_diag.unsqueeze(-2)) @ cov_factor
        self._capacitance_tril = F.cholesky(capacitance + F.eye(capacitance.shape[-1], dtype=capacitance.dtype))
        super().__init__(self.loc.shape[:-1], event, validate_args=validate_args)

    def _square(self, matrix: Any) -> Any:
        """A matrix for every element of the batch."""
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @lazy_property
    def variance(self) -> Any:
        """The diagonal of the covariance."""
        variance = self._unbroadcasted_cov_factor.pow(2).sum(-1) + self._unbroadcasted_cov_diag
        return variance.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Any:
        """The lower Cholesky factor of the covariance."""
        root = self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        scaled = self._unbroadcasted_cov_factor / root
        product = scaled @ scaled.mT
        return self._square(root * F.cholesky(product + F.eye(product.shape[-1], dtype=product.dtype)))

    @lazy_property
    def covariance_matrix(self) -> Any:
        """W Wᵀ + D."""
        factor = self._unbroadcasted_cov_factor
        return self._square(factor @ factor.mT + F.diag_embed(self._unbroadcasted_cov_diag))

    @lazy_property
    def precision_matrix(self) -> Any:
        """The inverse of the covariance."""
        part = self.whitened()
        return self._square(F.diag_embed(self._unbroadcasted_cov_diag.reciprocal()) - part.mT @ part)

    def whitened(self) -> Any:
        """C⁻¹ Wᵀ D⁻¹ with the factor C of the capacitance: what the precision is less than D⁻¹ by, squared."""
        scaled = self._unbroadcasted_cov_factor.mT / self._unbroadcasted_cov_diag.unsqueeze(-2)
        return F.solve_triangular(self._capacitance_tril, scaled, upper=False)

    def log_determinant(self) -> Any:
        """log det of the covariance."""
        inner = self._capacitance_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return 2 * inner + self._unbroadcasted_cov_diag.log().sum(-1)

    def distance(self, x: Any) -> Any:
        """xᵀ Σ⁻¹ x, by Woodbury's identity."""
        diagonal = self._unbroadcasted_cov_diag
        scaled = self._unbroadcasted_cov_factor.mT / diagonal.unsqueeze(-2)
        return (x.pow(2) / diagonal).sum(-1) - mahalanobis(self._capacitance_tril, times(scaled, x))

    def rsample(self, sample_shape: Any = Size()) -> Any:
        shape = self._extended_shape(sample_shape)
        inner = standard_normal(shape[:-1] + self.cov_factor.shape[-1:], self.loc)
        outer = standard_normal(shape, self.loc)
        return self.loc + times(self._unbroadcasted_cov_factor, inner) + self._unbroadcasted_cov_diag.sqrt() * outer

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + self.log_determinant() + self.distance(value - self.loc))

    def entropy(self) -> Any:
        entropy = 0.5 * (self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self.log_determinant())
        return entropy if len(self._batch_shape) == 0 else entropy.expand(self._batch_shape)
