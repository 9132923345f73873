"""Samplers: the order in which a loader reads a dataset, as keys or lists of keys.

The orders are PyTorch's for the same seed, and so are the numbers drawn on the way and when they are drawn: at the
first `next`, not at `iter`. Knows of a dataset only its length.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from headgate import dtypes
from headgate.core.entry import PUBLIC
from headgate.ops.random import Generator

T = TypeVar("T", covariant=True)

DRAWN_AT_ONCE = 32  # keys with replacement are drawn in pieces of so many, as in PyTorch
COUNT = "num_samples should be a positive integer value, but got num_samples={}"
REPLACEMENT = "replacement should be a boolean value, but got replacement={}"


def fresh_seed(generator: Generator | None = None) -> int:
    """A number of 0 .. 2**63 - 1 from a generator (None: the default one): one draw of two words."""
    return int(PUBLIC["empty"]((), dtype=dtypes.by_name("int64")).random_(generator=generator).item())


def _whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


class Sampler(Generic[T]):
    """An order: subclasses write `__iter__`, which yields keys or lists of keys, and `__len__` where there is one."""

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ... to the dataset's end."""

    data_source: Sized

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """`num_samples` keys (None: as many as there are) in random order, each once a round or with replacement.

    Without a generator, one draw of the default generator seeds a fresh one at the first `next`. TypeError for a
    `replacement` that is no bool, ValueError unless `num_samples` is positive.
    """

    data_source: Sized
    replacement: bool

    def __init__(
        self, data_source: Sized, replacement: bool = False, num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(REPLACEMENT.format(replacement))
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(COUNT.format(self.num_samples))

    @property
    def num_samples(self) -> int:
        """How many keys are drawn; the dataset's length now, if it was not given."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, generator = len(self.data_source), self.generator
        if generator is None:
            generator = Generator()
            generator.manual_seed(fresh_seed())
        if self.replacement:
            yield from self._with_replacement(n, generator)
            return
        permutation = PUBLIC["randperm"]
        for _ in range(self.num_samples // n):
            yield from permutation(n, generator=generator).tolist()
        yield from permutation(n, generator=generator).tolist()[: self.num_samples % n]

    def _with_replacement(self, n: int, generator: Generator) -> Iterator[int]:
        pieces = [DRAWN_AT_ONCE] * (self.num_samples // DRAWN_AT_ONCE) + [self.num_samples % DRAWN_AT_ONCE]
        for count in pieces:
            yield from PUBLIC["randint"](n, (count,), generator=generator).tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given keys in random order, each once."""

    indices: Sequence[int]

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for index in PUBLIC["randperm"](len(self.indices), generator=self.generator).tolist():
            yield self.indices[index]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Keys drawn by weight (any non-negative numbers), with or without replacement: one `multinomial` in float64.

    ValueError unless `num_samples` is positive, `replacement` a bool and the weights have one dimension.
    """

    weights: Any
    num_samples: int
    replacement: bool

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        if not _whole(num_samples) or num_samples <= 0:
            raise ValueError(COUNT.format(num_samples))
        if not isinstance(replacement, bool):
            raise ValueError(REPLACEMENT.format(replacement))
        self.weights = PUBLIC["as_tensor"](weights, dtype=dtypes.by_name("float64"))
        if self.weights.dim() != 1:
            shape = tuple(self.weights.shape)
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {shape}")
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = PUBLIC["multinomial"](self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler["list[int]"]):
    """Lists of `batch_size` keys of another sampler; the last, shorter one is left out with `drop_last`.

    ValueError unless `batch_size` is a positive integer and `drop_last` a bool.
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        if not _whole(batch_size) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        keys = iter(self.sampler)
        while batch := [*itertools.islice(keys, self.batch_size)]:
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        count: int = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
