"""One pass over a loader: the iterators behind `DataLoader`, with and without worker processes.

They keep the order of the sampler and the count of what was given out. They know the loader by its attributes, and
workers through `processes`.
"""

from __future__ import annotations

import itertools
import warnings
from typing import Any

from headgate.utils.data._utils.failure import ExceptionWrapper
from headgate.utils.data._utils.fetch import _IterableDatasetFetcher, _MapDatasetFetcher
from headgate.utils.data._utils.worker import Task, _IterableDatasetStopIteration, _ResumeIteration
from headgate.utils.data.sampler import fresh_seed

NOT_PINNED = (
    "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be used."
)
PIN_DEVICE = (
    "pin_memory_device is deprecated, the current accelerator will be used as the device,ignore pin_memory_device='{}'."
)
TOO_LONG = (
    "Length of IterableDataset {dataset} was reported to be {length}(when accessing len(dataloader)), but {count} "
    "samples have been fetched. "
)
NOT_CONFIGURED = (
    "For multiprocessing data-loading, this could be caused by not properly configuring the IterableDataset replica "
    "at each worker. Please see https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for "
    "examples."
)


class _DatasetKind:
    """The two kinds of dataset, and the fetcher of each."""

    Map = 0
    Iterable = 1

    @staticmethod
    def create_fetcher(kind: int, dataset: Any, auto_collation: bool, collate_fn: Any, drop_last: bool) -> Any:
        """A fetcher of the dataset from its start."""
        maker = _MapDatasetFetcher if kind == _DatasetKind.Map else _IterableDatasetFetcher
        return maker(dataset, auto_collation, collate_fn, drop_last)


class _BaseDataLoaderIter:
    """What both iterators share: the sampler's iterator, the seed of the workers, the count of what was given out."""

    def __init__(self, loader: Any) -> None:
        self._dataset = loader.dataset
        self._dataset_kind = loader._dataset_kind
        self._IterableDataset_len_called = loader._IterableDataset_len_called
        self._auto_collation = loader._auto_collation
        self._drop_last = loader.drop_last
        self._index_sampler = loader._index_sampler
        self._num_workers = loader.num_workers
        self._timeout = loader.timeout
        self._collate_fn = loader.collate_fn
        self._persistent_workers = loader.persistent_workers
        if loader.pin_memory and loader.pin_memory_device:
            warnings.warn(PIN_DEVICE.format(loader.pin_memory_device), stacklevel=5)
        if loader.pin_memory:
            warnings.warn(NOT_PINNED, stacklevel=5)
        self._sampler_iter = iter(self._index_sampler)
        self._base_seed = fresh_seed(loader.generator)
        self._num_yielded = 0

    def __iter__(self) -> _BaseDataLoaderIter:
        return self

    def _reset(self, loader: Any, first_iter: bool = False) -> None:
        self._sampler_iter = iter(self._index_sampler)
        self._num_yielded = 0
        self._IterableDataset_len_called = loader._IterableDataset_len_called

    def _next_data(self) -> Any:
        raise NotImplementedError

    def __next__(self) -> Any:
        data = self._next_data()
        self._num_yielded += 1
        length = self._IterableDataset_len_called
        if length is not None and self._num_yielded > length:
            text = TOO_LONG.format(dataset=self._dataset, length=length, count=self._num_yielded)
            warnings.warn(text + (NOT_CONFIGURED if self._num_workers > 0 else ""), stacklevel=2)
        return data

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __getstate__(self) -> Any:
        raise NotImplementedError("{} cannot be pickled", self.__class__.__name__)


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """Fetches each batch when it is asked for. AssertionError for a timeout, which nothing could keep."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        if self._timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._dataset_fetcher = _DatasetKind.create_fetcher(
            self._dataset_kind, self._dataset, self._auto_collation, self._collate_fn, self._drop_last)

    def _next_data(self) -> Any:
        return self._dataset_fetcher.fetch(next(self._sampler_iter))


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Hands indices to worker processes ahead of time and gives their batches out in the sampler's order.

    `_task_info[i]` is (worker,) while batch i is awaited and (worker, batch) when it came before its turn.
    """

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        if loader.prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter")
        from headgate.utils.data._utils.processes import Crew

        self._prefetch_factor = loader.prefetch_factor
        self._in_order = loader.in_order
        self._shutdown = False
        self._crew = Crew(loader.multiprocessing_context, [
            Task(self._dataset_kind, self._dataset, self._auto_collation, self._collate_fn, self._drop_last,
                 self._base_seed, loader.worker_init_fn, number, self._num_workers)
            for number in range(self._num_workers)
        ])
        self._workers = self._crew.processes
        self._reset(loader, first_iter=True)

    def _reset(self, loader: Any, first_iter: bool = False) -> None:
        super()._reset(loader, first_iter)
        self._send_idx = 0  # the next batch to ask for
        self._rcvd_idx = 0  # the next batch to give out
        self._task_info: dict[int, tuple[Any, ...]] = {}
        self._workers_status = [True] * self._num_workers  # still has data this epoch
        self._workers_num_tasks = [0] * self._num_workers
        self._worker_queue_idx_cycle = itertools.cycle(range(self._num_workers))
        if not first_iter:
            self._resume()
        for _ in range(self._prefetch_factor * self._num_workers):
            self._try_put_index()

    def _send(self, number: int, message: Any) -> None:
        """Give a worker something to do; half a message, or a dead worker, ends them all."""
        try:
            self._crew.send(number, message)
        except BaseException:
            self._abandon()
            raise

    def _resume(self) -> None:
        """Tell persistent workers that an epoch begins, and wait until what they sent of the last one is read."""
        for number in range(self._num_workers):
            self._send(number, _ResumeIteration())
        waiting = self._num_workers
        while waiting:
            waiting -= isinstance(self._get_data()[0], _ResumeIteration)

    def _get_data(self) -> Any:
        """The next result of any worker. Whatever interrupts it ends the workers: half a message may have been read."""
        try:
            return self._crew.receive(self._timeout or None)
        except TimeoutError:
            self._abandon()
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None
        except BaseException:
            self._abandon()
            raise

    def _next_data(self) -> Any:
        while True:
            if self._shutdown or not self._skip_to_awaited():
                if not self._persistent_workers:
                    self._shutdown_workers()
                raise StopIteration
            self._check()
            if len(self._task_info[self._rcvd_idx]) == 2:
                number, data = self._task_info.pop(self._rcvd_idx)
                self._rcvd_idx += 1
                return self._process_data(data, number)
            index, data = self._get_data()
            if isinstance(data, _IterableDatasetStopIteration):
                self._worker_ended(data.worker_id)
            elif index == self._rcvd_idx or not self._in_order:
                self._rcvd_idx += index == self._rcvd_idx
                return self._process_data(data, self._task_info.pop(index)[0])
            else:
                self._task_info[index] += (data,)

    def _check(self) -> None:
        """RuntimeError if a worker died, even where the next batch is already here."""
        try:
            self._crew.check()
        except BaseException:
            self._abandon()
            raise

    def _skip_to_awaited(self) -> bool:
        """Pass over batches that an exhausted worker will not send; False if nothing is left to wait for."""
        while self._rcvd_idx < self._send_idx:
            info = self._task_info.get(self._rcvd_idx)
            if info is not None:
                if len(info) == 2 or self._workers_status[info[0]]:
                    return True
                del self._task_info[self._rcvd_idx]
            self._rcvd_idx += 1
        return False

    def _worker_ended(self, number: int) -> None:
        """One worker's copy of an iterable dataset is exhausted."""
        self._workers_status[number] = False
        if not self._persistent_workers:
            self._crew.dismiss(number)
        self._try_put_index()

    def _try_put_index(self) -> None:
        """Ask the next worker in turn for one more batch, if there is one to ask for."""
        try:
            index = next(self._sampler_iter)
        except StopIteration:
            return
        room = self._prefetch_factor * self._num_workers // max(sum(self._workers_status), 1)
        for _ in range(self._num_workers):
            number = next(self._worker_queue_idx_cycle)
            if self._workers_status[number] and (self._in_order or self._workers_num_tasks[number] < room):
                break
        else:
            return
        self._send(number, (self._send_idx, index))
        self._task_info[self._send_idx] = (number,)
        self._workers_num_tasks[number] += 1
        self._send_idx += 1

    def _process_data(self, data: Any, number: int) -> Any:
        self._workers_num_tasks[number] -= 1
        self._try_put_index()
        if isinstance(data, ExceptionWrapper):
            data.reraise()
        return data

    def _abandon(self) -> None:
        """End the workers without waiting for those that are busy: something went wrong."""
        from headgate.utils.data._utils.processes import IMPATIENT

        self._shutdown = True
        self._crew.close(IMPATIENT)

    def _shutdown_workers(self) -> None:
        """End the workers."""
        self._shutdown = True
        crew = vars(self).get("_crew")
        if crew is not None:
            crew.close()

    def __del__(self) -> None:
        self._shutdown_workers()
