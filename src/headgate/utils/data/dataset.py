"""Datasets: what a loader reads samples from, by key or one after the other, and ways to join and split them.

Knows samples as whatever `dataset[key]` gives; nothing of batches, processes or order.
"""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from headgate.core.entry import PUBLIC
from headgate.ops.random import Generator, default_generator

T = TypeVar("T", covariant=True)

BOTH_KINDS = (
    "Supported either ``tuple``- (via ``args``) or``dict``- (via ``kwargs``) like input/output, but both types are "
    "given."
)
GETITEMS_TOO = (
    "{name} overrides __getitem__ but not __getitems__. When subclassing Subset and overriding __getitem__, you must "
    "also override __getitems__ to ensure DataLoader works correctly with your custom logic. A simple implementation:"
    "\n\ndef __getitems__(self, indices):\n    return [self.__getitem__(idx) for idx in indices]"
)


class Dataset(Generic[T]):
    """Samples by key: subclasses write `__getitem__`, and `__len__` for samplers.

    A subclass may also write `__getitems__(keys)`, which a loader then asks for a whole batch as a list of samples.
    """

    def __getitem__(self, index: Any) -> T:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T], Iterable[T]):
    """Samples one after the other: subclasses write `__iter__`.

    In a loader with workers, each worker iterates a copy of its own; `get_worker_info()` tells them apart.
    """

    def __add__(self, other: Dataset[Any]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset["tuple[Any, ...]"]):
    """Sample i is the tuple of every tensor's row i. AssertionError unless the first dimensions agree."""

    tensors: tuple[Any, ...]

    def __init__(self, *tensors: Any) -> None:
        if any(tensors[0].size(0) != tensor.size(0) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple([tensor[index] for tensor in self.tensors])

    def __len__(self) -> int:
        return int(self.tensors[0].size(0))


class StackDataset(Dataset[Any]):
    """Sample i is the tuple (or, for keywords, the dict) of every dataset's sample i.

    ValueError unless there is at least one dataset, all by position or all by name, and their lengths agree.
    """

    datasets: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(BOTH_KINDS)
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        members = list(args or kwargs.values())
        self._length = len(members[0])
        if any(self._length != len(member) for member in members):
            raise ValueError("Size mismatch between datasets")
        self.datasets = args or kwargs

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple([dataset[index] for dataset in self.datasets])

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        """The samples of several keys; a member that has `__getitems__` is asked once."""
        if isinstance(self.datasets, dict):
            columns = [self._column(dataset, indices) for dataset in self.datasets.values()]
            return [dict(zip(self.datasets, row)) for row in zip(*columns)]
        return list(zip(*[self._column(dataset, indices) for dataset in self.datasets]))

    @staticmethod
    def _column(dataset: Any, indices: list[Any]) -> list[Any]:
        if not callable(getattr(dataset, "__getitems__", None)):
            return [dataset[index] for index in indices]
        items: list[Any] = dataset.__getitems__(indices)
        if len(items) != len(indices):
            raise ValueError(
                f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(items)}")
        return items

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T]):
    """The samples of one dataset after those of the other. AssertionError for none, or for iterable ones."""

    datasets: list[Any]
    cumulative_sizes: list[int]

    @staticmethod
    def cumsum(sequence: Iterable[Any]) -> list[int]:
        """The running sum of lengths."""
        return list(itertools.accumulate(len(one) for one in sequence))

    def __init__(self, datasets: Iterable[Any]) -> None:
        super().__init__()
        self.datasets = list(datasets)
        if len(self.datasets) == 0:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(one, IterableDataset) for one in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: Any) -> T:
        if idx < 0:
            if -idx > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            idx = len(self) + idx
        which = bisect.bisect_right(self.cumulative_sizes, idx)
        before = self.cumulative_sizes[which - 1] if which else 0
        found: T = self.datasets[which][idx - before]
        return found

    @property
    def cummulative_sizes(self) -> list[int]:
        """`cumulative_sizes` by its old, misspelt name (deprecated)."""
        warnings.warn("`cummulative_sizes` attribute is renamed to `cumulative_sizes`", FutureWarning, stacklevel=2)
        return self.cumulative_sizes


class ChainDataset(IterableDataset[Any]):
    """The samples of one iterable dataset after those of the other; AssertionError, when reached, for other kinds."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        super().__init__()
        self.datasets = datasets

    def _members(self) -> Iterator[Any]:
        for one in self.datasets:
            if not isinstance(one, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield one

    def __iter__(self) -> Iterator[Any]:
        for one in self._members():
            yield from one

    def __len__(self) -> int:
        return sum(len(one) for one in self._members())


class Subset(Dataset[T]):
    """The samples of a dataset at the given keys, in that order.

    NotImplementedError for a subclass that overrides `__getitem__` but not `__getitems__`, which a loader would ask.
    """

    dataset: Any
    indices: Sequence[int]

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices
        kind = type(self)
        if kind.__getitem__ is not Subset.__getitem__ and kind.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(GETITEMS_TOO.format(name=kind.__name__))

    def __getitem__(self, idx: Any) -> T:
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]  # type: ignore[no-any-return]
        return self.dataset[self.indices[idx]]  # type: ignore[no-any-return]

    def __getitems__(self, indices: list[int]) -> list[T]:
        """The samples of several keys; a dataset that has `__getitems__` is asked once."""
        wanted = [self.indices[index] for index in indices]
        if callable(getattr(self.dataset, "__getitems__", None)):
            return self.dataset.__getitems__(wanted)  # type: ignore[no-any-return]
        return [self.dataset[index] for index in wanted]

    def __len__(self) -> int:
        return len(self.indices)


def _lengths_of_fractions(fractions: Sequence[float], total: int) -> list[int]:
    """Whole lengths for fractions that sum to 1; what rounding down leaves over goes to the first ones, one each."""
    for index, fraction in enumerate(fractions):
        if fraction < 0 or fraction > 1:
            raise ValueError(f"Fraction at index {index} is not between 0 and 1")
    lengths = [math.floor(total * fraction) for fraction in fractions]
    for extra in range(total - sum(lengths)):
        lengths[extra % len(lengths)] += 1
    for index, length in enumerate(lengths):
        if length == 0:
            warnings.warn(
                f"Length of split at index {index} is 0. This might result in an empty dataset.", stacklevel=3)
    return lengths


def random_split(
    dataset: Any, lengths: Sequence[int | float], generator: Generator | None = default_generator,
) -> list[Subset[Any]]:
    """Disjoint random subsets of the given lengths, or of fractions that sum to 1; PyTorch's permutation for a seed.

    ValueError unless the lengths sum to the dataset's, UserWarning for a fraction that comes to no sample.
    """
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths_of_fractions(lengths, len(dataset))
    if sum(lengths) != len(dataset):
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    indices = PUBLIC["randperm"](sum(lengths), generator=generator).tolist()
    ends = itertools.accumulate(lengths)
    return [Subset(dataset, indices[end - length : end]) for end, length in zip(ends, lengths)]  # type: ignore[misc]


