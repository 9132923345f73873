"""Profiles: what is recorded beside what PyTorch's profiler records, schedules, tables, trace files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import headgate

BOTH = (headgate, torch)


def work(t: Any) -> None:
    x = t.ones(3, 4, requires_grad=True)
    with t.profiler.record_function("outer"):
        y = t.nn.functional.linear(x, t.ones(2, 4)).exp()
        with t.profiler.record_function("inner"):
            y.sum().backward()
    t.cat([x, x]).mean()


def profiled(t: Any, **options: Any) -> Any:
    with t.profiler.profile(activities=[t.profiler.ProfilerActivity.CPU], **options) as found:
        work(t)
    return found


def test_what_is_recorded() -> None:
    mine, theirs = (profiled(t, record_shapes=True) for t in BOTH)
    names = ("aten::linear", "aten::exp", "aten::sum", "aten::cat", "aten::mean", "outer", "inner")
    for name in names:
        one, other = (next(e for e in found.key_averages() if e.key == name) for found in (mine, theirs))
        assert one.count == 1 <= other.count, name  # PyTorch's includes what backward calls
        assert 0 <= one.self_cpu_time_total <= one.cpu_time_total
        assert one.cpu_time == one.cpu_time_total / one.count
    linear, other = (next(e for e in found.events() if e.name == "aten::linear") for found in (mine, theirs))
    assert linear.input_shapes == [[3, 4], [2, 4]] == other.input_shapes[:2]
    assert linear.cpu_parent.name == other.cpu_parent.name == "outer"
    inner = next(e for e in mine.events() if e.name == "inner")
    assert inner.cpu_parent.name == "outer" and "aten::backward" in [child.name for child in inner.cpu_children]
    assert mine.key_averages().self_cpu_time_total == pytest.approx(
        sum(e.cpu_time_total for e in mine.events() if e.cpu_parent is None))


def test_nothing_is_recorded_after_it() -> None:
    found = profiled(headgate)
    before = len(found.events())
    headgate.ones(3).exp()
    assert len(found.events()) == before
    with pytest.raises(ZeroDivisionError), headgate.profiler.profile() as failed:
        headgate.ones(2).exp()
        raise ZeroDivisionError
    headgate.ones(3).exp()
    assert [e.name for e in failed.events()] == ["aten::ones", "aten::exp"]


def test_a_call_that_fails_ends() -> None:
    with headgate.profiler.profile() as found:
        with pytest.raises(RuntimeError):
            headgate.ones(2, 3).matmul(headgate.ones(2, 3))
        headgate.ones(1)
    failed, after = found.events()[2], found.events()[3]
    assert failed.name == "aten::matmul" and after.cpu_parent is None and failed.cpu_time_total > 0


def test_subclasses_still_answer() -> None:
    class Named(headgate.Tensor):
        pass

    x = headgate.ones(2).as_subclass(Named)
    with headgate.profiler.profile() as found:
        y = x.exp()
    assert type(y) is Named and [e.name for e in found.events() if e.cpu_parent is None] == ["aten::exp"]
    assert type(x.exp()) is Named


def steps(t: Any, **options: Any) -> list[Any]:
    """At each recording: the number of the step, how many steps it holds, and calls of one function."""
    seen: list[Any] = []

    def ready(found: Any) -> None:
        marks = sum(e.count for e in found.key_averages() if e.key == "ProfilerStep*")
        seen.append((found.step_num, marks, sum(e.count for e in found.key_averages() if e.key == "aten::exp")))

    with t.profiler.profile(activities=[t.profiler.ProfilerActivity.CPU], schedule=t.profiler.schedule(**options),
                            on_trace_ready=ready) as found:
        for _ in range(7):
            t.ones(2).exp()
            found.step()
    return seen


@pytest.mark.filterwarnings("ignore:.*[Pp]rofiler")
@pytest.mark.parametrize("options", [
    {"wait": 1, "warmup": 1, "active": 2}, {"wait": 0, "warmup": 0, "active": 3, "repeat": 1},
    {"wait": 1, "warmup": 0, "active": 1, "skip_first": 2}, {"wait": 5, "warmup": 0, "active": 4}])
def test_schedules(options: dict[str, int]) -> None:
    assert steps(headgate, **options) == steps(torch, **options)


def test_tables_and_files(tmp_path: Path) -> None:
    found = profiled(headgate, record_shapes=True)
    table = found.key_averages(group_by_input_shape=True).table(sort_by="cpu_time_total", row_limit=2)
    lines = table.splitlines()
    for title in ("Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls",
                  "Input Shapes"):
        assert title in lines[1]
    assert lines[3].split()[0] == "outer" and len(lines) == 7 and lines[6].startswith("Self CPU time total: ")
    with pytest.raises(AttributeError):
        found.key_averages().table(sort_by="no_such_time")
    found.export_chrome_trace(str(tmp_path / "trace.json"))
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert {"outer", "inner", "aten::linear"} <= {event["name"] for event in events}
    headgate.profiler.tensorboard_trace_handler(str(tmp_path / "logs"), "me")(found)
    assert [path.name.split(".")[0] for path in (tmp_path / "logs").iterdir()] == ["me"]


def test_the_older_profile() -> None:
    for t in BOTH:
        with t.autograd.profiler.profile() as found:
            work(t)
        assert "aten::linear" in found.key_averages().table(sort_by="self_cpu_time_total")
        assert found.total_average().count == len(found.function_events)
    with headgate.profiler.profile(), pytest.raises(RuntimeError, match="while another is on"):
        headgate.autograd.profiler.profile().__enter__()
