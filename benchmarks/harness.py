"""Measuring two or three ways of doing one thing in the same process, interleaved.

Every round measures each way once, in alternating order, so that what the machine does meanwhile hits all of them.
A row's ratio is the median over rounds of (PyTorch's time / Headgate's time), with its smallest and largest.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

ROUNDS = 7
Call = Callable[[int], None]  # runs the work that many times


@dataclass
class Row:
    """One thing measured: a name, the ways to do it, the ratio to reach, and what was found (ns per call)."""

    name: str
    ways: dict[str, Call]
    wanted: float | None = None
    scale: int = 1  # calls (or nodes) that one repetition stands for
    found: dict[str, list[float]] = field(default_factory=dict)

    def median(self, way: str) -> float:
        return statistics.median(self.found[way])

    def ratios(self) -> list[float]:
        return sorted(t / h for t, h in zip(self.found["torch"], self.found["headgate"]))

    def ratio(self) -> float:
        return statistics.median(self.ratios())


def loop(statement: str, names: dict[str, object], setup: str = "pass") -> Call:
    """A function that runs `statement` n times, with `names` as its globals."""
    scope = dict(names)
    exec(f"def call(n):\n    {setup}\n    for _ in range(n):\n        {statement}", scope)
    return scope["call"]  # type: ignore[return-value]


def repetitions(call: Call, seconds: float) -> int:
    """How often to run the work so that it takes about that long; the first call, which may import, does not count."""
    n = 1
    call(1)
    while True:
        start = time.perf_counter()
        call(n)
        taken = time.perf_counter() - start
        if taken > seconds / 4:
            return max(1, int(n * seconds / taken))
        n *= 4


def measure(rows: list[Row], rounds: int = ROUNDS, seconds: float = 0.02, pause: float = 0.0) -> None:
    """Fill the rows, round by round.

    pause: seconds before each turn, after which one call goes uncounted. Where both sides have threads it must be long
    enough for the other's to fall asleep: idle ones of PyTorch spin for some 10 ms on the core that ours would need.
    """
    counts = {(row.name, way): repetitions(call, seconds) for row in rows for way, call in row.ways.items()}
    for number in range(rounds):
        for row in rows:
            ways = list(row.ways.items())
            for way, call in ways if number % 2 == 0 else reversed(ways):
                n = counts[row.name, way]
                gc.collect(0)
                if pause:
                    time.sleep(pause)
                    call(1)
                start = time.perf_counter()
                call(n)
                row.found.setdefault(way, []).append((time.perf_counter() - start) / n / row.scale * 1e9)


def shown(ns: float) -> str:
    """A time with a fitting unit."""
    if ns < 1e3:
        return f"{ns:.0f} ns"
    return f"{ns / 1e3:.2f} us" if ns < 1e6 else f"{ns / 1e6:.2f} ms"


def table(rows: list[Row], third: str = "numpy") -> list[str]:
    """The rows as a Markdown table."""
    lines = [f"| what | PyTorch | Headgate | {third} | ratio (spread) | wanted |", "|---|---|---|---|---|---|"]
    for row in rows:
        ratios = row.ratios()
        other = shown(row.median(third)) if third in row.found else ""
        wanted = "" if row.wanted is None else f"{row.wanted:g} {'ok' if row.ratio() >= row.wanted else '**missed**'}"
        lines.append(f"| {row.name} | {shown(row.median('torch'))} | {shown(row.median('headgate'))} | {other} | "
                     f"{row.ratio():.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) | {wanted} |")
    return lines
