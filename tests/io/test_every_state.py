"""States of every optimizer, schedule and many modules through files, both ways between the libraries; what the reader
of weights alone accepts and refuses, beside PyTorch's.
"""

from __future__ import annotations

import collections
import datetime
import inspect
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import headgate

sys.path.insert(0, str(Path(__file__).parent))
from test_files import as_arrays, through

WAYS = ((torch, headgate), (headgate, torch), (headgate, headgate))
OPTIMIZERS = [name for name, kind in vars(torch.optim).items() if inspect.isclass(kind) and name not in (
    "Optimizer", "SparseAdam")]  # fmt: skip
SCHEDULES: dict[str, dict[str, Any]] = {
    "StepLR": {"step_size": 2}, "MultiStepLR": {"milestones": [1, 2]}, "CosineAnnealingLR": {"T_max": 2},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 5}, "CyclicLR": {"base_lr": 0.1, "max_lr": 0.2},
    "ReduceLROnPlateau": {}, "LambdaLR": {"lr_lambda": lambda epoch: 1.0}, "LinearLR": {}, "PolynomialLR": {},
}  # fmt: skip


def stepped(t: Any, name: str) -> Any:
    """An optimizer after two steps; its rate a tensor where it takes one."""
    layer = t.nn.Linear(2, 2, bias=False)
    with t.no_grad():
        layer.weight.copy_(t.tensor([[1.0, 2.0], [3.0, -1.0]]))
    optimizer = getattr(t.optim, name)(layer.parameters(), lr=t.tensor(0.1) if name in ("SGD", "Adam") else 0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = layer(t.ones(1, 2)).square().sum()
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)
    return optimizer


def module(t: Any, name: str) -> Any:
    t.manual_seed(0)
    nn = t.nn
    made = {
        "norms": lambda: nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.LayerNorm(3)),
        "lstm": lambda: nn.LSTM(2, 3, 2, bidirectional=True), "attention": lambda: nn.MultiheadAttention(4, 2),
        "embedding": lambda: nn.Embedding(3, 2), "convolution": lambda: nn.Conv2d(2, 3, 3),
        "double": lambda: nn.Linear(2, 3).double(), "tied": lambda: nn.ModuleList([one := nn.Linear(2, 2), one]),
    }[name]()  # fmt: skip
    made.register_buffer("steps", t.tensor(3))
    made.register_buffer("none", t.zeros(0, 3))
    made.register_buffer("part", t.arange(10)[2:8:2])
    made.register_parameter("turned", nn.Parameter(t.arange(6.0).view(2, 3).t()))
    if name == "convolution":
        made.weight.data = made.weight.data.contiguous(memory_format=t.channels_last)
    return made


def check(value: Callable[[Any], Any]) -> None:
    """What one library writes is read by each as PyTorch reads its own."""
    expected = as_arrays(through(torch, torch, value(torch), weights_only=True))
    for source, target in WAYS:
        assert repr(as_arrays(through(source, target, value(source), weights_only=True))) == repr(expected)


@pytest.mark.parametrize("name", ["norms", "lstm", "attention", "embedding", "convolution", "double", "tied"])
def test_modules(name: str) -> None:
    check(lambda t: module(t, name).state_dict())
    for source, target in WAYS[:2]:
        other = module(target, name)
        result = other.load_state_dict(through(source, target, module(source, name).state_dict()))
        assert result.missing_keys == result.unexpected_keys == []


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str) -> None:
    for source, target in WAYS:
        state = stepped(source, name).state_dict()
        read = through(source, target, state, weights_only=True)
        assert repr(as_arrays(read)) == repr(as_arrays(state))
        if name != "LBFGS":  # whose differences of gradients, near the valley's floor, are rounding alone
            assert rounded(as_arrays(read)) == rounded(as_arrays(stepped(torch, name).state_dict()))
        fresh = stepped(target, name)
        fresh.load_state_dict(read)
        assert rounded(as_arrays(fresh.state_dict())) == rounded(as_arrays(state))


def rounded(value: Any) -> Any:
    """Numbers to six digits, which the two libraries share."""
    if isinstance(value, (list, tuple)):
        return [rounded(one) for one in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name: str) -> None:
    def state(t: Any) -> Any:
        optimizer = t.optim.SGD([t.ones(1, requires_grad=True)], lr=0.1, momentum=0.9)
        schedule = getattr(t.optim.lr_scheduler, name)(optimizer, **SCHEDULES[name])
        for _ in range(3):
            optimizer.step()
            schedule.step(*([0.5] if name == "ReduceLROnPlateau" else []))
        return {"schedule": schedule.state_dict(), "optimizer": optimizer.state_dict()}

    check(state)


def tied(t: Any) -> Any:
    weight = t.nn.Parameter(t.ones(2, 3))
    return {"a": weight, "b": weight, "c": weight.data, "d": weight.detach().t(), "e": weight.data[1]}


CONTENTS: dict[str, Callable[[Any], Any]] = {
    "tied": tied, "views": lambda t: [b := t.arange(12.0), b.view(3, 4).t(), b[3:], b[::2], b.view(3, 4)[1:, 1:]],
    "overlapping": lambda t: [t.arange(5).unfold(0, 3, 1), t.arange(5.0).as_strided((2, 2), (1, 1), 1)],
    "empty": lambda t: [t.empty(0), t.empty(2, 0, 3, dtype=t.int64), t.tensor(1.5), t.tensor(True)],
    "frozen": lambda t: [t.nn.Parameter(t.ones(2), requires_grad=False), t.ones(1, requires_grad=True)],
    "dictionaries": lambda t: {True: 1, None: 2, 1.5: 3, (1, (2,)): 4, b"x": 5, "": {}, t.Size([1]): 6},
    "numbers": lambda t: [10**40, -(10**40), float("inf"), -0.0, 1 + 2j, 2**31, -(2**31) - 1, True, None],
    "texts": lambda t: ["", "\ud800", "🙂", "a" * 70_000, b"\xff" * 70_000, bytearray(b"\0\xff")],
    "sizes": lambda t: [t.Size(), t.Size([1, 2]), t.float16, t.bfloat16, t.bool, t.device("cpu", 0), t.device("cpu")],
    "ordered": lambda t: collections.OrderedDict(a=collections.OrderedDict(b=[({"d": {2}},)])),
    "states": lambda t: [t.get_rng_state().shape, t.Generator().manual_seed(3).get_state().shape],
    "the same again": lambda t: (lambda one: [one, one, (one,)])([1]),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTENTS)
def test_contents(name: str) -> None:
    check(CONTENTS[name])


REFUSED = [frozenset({1}), range(3), ..., slice(1, 2), collections.deque([1]), datetime.date(2020, 1, 1),
           collections.defaultdict(list), len, Path("a")]  # fmt: skip


@pytest.mark.parametrize("value", REFUSED, ids=repr)
def test_what_pytorchs_reader_refuses_is_refused(value: Any) -> None:
    for target in (torch, headgate):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(Exception, match="Weights only load failed"):
                through(torch, target, [value], weights_only=True)
