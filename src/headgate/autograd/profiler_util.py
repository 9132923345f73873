"""What a profile holds: events, averages of events of one name, tables of them, and files for trace viewers.

Times are microseconds. Nothing here measures; there is one device, the CPU, so times of others are 0.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

COLUMNS = (
    ("Self CPU %", "self_percent"), ("Self CPU", "self_cpu_time_total_str"), ("CPU total %", "percent"),
    ("CPU total", "cpu_time_total_str"), ("CPU time avg", "cpu_time_str"), ("# of Calls", "count"),
)  # fmt: skip


def shown_time(microseconds: float) -> str:
    """A time in the unit that suits it."""
    if microseconds >= 1e6:
        return f"{microseconds / 1e6:.3f}s"
    return f"{microseconds / 1e3:.3f}ms" if microseconds >= 1e3 else f"{microseconds:.3f}us"


class Times:
    """The times that events and their averages have in common, by PyTorch's names."""

    count = 1
    cpu_time_total = self_cpu_time_total = 0.0
    device_time = device_time_total = self_device_time_total = 0.0
    cuda_time = cuda_time_total = self_cuda_time_total = 0.0
    cpu_memory_usage = self_cpu_memory_usage = device_memory_usage = self_device_memory_usage = flops = 0

    @property
    def cpu_time(self) -> float:
        """The mean time of a call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def cpu_time_str(self) -> str:
        return shown_time(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        return shown_time(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        return shown_time(self.self_cpu_time_total)


class FunctionEvent(Times):
    """One call: its name, when it began and ended, what it enclosed, and the shapes of its tensors if recorded."""

    def __init__(self, id: int, name: str, thread: int, start: float, shapes: list[list[int]]) -> None:
        self.id, self.name, self.thread, self.start, self.end = id, name, thread, start, start
        self.input_shapes = shapes
        self.cpu_children: list[FunctionEvent] = []
        self.cpu_parent: FunctionEvent | None = None

    @property
    def key(self) -> str:
        """What averages go by: the steps of a schedule are one."""
        return "ProfilerStep*" if self.name.startswith("ProfilerStep#") else self.name

    @property
    def cpu_time_total(self) -> float:  # type: ignore[override]
        return self.end - self.start

    @property
    def self_cpu_time_total(self) -> float:  # type: ignore[override]
        """The time less that of what it enclosed."""
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    def __repr__(self) -> str:
        return (f"<FunctionEvent id={self.id} name={self.name} cpu_time={self.cpu_time_str} start_us={self.start:.3f} "
                f"end_us={self.end:.3f} cpu_children={[child.id for child in self.cpu_children]} "
                f"input_shapes={self.input_shapes}>")


class FunctionEventAvg(Times):
    """All calls of one name, or of one name and shapes: how many, and the sums of their times."""

    def __init__(self, key: str | None = None, shapes: list[list[int]] | None = None) -> None:
        self.key, self.input_shapes, self.count = key, shapes or [], 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0

    def add(self, event: Times) -> FunctionEventAvg:
        """Take in one more event, or average."""
        self.count += event.count
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        return self

    def __repr__(self) -> str:
        return (f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
                f"cpu_time={self.cpu_time_str} input_shapes={self.input_shapes}>")


class EventList(list[Any]):
    """Events or averages, with a table and a file of them."""

    @property
    def self_cpu_time_total(self) -> float:
        """The time of all."""
        return sum(event.self_cpu_time_total for event in self)

    def total_average(self) -> FunctionEventAvg:
        """All in one."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.add(event)
        return total

    def key_averages(self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0) -> EventList:
        """The averages of the events of one name; of one name and shapes if `group_by_input_shapes`."""
        found: dict[Any, FunctionEventAvg] = {}
        for event in self:
            shapes = event.input_shapes if group_by_input_shapes else []
            place = (event.key, repr(shapes))
            found.setdefault(place, FunctionEventAvg(event.key, shapes)).add(event)
        return EventList(found.values())

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75,
        max_name_column_width: int = 55, max_shapes_column_width: int = 80, header: str | None = None,
        top_level_events_only: bool = False, time_unit: str | None = None,
    ) -> str:
        """A table of at most `row_limit` rows, largest first by `sort_by` ("cpu_time_total", "count" ...)."""
        rows = sorted(self, key=lambda event: getattr(event, sort_by), reverse=True) if sort_by else list(self)
        if top_level_events_only:
            rows = [event for event in rows if getattr(event, "cpu_parent", None) is None]
        whole = self.self_cpu_time_total
        lines = [["Name", *(title for title, _ in COLUMNS)]]
        shapes = any(event.input_shapes for event in rows)
        if shapes:
            lines[0].append("Input Shapes")
        for event in rows[:row_limit] if row_limit >= 0 else rows:
            lines.append([cut(event.key, max_name_column_width), *(cell(event, what, whole) for _, what in COLUMNS)])
            if shapes:
                lines[-1].append(cut(str(event.input_shapes), max_shapes_column_width))
        return laid_out(lines, header) + f"\nSelf CPU time total: {shown_time(whole)}\n"

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events for a trace viewer (chrome://tracing, Perfetto)."""
        import json

        events = [{"ph": "X", "cat": "cpu_op", "name": event.name, "pid": os.getpid(), "tid": event.thread,
                   "ts": event.start, "dur": event.cpu_time_total, "args": {"Input Dims": event.input_shapes}}
                  for event in self]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": events}, file)


def cell(event: Any, what: str, whole: float) -> str:
    """One cell of a row."""
    if what in ("percent", "self_percent"):
        part = event.cpu_time_total if what == "percent" else event.self_cpu_time_total
        return f"{100 * part / whole:.2f}%" if whole else "NaN"
    return str(getattr(event, what))


def cut(text: str, width: int) -> str:
    """The text, shortened to a column's width."""
    return text if width < 0 or len(text) <= width else text[: width - 3] + "..."


def laid_out(lines: list[list[str]], header: str | None) -> str:
    """Rows of cells under one another, to the right."""
    widths = [max(map(len, column)) + 4 for column in zip(*lines)]
    rule = "  ".join("-" * width for width in widths)
    rows: Iterable[str] = ("  ".join(text.rjust(width) for text, width in zip(line, widths)) for line in lines)
    first, *rest = rows
    return "\n".join([*([header] if header else []), rule, first, rule, *rest, rule])
