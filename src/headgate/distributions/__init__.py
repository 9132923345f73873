"""`torch.distributions`: probability laws, their transforms and divergences. This file only re-exports."""

from headgate.distributions import constraints as constraints
from headgate.distributions import kl_between as kl_between
from headgate.distributions import transforms as transforms
from headgate.distributions.bernoulli import Bernoulli as Bernoulli
from headgate.distributions.beta import Beta as Beta
from headgate.distributions.binomial import Binomial as Binomial
from headgate.distributions.categorical import Categorical as Categorical
from headgate.distributions.cauchy import Cauchy as Cauchy
from headgate.distributions.chi2 import Chi2 as Chi2
from headgate.distributions.constraint_registry import biject_to as biject_to
from headgate.distributions.constraint_registry import transform_to as transform_to
from headgate.distributions.dirichlet import Dirichlet as Dirichlet
from headgate.distributions.distribution import Distribution as Distribution
from headgate.distributions.exp_family import ExponentialFamily as ExponentialFamily
from headgate.distributions.exponential import Exponential as Exponential
from headgate.distributions.gamma import Gamma as Gamma
from headgate.distributions.geometric import Geometric as Geometric
from headgate.distributions.gumbel import Gumbel as Gumbel
from headgate.distributions.half_cauchy import HalfCauchy as HalfCauchy
from headgate.distributions.half_normal import HalfNormal as HalfNormal
from headgate.distributions.independent import Independent as Independent
from headgate.distributions.kl import kl_divergence as kl_divergence
from headgate.distributions.kl import register_kl as register_kl
from headgate.distributions.laplace import Laplace as Laplace
from headgate.distributions.log_normal import LogNormal as LogNormal
from headgate.distributions.mixture_same_family import MixtureSameFamily as MixtureSameFamily
from headgate.distributions.multinomial import Multinomial as Multinomial
from headgate.distributions.multivariate_normal import MultivariateNormal as MultivariateNormal
from headgate.distributions.normal import Normal as Normal
from headgate.distributions.one_hot_categorical import OneHotCategorical as OneHotCategorical
from headgate.distributions.one_hot_categorical import (
    OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough,
)
from headgate.distributions.poisson import Poisson as Poisson
from headgate.distributions.relaxed_bernoulli import RelaxedBernoulli as RelaxedBernoulli
from headgate.distributions.relaxed_categorical import RelaxedOneHotCategorical as RelaxedOneHotCategorical
from headgate.distributions.studentT import StudentT as StudentT
from headgate.distributions.transformed_distribution import TransformedDistribution as TransformedDistribution
from headgate.distributions.transforms import AbsTransform as AbsTransform
from headgate.distributions.transforms import AffineTransform as AffineTransform
from headgate.distributions.transforms import ComposeTransform as ComposeTransform
from headgate.distributions.transforms import CumulativeDistributionTransform as CumulativeDistributionTransform
from headgate.distributions.transforms import ExpTransform as ExpTransform
from headgate.distributions.transforms import IndependentTransform as IndependentTransform
from headgate.distributions.transforms import LowerCholeskyTransform as LowerCholeskyTransform
from headgate.distributions.transforms import PositiveDefiniteTransform as PositiveDefiniteTransform
from headgate.distributions.transforms import PowerTransform as PowerTransform
from headgate.distributions.transforms import ReshapeTransform as ReshapeTransform
from headgate.distributions.transforms import SigmoidTransform as SigmoidTransform
from headgate.distributions.transforms import SoftmaxTransform as SoftmaxTransform
from headgate.distributions.transforms import SoftplusTransform as SoftplusTransform
from headgate.distributions.transforms import StickBreakingTransform as StickBreakingTransform
from headgate.distributions.transforms import TanhTransform as TanhTransform
from headgate.distributions.transforms import Transform as Transform
from headgate.distributions.transforms import identity_transform as identity_transform
from headgate.distributions.uniform import Uniform as Uniform
