"""The laws by their parameters: for each way to give them, what kind of number each is. No test is here."""

from __future__ import annotations

from typing import Any

import numpy as np

#: A law, `#` for each further way to give its parameters, and the kind of each: real, positive, unit, high (above the
#: reals), count; vector and matrix of one event; scalar, whole and a number that is no tensor.
EVERY: dict[str, dict[str, str]] = {
    "Normal": {"loc": "real", "scale": "positive"}, "LogNormal": {"loc": "real", "scale": "positive"},
    "HalfNormal": {"scale": "positive"}, "HalfCauchy": {"scale": "positive"}, "Bernoulli": {"probs": "unit"},
    "Bernoulli#": {"logits": "real"}, "Geometric": {"probs": "unit"}, "Geometric#": {"logits": "real"},
    "Uniform": {"low": "real", "high": "high"}, "Exponential": {"rate": "positive"},
    "Beta": {"concentration1": "positive", "concentration0": "positive"},
    "Gamma": {"concentration": "positive", "rate": "positive"}, "Chi2": {"df": "positive"},
    "Laplace": {"loc": "real", "scale": "positive"}, "Cauchy": {"loc": "real", "scale": "positive"},
    "StudentT": {"df": "positive", "loc": "real", "scale": "positive"}, "Poisson": {"rate": "positive"},
    "Binomial": {"total_count": "count", "probs": "unit"}, "Binomial#": {"total_count": "count", "logits": "real"},
    "NegativeBinomial": {"total_count": "count", "probs": "unit"},
    "NegativeBinomial#": {"total_count": "count", "logits": "real"}, "Gumbel": {"loc": "real", "scale": "positive"},
    "Weibull": {"scale": "positive", "concentration": "positive"}, "Pareto": {"scale": "positive", "alpha": "positive"},
    "Kumaraswamy": {"concentration1": "positive", "concentration0": "positive"},
    "InverseGamma": {"concentration": "positive", "rate": "positive"},
    "FisherSnedecor": {"df1": "positive", "df2": "positive"},
    "RelaxedBernoulli": {"temperature": "scalar", "probs": "unit"},
    "RelaxedBernoulli#": {"temperature": "scalar", "logits": "real"}, "Dirichlet": {"concentration": "vector positive"},
    "Categorical": {"probs": "vector positive"}, "Categorical#": {"logits": "vector real"},
    "OneHotCategorical": {"probs": "vector positive"}, "OneHotCategorical#": {"logits": "vector real"},
    "OneHotCategoricalStraightThrough": {"probs": "vector positive"},
    "OneHotCategoricalStraightThrough#": {"logits": "vector real"},
    "RelaxedOneHotCategorical": {"temperature": "scalar", "probs": "vector positive"},
    "RelaxedOneHotCategorical#": {"temperature": "scalar", "logits": "vector real"},
    "Multinomial": {"total_count": "whole", "probs": "vector positive"},
    "Multinomial#": {"total_count": "whole", "logits": "vector real"},
    "LogisticNormal": {"loc": "vector real", "scale": "vector positive"},
    "MultivariateNormal": {"loc": "vector real", "covariance_matrix": "matrix definite"},
    "MultivariateNormal#": {"loc": "vector real", "precision_matrix": "matrix definite"},
    "MultivariateNormal##": {"loc": "vector real", "scale_tril": "matrix lower"},
    "VonMises": {"loc": "real", "concentration": "positive"},
    "ContinuousBernoulli": {"probs": "unit"}, "ContinuousBernoulli#": {"logits": "real", "lims": "limits"},
    "GeneralizedPareto": {"loc": "real", "scale": "positive", "concentration": "real"},
    "LowRankMultivariateNormal": {
        "loc": "vector real", "cov_factor": "matrix thin", "cov_diag": "vector positive"},
    "LKJCholesky": {"dim": "whole", "concentration": "positive"},
    "Wishart": {"df": "degrees", "covariance_matrix": "matrix definite"},
    "Wishart#": {"df": "degrees", "precision_matrix": "matrix definite"},
    "Wishart##": {"df": "degrees", "scale_tril": "matrix lower"},
}  # fmt: skip
#: Made of other laws, compared in `laws`: they have no parameters of their own.
OF_OTHERS = {"Independent", "MixtureSameFamily", "TransformedDistribution"}
NUMBERS = {"real": [-0.5, 0.3, 1.1], "positive": [0.4, 0.9, 1.6], "unit": [0.2, 0.5, 0.8], "high": [3.0, 4.0, 5.0],
           "count": [3.0, 5.0, 2.0], "scalar": [0.3, 0.7, 0.9],
           "whole": [3, 4, 5], "degrees": [3.5, 5.0, 4.2], "limits": [(0.49, 0.51), (0.45, 0.55)]}  # fmt: skip


def parameter(t: Any, kind: str, shape: tuple[int, ...], rng: np.random.Generator, dtype: str, grad: bool) -> Any:
    """One parameter of a batch shape."""
    if kind in ("whole", "limits"):
        return 4 if kind == "whole" else (0.45, 0.55)
    if kind == "scalar":
        return t.tensor(0.7, dtype=getattr(t, dtype), requires_grad=grad)
    form, _, values = kind.rpartition(" ")
    if form == "matrix":
        made = rng.normal(size=(*shape, 3, 3))
        made = made @ np.swapaxes(made, -1, -2) + 2 * np.eye(3)
        made = made[..., :2] if values == "thin" else np.linalg.cholesky(made) if values == "lower" else made
    elif form == "vector":
        made = rng.uniform(0.3, 2, (*shape, 3)) if values == "positive" else rng.normal(size=(*shape, 3))
    else:
        made = np.asarray(rng.choice(NUMBERS[kind], size=shape))
    return t.from_numpy(made).to(getattr(t, dtype)).requires_grad_(grad and kind != "count")
