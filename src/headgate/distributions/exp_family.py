"""Exponential families: laws whose entropy follows from their natural parameters and the log normalizer."""

from __future__ import annotations

from typing import Any

from headgate.autograd.backward import grad
from headgate.core.typed import Tensor
from headgate.distributions.distribution import Distribution


class ExponentialFamily(Distribution):
    """p(x; θ) = exp(<t(x), θ> - F(θ) + k(x)) with natural parameters θ, log normalizer F and carrier measure k.

    The entropy is F(θ) - <θ, ∇F(θ)> - E[k(x)] (Nielsen and Nock, "Entropies and cross-entropies of exponential
    families", 2010).
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Any) -> Any:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> float:
        raise NotImplementedError

    def entropy(self) -> Any:
        """The entropy, from the log normalizer's gradient."""
        result: Any = -self._mean_carrier_measure
        parameters = [one.detach().requires_grad_() for one in self._natural_params]
        normalizer = self._log_normalizer(*parameters)
        gradients = grad(normalizer.sum(), parameters, create_graph=True)
        result = result + normalizer
        for one, slope in zip(parameters, gradients):
            product = one * slope
            result = result - product.reshape(self._batch_shape + (-1,)).sum(-1)
        return result
