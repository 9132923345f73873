"""Von Mises' law of angles."""

from __future__ import annotations

import math
from typing import Any

from headgate.autograd.grad_mode import no_grad
from headgate.core.size import Size
from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.distribution import Distribution
from headgate.distributions.utils import broadcast_all, lazy_property
from headgate.dtypes import NAMES

#: Polynomials for the modified Bessel functions of order 0 and 1: below 3.75 in (x / 3.75)², above in 3.75 / x.
#: Source: Abramowitz and Stegun, 1964, 9.8.1 to 9.8.4.
BELOW = (
    (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813),
    (0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411),
)
ABOVE = (
    (0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537, -0.01647633, 0.00392377),
    (0.39894228, -0.03988024, -0.00362018, 0.00163801, -0.01031555, 0.02282967, -0.02895312, 0.01787654, -0.00420059),
)


def polynomial(x: Any, coefficients: tuple[float, ...]) -> Any:
    """c0 + c1 x + c2 x² ..., by Horner's rule."""
    result: Any = coefficients[-1]
    for one in reversed(coefficients[:-1]):
        result = one + x * result
    return result


def log_bessel(x: Any, order: int) -> Any:
    """The logarithm of the modified Bessel function I of order 0 or 1, for x > 0."""
    square = (x / 3.75) * (x / 3.75)
    small = polynomial(square, BELOW[order])
    small = (x.abs() * small if order == 1 else small).log()
    large = x - 0.5 * x.log() + polynomial(3.75 / x, ABOVE[order]).log()
    return F.where(x < 3.75, small, large)


class VonMises(Distribution):
    """Density exp(concentration cos(x - loc)) / (2π I₀(concentration)) of an angle x in radians; any real number counts
    modulo 2π. `mean` and `variance` are the circular ones. Samples have no gradient.
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    _parameters = ("loc", "concentration")

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, Size(), validate_args)

    @property
    def mean(self) -> Any:
        return self.loc

    @property
    def mode(self) -> Any:
        return self.loc

    @lazy_property
    def variance(self) -> Any:
        """1 - I₁ / I₀ of the concentration."""
        return 1 - (log_bessel(self.concentration, 1) - log_bessel(self.concentration, 0)).exp()

    @lazy_property
    def _proposal(self) -> Any:
        """The parameter of the wrapped Cauchy law that proposes samples, in double precision."""
        kappa = self.concentration.to(NAMES["float64"])
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        return F.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))

    @no_grad()
    def sample(self, sample_shape: Any = Size()) -> Any:
        """Events, by rejection in double precision (Best and Fisher, 1979)."""
        double = NAMES["float64"]
        shape = self._extended_shape(sample_shape)
        angle, done = F.zeros(shape, dtype=double), F.zeros(shape, dtype=NAMES["bool"])
        concentration, proposal = self.concentration.to(double), self._proposal
        while not bool(done.all()):
            first, second, third = F.rand((3, *shape), dtype=double).unbind()
            z = (math.pi * first).cos()
            f = (1 + proposal * z) / (proposal + z)
            c = concentration * (proposal - f)
            accept = ((c * (2 - c) - second) > 0) | ((c / second).log() + 1 - c >= 0)
            angle = F.where(accept, (third - 0.5).sign() * f.acos(), angle)
            done = done | accept
        return ((angle + math.pi + self.loc.to(double)) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        height = self.concentration * (value - self.loc).cos()
        return height - math.log(2 * math.pi) - log_bessel(self.concentration, 0)
