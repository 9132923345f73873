"""Changes of variable side by side: other transforms for the parts of a dimension. The base is in `transform_base`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headgate.distributions import constraints
from headgate.distributions import functions as F
from headgate.distributions.transform_base import Transform
from headgate.distributions.utils import sum_rightmost


class _Joined(Transform):
    """What both share: the transforms, and that a tensor has as much of the dimension as they need."""

    transforms: list[Any]
    dim: int

    def _take(self, tseq: Sequence[Any], dim: int, cache_size: int) -> None:
        if not all(isinstance(one, Transform) for one in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        Transform.__init__(self, cache_size=cache_size)
        self.transforms = [one.with_cache(cache_size) for one in tseq] if cache_size else list(tseq)
        self.dim = dim

    def _check(self, name: str, value: Any, size: int) -> None:
        if not -value.dim() <= self.dim < value.dim():
            raise AssertionError(f"dim {self.dim} out of range for {name} with {value.dim()} dimensions")
        if value.size(self.dim) != size:
            raise AssertionError(f"{name}.size({self.dim}) = {value.size(self.dim)} must equal {size}")

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(one.bijective for one in self.transforms)


class CatTransform(_Joined):
    """One transform after the other along `dim`, each for as much of it as `lengths` says (1 by default).

    AssertionError for what is no transform, or lengths that do not fit.
    """

    def __init__(
        self, tseq: Sequence[Any], dim: int = 0, lengths: Sequence[int] | None = None, cache_size: int = 0
    ) -> None:
        self._take(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})")

    @property
    def event_dim(self) -> int:
        """The most dimensions that an event of a part has."""
        return max(one.event_dim for one in self.transforms)

    @property
    def length(self) -> int:
        """How much of the dimension there must be."""
        return sum(self.lengths)

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _parts(self, name: str, value: Any) -> list[Any]:
        self._check(name, value, self.length)
        starts = [sum(self.lengths[:place]) for place in range(len(self.lengths))]
        return [value.narrow(self.dim, start, length) for start, length in zip(starts, self.lengths)]

    def _call(self, x: Any) -> Any:
        return F.cat([one(part) for one, part in zip(self.transforms, self._parts("x", x))], dim=self.dim)

    def _inverse(self, y: Any) -> Any:
        return F.cat([one.inv(part) for one, part in zip(self.transforms, self._parts("y", y))], dim=self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        terms = []
        for one, before, after in zip(self.transforms, self._parts("x", x), self._parts("y", y)):
            term = one.log_abs_det_jacobian(before, after)
            terms.append(sum_rightmost(term, self.event_dim - one.event_dim))
        dim = (self.dim - x.dim() if self.dim >= 0 else self.dim) + self.event_dim
        return F.cat(terms, dim=dim) if dim < 0 else sum(terms)

    @constraints.dependent_property
    def domain(self) -> Any:  # type: ignore[override]
        return constraints.cat([one.domain for one in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:  # type: ignore[override]
        return constraints.cat([one.codomain for one in self.transforms], self.dim, self.lengths)


class StackTransform(_Joined):
    """One transform for each place along `dim`. AssertionError for what is no transform, or another size."""

    def __init__(self, tseq: Sequence[Any], dim: int = 0, cache_size: int = 0) -> None:
        self._take(tseq, dim, cache_size)

    def with_cache(self, cache_size: int = 1) -> Any:
        return self if self._cache_size == cache_size else StackTransform(self.transforms, self.dim, cache_size)

    def _parts(self, name: str, value: Any) -> list[Any]:
        self._check(name, value, len(self.transforms))
        return [value.select(self.dim, place) for place in range(value.size(self.dim))]

    def _call(self, x: Any) -> Any:
        return F.stack([one(part) for one, part in zip(self.transforms, self._parts("x", x))], dim=self.dim)

    def _inverse(self, y: Any) -> Any:
        return F.stack([one.inv(part) for one, part in zip(self.transforms, self._parts("y", y))], dim=self.dim)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        pairs = zip(self.transforms, self._parts("x", x), self._parts("y", y))
        return F.stack([one.log_abs_det_jacobian(before, after) for one, before, after in pairs], dim=self.dim)

    @constraints.dependent_property
    def domain(self) -> Any:  # type: ignore[override]
        return constraints.stack([one.domain for one in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:  # type: ignore[override]
        return constraints.stack([one.codomain for one in self.transforms], self.dim)
