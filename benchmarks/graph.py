"""Long graphs: time per node of building and of differentiating a chain."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.harness import Row


def build(library: Any, length: int) -> tuple[Any, Any]:
    """A chain of `length` multiplications by a number."""
    x = library.tensor([1.0, 1.0, 1.0], requires_grad=True)
    y = x
    for _ in range(length):
        y = y * 1.0000001
    return x, y


def times(library: Any, length: int) -> tuple[float, float]:
    """(forward, backward) in ns per node."""
    start = time.perf_counter()
    _, y = build(library, length)
    middle = time.perf_counter()
    y.backward(library.ones(3))
    return (middle - start) / length * 1e9, (time.perf_counter() - middle) / length * 1e9


def rows(libraries: dict[str, Any], rounds: int, length: int = 100_000) -> list[Row]:
    """Forward and backward of a chain, measured round by round in alternating order."""
    forward = Row(f"chain of {length:,} nodes, forward, per node", {}, 5)
    backward = Row(f"chain of {length:,} nodes, backward, per node", {}, 20)
    for number in range(rounds):
        order = list(libraries.items())
        for way, library in order if number % 2 == 0 else reversed(order):
            first, second = times(library, length)
            forward.found.setdefault(way, []).append(first)
            backward.found.setdefault(way, []).append(second)
    return [forward, backward]


def growth(library: Any) -> list[str]:
    """Headgate's time per node from 1,000 to 1,000,000 nodes, as table rows."""
    lines = ["| nodes | forward, ns per node | backward, ns per node |", "|---|---|---|"]
    for length in (1_000, 10_000, 100_000, 1_000_000):
        runs = sorted(times(library, length) for _ in range(3 if length > 100_000 else 7))
        first, second = runs[len(runs) // 2][0], sorted(run[1] for run in runs)[len(runs) // 2]
        lines.append(f"| {length:,} | {first:.0f} | {second:.0f} |")
    return lines
