"""Distribution, the base: shapes, checks of parameters and values, expansion, text. Knows no single law."""

from __future__ import annotations

import warnings
from typing import Any

from headgate.autograd.grad_mode import no_grad
from headgate.core.size import Size
from headgate.core.typed import Tensor
from headgate.distributions import constraints
from headgate.distributions.utils import lazy_property

BAD_PARAMETER = (
    "Expected parameter {name} ({type} of shape {shape}) of distribution {law} to satisfy the constraint {constraint}, "
    "but found invalid values:\n{value}"
)
BAD_VALUE = (
    "Expected value argument ({type} of shape {shape}) to be within the support ({support}) of the distribution {law}, "
    "but found invalid values:\n{value}"
)
NO_CONSTRAINTS = (
    "{kind} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize the distribution with "
    "`validate_args=False` to turn off validation."
)
NO_SUPPORT = (
    "{kind} does not define `support` to enable sample validation. Please initialize the distribution with "
    "`validate_args=False` to turn off validation."
)
OWN_INIT = (
    "Subclass {child} of {parent} that defines a custom __init__ method must also define a custom .expand() method."
)


class Distribution:
    """A probability law over events of `event_shape`, in a batch of `batch_shape` parameters.

    `sample` draws without history, `rsample` (where `has_rsample`) with the parameters' gradient; `log_prob`, `cdf`,
    `icdf`, `entropy`, `mean`, `mode`, `variance` and `stddev` say what they are called. ValueError for parameters and
    values outside of their constraints unless `validate_args=False`.
    """

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__
    #: The attributes that hold parameters, by which `expand` makes a larger batch: tensors and distributions.
    _parameters: tuple[str, ...] = ()
    #: Further attributes that an expanded instance keeps as they are.
    _kept: tuple[str, ...] = ()

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check what they are given, unless told at construction. ValueError for no bool."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(self, batch_shape: Any = Size(), event_shape: Any = Size(), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = batch_shape, event_shape
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        super().__init__()

    def _check_parameters(self) -> None:
        try:
            wanted = self.arg_constraints
        except NotImplementedError:
            warnings.warn(NO_CONSTRAINTS.format(kind=type(self)), stacklevel=3)
            return
        for name, constraint in wanted.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in vars(self) and isinstance(getattr(type(self), name), lazy_property):
                continue
            value = getattr(self, name)
            if not constraints.surely(constraint, value) and not bool(constraint.check(value).all()):
                raise ValueError(BAD_PARAMETER.format(
                    name=name, type=type(value).__name__, shape=tuple(value.shape), law=repr(self),
                    constraint=repr(constraint), value=value))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same law for a larger batch: parameters are expanded, nothing is copied or checked again."""
        new = self._get_checked_instance(self._library_class(), _instance)
        batch = Size(batch_shape)
        depth = len(self._batch_shape)
        for name in self._parameters:
            if name in vars(self):
                value = vars(self)[name]
                if isinstance(value, Distribution):
                    vars(new)[name] = value.expand(batch)
                else:
                    vars(new)[name] = value.expand(batch + value.shape[depth:])
        for name in self._kept:
            vars(new)[name] = vars(self)[name]
        Distribution.__init__(new, batch, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _library_class(self) -> type:
        """The first class of this package that the instance's class derives from, or is."""
        return next(one for one in type(self).__mro__ if one.__module__.startswith(__package__ + "."))

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        if _instance is None and type(self).__init__ != cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(OWN_INIT.format(child=type(self).__name__, parent=cls.__name__))
        return type(self).__new__(type(self)) if _instance is None else _instance

    @property
    def batch_shape(self) -> Size:
        """The shape over which parameters are batched."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one event."""
        return self._event_shape

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """The constraint of each parameter."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """The constraint that every event satisfies."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most likely event."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = Size()) -> Tensor:
        """Events of shape sample_shape + batch_shape + event_shape, without history."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = Size()) -> Tensor:
        """Events through which the parameters get a gradient."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """`sample((n,))`; deprecated in PyTorch."""
        warnings.warn("`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", FutureWarning, stacklevel=2)
        return self.sample(Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density or probability of events."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of events up to `value`."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The events up to which the probability is `value`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All events of a discrete law along dimension 0."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The entropy, in nats."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """exp of the entropy."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Any = Size()) -> Size:
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _validate_sample(self, value: Any) -> None:
        """ValueError for what is no tensor, does not fit the shapes, or lies outside of the support."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, wanted = value.size(), self._batch_shape + self._event_shape
        if shape[len(shape) - len(self._event_shape):] != self._event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {shape} vs {self._event_shape}.")
        if any(i != 1 and j != 1 and i != j for i, j in zip(reversed(shape), reversed(wanted))):
            raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {wanted}.")
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(NO_SUPPORT.format(kind=type(self)), stacklevel=3)
            return
        if not constraints.surely(support, value) and not bool(support.check(value).all()):
            raise ValueError(BAD_VALUE.format(
                type=type(value).__name__, shape=tuple(shape), support=repr(support), law=repr(self), value=value))

    def __repr__(self) -> str:
        shown = []
        for name in self.arg_constraints:
            if name in vars(self):
                value = vars(self)[name]
                shown.append(f"{name}: {value if value.numel() == 1 else value.size()}")
        return f"{type(self).__name__}({', '.join(shown)})"
