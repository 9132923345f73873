"""A worker process of a loader: seeds itself, waits for indices, fetches, and sends batches back in that order.

One connection both ways joins it to the loader; when that closes, for whatever reason, the worker ends. Results leave
through a thread, so that the worker goes on while the loader does not read. Knows nothing of the loader's own state.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from headgate.core.entry import PUBLIC
from headgate.utils.data._utils.failure import ExceptionWrapper

CHECK_INTERVAL = 5.0  # seconds between looks at whether the loader's process still lives


@dataclass(frozen=True)
class WorkerInfo:
    """A worker's number, how many there are, its seed, and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str | None = "multiprocessing"


@dataclass(frozen=True)
class _IterableDatasetStopIteration:
    """In place of a batch: this worker's copy of the dataset is exhausted."""

    worker_id: int


@dataclass(frozen=True)
class _ResumeIteration:
    """To a worker: start a new epoch. From a worker: everything of the old one is sent."""

    seed: int | None = None


@dataclass(frozen=True)
class Task:
    """What a worker is made with."""

    kind: int
    dataset: Any
    auto_collation: bool
    collate_fn: Any
    drop_last: bool
    base_seed: int
    init_fn: Any
    id: int
    num_workers: int

    def fetcher(self) -> Any:
        """A fetcher of the worker's dataset, from its start."""
        from headgate.utils.data._utils.iterate import _DatasetKind

        return _DatasetKind.create_fetcher(
            self.kind, self.dataset, self.auto_collation, self.collate_fn, self.drop_last)


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process, its `WorkerInfo`; None elsewhere."""
    return _worker_info


def _generate_state(base_seed: int, worker_id: int) -> list[int]:
    """Four words that seed `numpy.random` in a worker: NumPy's own SeedSequence of the worker's number and the seed."""
    words = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    return [int(word) for word in np.random.SeedSequence(words).generate_state(4)]


def _prepare(task: Task) -> None:
    """Seeds and settings of a worker process, then the user's own."""
    global _worker_info
    import random

    PUBLIC["set_num_threads"](1)
    seed = task.base_seed + task.id
    random.seed(seed)
    PUBLIC["manual_seed"](seed)
    np.random.seed(_generate_state(task.base_seed, task.id))
    _worker_info = WorkerInfo(id=task.id, num_workers=task.num_workers, seed=seed, dataset=task.dataset)
    if task.init_fn is not None:
        task.init_fn(task.id)


class _Outbox:
    """Sends results in order from a thread. `broken` says that nobody reads them any more."""

    def __init__(self, connection: Any, where: str) -> None:
        import queue

        from headgate.utils.data._utils import channel

        self.connection = connection
        self.where = where
        self.sender, self.send = channel.Sender(), channel.send
        self.waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.broken = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def put(self, key: Any, value: Any) -> None:
        """Pack and queue one result; what cannot be packed is sent as the error that says so."""
        try:
            packed = self.sender.pack((key, value))
        except Exception:
            packed = self.sender.pack((key, _sendable_failure(self.where)))
        self.waiting.put(packed)

    def close(self) -> None:
        """Wait until everything is sent, or nobody reads."""
        self.waiting.put(None)
        self.thread.join()

    def _run(self) -> None:
        while (packed := self.waiting.get()) is not None:
            try:
                self.send(self.connection, packed)
            except OSError:
                self.broken = True
                return


def _sendable_failure(where: str) -> ExceptionWrapper:
    """The exception being handled; as a RuntimeError if its class cannot be found from another process."""
    import pickle

    failure = ExceptionWrapper(where=where)
    try:
        pickle.dumps(failure)
    except Exception:
        failure.exc_type = RuntimeError
    return failure


class _Worker:
    """What a worker process does between its start and its end."""

    def __init__(self, task: Task, connection: Any) -> None:
        self.task = task
        self.connection = connection
        self.where = f"in DataLoader worker process {task.id}"
        self.outbox = _Outbox(connection, self.where)
        self.parent = os.getppid()
        self.ended = False  # the iterable dataset's copy is exhausted
        self.failure: ExceptionWrapper | None = None
        self.fetcher: Any = None
        try:
            _prepare(task)
            self.fetcher = task.fetcher()
        except Exception:
            self.failure = _sendable_failure(self.where)

    def run(self) -> None:
        """Serve until the connection closes."""
        while not self.outbox.broken:
            if not self.connection.poll(CHECK_INTERVAL):
                if os.getppid() != self.parent:
                    return
                continue
            try:
                message = self.connection.recv()
            except (EOFError, OSError):
                return
            if isinstance(message, _ResumeIteration):
                self.resume(message)
            elif not self.ended:
                self.serve(*message)

    def resume(self, message: _ResumeIteration) -> None:
        """Begin a new epoch."""
        self.ended = False
        try:
            self.fetcher = self.task.fetcher()
        except Exception:
            self.failure = _sendable_failure(self.where)
        self.outbox.put(message, None)

    def serve(self, key: int, index: Any) -> None:
        """One batch, or the exception that came instead."""
        data: Any
        if self.failure is not None:
            data, self.failure = self.failure, None
        else:
            try:
                data = self.fetcher.fetch(index)
            except StopIteration:
                if self.task.kind == 1:
                    data = _IterableDatasetStopIteration(self.task.id)
                    self.ended = True
                else:
                    data = _sendable_failure(self.where)
            except Exception:
                data = _sendable_failure(self.where)
        self.outbox.put(key, data)


def _worker_loop(task: Task, connection: Any) -> None:
    """The whole life of a worker process."""
    try:
        worker = _Worker(task, connection)
        worker.run()
        worker.outbox.close()
    except KeyboardInterrupt:
        pass  # the loader's process gets it too, and says so
