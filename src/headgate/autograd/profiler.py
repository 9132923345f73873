"""`torch.autograd.profiler`: times of functions and of marked parts of a script.

What is recorded while a profile is on: every call of a function or method, by name, and what
`record_function` marks. Operators written with signs, and what backward does, count to the part that encloses them.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any

from headgate.autograd.profiler_util import EventList, FunctionEvent, FunctionEventAvg
from headgate.core.overrides import observe
from headgate.core.records import Tensor


class Recorder:
    """Takes down calls, each in the one that encloses it in its thread."""

    def __init__(self, shapes: bool) -> None:
        self.shapes = shapes
        self.events = EventList()
        self.began = time.perf_counter_ns()
        self.here = threading.local()

    def now(self) -> float:
        """Microseconds since the beginning."""
        return (time.perf_counter_ns() - self.began) / 1000

    def open(self, name: str, args: tuple[Any, ...] = ()) -> FunctionEvent:
        """A call begins."""
        shapes = [list(one.shape) if isinstance(one, Tensor) else [] for one in args] if self.shapes else []
        event = FunctionEvent(len(self.events) + 1, name, threading.get_ident(), self.now(), shapes)
        stack = self.here.__dict__.setdefault("stack", [])
        if stack:
            event.cpu_parent = stack[-1]
            stack[-1].cpu_children.append(event)
        stack.append(event)
        self.events.append(event)
        return event

    def close(self, event: FunctionEvent) -> None:
        """It ends, and whatever it encloses."""
        stack = self.here.__dict__.get("stack", [])
        while event in stack:
            stack.pop().end = self.now()

    def call(self, entry: Any, run: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One function."""
        event = self.open(f"aten::{entry.__name__}", args)
        try:
            return run()
        finally:
            self.close(event)


_active: list[Recorder] = []


def start(shapes: bool) -> Recorder:
    """Begin to record. RuntimeError if something records already."""
    if _active:
        raise RuntimeError("Can't enable the profiler while another is on.")
    _active.append(Recorder(shapes))
    observe(_active[0].call)
    return _active[0]


def stop(recorder: Recorder) -> None:
    """End it: what is still open ends now."""
    observe(None)
    _active.remove(recorder)
    end = recorder.now()
    for event in recorder.events:
        if event.end == event.start:
            event.end = end


class record_function:
    """A context or decorator that names a part of a script for a profiler."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name
        self.args = args
        self.open: tuple[Recorder, FunctionEvent] | None = None

    def __enter__(self) -> record_function:
        self.open = (_active[0], _active[0].open(self.name)) if _active else None
        return self

    def __exit__(self, *_: object) -> None:
        if self.open is not None:
            self.open[0].close(self.open[1])

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):
                return function(*args, **kwargs)

        return wrapped


class profile:
    """A context that records; with enabled=False, one without effect. Options but `record_shapes` change nothing."""

    def __init__(self, enabled: bool = True, *, record_shapes: bool = False, **options: Any) -> None:
        self.enabled, self.record_shapes, self.options = enabled, record_shapes, options
        self.recorder: Recorder | None = None

    def __enter__(self) -> profile:
        if self.enabled:
            if self.recorder is not None:
                raise RuntimeError("Profiler context manager is not reentrant")
            self.recorder = start(self.record_shapes)
        return self

    def __exit__(self, *_: object) -> None:
        if self.recorder is not None and self.recorder in _active:
            stop(self.recorder)

    @property
    def function_events(self) -> EventList:
        """What was recorded. RuntimeError if nothing was."""
        if self.recorder is None:
            raise RuntimeError("Profiler didn't finish running")
        return self.recorder.events

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> EventList:
        """The averages of the events of one name."""
        return self.function_events.key_averages(group_by_input_shape)

    def total_average(self) -> FunctionEventAvg:
        """All in one."""
        return self.function_events.total_average()

    def table(self, *args: Any, **options: Any) -> str:
        """A table of the events."""
        return self.function_events.table(*args, **options)

    def export_chrome_trace(self, path: Any) -> None:
        """Write the events for a trace viewer."""
        self.function_events.export_chrome_trace(path)

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all, in microseconds."""
        return self.function_events.self_cpu_time_total


class emit_nvtx:
    """A context without effect: there is no CUDA to mark. RuntimeError if enabled, as PyTorch's without CUDA."""

    def __init__(self, enabled: bool = True, record_shapes: bool = False) -> None:
        self.enabled = enabled

    def __enter__(self) -> emit_nvtx:
        if self.enabled:
            raise RuntimeError("NVTX functions not installed. Are you sure you have a CUDA build?")
        return self

    def __exit__(self, *_: object) -> None:
        pass
