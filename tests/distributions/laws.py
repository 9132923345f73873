"""The laws that the tests compare: how each is made with either library, and values in its support."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: name -> function of (library, its distributions, maker of parameters). The maker gives leaf tensors.
LAWS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "Normal": lambda t, d, p: d.Normal(p(0.5, -1.0, 2.0), p(1.0, 0.3, 2.0)),
    "Normal numbers": lambda t, d, p: d.Normal(0.5, 2.0),
    "Normal broadcast": lambda t, d, p: d.Normal(p(0.5, -1.0), p([1.0], [2.0], [0.5])),
    "LogNormal": lambda t, d, p: d.LogNormal(p(0.5, -1.0), p(0.5, 0.3)),
    "HalfNormal": lambda t, d, p: d.HalfNormal(p(0.5, 2.0)),
    "HalfCauchy": lambda t, d, p: d.HalfCauchy(p(0.5, 2.0)),
    "Bernoulli": lambda t, d, p: d.Bernoulli(p(0.2, 0.5, 0.9)),
    "Bernoulli logits": lambda t, d, p: d.Bernoulli(logits=p(-1.0, 0.5)),
    "Bernoulli number": lambda t, d, p: d.Bernoulli(0.3),
    "Categorical": lambda t, d, p: d.Categorical(p([0.1, 0.2, 0.7], [0.3, 0.3, 0.4])),
    "Categorical weights": lambda t, d, p: d.Categorical(p(1.0, 2.0, 3.0, 4.0)),
    "Categorical logits": lambda t, d, p: d.Categorical(logits=p([0.1, -1.0, 2.0])),
    "OneHotCategorical": lambda t, d, p: d.OneHotCategorical(p([0.1, 0.2, 0.7], [0.3, 0.3, 0.4])),
    "OneHotCategoricalStraightThrough": lambda t, d, p: d.OneHotCategoricalStraightThrough(logits=p(0.1, 0.2, 0.7)),
    "Uniform": lambda t, d, p: d.Uniform(p(0.0, -1.0), p(1.0, 3.0)),
    "Exponential": lambda t, d, p: d.Exponential(p(0.5, 3.0)),
    "Beta": lambda t, d, p: d.Beta(p(0.5, 3.0), p(1.5, 2.0)),
    "Beta numbers": lambda t, d, p: d.Beta(2.0, 3.0),
    "Gamma": lambda t, d, p: d.Gamma(p(0.5, 3.0), p(1.5, 2.0)),
    "Chi2": lambda t, d, p: d.Chi2(p(1.5, 4.0)),
    "Dirichlet": lambda t, d, p: d.Dirichlet(p([0.5, 1.0, 2.0], [3.0, 2.0, 1.5])),
    "Laplace": lambda t, d, p: d.Laplace(p(0.5, -1.0), p(1.0, 0.3)),
    "Cauchy": lambda t, d, p: d.Cauchy(p(0.5, -1.0), p(1.0, 0.3)),
    "StudentT": lambda t, d, p: d.StudentT(p(3.0, 1.5, 0.5), p(0.0, 1.0, 2.0), p(1.0, 2.0, 0.5)),
    "MultivariateNormal": lambda t, d, p: d.MultivariateNormal(p(0.5, -1.0), p([2.0, 0.5], [0.5, 1.0])),
    "MultivariateNormal precision": lambda t, d, p: d.MultivariateNormal(
        p([0.5, -1.0], [1.0, 1.0]), precision_matrix=p([2.0, 0.5], [0.5, 1.0])),
    "MultivariateNormal factor": lambda t, d, p: d.MultivariateNormal(
        p(0.5, -1.0), scale_tril=p([[2.0, 0.0], [0.5, 1.0]], [[1.0, 0.0], [0.2, 1.0]])),
    "Multinomial": lambda t, d, p: d.Multinomial(5, p([0.1, 0.2, 0.7], [0.3, 0.3, 0.4])),
    "Multinomial logits": lambda t, d, p: d.Multinomial(3, logits=p(0.1, 0.2, 0.7)),
    "Poisson": lambda t, d, p: d.Poisson(p(0.5, 3.0, 20.0)),
    "Geometric": lambda t, d, p: d.Geometric(p(0.5, 0.3)),
    "Geometric logits": lambda t, d, p: d.Geometric(logits=p(0.5, -1.0)),
    "Binomial": lambda t, d, p: d.Binomial(6, p(0.5, 0.3)),
    "Binomial logits": lambda t, d, p: d.Binomial(t.tensor([3, 7]), logits=p(0.5, -1.0)),
    "Gumbel": lambda t, d, p: d.Gumbel(p(0.5, -1.0), p(1.0, 0.3)),
    "RelaxedBernoulli": lambda t, d, p: d.RelaxedBernoulli(p(0.7), p(0.2, 0.8)),
    "RelaxedOneHotCategorical": lambda t, d, p: d.RelaxedOneHotCategorical(p(0.7), logits=p(0.2, 0.8, -1.0)),
    "Independent": lambda t, d, p: d.Independent(d.Normal(p([0.5, -1.0], [1.0, 0.0]), p(1.0, 0.3)), 1),
    "MixtureSameFamily": lambda t, d, p: d.MixtureSameFamily(
        d.Categorical(p([0.3, 0.7], [0.5, 0.5])), d.Normal(p([0.5, -1.0], [2.0, 0.0]), p([1.0, 0.3], [1.0, 2.0]))),
    "MixtureSameFamily vectors": lambda t, d, p: d.MixtureSameFamily(
        d.Categorical(p(0.3, 0.7)), d.Independent(d.Normal(p([0.5, -1.0, 2.0], [2.0, 0.0, 1.0]), 1.0), 1)),
    "TransformedDistribution": lambda t, d, p: d.TransformedDistribution(
        d.Normal(p(0.5, -1.0), p(1.0, 0.3)), [d.transforms.AffineTransform(p(1.0), p(-2.0)),
                                              d.transforms.SigmoidTransform()]),
    "Logistic": lambda t, d, p: d.TransformedDistribution(
        d.Uniform(p(0.0), p(1.0)), [d.SigmoidTransform().inv, d.AffineTransform(loc=p(1.0), scale=p(2.0))]),
    "Weibull": lambda t, d, p: d.Weibull(p(0.5, 2.0), p(1.5, 0.8)),
    "Pareto": lambda t, d, p: d.Pareto(p(0.5, 2.0, 1.0), p(3.0, 1.5, 0.5)),
    "Kumaraswamy": lambda t, d, p: d.Kumaraswamy(p(0.5, 2.0), p(1.5, 3.0)),
    "InverseGamma": lambda t, d, p: d.InverseGamma(p(3.0, 1.5, 0.8), p(1.0, 2.0, 0.5)),
    "LogisticNormal": lambda t, d, p: d.LogisticNormal(p([0.5, -1.0], [0.0, 1.0]), p([1.0, 0.3], [0.5, 2.0])),
    "LogisticNormal one": lambda t, d, p: d.LogisticNormal(p(0.5), p(1.0)),
    "FisherSnedecor": lambda t, d, p: d.FisherSnedecor(p(3.0, 1.5), p(5.0, 3.0)),
    "NegativeBinomial": lambda t, d, p: d.NegativeBinomial(p(3.0, 1.5), p(0.3, 0.6)),
    "NegativeBinomial logits": lambda t, d, p: d.NegativeBinomial(t.tensor([4.0, 2.0]), logits=p(0.5, -1.0)),
    "VonMises": lambda t, d, p: d.VonMises(p(0.5, -1.0, 4.0), p(1.0, 0.3, 6.0)),
    "ContinuousBernoulli": lambda t, d, p: d.ContinuousBernoulli(p(0.2, 0.5, 0.9)),
    "ContinuousBernoulli logits": lambda t, d, p: d.ContinuousBernoulli(logits=p(-1.0, 0.0), lims=(0.4, 0.6)),
    "GeneralizedPareto": lambda t, d, p: d.GeneralizedPareto(p(0.5, -1.0, 0.0), p(1.0, 0.3, 2.0), p(0.3, -0.2, 0.0)),
    "LowRankMultivariateNormal": lambda t, d, p: d.LowRankMultivariateNormal(
        p(0.5, -1.0), p([2.0], [0.5]), p(1.0, 0.3)),
    "LowRankMultivariateNormal batch": lambda t, d, p: d.LowRankMultivariateNormal(
        p([0.5, -1.0], [1.0, 1.0]), p([[2.0], [0.5]], [[1.0], [0.3]]), p(1.0, 0.3)),
    "LKJCholesky": lambda t, d, p: d.LKJCholesky(3, p(0.5, 2.0)),
    "LKJCholesky two": lambda t, d, p: d.LKJCholesky(2),
    "Wishart": lambda t, d, p: d.Wishart(p(3.5), p([2.0, 0.5], [0.5, 1.0])),
    "Wishart batch": lambda t, d, p: d.Wishart(p(3.5, 4.0), precision_matrix=p([2.0, 0.5], [0.5, 1.0])),
    "Wishart number": lambda t, d, p: d.Wishart(2.5, scale_tril=p([2.0, 0.0], [0.5, 1.0])),
    "StickBreaking": lambda t, d, p: d.TransformedDistribution(
        d.Normal(p(0.5, -1.0), p(1.0, 0.3)), d.StickBreakingTransform()),
}  # fmt: skip
#: The laws whose samples come from the gamma, Poisson or binomial streams: they have no second gradient.
STREAMS = {
    "Beta": "_sample_dirichlet", "Dirichlet": "_sample_dirichlet", "Gamma": "_standard_gamma",
    "Chi2": "_standard_gamma", "StudentT": "_standard_gamma", "Poisson": "poisson", "Binomial": "binomial",
    "InverseGamma": "_standard_gamma", "FisherSnedecor": "_standard_gamma", "NegativeBinomial": "poisson",
    "LKJCholesky": "_sample_dirichlet", "Wishart": "_standard_gamma",
}  # fmt: skip


class Maker:
    """Makes parameters of one library and type, and remembers them."""

    def __init__(self, library: Any, dtype: str, gradient: bool = True) -> None:
        self.library, self.dtype, self.gradient = library, getattr(library, dtype), gradient
        self.made: list[Any] = []

    def __call__(self, *values: Any) -> Any:
        data = values[0] if len(values) == 1 and not isinstance(values[0], list) else list(values)
        one = self.library.tensor(data, dtype=self.dtype, requires_grad=self.gradient)
        self.made.append(one)
        return one
