"""DataLoader: an iterable of batches of a dataset, in the order of a sampler, read here or by worker processes.

Draws the same random numbers as PyTorch's at the same moments: one for the workers' seeds when an iterator is made,
then what the sampler draws when it is first asked. Knows nothing of how workers run or samples become batches.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from headgate.utils.data import _utils
from headgate.utils.data._utils.iterate import (
    _BaseDataLoaderIter,
    _DatasetKind,
    _MultiProcessingDataLoaderIter,
    _SingleProcessDataLoaderIter,
)
from headgate.utils.data.dataset import IterableDataset
from headgate.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

default_collate = _utils.collate.default_collate
default_convert = _utils.collate.default_convert
get_worker_info = _utils.worker.get_worker_info

T = TypeVar("T", covariant=True)

NEGATIVE_WORKERS = "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."
PREFETCH_ALONE = (
    "prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable multiprocessing, "
    "otherwise set prefetch_factor to None."
)
ITERABLE = "DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
BATCH_SAMPLER = "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
NO_BATCHES = "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
START_METHOD = (
    "multiprocessing_context option should specify a valid start method in {methods!r}, but got "
    "multiprocessing_context={given!r}"
)
CONTEXT = (
    "multiprocessing_context option should be a valid context object or a string specifying the start method, but got "
    "multiprocessing_context={given}"
)
CONTEXT_ALONE = (
    "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got num_workers={count}"
)
MANY_WORKERS = (
    "This DataLoader will create {count} worker processes in total. Our suggested max number of worker in current "
    "system is {cores}{note}, which is smaller than what this DataLoader is going to create. Please be aware that "
    "excessive worker creation might get DataLoader running slow or even freeze, lower the worker number to avoid "
    "potential slowness/freeze if necessary."
)
FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class _InfiniteConstantSampler(Sampler[None]):
    """None for ever: an iterable dataset has no keys."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None, persistent: bool) -> int | None:
    """Refuse what does not fit together; the prefetch factor."""
    if num_workers < 0:
        raise ValueError(NEGATIVE_WORKERS)
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(PREFETCH_ALONE)
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    return 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor


def _check_iterable(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    """Refuse an order for a dataset that has its own."""
    if shuffle not in {False, None}:
        raise ValueError(ITERABLE.format(name="shuffle", value=shuffle))
    for name, value in (("sampler", sampler), ("batch_sampler", batch_sampler)):
        if value is not None:
            raise ValueError(ITERABLE.format(name=name, value=value))


def _check_batches(batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool) -> None:
    """Refuse two orders, or batches in two ways."""
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError(BATCH_SAMPLER)
    elif batch_size is None and drop_last:
        raise ValueError(NO_BATCHES)


class DataLoader(Generic[T]):
    """An iterable of batches of a dataset; each `iter` is a pass of its own.

    dataset: by key (`__getitem__`, `__len__`) or an IterableDataset. batch_size: samples a batch, None for single
    samples. shuffle, sampler, batch_sampler: the order (one of them). drop_last: leave a short last batch out.
    num_workers: processes that read, 0 for none; each is started with `multiprocessing_context`, seeded by its number
    and a draw of `generator`, prepared by `worker_init_fn(number)`, kept `prefetch_factor` batches ahead, and with
    `persistent_workers` kept between passes. timeout: seconds to wait for a batch. collate_fn: makes a batch of a list
    of samples. pin_memory is accepted and, as in PyTorch without an accelerator, warned about. in_order=False: batches
    as they come.

    ValueError for what does not fit together; a worker's exception is raised here with its traceback, a dead worker as
    RuntimeError. Differences from PyTorch: no data pipes; a dead worker is noticed at the next batch, not by a signal
    handler; `is_shared()` of a batch is False.
    """

    dataset: Any
    batch_size: int | None
    drop_last: bool
    sampler: Any
    _iterator: _BaseDataLoaderIter | None
    __initialized = False

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None, batch_sampler: Iterable[Any] | None = None, num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None, pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Callable[[int], None] | None = None, multiprocessing_context: Any = None,
        generator: Any = None, *, prefetch_factor: int | None = None, persistent_workers: bool = False,
        pin_memory_device: str = "", in_order: bool = True,
    ) -> None:
        prefetch_factor = _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self._set_order(batch_size, shuffle, sampler, batch_sampler, drop_last, generator)
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self.__initialized = True
        self._IterableDataset_len_called: int | None = None
        self._iterator = None
        self.check_worker_number_rationality()

    def _set_order(
        self, batch_size: int | None, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool, generator: Any,
    ) -> None:
        """The samplers for what was asked, or ValueError."""
        self._dataset_kind = _DatasetKind.Iterable if isinstance(self.dataset, IterableDataset) else _DatasetKind.Map
        if self._dataset_kind == _DatasetKind.Iterable:
            _check_iterable(shuffle, sampler, batch_sampler)
        shuffle = bool(shuffle)
        _check_batches(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        if sampler is None:
            if self._dataset_kind == _DatasetKind.Iterable:
                sampler = _InfiniteConstantSampler()
            elif shuffle:
                sampler = RandomSampler(self.dataset, generator=generator)
            else:
                sampler = SequentialSampler(self.dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler

    @property
    def multiprocessing_context(self) -> Any:
        """The context that starts workers; None for Python's default one. Set by name or as a context."""
        return self.__multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, given: Any) -> None:
        if given is not None:
            if self.num_workers == 0:
                raise ValueError(CONTEXT_ALONE.format(count=self.num_workers))
            import multiprocessing
            from multiprocessing.context import BaseContext

            if isinstance(given, str):
                methods = multiprocessing.get_all_start_methods()
                if given not in methods:
                    raise ValueError(START_METHOD.format(methods=methods, given=given))
                given = multiprocessing.get_context(given)
            if not isinstance(given, BaseContext):
                raise TypeError(CONTEXT.format(given=given))
        self.__multiprocessing_context = given

    def __setattr__(self, attr: str, val: Any) -> None:
        if self.__initialized and attr in FIXED:
            raise ValueError(f"{attr} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(attr, val)

    def _get_iterator(self) -> _BaseDataLoaderIter:
        if self.num_workers == 0:
            return _SingleProcessDataLoaderIter(self)
        self.check_worker_number_rationality()
        return _MultiProcessingDataLoaderIter(self)

    def __iter__(self) -> Any:
        if not self.persistent_workers or self.num_workers == 0:
            return self._get_iterator()
        if self._iterator is None or vars(self._iterator).get("_shutdown"):
            self._iterator = self._get_iterator()
        else:
            self._iterator._reset(self)
        return self._iterator

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def __len__(self) -> int:
        """Batches a pass; for an iterable dataset what its own length says."""
        if self._dataset_kind == _DatasetKind.Map:
            return len(self._index_sampler)
        length = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)

    def check_worker_number_rationality(self) -> None:
        """UserWarning for more workers than cores."""
        if not self.num_workers:
            return
        known = hasattr(os, "sched_getaffinity")
        cores = len(os.sched_getaffinity(0)) if known else os.cpu_count()
        if cores is None or self.num_workers > cores:
            note = "" if known else " (`cpuset` is not taken into account)"
            warnings.warn(MANY_WORKERS.format(count=self.num_workers, cores=cores, note=note), stacklevel=3)
