"""A million numbers: every elementwise op, reduction and other op of the registry that takes large tensors."""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Row, measure, shown
from benchmarks.large_calls import CALLS, CAUSES, SAME, SIZE, VIEWS, Operands

PAUSE = 0.03  # for the other side's threads to fall asleep


def inputs(dtype: str, domain: tuple[float, float]) -> list[np.ndarray[Any, Any]]:
    random = np.random.default_rng(0)
    return [random.uniform(*domain, SIZE).astype(dtype) for _ in range(2)]


def registered() -> dict[str, tuple[int, tuple[float, float]]]:
    """Elementwise ops of the registry: arity and domain."""
    from headgate.core.declare import REGISTRY

    return {name: (d.arity, d.domain) for name, d in REGISTRY.items()
            if d.arity in (1, 2) and d.samples is None and "f" in d.dtypes and not name.endswith("_backward")}


def rows(libraries: dict[str, Any], dtype: str) -> list[Row]:
    """One row per op, on the same values."""
    result = []
    for name, (arity, domain) in registered().items():
        if name not in CALLS:
            result.append(row_of(name, {way: plain(library, name, arity, inputs(dtype, domain))
                                        for way, library in libraries.items()}))
    operands = {way: Operands(library, inputs(dtype, (-1.0, 1.0))) for way, library in libraries.items()}
    for name, call in CALLS.items():
        result.append(row_of(name, {way: partial(call, library, operands[way]) for way, library in libraries.items()}))
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


def section(libraries: dict[str, Any], dtype: str, floor: float, rounds: int, seconds: float) -> list[str]:
    """The table of one element type: a summary line, then every row, slowest ratio first."""
    found_rows = rows(libraries, dtype)
    measure(found_rows, rounds, seconds, PAUSE)
    found_rows.sort(key=Row.ratio)
    median = statistics.median(row.ratio() for row in found_rows)
    missed = [row.name for row in found_rows if row.ratio() < floor]
    lines = [f"### {dtype}: {len(found_rows)} ops, median ratio {median:.2f}, "
             f"{len(missed)} below {floor:g}{': ' + ', '.join(missed) if missed else ''}", "",
             "| op | PyTorch | Headgate | ratio (spread) |", "|---|---|---|---|"]
    for row in found_rows:
        ratios = row.ratios()
        lines.append(f"| {row.name} | {shown(row.median('torch'))} | {shown(row.median('headgate'))} | "
                     f"{row.ratio():.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |")
    told = [f"- {name}: {CAUSES.get(name, 'not known')}" for name in missed]
    return [*lines, "", *(["Below it, and why:", "", *told, ""] if told else [])]
