"""Datasets, collating and preparing functions for the loader's tests, importable from a spawned process too.

`torch` here is the library under test, by the name in HEADGATE_TEST_LIBRARY ("headgate" unless set).
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import random
import signal
import time
from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np

LIBRARY = os.environ.get("HEADGATE_TEST_LIBRARY", "headgate")
torch = importlib.import_module(LIBRARY)
data = importlib.import_module(LIBRARY + ".utils.data")
Point = namedtuple("Point", ["x", "y"])


class Squares(data.Dataset):
    """Key and square, as numbers or tensors."""

    def __init__(self, count: int = 10, tensors: bool = True) -> None:
        self.count, self.tensors = count, tensors

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return (torch.full((2, 3), float(index)), index) if self.tensors else (float(index), index)


class Structured(data.Dataset):
    """A sample of every kind of container."""

    def __len__(self) -> int:
        return 7

    def __getitem__(self, index: int) -> Any:
        return {
            "point": Point(float(index), np.float32(index)), "list": [index, torch.tensor(index)], "name": f"s{index}",
            "order": OrderedDict(a=np.arange(3) + index, b=(index > 2, b"x")), "number": np.int64(index),
        }


class Drawn(data.Dataset):
    """Random numbers of the three generators."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        return random.random(), np.random.rand(), torch.rand(2)


class Stream(data.IterableDataset):
    """Numbers from `start` to `end`; with `shard`, each worker reads its own part. `length` is what `len` says."""

    def __init__(self, start: int, end: int, shard: bool = False, length: int | None = None) -> None:
        self.start, self.end, self.shard, self.length = start, end, shard, length

    def __iter__(self) -> Any:
        info = data.get_worker_info()
        if info is None or not self.shard:
            return iter(range(self.start, self.end))
        return iter(range(self.start + info.id, self.end, info.num_workers))

    def __len__(self) -> int:
        if self.length is None:
            raise TypeError("no length")
        return self.length


class Uneven(data.IterableDataset):
    """Worker 0 has two samples, the others seven."""

    def __iter__(self) -> Any:
        info = data.get_worker_info()
        return iter([(info.id, i) for i in range(2 if info.id == 0 else 7)])


class Special(Exception):
    """Cannot be made from a text alone."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(one, two)


class Failing(data.Dataset):
    """Does something bad at key 5."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        if index == 5:
            if self.how == "value":
                raise ValueError("no five")
            if self.how == "key":
                raise KeyError("five")
            if self.how == "special":
                raise Special(1, 2)
            if self.how == "stop":
                raise StopIteration
            if self.how == "local":
                raise type("Local", (Exception,), {})("nowhere to be found")
            if self.how == "exit":
                os._exit(3)
            if self.how == "sleep":
                time.sleep(1000)
            faulthandler.disable()
            os.kill(os.getpid(), getattr(signal, self.how))
        return index


class Info(data.Dataset):
    """What a worker knows of itself."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        info = data.get_worker_info()
        return info.id, info.num_workers, info.seed, info.dataset is self, torch.initial_seed(), torch.get_num_threads()


def as_list(batch: Any) -> Any:
    """A collation that leaves samples as they are."""
    return batch


def noisy(worker: int) -> None:
    """A preparation that seeds by the worker's number."""
    torch.manual_seed(worker)
    random.seed(worker)
    np.random.seed(worker)


def refuse(worker: int) -> None:
    """A preparation that fails."""
    raise ValueError(f"worker {worker} will not")


def plain(value: Any) -> Any:
    """A value without its library: tensors as type and numbers, containers by class and member."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), value.requires_grad, value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(one) for one in value]
    return value
