"""Every schedule beside PyTorch: rates and momenta step by step, closed forms, state_dicts, warnings, errors."""

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import headgate

BOTH = (headgate, torch)


def optimizer_of(lib: Any, name: str = "SGD", lr: Any = 0.5) -> Any:
    params = [lib.ones(2, requires_grad=True), lib.ones(1, requires_grad=True)]
    groups = [{"params": [params[0]]}, {"params": [params[1]], "lr": 0.05 if not hasattr(lr, "clone") else lr.clone()}]
    options = {"momentum": 0.9} if name == "SGD" else {}
    return getattr(lib.optim, name)(groups, lr=lr, **options)


class Halving:
    """A function that is an object, so that its attributes are saved."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, epoch: int) -> float:
        return self.factor**epoch


def sequence(s: Any, o: Any, last: int = 7) -> Any:
    return s.SequentialLR(o, [s.ConstantLR(o, 0.1, 3), s.LinearLR(o, 0.5, 1.0, 3), s.ExponentialLR(o, 0.9)], [3, last])


MADE: dict[str, Callable[[Any, Any], Any]] = {
    "lambda": lambda s, o: s.LambdaLR(o, lambda epoch: 0.9**epoch),
    "lambdas": lambda s, o: s.LambdaLR(o, [lambda epoch: 1 / (1 + epoch), Halving(0.5)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, [lambda epoch: 0.95, Halving(0.9)]),
    "step": lambda s, o: s.StepLR(o, 3, gamma=0.3),
    "milestones": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 9], gamma=0.5),
    "constant": lambda s, o: s.ConstantLR(o, factor=0.25, total_iters=4),
    "linear": lambda s, o: s.LinearLR(o, start_factor=0.1, end_factor=0.8, total_iters=6),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.8),
    "polynomial": lambda s, o: s.PolynomialLR(o, total_iters=8, power=2.0),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, T_max=5, eta_min=0.01),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2, eta_min=0.001),
    "restarts alike": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=4),
    "cyclic": lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=4, step_size_down=3),
    "cyclic 2": lambda s, o: s.CyclicLR(o, [0.01, 0.02], [0.1, 0.3], step_size_up=3, mode="triangular2"),
    "cyclic exp": lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=3, mode="exp_range", gamma=0.9),
    "cyclic own": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 2, scale_fn=Halving(0.7), scale_mode="iterations",
                                          cycle_momentum=False),
    "one cycle": lambda s, o: s.OneCycleLR(o, 0.4, total_steps=20),
    "one cycle linear": lambda s, o: s.OneCycleLR(o, [0.4, 0.2], epochs=4, steps_per_epoch=5, three_phase=True,
                                                  anneal_strategy="linear", pct_start=0.4),
    "chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)], optimizer=o),
    "sequence": sequence,
    "nested": lambda s, o: s.SequentialLR(o, [sequence(s, o, 5), s.StepLR(o, 2)], [9]),
}  # fmt: skip


def plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value.item() if hasattr(value, "item") else value


def reading(optimizer: Any, scheduler: Any) -> list[Any]:
    momenta = [group.get("momentum", group.get("betas")) for group in optimizer.param_groups]
    return plain([[group["lr"] for group in optimizer.param_groups], scheduler.get_last_lr(), momenta])


def walk(optimizer: Any, scheduler: Any, steps: int) -> list[Any]:
    path = [reading(optimizer, scheduler)]
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
        path.append(reading(optimizer, scheduler))
    return path


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_rates_step_by_step(name: str, optimizer: str) -> None:
    paths = []
    for lib in BOTH:
        made = optimizer_of(lib, optimizer)
        paths.append(walk(made, MADE[name](lib.optim.lr_scheduler, made), 16))
    assert paths[0] == paths[1]


@pytest.mark.parametrize("name", [name for name in MADE if name not in ("sequence", "nested")])
def test_rates_that_are_tensors(name: str) -> None:
    paths = []
    for lib in BOTH:
        made = optimizer_of(lib, "SGD", lib.tensor(0.5))
        held = made.param_groups[0]["lr"]
        paths.append(walk(made, MADE[name](lib.optim.lr_scheduler, made), 9))
        assert made.param_groups[0]["lr"] is held
    assert np.allclose(np.array(paths[0], float), np.array(paths[1], float), rtol=1e-5)


@pytest.mark.parametrize("name", MADE)
def test_state_dicts_go_both_ways(name: str) -> None:
    for source, target in ((headgate, torch), (torch, headgate)):
        first = optimizer_of(source)
        schedule = MADE[name](source.optim.lr_scheduler, first)
        walk(first, schedule, 6)
        second = optimizer_of(target)
        other = MADE[name](target.optim.lr_scheduler, second)
        saved = schedule.state_dict()
        assert saved.keys() == other.state_dict().keys()
        other.load_state_dict(copy.deepcopy(saved))
        for group, given in zip(second.param_groups, first.param_groups):
            group.update({key: value for key, value in given.items() if key != "params"})
        assert walk(first, schedule, 6)[1:] == walk(second, other, 6)[1:]


@pytest.mark.parametrize("name", ["step", "milestones", "constant", "linear", "exponential", "polynomial", "cosine",
                                  "lambda", "restarts"])  # fmt: skip
def test_a_given_epoch_takes_the_closed_form(name: str) -> None:
    paths = []
    for lib in BOTH:
        made = optimizer_of(lib)
        schedule = MADE[name](lib.optim.lr_scheduler, made)
        made.step()
        path = []
        for epoch in (4, 2, 11):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                schedule.step(epoch)
            path.append((reading(made, schedule), [str(one.message)[:40] for one in caught]))
        paths.append(path)
    assert paths[0] == paths[1]


@pytest.mark.parametrize("name", ["lambda", "step", "cosine", "linear", "exponential", "polynomial"])
def test_going_on_from_an_epoch(name: str) -> None:
    kinds = {
        "lambda": ("LambdaLR", (lambda epoch: 0.9**epoch,)), "step": ("StepLR", (3,)), "linear": ("LinearLR", ()),
        "cosine": ("CosineAnnealingLR", (5,)), "exponential": ("ExponentialLR", (0.8,)), "polynomial": ("PolynomialLR",
                                                                                                       ()),
    }  # fmt: skip
    paths = []
    for lib in BOTH:
        made = optimizer_of(lib)
        kind, options = kinds[name]
        with pytest.raises(KeyError, match="param 'initial_lr' is not specified in param_groups"):
            getattr(lib.optim.lr_scheduler, kind)(made, *options, last_epoch=3)
        for group in made.param_groups:
            group["initial_lr"] = group["lr"]
        paths.append(walk(made, getattr(lib.optim.lr_scheduler, kind)(made, *options, last_epoch=3), 6))
    assert paths[0] == paths[1]


@pytest.mark.parametrize("options", [
    {}, {"mode": "max", "patience": 1, "cooldown": 2}, {"threshold_mode": "abs", "threshold": 0.05, "patience": 0},
    {"min_lr": [0.2, 0.01], "factor": 0.5, "patience": 1}, {"patience": 0, "eps": 0.03, "mode": "max",
                                                          "threshold_mode": "abs"},
])  # fmt: skip
def test_plateaus(options: dict[str, Any]) -> None:
    metrics = np.random.default_rng(0).random(30)
    paths = []
    for lib in BOTH:
        made = optimizer_of(lib)
        schedule = lib.optim.lr_scheduler.ReduceLROnPlateau(made, **{"patience": 3, **options})
        path = []
        for place, metric in enumerate(metrics):
            schedule.step(lib.tensor(metric) if place % 2 else metric)
            path.append((reading(made, schedule), schedule.num_bad_epochs, schedule.best, schedule.in_cooldown))
            if place == 14:
                saved = schedule.state_dict()
                schedule = lib.optim.lr_scheduler.ReduceLROnPlateau(made)
                schedule.load_state_dict(saved)
        paths.append((path, sorted(schedule.state_dict())))
    assert paths[0] == paths[1]


def messages(action: Callable[[Any], Any], lib: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action(lib)
    return [str(one.message)[:50] for one in caught]


def too_early(lib: Any) -> None:
    lib.optim.lr_scheduler.StepLR(optimizer_of(lib), 3).step()


def overridden(lib: Any) -> None:
    made = optimizer_of(lib)
    schedule = lib.optim.lr_scheduler.StepLR(made, 3)
    made.step = lambda: None
    schedule.step()


def asked(lib: Any) -> None:
    lib.optim.lr_scheduler.StepLR(optimizer_of(lib), 3).get_lr()


def in_order(lib: Any) -> None:
    made = optimizer_of(lib)
    schedules = [lib.optim.lr_scheduler.StepLR(made, 3), lib.optim.lr_scheduler.ExponentialLR(made, 0.9)]
    for _ in range(3):
        made.step()
        for schedule in schedules:
            schedule.step()


@pytest.mark.parametrize("action, count", [(too_early, 1), (overridden, 1), (asked, 1), (in_order, 0)])
def test_warnings(action: Callable[[Any], Any], count: int) -> None:
    found = messages(action, headgate)
    assert len(found) == count
    assert found == messages(action, torch)


def plateau_in_sequence(s: Any, o: Any) -> Any:
    return s.SequentialLR(o, [s.ReduceLROnPlateau(o), s.StepLR(o, 1)], [2])


REFUSED: dict[str, Callable[[Any, Any], Any]] = {
    "no optimizer": lambda s, o: s.StepLR(3, 1),
    "no optimizer cyclic": lambda s, o: s.CyclicLR(3, 0.1, 0.2),
    "no optimizer plateau": lambda s, o: s.ReduceLROnPlateau(3),
    "lambdas": lambda s, o: s.LambdaLR(o, [lambda epoch: 1.0]),
    "no function": lambda s, o: s.MultiplicativeLR(o, 3),
    "constant": lambda s, o: s.ConstantLR(o, factor=2.0),
    "linear start": lambda s, o: s.LinearLR(o, start_factor=0.0),
    "linear end": lambda s, o: s.LinearLR(o, end_factor=-1.0),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=0),
    "restarts growth": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=2, T_mult=1.5),
    "restarts back": lambda s, o: s.CosineAnnealingWarmRestarts(o, T_0=2).step(-1),
    "cyclic mode": lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="square"),
    "cyclic lengths": lambda s, o: s.CyclicLR(o, [0.1], 0.2),
    "one cycle": lambda s, o: s.OneCycleLR(o, 0.1),
    "one cycle steps": lambda s, o: s.OneCycleLR(o, 0.1, total_steps=0),
    "one cycle epochs": lambda s, o: s.OneCycleLR(o, 0.1, epochs=2.5, steps_per_epoch=1),
    "one cycle part": lambda s, o: s.OneCycleLR(o, 0.1, total_steps=5, pct_start=2),
    "one cycle way": lambda s, o: s.OneCycleLR(o, 0.1, total_steps=5, anneal_strategy="square"),
    "one cycle end": lambda s, o: walk(o, s.OneCycleLR(o, 0.1, total_steps=5), 7),
    "plateau factor": lambda s, o: s.ReduceLROnPlateau(o, factor=1.0),
    "plateau mode": lambda s, o: s.ReduceLROnPlateau(o, mode="mid"),
    "plateau threshold": lambda s, o: s.ReduceLROnPlateau(o, threshold_mode="x"),
    "plateau lengths": lambda s, o: s.ReduceLROnPlateau(o, min_lr=[0.1]),
    "plateau in sequence": plateau_in_sequence,
    "sequence of none": lambda s, o: s.SequentialLR(o, [], []),
    "sequence milestones": lambda s, o: s.SequentialLR(o, [s.StepLR(o, 1)], [2]),
    "sequence of others": lambda s, o: s.SequentialLR(o, [3], []),
    "chain of none": lambda s, o: s.ChainedScheduler([]),
    "base": lambda s, o: s.LRScheduler(o),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_in_pytorch(name: str) -> None:
    found = []
    for lib in BOTH:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(Exception) as caught:
                REFUSED[name](lib.optim.lr_scheduler, optimizer_of(lib))
        found.append((caught.type, str(caught.value)[:45]))
    assert found[0] == found[1]


def test_momentum_must_be_there_to_be_cycled() -> None:
    for lib in BOTH:
        made = lib.optim.Adagrad([lib.ones(1, requires_grad=True)])
        for kind, options in (("CyclicLR", (0.1, 0.2)), ("OneCycleLR", (0.1, 10))):
            with pytest.raises(ValueError, match="optimizer must support momentum or beta1 with"):
                getattr(lib.optim.lr_scheduler, kind)(made, *options)


def test_users_may_write_their_own() -> None:
    paths = []
    for lib in BOTH:

        class Warmup(lib.optim.lr_scheduler._LRScheduler):  # type: ignore[name-defined, misc]
            def get_lr(self) -> list[float]:
                return [base * min(1.0, (self.last_epoch + 1) / 5) for base in self.base_lrs]

        made = optimizer_of(lib)
        paths.append(walk(made, Warmup(made), 7))
    assert paths[0] == paths[1]
