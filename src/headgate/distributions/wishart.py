"""Wishart's law, of covariance matrices of normal samples."""

from __future__ import annotations

import math
import warnings
from numbers import Number
from typing import Any

from headgate import dtypes
from headgate.core.size import Size
from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.chi2 import Chi2
from headgate.distributions.distribution import Distribution
from headgate.distributions.exp_family import ExponentialFamily
from headgate.distributions.multivariate_normal import precision_to_scale_tril
from headgate.distributions.utils import lazy_property, vec_to_tril_matrix

LOW_DF = "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim."


class Wishart(ExponentialFamily):
    """The sum of x xᵀ over `df` normal vectors x of covariance Σ (n x n); `df` is any number above n - 1.

    Exactly one of `covariance_matrix` Σ, `precision_matrix` Σ⁻¹ and `scale_tril` (lower Cholesky factor of Σ) is given,
    else AssertionError; ValueError for a smaller `df`. Samples are made by Bartlett's decomposition; as in PyTorch,
    those of the first draw that are positive-definite are drawn a second time, so that a seed gives its numbers.
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    @property
    def arg_constraints(self) -> dict[str, Any]:  # type: ignore[override]
        return {
            "covariance_matrix": constraints.positive_definite, "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky, "df": constraints.greater_than(self.event_shape[-1] - 1),
        }  # fmt: skip

    def __init__(
        self, df: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        given = {
            "covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril,
        }  # fmt: skip
        given = {name: one for name, one in given.items() if one is not None}
        if len(given) != 1:
            raise AssertionError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        if isinstance(df, Number):
            batch = Size(matrix.shape[:-2])
            self.df = F.tensor(df, dtype=matrix.dtype)
        else:
            batch = F.broadcast_shapes(matrix.shape[:-2], df.shape)
            self.df = df.expand(batch)
        size = matrix.shape[-1]
        if bool((self.df <= size - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {size - 1}.")
        if bool((self.df < size).any()):
            warnings.warn(LOW_DF, stacklevel=2)
        vars(self)[name] = matrix.expand(batch + (-1, -1))
        super().__init__(batch, matrix.shape[-2:], validate_args=validate_args)
        if name == "precision_matrix":
            self._unbroadcasted_scale_tril = precision_to_scale_tril(matrix)
        else:
            self._unbroadcasted_scale_tril = matrix if name == "scale_tril" else F.cholesky(matrix)
        self._chi2 = self._squares()

    def _squares(self) -> Chi2:
        """The laws of the squared diagonal of a sample's factor, for Σ = I."""
        rows = F.arange(self._event_shape[-1], dtype=self._unbroadcasted_scale_tril.dtype)
        return Chi2(df=self.df.unsqueeze(-1) - rows.expand(self._batch_shape + (-1,)))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Wishart, _instance)
        batch = Size(batch_shape)
        for name in ("_unbroadcasted_scale_tril", "covariance_matrix", "scale_tril", "precision_matrix"):
            if name in vars(self):
                vars(new)[name] = vars(self)[name].expand(batch + self.event_shape)
        new.df = self.df.expand(batch)
        Distribution.__init__(new, batch, self.event_shape, validate_args=False)
        new._chi2 = new._squares()
        new._validate_args = self._validate_args
        return new

    @lazy_property
    def scale_tril(self) -> Any:
        """The lower Cholesky factor of Σ."""
        return self._unbroadcasted_scale_tril.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self) -> Any:
        """Σ."""
        factor = self._unbroadcasted_scale_tril
        return (factor @ factor.mT).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def precision_matrix(self) -> Any:
        """Σ⁻¹."""
        factor = self._unbroadcasted_scale_tril
        inverse = F.cholesky_solve(F.eye(factor.shape[-1], dtype=factor.dtype), factor)
        return inverse.expand(self._batch_shape + self._event_shape)

    def _scaled(self, factor: Any, matrix: Any) -> Any:
        return factor.view(self._batch_shape + (1, 1)) * matrix

    @property
    def mean(self) -> Any:
        return self._scaled(self.df, self.covariance_matrix)

    @property
    def mode(self) -> Any:
        """NaN where `df` is at most n + 1."""
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        return self._scaled(F.where(factor <= 0, math.nan, factor), self.covariance_matrix)

    @property
    def variance(self) -> Any:
        diagonal = self.covariance_matrix.diagonal(dim1=-2, dim2=-1)
        outer = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self._scaled(self.df, self.covariance_matrix.pow(2) + outer)

    def _drawn(self, sample_shape: Any) -> Any:
        """Samples by Bartlett's decomposition."""
        size = self._event_shape[-1]
        diagonal = self._chi2.rsample(sample_shape).sqrt()
        diagonal = diagonal.clamp(min=dtypes.finfo(diagonal.dtype).eps)
        shape = Size(sample_shape) + self._batch_shape + (size * (size - 1) // 2,)
        below = vec_to_tril_matrix(F.randn(shape, dtype=diagonal.dtype), diag=-1)
        factor = self._unbroadcasted_scale_tril @ (F.diag_embed(diagonal) + below)
        return factor @ factor.mT

    def _any_of_batch(self, value: Any) -> Any:
        """Whether it holds for some element of the batch, for each sample."""
        count = len(self._batch_shape)
        return value.reshape(value.shape[: value.dim() - count] + (-1,)).any(-1) if count else value

    def rsample(self, sample_shape: Any = Size(), max_try_correction: int | None = None) -> Any:
        """Events through which the parameters get a gradient; singular ones are drawn again, up to
        `max_try_correction` times (10 by default)."""
        sample = self._drawn(Size(sample_shape))
        again = self._any_of_batch(self.support.check(sample))
        for _ in range(10 if max_try_correction is None else max_try_correction):
            if not bool(again.any()):
                break
            fresh = self._drawn(again[again].shape)
            chosen = again.clone()
            sample[chosen] = fresh
            again[chosen] = self._any_of_batch(~self.support.check(fresh))
        return sample

    def _half_log_determinant(self) -> Any:
        """log 2ⁿ det Σ, halved."""
        diagonal = self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1)
        return self._event_shape[-1] * math.log(2) / 2 + diagonal.log().sum(-1)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        size = self._event_shape[-1]
        trace = F.cholesky_solve(value, self._unbroadcasted_scale_tril).diagonal(dim1=-2, dim2=-1).sum(-1)
        logs = (self.df - size - 1) / 2 * F.slogdet(value)[1]
        return -self.df * self._half_log_determinant() - (self.df / 2).mvlgamma(size) + logs - trace / 2

    def entropy(self) -> Any:
        size, half = self._event_shape[-1], self.df / 2
        if not bool((half > (size - 1) / 2).all()):
            raise AssertionError("Wrong domain for multivariate digamma function.")
        rows = F.arange(size, dtype=half.dtype) / 2
        digamma = (half.unsqueeze(-1) - rows.expand(half.shape + (-1,))).digamma().sum(-1)
        scale = (size + 1) * self._half_log_determinant()
        return scale + half.mvlgamma(size) - (self.df - size - 1) / 2 * digamma + self.df * size / 2

    @property
    def _natural_params(self) -> tuple[Any, ...]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Any, y: Any) -> Any:
        size = self._event_shape[-1]
        half = y + (size + 1) / 2
        return half * (-F.slogdet(-2 * x)[1] + math.log(2) * size) + half.mvlgamma(size)
