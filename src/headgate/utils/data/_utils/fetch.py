"""Fetchers: the samples for one index (or list of indices) of a dataset, made into a batch.

Used alike with and without worker processes. A TensorDataset with the default collation is gathered by one
`index_select` a tensor; everything else goes sample by sample. Knows nothing of order or processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headgate.core.entry import PUBLIC
from headgate.core.records import Tensor
from headgate.utils.data._utils import collate
from headgate.utils.data.dataset import Subset, TensorDataset

_PLAIN_KIND: Any = Tensor
_PLAIN_MAP = dict(collate.default_collate_fn_map)
_PLAIN_METHODS = TensorDataset.__getitem__, Subset.__getitem__, Subset.__getitems__


class _BaseDatasetFetcher:
    """What both kinds hold."""

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> None:
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last

    def fetch(self, possibly_batched_index: Any) -> Any:
        """The batch (or sample) for a list of indices (or one)."""
        raise NotImplementedError


class _IterableDatasetFetcher(_BaseDatasetFetcher):
    """Takes as many samples from the dataset's iterator as there are indices; StopIteration when none is left."""

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> None:
        super().__init__(dataset, auto_collation, collate_fn, drop_last)
        self.dataset_iter = iter(dataset)
        self.ended = False

    def fetch(self, possibly_batched_index: Any) -> Any:
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.dataset_iter))
        data: list[Any] = []
        for _ in possibly_batched_index:
            try:
                data.append(next(self.dataset_iter))
            except StopIteration:
                self.ended = True
                break
        if not data or self.drop_last and len(data) < len(possibly_batched_index):
            raise StopIteration
        return self.collate_fn(data)


class _MapDatasetFetcher(_BaseDatasetFetcher):
    """Asks the dataset for every index, or once for all if it has `__getitems__`."""

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> None:
        super().__init__(dataset, auto_collation, collate_fn, drop_last)
        self.gather = _Gather.of(dataset) if auto_collation and collate_fn is collate.default_collate else None

    def fetch(self, possibly_batched_index: Any) -> Any:
        if not self.auto_collation:
            return self.collate_fn(self.dataset[possibly_batched_index])
        if self.gather is not None:
            found = self.gather(possibly_batched_index)
            if found is not None:
                return found
        if hasattr(self.dataset, "__getitems__") and self.dataset.__getitems__:
            return self.collate_fn(self.dataset.__getitems__(possibly_batched_index))
        return self.collate_fn([self.dataset[index] for index in possibly_batched_index])


class _Gather:
    """The rows of a TensorDataset (or of a Subset of one) for a list of indices, exactly as collating gives them.

    It stands in only where nobody can tell the difference: the library's own methods, plain tensors without gradient
    in C order, the default collation unchanged, indices that are non-negative integers and in range.
    """

    def __init__(self, tensors: Sequence[Any], keys: Sequence[int] | None) -> None:
        self.tensors = tensors
        self.keys = keys
        self.count = len(tensors[0])
        self.select = PUBLIC["index_select"]
        self.index = PUBLIC["tensor"]

    @classmethod
    def of(cls, dataset: Any) -> _Gather | None:
        """One for this dataset, or None where it would not do."""
        keys = None
        if (TensorDataset.__getitem__, Subset.__getitem__, Subset.__getitems__) != _PLAIN_METHODS:
            return None
        if type(dataset) is Subset and type(dataset.indices) is list:
            dataset, keys = dataset.dataset, dataset.indices
        if not isinstance(dataset, TensorDataset) or not _is_plain(dataset):
            return None
        tensors = dataset.tensors
        return cls(tensors, keys) if type(tensors) is tuple and all(map(_is_simple, tensors)) else None

    def __call__(self, indices: Any) -> list[Any] | None:
        """The batch, or None where it must be made sample by sample (then to raise what that raises)."""
        if type(indices) is not list or set(map(type, indices)) != {int}:
            return None
        if self.keys is not None:
            if min(indices) < 0 or max(indices) >= len(self.keys):
                return None
            keys = self.keys
            indices = [keys[index] for index in indices]
            if set(map(type, indices)) != {int}:
                return None
        if min(indices) < 0 or max(indices) >= self.count:
            return None
        if collate.default_collate_fn_map != _PLAIN_MAP or not all(map(_is_simple, self.tensors)):
            return None
        where = self.index(indices)
        return [self.select(tensor, 0, where) for tensor in self.tensors]


def _is_plain(dataset: Any) -> bool:
    """Whether a TensorDataset, or an instance of a subclass of it, reads its rows by TensorDataset's own methods."""
    kind = type(dataset)
    own = kind.__getitem__ is TensorDataset.__getitem__ and kind.__getattribute__ is object.__getattribute__
    return own and not hasattr(dataset, "__getitems__")


def _is_simple(tensor: Any) -> bool:
    return type(tensor) is _PLAIN_KIND and not tensor.requires_grad and bool(tensor.is_contiguous())
