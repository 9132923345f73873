"""Averages of models and the schedule that goes with them, beside PyTorch."""

from typing import Any

import numpy as np
import pytest
import torch

import headgate

BOTH = (headgate, torch)


def model(lib: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    made = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Tanh(), lib.nn.Linear(4, 2).double())
    made.register_buffer("scale", lib.tensor(rng.standard_normal(2).astype("f4")))
    made.register_buffer("steps", lib.tensor(seed))
    with lib.no_grad():
        for param in made.parameters():
            param.copy_(lib.tensor(rng.standard_normal(tuple(param.shape))))
    return made


KINDS: dict[str, Any] = {
    "mean": lambda lib: {},
    "mean with buffers": lambda lib: {"use_buffers": True},
    "on a device": lambda lib: {"device": "cpu"},
    "ema": lambda lib: {"multi_avg_fn": lib.optim.swa_utils.get_ema_multi_avg_fn(0.9)},
    "swa lists": lambda lib: {"multi_avg_fn": lib.optim.swa_utils.get_swa_multi_avg_fn()},
    "ema one by one": lambda lib: {"avg_fn": lib.optim.swa_utils.get_ema_avg_fn(0.8)},
    "swa one by one": lambda lib: {"avg_fn": lib.optim.swa_utils.get_swa_avg_fn()},
    "own": lambda lib: {"avg_fn": lambda average, value, count: average + 0.5 * (value - average)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_averages(kind: str) -> None:
    states = []
    for lib in BOTH:
        averaged = lib.optim.swa_utils.AveragedModel(model(lib, 0), **KINDS[kind](lib))
        for seed in range(5):
            averaged.update_parameters(model(lib, seed))
        states.append({name: value.numpy() for name, value in averaged.state_dict().items()})
        assert int(averaged.n_averaged) == 5
    assert list(states[0]) == list(states[1])
    for name, value in states[1].items():
        np.testing.assert_allclose(states[0][name], value, rtol=1e-6, atol=1e-7, err_msg=name)


def test_the_average_computes_like_its_model_and_owns_its_memory() -> None:
    for lib in BOTH:
        one = lib.nn.Linear(2, 2)
        averaged = lib.optim.swa_utils.AveragedModel(one)
        averaged.update_parameters(one)
        x = lib.ones(1, 2)
        assert lib.equal(averaged(x), one(x))
        with lib.no_grad():
            one.weight.zero_()
        assert not lib.equal(averaged.module.weight, one.weight)


def test_refused() -> None:
    for lib in BOTH:
        swa = lib.optim.swa_utils
        with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn should be provided"):
            swa.AveragedModel(model(lib, 0), avg_fn=max, multi_avg_fn=max)
        for make in (swa.get_ema_avg_fn, swa.get_ema_multi_avg_fn):
            with pytest.raises(ValueError, match=r"Invalid decay value 1.5 provided. Please provide"):
                make(1.5)
        optimizer = lib.optim.SGD([lib.ones(1, requires_grad=True)], lr=0.1)
        with pytest.raises(ValueError, match="anneal_strategy must be one of"):
            swa.SWALR(optimizer, 0.1, anneal_strategy="square")
        with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0"):
            swa.SWALR(optimizer, 0.1, anneal_epochs=-1)


@pytest.mark.parametrize("options", [{}, {"anneal_epochs": 4, "anneal_strategy": "linear"}, {"anneal_epochs": 0}])
def test_rates_go_to_the_constant_one(options: dict[str, Any]) -> None:
    paths = []
    for lib in BOTH:
        params = [{"params": [lib.ones(1, requires_grad=True)]}, {"params": [lib.ones(1, requires_grad=True)], "lr": 2}]
        optimizer = lib.optim.SGD(params, lr=0.5)
        schedule = lib.optim.swa_utils.SWALR(optimizer, [0.05, 0.1], **options)
        path = [schedule.get_last_lr()]
        for step in range(12):
            optimizer.step()
            schedule.step()
            path.append(schedule.get_last_lr())
            if step == 5:
                saved = schedule.state_dict()
                schedule = lib.optim.swa_utils.SWALR(optimizer, 0.3)
                for group in optimizer.param_groups:
                    group["swa_lr"] = 0.07
                schedule.load_state_dict(saved)
        paths.append((path, sorted(saved)))
    assert paths[0] == paths[1]


def test_update_bn() -> None:
    if not hasattr(headgate.nn, "BatchNorm1d"):
        pytest.skip("no batch normalisation")
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((8, 3)).astype("f4") * k + k for k in range(1, 5)]
    found = []
    for lib in BOTH:
        net = lib.nn.Sequential(lib.nn.BatchNorm1d(3), lib.nn.Linear(3, 2)).eval()
        lib.optim.swa_utils.update_bn([(lib.tensor(batch), 0) for batch in batches], net)
        lib.optim.swa_utils.update_bn([lib.ones(2, 2)], lib.nn.Linear(2, 2), device="cpu")
        assert not net.training and net[0].momentum == 0.1
        found.append([net[0].running_mean.numpy(), net[0].running_var.numpy(), net[0].num_batches_tracked.numpy()])
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, rtol=1e-6)
