"""`biject_to` and `transform_to`: for a constraint, a transform from unconstrained numbers to what satisfies it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headgate.distributions import constraints, transforms


class ConstraintRegistry:
    """A table from types of constraints to functions that make a transform."""

    def __init__(self) -> None:
        self._registry: dict[type, Callable[[Any], Any]] = {}

    def register(self, constraint: Any, factory: Any = None) -> Any:
        """Enter a function for a type of constraint, or the type of an instance; a decorator without `factory`."""
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, constraints.Constraint) else constraint
        if not isinstance(kind, type) or not issubclass(kind, constraints.Constraint):
            raise TypeError(
                f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        """The transform for a constraint. NotImplementedError if none is registered."""
        try:
            factory = self._registry[type(constraint)]
        except KeyError:
            raise NotImplementedError(
                f"Cannot transform {type(constraint).__name__} constraints") from None
        return factory(constraint)


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _both(*kinds: Any) -> Callable[[Any], Any]:
    """Register a function in both tables."""

    def enter(factory: Any) -> Any:
        for kind in kinds:
            biject_to.register(kind, factory)
            transform_to.register(kind, factory)
        return factory

    return enter


@_both(constraints.real)
def _real(constraint: Any) -> Any:
    return transforms.identity_transform


@_both(constraints.positive, constraints.nonnegative)
def _positive(constraint: Any) -> Any:
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(constraint.lower_bound, 1)])


@_both(constraints.less_than)
def _less_than(constraint: Any) -> Any:
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(constraint.upper_bound, -1)])


@_both(constraints.interval, constraints.half_open_interval)
def _interval(constraint: Any) -> Any:
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)])


biject_to.register(constraints.independent, lambda one: transforms.IndependentTransform(
    biject_to(one.base_constraint), one.reinterpreted_batch_ndims))
transform_to.register(constraints.independent, lambda one: transforms.IndependentTransform(
    transform_to(one.base_constraint), one.reinterpreted_batch_ndims))
biject_to.register(constraints.simplex, lambda one: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda one: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda one: transforms.LowerCholeskyTransform())
for _kind in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(_kind, lambda one: transforms.PositiveDefiniteTransform())
_both(constraints.corr_cholesky)(lambda one: transforms.CorrCholeskyTransform())
for _table in (biject_to, transform_to):
    _table.register(constraints.cat, lambda one, table=_table: transforms.CatTransform(
        [table(part) for part in one.cseq], one.dim, one.lengths))
    _table.register(constraints.stack, lambda one, table=_table: transforms.StackTransform(
        [table(part) for part in one.cseq], one.dim))
