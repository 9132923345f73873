"""`torch.profiler`: marks are accepted, profiling is an error that says what to use instead."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NoReturn

from headgate.autograd.profiler import NO_PROFILER
from headgate.autograd.profiler import record_function as record_function


class ProfilerActivity(Enum):
    """What PyTorch's profiler can watch."""

    CPU = 0
    XPU = 1
    CUDA = 2
    MTIA = 3
    HPU = 4
    PrivateUse1 = 5


class ProfilerAction(Enum):
    """What a profiler does at a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


class profile:
    """NotImplementedError: there is no profiler."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(NO_PROFILER.format(name="profiler.profile"))


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0
) -> Callable[[int], ProfilerAction]:
    """The action at each step: `wait` steps nothing, `warmup` steps warming up, `active` steps recording, again and
    again or `repeat` times. AssertionError for numbers that make no cycle."""
    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError("Invalid profiler schedule arguments")
    length = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        cycle, place = divmod(step - skip_first, length)
        if step < skip_first or (repeat > 0 and cycle >= repeat) or place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if place < length - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def tensorboard_trace_handler(*args: Any, **kwargs: Any) -> NoReturn:
    """NotImplementedError: there is no profiler."""
    raise NotImplementedError(NO_PROFILER.format(name="profiler.tensorboard_trace_handler"))
