"""`torch.profiler`: profiles of scripts, whole or by a schedule of steps; `autograd.profiler` says what they hold."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

from headgate.autograd import profiler as _recording
from headgate.autograd.profiler import record_function as record_function
from headgate.autograd.profiler_util import EventList


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


RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def supported_activities() -> set[ProfilerActivity]:
    """What can be watched: the CPU."""
    return {ProfilerActivity.CPU}


class profile:
    """A context that records functions and marked parts, all the time or in the steps that `schedule` says.

    schedule: a function of a step's number (`schedule(...)` makes one); then call `step()` after each step.
    on_trace_ready: called with the profile whenever a recording is complete. record_shapes: take down shapes too.
    The other options are accepted and change nothing: memory, stacks, flops and modules are not recorded.
    """

    def __init__(
        self, *, activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], ProfilerAction] | None = None,
        on_trace_ready: Callable[[profile], Any] | None = None, record_shapes: bool = False,
        profile_memory: bool = False, with_stack: bool = False, with_flops: bool = False, with_modules: bool = False,
        experimental_config: Any = None, execution_trace_observer: Any = None, acc_events: bool = False,
        use_cuda: bool | None = None, custom_trace_id_callback: Any = None,
    ) -> None:
        self.activities = set(activities) if activities else supported_activities()
        self.schedule, self.on_trace_ready, self.record_shapes = schedule, on_trace_ready, record_shapes
        self.profile_memory, self.with_stack, self.with_flops, self.with_modules = (
            profile_memory, with_stack, with_flops, with_modules)
        self.step_num = 0
        self.recorder: Any = None
        self.mark: Any = None
        self.metadata: dict[str, str] = {}
        self.current_action = self.action()

    def action(self) -> ProfilerAction:
        """What to do in this step."""
        return ProfilerAction.RECORD if self.schedule is None else self.schedule(self.step_num)

    def __enter__(self) -> profile:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin with the first step."""
        if self.current_action in RECORDING:
            self.recorder = _recording.start(self.record_shapes)
        self.begin_step()

    def stop(self) -> None:
        """End: what is being recorded is complete now."""
        self.end_step()
        if self.current_action in RECORDING:
            self.complete()

    def step(self) -> None:
        """The next step begins."""
        self.end_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self.action()
        if before is ProfilerAction.RECORD_AND_SAVE or (before in RECORDING and self.current_action not in RECORDING):
            self.complete()
        if self.current_action in RECORDING and not self.running():
            self.recorder = _recording.start(self.record_shapes)
        self.begin_step()

    def running(self) -> bool:
        """Whether calls are taken down now."""
        return self.recorder is not None and self.recorder in _recording._active

    def begin_step(self) -> None:
        """Mark a step of a schedule."""
        if self.schedule is not None:
            self.mark = record_function(f"ProfilerStep#{self.step_num}")
            self.mark.__enter__()

    def end_step(self) -> None:
        """End the mark."""
        if self.mark is not None:
            self.mark.__exit__(None, None, None)
            self.mark = None

    def complete(self) -> None:
        """Stop to take down, and hand over."""
        if self.running():
            _recording.stop(self.recorder)
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def events(self) -> EventList:
        """What was recorded. AssertionError before anything was."""
        if self.recorder is None:
            raise AssertionError("Profiler must be initialized before getting events")
        return self.recorder.events  # type: ignore[no-any-return]

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0, group_by_overload_name: bool = False,
    ) -> EventList:
        """The averages of the events of one name; of one name and shapes if `group_by_input_shape`."""
        return self.events().key_averages(group_by_input_shape)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events for a trace viewer (chrome://tracing, Perfetto)."""
        self.events().export_chrome_trace(path)

    def add_metadata(self, key: str, value: str) -> None:
        """Keep a note with the profile."""
        self.metadata[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """Keep a note that is JSON."""
        self.metadata[key] = value


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


def tensorboard_trace_handler(
    dir_name: str, worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[profile], None]:
    """What `on_trace_ready` may be: writes each recording into a folder, as a file for TensorBoard's profiler."""

    def handler(found: profile) -> None:
        import socket  # which takes milliseconds

        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        found.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json"))

    return handler
