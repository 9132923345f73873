"""The negative binomial law: successes before a number of failures."""

from __future__ import annotations

from typing import Any

from headgate.autograd.grad_mode import no_grad
from headgate.core.entry import PUBLIC
from headgate.core.size import Size
from headgate.distributions import constraints
from headgate.distributions.bernoulli import Odds
from headgate.distributions.gamma import Gamma
from headgate.distributions.utils import batch_of, broadcast_all


class NegativeBinomial(Odds):
    """Successes of probability `probs` = sigmoid(`logits`) before `total_count` failures; it need not be whole."""

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0), "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }  # fmt: skip
    support = constraints.nonnegative_integer
    _parameters = ("total_count", "probs", "logits")

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        given = logits if probs is None else probs
        self.total_count, value = broadcast_all(total_count, given)
        self.total_count = self.total_count.type_as(value)
        if probs is None:
            self.logits = value
        else:
            self.probs = value
        super().__init__(batch_of(False, value), validate_args=validate_args)

    @property
    def mean(self) -> Any:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Any:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Any:
        return self.mean / (-self.logits).sigmoid()

    @property
    def param_shape(self) -> Any:
        """The shape of the parameter."""
        return (self.probs if "probs" in vars(self) else self.logits).size()

    def sample(self, sample_shape: Any = Size()) -> Any:
        with no_grad():
            rate = Gamma(self.total_count, (-self.logits).exp(), validate_args=False).sample(sample_shape)
            return PUBLIC["poisson"](rate)

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        log_sigmoid, total = PUBLIC["nn.functional.logsigmoid"], self.total_count
        both = total * log_sigmoid(-self.logits) + value * log_sigmoid(self.logits)
        constant = -(total + value).lgamma() + (1.0 + value).lgamma() + total.lgamma()
        return both - constant.masked_fill(total + value == 0.0, 0.0)
