"""Datasets and samplers beside PyTorch: what they give for keys, which order they draw, what they refuse.

Each case is an expression over the library `torch`; both libraries evaluate it after the same seed and must agree on
the value, or on the class and text of the error, on warnings, and on where the default generator stands afterwards.
"""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch

import headgate
import headgate.utils.data


def plain(value: Any) -> Any:
    """A value without its library: tensors as type and numbers, containers by member."""
    if hasattr(value, "tolist"):
        return "tensor", str(getattr(value, "dtype", "")), value.tolist()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(one) for one in value]
    return value


def outcome(library: Any, text: str) -> Any:
    """Everything that an expression shows: value or error, warnings, and the default generator's next number."""
    names = {"torch": library, "D": library.utils.data, "G": lambda n: library.Generator().manual_seed(n)}
    library.manual_seed(7)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = plain(eval(text, {**globals(), **names}))
        except Exception as error:
            result = type(error), str(error).replace("headgate", "torch")
    return result, [(one.category, str(one.message)) for one in caught], library.randint(10**6, (1,)).item()


class WithItems:
    """Keys that come in batches."""

    def __init__(self, short: bool = False) -> None:
        self.short = short

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> int:
        return index

    def __getitems__(self, indices: list[int]) -> list[int]:
        return [10 * index for index in indices][: -1 if self.short else None]


CASES = """\
len(D.TensorDataset(torch.arange(6), torch.zeros(6, 2)))
D.TensorDataset(torch.arange(6), torch.arange(12).view(6, 2))[3]
D.TensorDataset(torch.arange(6))[-2]
D.TensorDataset(torch.arange(6))[6]
D.TensorDataset(torch.arange(6))[1:4]
D.TensorDataset(torch.arange(6))[[1, 4]]
D.TensorDataset(torch.arange(6), torch.arange(5))
len(D.TensorDataset())
D.TensorDataset(torch.tensor(1))
D.Dataset()[0]
len(D.Dataset())
(D.TensorDataset(torch.arange(3)) + D.TensorDataset(torch.arange(3, 6)))[4]
D.StackDataset(range(3), range(3, 6))[1]
D.StackDataset(a=range(3), b=range(3, 6))[1]
D.StackDataset(range(3), WithItems())[0]
D.StackDataset(range(6), WithItems()).__getitems__([1, 2])
D.StackDataset(a=range(6), b=WithItems()).__getitems__([1, 2])
D.StackDataset(range(6), WithItems(True)).__getitems__([1, 2])
D.StackDataset(range(3), a=range(3))
D.StackDataset()
len(D.StackDataset(range(4)))
[D.ConcatDataset([range(3), range(10, 12)])[i] for i in (0, 2, 3, 4, -1, -5)]
D.ConcatDataset([range(3), range(10, 12)])[5]
D.ConcatDataset([range(3), range(10, 12)])[-6]
D.ConcatDataset([])
D.ConcatDataset([range(3), range(10, 12)]).cummulative_sizes
D.ConcatDataset([D.ChainDataset([])])
list(D.ChainDataset([range(3)]))
len(D.ChainDataset([range(3)]))
[D.Subset(range(10, 20), [4, 2, 9])[i] for i in range(3)]
D.Subset(range(10, 20), [4, 2, 9])[3]
len(D.Subset(range(10, 20), [4, 2, 9]))
D.Subset(torch.arange(10, 20), [4, 2, 9])[[0, 2]]
D.Subset(WithItems(), [4, 2, 1]).__getitems__([0, 1])
D.Subset(range(10), [4, 2, 1]).__getitems__([0, 1])
type("Own", (D.Subset,), {"__getitem__": lambda self, i: 0})(range(3), [0])
[s.indices for s in D.random_split(range(10), [3, 7])]
[s.indices for s in D.random_split(range(10), [3, 7], generator=G(3))]
[s.indices for s in D.random_split(range(10), [3, 7], generator=None)]
[s.indices for s in D.random_split(range(11), [0.3, 0.3, 0.4])]
[s.indices for s in D.random_split(range(2), [0.1, 0.1, 0.8])]
[s.indices for s in D.random_split(range(1), [1])]
D.random_split(range(10), [3, 6])
D.random_split(range(10), [1.5, -0.5])
D.random_split(range(10), [0.5, 0.6])
list(D.SequentialSampler(range(4))), len(D.SequentialSampler(range(4)))
list(D.RandomSampler(range(9)))
list(D.RandomSampler(range(9), generator=G(5)))
list(D.RandomSampler(range(9), num_samples=22))
list(D.RandomSampler(range(9), num_samples=4)), len(D.RandomSampler(range(9), num_samples=4))
list(D.RandomSampler(range(9), replacement=True, num_samples=70))
list(D.RandomSampler(range(9), True, 64, G(2)))
iter(D.RandomSampler(range(9))) and None
D.RandomSampler(range(9), replacement=1)
D.RandomSampler(range(9), num_samples=0)
D.RandomSampler(range(9), num_samples=1.5)
D.RandomSampler([])
list(D.SubsetRandomSampler([3, 5, 9, 11])), len(D.SubsetRandomSampler("abc"))
list(D.SubsetRandomSampler([3, 5, 9, 11], generator=G(1)))
list(D.WeightedRandomSampler([0.1, 0.9, 0.4, 0.7, 3.0, 0.6], 5, replacement=True))
list(D.WeightedRandomSampler([0.9, 0.4, 0.05, 0.2, 0.3, 0.1], 5, replacement=False, generator=G(4)))
D.WeightedRandomSampler([[0.9, 0.4]], 5)
D.WeightedRandomSampler([0.9, 0.4], True)
D.WeightedRandomSampler([0.9, 0.4], 2, 1)
list(D.WeightedRandomSampler([0.9, 0.4], 5, replacement=False))
list(D.BatchSampler(D.SequentialSampler(range(10)), 3, False))
list(D.BatchSampler(D.RandomSampler(range(10)), 3, True))
list(D.BatchSampler("abcde", 2, False)), len(D.BatchSampler("abcde", 2, False)), len(D.BatchSampler("abcde", 2, True))
D.BatchSampler(range(3), 0, False)
D.BatchSampler(range(3), True, False)
D.BatchSampler(range(3), 2, 0)
list(D.Sampler())
[list(D.DistributedSampler(range(10), 3, r)) for r in range(3)]
[list(D.DistributedSampler(range(10), 3, r, drop_last=True, seed=4)) for r in range(3)]
[list(D.DistributedSampler(range(2), 5, r, shuffle=False)) for r in range(5)], len(D.DistributedSampler(range(7), 2, 0))
(lambda s: (s.set_epoch(2), list(s)))(D.DistributedSampler(range(10), 2, 1))
D.DistributedSampler(range(10), 3, 3)
D.Dataset[int], D.Sampler[int], D.DataLoader[int]
"""


@pytest.mark.parametrize("text", CASES.splitlines())
def test_as_in_torch(text: str) -> None:
    if "[int]" in text:
        eval(text, {"D": headgate.utils.data})
        return
    assert outcome(headgate, text) == outcome(torch, text)


def test_no_process_groups() -> None:
    with pytest.raises(RuntimeError, match="Requires distributed package to be available"):
        headgate.utils.data.DistributedSampler(range(3))


def test_random_split_takes_its_numbers_when_it_is_called() -> None:
    split = headgate.utils.data.random_split(range(20), [0.5, 0.5], generator=headgate.Generator().manual_seed(1))
    again = headgate.utils.data.random_split(range(20), [0.5, 0.5], generator=headgate.Generator().manual_seed(1))
    assert split[0].indices == again[0].indices
    assert sorted(split[0].indices + split[1].indices) == list(range(20))


def test_a_sampler_draws_at_the_first_next() -> None:
    headgate.manual_seed(0)
    before = headgate.get_rng_state().tolist()
    keys = iter(headgate.utils.data.RandomSampler(range(5)))
    assert headgate.get_rng_state().tolist() == before
    next(keys)
    assert headgate.get_rng_state().tolist() != before
