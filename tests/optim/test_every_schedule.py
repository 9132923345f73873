"""Every schedule and every keyword of it beside PyTorch: rates, momenta, attributes, states saved midway, going on from
an epoch, and the class of the error for what is no value of an option.
"""

import copy
import inspect
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import headgate

BOTH = (headgate, torch)


def chained(t: Any, optimizer: Any) -> list[Any]:
    s = t.optim.lr_scheduler
    return [s.ConstantLR(optimizer, 0.5, 2), s.ExponentialLR(optimizer, 0.9)]


def three(t: Any, optimizer: Any) -> list[Any]:
    return [*chained(t, optimizer), t.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)]


def half(_: int) -> float:
    return 0.5


class Made:
    """A value that needs the library and the optimizer."""

    def __init__(self, make: Any) -> None:
        self.make = make

    def __repr__(self) -> str:
        return getattr(self.make, "__name__", "made")


#: class -> (what it cannot do without, values of each keyword).
TABLE: dict[str, tuple[dict[str, Any], dict[str, list[Any]]]] = {
    "LambdaLR": ({"lr_lambda": lambda e: 0.9**e}, {"lr_lambda": [lambda e: 1 / (1 + e), [lambda e: 0.5, lambda e: e]]}),
    "MultiplicativeLR": ({"lr_lambda": lambda e: 0.95}, {"lr_lambda": [lambda e: 1 / (1 + e), [lambda e: 1, half]]}),
    "StepLR": ({"step_size": 3}, {"step_size": [1, 4], "gamma": [0.5, 1.5, 0]}),
    "MultiStepLR": ({"milestones": [2, 5]}, {"milestones": [[1, 1, 4], (6,), []], "gamma": [0.5, 2]}),
    "ConstantLR": ({}, {"factor": [0.25, 1.0], "total_iters": [0, 1, 8]}),
    "LinearLR": ({}, {"start_factor": [0.1, 1.0], "end_factor": [0.0, 0.5], "total_iters": [1, 8]}),
    "ExponentialLR": ({"gamma": 0.9}, {"gamma": [0.5, 1.1, 0]}),
    "PolynomialLR": ({}, {"total_iters": [1, 8], "power": [2.0, 0.5]}),
    "CosineAnnealingLR": ({"T_max": 5}, {"T_max": [1, 3, 20], "eta_min": [0.01, 0.3]}),
    "CosineAnnealingWarmRestarts": ({"T_0": 3}, {"T_0": [1, 5], "T_mult": [2, 3], "eta_min": [0.01, 1]}),
    "CyclicLR": ({"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3}, {
        "base_lr": [0.0, [0.01, 0.02]], "max_lr": [0.2, (0.1, 0.3)], "step_size_up": [1, 5], "step_size_down": [1, 6],
        "mode": ["triangular2", "exp_range"], "gamma": [0.9], "scale_fn": [lambda x: 0.5**x],
        "scale_mode": ["iterations"], "cycle_momentum": [False], "base_momentum": [0.5, [0.6, 0.7]],
        "max_momentum": [0.95, [0.9, 0.99]]}),
    "OneCycleLR": ({"max_lr": 0.4, "total_steps": 20}, {
        "max_lr": [[0.4, 0.2]], "total_steps": [16], "epochs": [4], "steps_per_epoch": [5], "pct_start": [0.5, 0.1],
        "anneal_strategy": ["linear"], "cycle_momentum": [False], "base_momentum": [0.5, [0.6, 0.7]],
        "max_momentum": [0.99, [0.9, 0.95]], "div_factor": [2.0], "final_div_factor": [10.0], "three_phase": [True]}),
    "SequentialLR": ({"schedulers": Made(chained), "milestones": [4]}, {
        "schedulers": [Made(three)], "milestones": [[1], [12]]}),
    "ChainedScheduler": ({"schedulers": Made(chained)}, {
        "schedulers": [Made(three)], "optimizer": [Made(lambda t, optimizer: optimizer)]}),
    "ReduceLROnPlateau": ({"patience": 1}, {
        "mode": ["max"], "factor": [0.5, 0.0], "patience": [0, 3], "threshold": [0.3], "threshold_mode": ["abs"],
        "cooldown": [2], "min_lr": [0.2, [0.3, 0.01]], "eps": [0.03]}),
    "SWALR": ({"swa_lr": 0.05}, {"swa_lr": [[0.05, 0.02], 1], "anneal_epochs": [0, 3], "anneal_strategy": ["linear"]}),
}  # fmt: skip
#: What a keyword needs beside it to be seen, or to be allowed.
BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("CyclicLR", "gamma"): {"mode": "exp_range"}, ("CyclicLR", "scale_mode"): {"scale_fn": lambda x: 0.5**x},
    ("OneCycleLR", "epochs"): {"total_steps": None, "steps_per_epoch": 5},
    ("OneCycleLR", "steps_per_epoch"): {"total_steps": None, "epochs": 4}, ("SequentialLR", "schedulers"): {
        "milestones": [2, 5]},
}  # fmt: skip
#: Schedules that cannot be told an epoch to go on from, by PyTorch's own rules.
NEVER_RESUMED = {"ChainedScheduler", "ReduceLROnPlateau"}


def keywords(name: str) -> list[str]:
    """All but the optimizer that every schedule takes first, and `last_epoch`, which has tests of its own."""
    first = () if name == "ChainedScheduler" else ("optimizer",)
    return [key for key in inspect.signature(kind_of(torch, name)).parameters if key not in (*first, "last_epoch")]


def kind_of(t: Any, name: str) -> Any:
    return getattr(t.optim.swa_utils if name == "SWALR" else t.optim.lr_scheduler, name)


def optimizer_of(t: Any, name: str, tensors: bool = False) -> Any:
    params = [t.ones(2, requires_grad=True), t.ones(1, requires_grad=True)]
    rates = [t.tensor(0.5), t.tensor(0.05)] if tensors else [0.5, 0.05]
    options = {"SGD": {"momentum": 0.9}, "AdamW": {"betas": (0.8, 0.99)}, "RMSprop": {"momentum": 0.1}}.get(name, {})
    groups = [{"params": [param], "lr": rate} for param, rate in zip(params, rates)]
    return getattr(t.optim, name)(groups, lr=rates[0], **options)


def make(t: Any, name: str, optimizer: Any, options: dict[str, Any]) -> Any:
    given = {key: value.make(t, optimizer) if isinstance(value, Made) else value for key, value in options.items()}
    first = {} if name == "ChainedScheduler" else {"optimizer": optimizer}
    return kind_of(t, name)(**first, **given)


def plain(value: Any) -> Any:
    """Numbers and texts of what may hold tensors and functions."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if callable(value) and not hasattr(value, "detach"):
        return "a function"
    return value.item() if hasattr(value, "item") else value


def reading(optimizer: Any, schedule: Any) -> dict[str, Any]:
    """What a schedule left in the groups, and what it says of itself."""
    groups = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    last = schedule.get_last_lr() if hasattr(schedule, "_last_lr") else None
    return plain({"groups": groups, "last": last, "state": schedule.state_dict()})


def walk(optimizer: Any, schedule: Any, steps: int, start: int = 0) -> list[Any]:
    metrics = np.random.default_rng(start).random(steps)
    path = [reading(optimizer, schedule)]
    for metric in metrics:
        optimizer.step()
        schedule.step(*([metric] if type(schedule).__name__ == "ReduceLROnPlateau" else []))
        path.append(reading(optimizer, schedule))
    return path


def cases(name: str) -> list[dict[str, Any]]:
    needed, values = TABLE[name]
    return [needed] + [{**needed, **BESIDE.get((name, key), {}), key: value} for key in values for value in values[key]]


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("kind, tensors", [("SGD", False), ("Adam", False), ("RMSprop", False), ("AdamW", True)])
def test_every_keyword(name: str, kind: str, tensors: bool) -> None:
    for options in cases(name):
        paths, said = [], []
        for t in BOTH:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                optimizer = optimizer_of(t, kind, tensors)
                paths.append(walk(optimizer, make(t, name, optimizer, options), 12))
            said.append([str(one.message)[:50] for one in caught])
        assert said[0] == said[1], f"{name} {options}"
        for step, (mine, theirs) in enumerate(zip(*paths, strict=True)):
            if tensors:
                assert close(mine, theirs), f"{name} {options} {step}"
            else:
                assert mine == theirs, f"{name} {options} {step}"


def close(mine: Any, theirs: Any) -> bool:
    """Equal but for the last bits of single precision."""
    if isinstance(theirs, dict):
        return list(mine) == list(theirs) and all(close(mine[key], theirs[key]) for key in theirs)
    if isinstance(theirs, list):
        return len(mine) == len(theirs) and all(map(close, mine, theirs))
    if isinstance(theirs, float) and not isinstance(mine, str):
        return bool(np.isclose(mine, theirs, rtol=1e-5, atol=1e-8))
    return bool(mine == theirs)


@pytest.mark.parametrize("name", TABLE)
def test_every_state_goes_both_ways(name: str) -> None:
    for options in cases(name):
        for source, target in (BOTH, BOTH[::-1]):
            first, second = optimizer_of(source, "SGD"), optimizer_of(target, "SGD")
            schedule, other = make(source, name, first, options), make(target, name, second, options)
            walk(first, schedule, 5)
            other.load_state_dict(copy.deepcopy(schedule.state_dict()))
            second.load_state_dict(first.state_dict())
            assert walk(first, schedule, 6, 1) == walk(second, other, 6, 1), f"{name} {options}"


@pytest.mark.parametrize("name", [name for name in TABLE if name not in NEVER_RESUMED])
@pytest.mark.parametrize("epoch", [0, 3])
def test_every_schedule_goes_on_from_an_epoch(name: str, epoch: int) -> None:
    needed = {"SequentialLR": {"schedulers": Made(three), "milestones": [2, 6]}}.get(name, TABLE[name][0])
    paths = []
    for t in BOTH:
        optimizer = optimizer_of(t, "SGD")
        if name in ("CyclicLR", "OneCycleLR", "SWALR"):
            made = make(t, name, optimizer, needed)
            walk(optimizer, made, epoch)
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        paths.append(walk(optimizer, make(t, name, optimizer, {**needed, "last_epoch": epoch}), 6))
    assert paths[0] == paths[1]


@pytest.mark.parametrize("name", [name for name in TABLE if name not in (*NEVER_RESUMED, "SequentialLR")])
def test_every_closed_form(name: str) -> None:
    """`step(epoch)` warns and takes the closed form where there is one."""
    found = []
    for t in BOTH:
        optimizer = optimizer_of(t, "SGD")
        schedule = make(t, name, optimizer, TABLE[name][0])
        optimizer.step()
        path = []
        for epoch in (4, 1, 9):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                schedule.step(epoch)
            path.append((reading(optimizer, schedule), [str(one.message)[:50] for one in caught]))
        found.append(path)
    assert found[0] == found[1]


BAD: dict[str, Any] = {
    "-1": lambda t: -1, "0": lambda t: 0, "2": lambda t: 2, "2.5": lambda t: 2.5, "text": lambda t: "x",
    "None": lambda t: None, "[]": lambda t: [], "three": lambda t: [0.1, 0.2, 0.3], "wide": lambda t: t.ones(3),
    "tensor": lambda t: t.tensor(0.5), "function": lambda t: len,
}  # fmt: skip


def error_of(t: Any, name: str, options: dict[str, Any]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            optimizer = optimizer_of(t, "SGD")
            walk(optimizer, make(t, name, optimizer, options), 3)
        except Exception as error:
            return type(error).__name__
    return ""


@pytest.mark.parametrize("name", TABLE)
def test_bad_values_raise_errors_of_the_same_class(name: str) -> None:
    refused = 0
    for key in keywords(name):
        for word, value in BAD.items():
            needed = {**TABLE[name][0], **BESIDE.get((name, key), {})}
            mine, theirs = (error_of(t, name, {**needed, key: value(t)}) for t in BOTH)
            assert mine == theirs, f"{name}({key}={word}): {mine or 'nothing'}, PyTorch {theirs or 'nothing'}"
            refused += bool(theirs)
    assert refused > 3
    for t in BOTH:
        with pytest.raises((TypeError, AttributeError)):
            kind_of(t, name)(3, **{key: value for key, value in TABLE[name][0].items() if not isinstance(value, Made)})


def test_every_schedule_and_keyword_is_in_the_table() -> None:
    for module in ("lr_scheduler", "swa_utils"):
        mine, theirs = getattr(headgate.optim, module), getattr(torch.optim, module)
        for name, kind in vars(theirs).items():
            if inspect.isclass(kind) and issubclass(kind, torch.optim.lr_scheduler.LRScheduler):
                assert name in TABLE or name in ("LRScheduler", "_LRScheduler"), name
        assert [name for name in theirs.__all__ if not hasattr(mine, name)] == []
    for name, (needed, values) in TABLE.items():
        parameters = inspect.signature(kind_of(torch, name)).parameters
        assert list(inspect.signature(kind_of(headgate, name)).parameters) == list(parameters)
        for key in keywords(name):
            usual = needed.get(key, parameters[key].default)
            assert [one for one in values.get(key, []) if one is not usual and one != usual], f"{name}: {key}"
