"""A million numbers: every elementwise op, reduction and other op of the registry that takes large tensors.

Where arrays come to lie in memory, and so in the caches, changes the ratio of a row that memory bounds, and stays the
same for a process. Rows of which two rounds of five fell below the line are therefore measured again in processes of
their own (`python -m benchmarks.large TYPE`, with their names on its input); all their rounds count. There PyTorch is
measured beside PyTorch too, on other arrays: how often that falls below the line tells what the line can tell.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Row, measure, shown
from benchmarks.large_calls import CALLS, CAUSES, SAME, SIZE, VIEWS, Operands

PAUSE = 0.03  # for the other side's threads to fall asleep
ROUNDS, SECONDS = 5, 0.01
AGAIN, ROUNDS_AGAIN = 6, 3  # further processes, and rounds in each
CONTROL = "control"  # PyTorch again


def inputs(dtype: str, domain: tuple[float, float]) -> list[np.ndarray[Any, Any]]:
    random = np.random.default_rng(0)
    return [random.uniform(*domain, SIZE).astype(dtype) for _ in range(2)]


def registered() -> dict[str, tuple[int, tuple[float, float]]]:
    """Elementwise ops of the registry: arity and domain."""
    from headgate.core.declare import REGISTRY

    return {name: (d.arity, d.domain) for name, d in REGISTRY.items()
            if d.arity in (1, 2) and d.samples is None and "f" in d.dtypes and not name.endswith("_backward")}


def rows(libraries: dict[str, Any], dtype: str, names: list[str] | None = None) -> list[Row]:
    """One row per op (of these names), on the same values."""
    result = []
    for name, (arity, domain) in registered().items():
        if name not in CALLS and (names is None or name in names):
            result.append(row_of(name, {way: plain(library, name, arity, inputs(dtype, domain))
                                        for way, library in libraries.items()}))
    operands = {way: Operands(library, inputs(dtype, (-1.0, 1.0))) for way, library in libraries.items()}
    for name, call in CALLS.items():
        if names is None or name in names:
            calls = {way: partial(call, library, operands[way]) for way, library in libraries.items()}
            result.append(row_of(name, calls))
    return [row for row in result if row is not None]


def row_of(name: str, calls: dict[str, Any]) -> Row | None:
    """A row of calls that work; None where one of the libraries lacks the op or the type."""
    for call in calls.values():
        try:
            call()
        except Exception:  # (whatever it raises: it cannot be measured)
            return None
    return Row(name, {way: repeat(call) for way, call in calls.items()})


def plain(library: Any, name: str, arity: int, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """A call of a function of one or two tensors."""
    return partial(found(library, name), *(library.from_numpy(array.copy()) for array in arrays[:arity]))


def left_out() -> list[str]:
    """Float ops of the registry that have no row and no reason for that; there should be none."""
    from headgate.core.declare import REGISTRY

    return [name for name, declared in REGISTRY.items() if "f" in declared.dtypes and name not in CALLS
            and name not in registered() and name not in VIEWS and name not in SAME]


def found(library: Any, name: str) -> Any:
    for part in name.split("."):
        library = getattr(library, part, None)
    return library


def repeat(one: Any) -> Any:
    def call(n: int) -> None:
        for _ in range(n):
            one()
    return call


def measured(libraries: dict[str, Any], dtype: str, rounds: int, names: list[str] | None = None) -> list[Row]:
    """The rows (of these names) with what this process found."""
    found_rows = rows(libraries, dtype, names)
    measure(found_rows, rounds, SECONDS, PAUSE)
    return found_rows


def measure_again(doubtful: dict[str, Row], dtype: str) -> None:
    """Add to the rows what a process of its own finds."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.large", dtype], input=json.dumps(list(doubtful)),
                          capture_output=True, text=True, check=True)
    for name, found in json.loads(done.stdout.splitlines()[-1]).items():
        for way, times in found.items():
            doubtful[name].found.setdefault(way, []).extend(times)


def controlled(again: list[Row], floor: float) -> str:
    """How many of the rows measured again are below the line where PyTorch stands on both sides."""
    below = [row.name for row in again if statistics.median(
        one / other for one, other in zip(row.found["torch"][ROUNDS:], row.found[CONTROL], strict=True)) < floor]
    return (f"Measured again: {len(again)} rows. PyTorch beside itself is below {floor:g} in {len(below)} of them"
            f"{': ' + ', '.join(below) if below else ''}.")


def section(libraries: dict[str, Any], dtype: str, floor: float) -> list[str]:
    """The table of one element type: a summary line, then every row, slowest ratio first."""
    found_rows = measured(libraries, dtype, ROUNDS)
    doubtful = {row.name: row for row in found_rows if row.ratios()[1] < floor}
    for _ in range(AGAIN):
        measure_again(doubtful, dtype)
    found_rows.sort(key=Row.ratio)
    median = statistics.median(row.ratio() for row in found_rows)
    missed = [row.name for row in found_rows if row.ratio() < floor]
    lines = [f"### {dtype}: {len(found_rows)} ops, median ratio {median:.2f}, "
             f"{len(missed)} below {floor:g}{': ' + ', '.join(missed) if missed else ''}", "",
             "| op | PyTorch | Headgate | ratio (spread) | rounds |", "|---|---|---|---|---|"]
    for row in found_rows:
        ratios = row.ratios()
        lines.append(f"| {row.name} | {shown(row.median('torch'))} | {shown(row.median('headgate'))} | "
                     f"{row.ratio():.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) | {len(ratios)} |")
    lines += ["", controlled([*doubtful.values()], floor)]
    told = [f"- {name}: {CAUSES.get(name, 'not known')}" for name in missed]
    return [*lines, "", *(["Below it, and why:", "", *told, ""] if told else [])]


def main(dtype: str) -> None:
    """Measure the rows named on the input, and print what was found."""
    import torch

    import headgate
    from benchmarks.__main__ import CORES

    torch.set_num_threads(CORES)
    libraries = {"torch": torch, "headgate": headgate, CONTROL: torch}
    found_rows = measured(libraries, dtype, ROUNDS_AGAIN, json.load(sys.stdin))
    print(json.dumps({row.name: row.found for row in found_rows}))


if __name__ == "__main__":
    main(sys.argv[1])
