"""The sampler of one process among several that share a dataset.

Headgate has no process groups, so both numbers must be given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from headgate.core.entry import PUBLIC
from headgate.ops.random import Generator
from headgate.utils.data.sampler import Sampler

NO_GROUP = "Requires distributed package to be available"


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th key, from `rank` on, of an order that all processes draw alike from seed + epoch.

    The order is filled up from its start, or with `drop_last` cut, until all get as many. RuntimeError where
    `num_replicas` or `rank` is not given (there are no process groups), ValueError for a rank outside them.
    """

    def __init__(
        self, dataset: Any, num_replicas: int | None = None, rank: int | None = None, shuffle: bool = True,
        seed: int = 0, drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError(NO_GROUP)
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas, self.rank = num_replicas, rank
        self.epoch = 0
        self.drop_last = drop_last
        short = len(dataset) - num_replicas if drop_last and len(dataset) % num_replicas else len(dataset)
        self.num_samples = math.ceil(short / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        order = list(range(len(self.dataset)))
        if self.shuffle:
            generator = Generator()
            generator.manual_seed(self.seed + self.epoch)
            order = PUBLIC["randperm"](len(self.dataset), generator=generator).tolist()
        if order and not self.drop_last:
            order = order * math.ceil(self.total_size / len(order))
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch is next, so that each has an order of its own."""
        self.epoch = epoch
