"""Averages of models: a copy of a module that follows the mean, or the moving mean, of its parameters over training.

It knows modules and batch normalisation by its base class; it must not know optimizers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from headgate.autograd.grad_mode import no_grad
from headgate.core.entry import PUBLIC
from headgate.core.records import Tensor
from headgate.dtypes import NAMES
from headgate.nn.modules.batchnorm import _BatchNorm
from headgate.nn.modules.module import Module

Average = Callable[[Any, Any, Any], Any]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_multi_avg_fn(decay: float = 0.999) -> Average:
    """f(averages, values, count) that moves every average in a list towards its value: lerp(average, value, 1 - decay).

    ValueError for a decay outside [0, 1].
    """
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list: Any, current_param_list: Any, _: Any) -> None:
        for average, value in zip(ema_param_list, current_param_list, strict=True):
            if average.is_floating_point():
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(average * decay + value * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Average:
    """f(averages, values, count) that takes every value in a list into its average of `count` before."""

    @no_grad()
    def swa_update(averaged_param_list: Any, current_param_list: Any, num_averaged: Any) -> None:
        for average, value in zip(averaged_param_list, current_param_list, strict=True):
            if average.is_floating_point():  # a count that is a tensor gives a weight in the default type, as there
                average.lerp_(value, float(1 / (num_averaged + 1)))
            elif isinstance(num_averaged, Tensor):
                average.addcdiv_(value - average, num_averaged + 1)
            else:
                average.add_(value - average, alpha=1.0 / (num_averaged + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """f(average, value, count) -> decay * average + (1 - decay) * value. ValueError for a decay outside [0, 1]."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Average:
    """f(average, value, count) -> average + (value - average) / (count + 1)."""

    @no_grad()
    def swa_update(averaged_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of `model`, as `module`, whose parameters are averages: the mean of all updates, or by `avg_fn(average,
    value, count)` or `multi_avg_fn(averages, values, count)`. `n_averaged` counts the updates.

    With `use_buffers` the buffers are averaged too, else copied. AssertionError if both functions are given.
    Source: Izmailov et al., 2018 (stochastic weight averaging).
    """

    n_averaged: Any

    def __init__(
        self, model: Any, device: Any = None, avg_fn: Average | None = None, multi_avg_fn: Average | None = None,
        use_buffers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", PUBLIC["tensor"](0, dtype=NAMES["int64"], device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged module gives."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Any) -> None:
        """Take the parameters of `model` into the average; the first time they are copied."""
        ours = itertools.chain(self.module.parameters(), self.module.buffers() if self.use_buffers else ())
        theirs = itertools.chain(model.parameters(), model.buffers() if self.use_buffers else ())
        pairs = [(average.detach(), value.detach()) for average, value in zip(ours, theirs)]
        if self.n_averaged == 0:
            for average, value in pairs:
                average.copy_(value)
        elif self.multi_avg_fn is not None:
            for averages, values in _by_type(pairs):
                self.multi_avg_fn(averages, values, self.n_averaged)
        else:
            update = self.avg_fn or get_swa_avg_fn()
            for average, value in pairs:
                average.copy_(update(average, value, self.n_averaged))
        if not self.use_buffers:
            for average, value in zip(self.module.buffers(), model.buffers(), strict=True):
                average.detach().copy_(value.detach())
        self.n_averaged += 1


def _by_type(pairs: list[tuple[Any, Any]]) -> Iterable[tuple[list[Any], list[Any]]]:
    """Averages and values in lists of one element type each, as functions of lists expect them."""
    groups: dict[Any, tuple[list[Any], list[Any]]] = {}
    for average, value in pairs:
        averages, values = groups.setdefault(average.dtype, ([], []))
        averages.append(average)
        values.append(value)
    return groups.values()


@no_grad()
def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Compute the running statistics of a model's batch normalisations anew from one pass over `loader`.

    Batches may be tensors, or lists and tuples whose first element is one. The model's mode is as before afterwards.
    """
    momenta = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None  # the mean of all batches
    for batch in loader:
        batch = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(batch if device is None else batch.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)
