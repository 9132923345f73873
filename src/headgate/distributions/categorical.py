# cython: annotation_typing=False
"""Categories, numbered from 0, by their probabilities."""

from __future__ import annotations

import math
from typing import Any

from headgate import dtypes
from headgate.core.size import Size
from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.distribution import Distribution
from headgate.distributions.utils import lazy_property, logits_to_probs, probs_to_logits
from headgate.ops import categories

_smallest: dict[Any, float] = {}


def smallest(dtype: Any) -> float:
    """The smallest number of a float type."""
    found = _smallest.get(dtype)
    if found is None:
        found = _smallest[dtype] = dtypes.finfo(dtype).min
    return found


class Categorical(Distribution):
    """i with probability probs[..., i], or in proportion to exp(logits[..., i]); both are normalised.

    ValueError unless exactly one of both is given, with at least one dimension.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    _parameters = ("probs", "logits", "_param")
    _kept = ("_num_events",)

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        if probs is not None:
            if probs.dim() < 1:
                raise ValueError("`probs` parameter must be at least one-dimensional.")
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            if logits.dim() < 1:
                raise ValueError("`logits` parameter must be at least one-dimensional.")
            made = categories.normalized(logits)
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True) if made is None else made
        self._param = probs if probs is not None else logits
        shape = self._param.size()
        last = len(shape) - 1
        self._num_events = shape[last]
        super().__init__(shape[:last], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @lazy_property
    def logits(self) -> Any:
        return probs_to_logits(self.probs)

    @lazy_property
    def probs(self) -> Any:
        return logits_to_probs(self.logits)

    @property
    def param_shape(self) -> Any:
        """The parameter's shape."""
        return self._param.size()

    @property
    def mean(self) -> Any:
        return F.full(self._extended_shape(), math.nan, dtype=self.probs.dtype)

    @property
    def mode(self) -> Any:
        return self.probs.argmax(dim=-1)

    @property
    def variance(self) -> Any:
        return F.full(self._extended_shape(), math.nan, dtype=self.probs.dtype)

    def sample(self, sample_shape: Any = Size()) -> Any:
        shape = Size(sample_shape)
        if not shape:
            made = categories.drawn(self.probs, self._batch_shape)
            if made is not None:
                return made
        rows = self.probs.detach().reshape(-1, self._num_events)
        return F.multinomial(rows, shape.numel(), True).T.reshape(self._extended_shape(shape))

    def log_prob(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        found = categories.picked(self.logits, value)
        if found is not None:
            return found
        value = value.long().unsqueeze(-1)
        value, logits = F.broadcast_tensors(value, self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self) -> Any:
        least = smallest(self.logits.dtype)
        found = categories.entropy(self.logits, self.probs, least)
        return found if found is not None else -(self.logits.clamp(min=least) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Any:
        values = F.arange(self._num_events).view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + self._batch_shape) if expand else values
