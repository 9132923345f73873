"""A million numbers: every elementwise op, reduction and other op of the registry that takes large tensors."""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

import numpy as np

from benchmarks.harness import Row, measure, shown

SIZE = 1_000_000
PAUSE = 0.03  # for the other side's threads to fall asleep
OTHERS = {
    # name: call on (library, x, y), for ops that are no plain functions of one or two tensors
    "sum": lambda library, x, y: x.sum(), "mean": lambda library, x, y: x.mean(),
    "prod": lambda library, x, y: x.prod(),
    "var": lambda library, x, y: x.var(), "max": lambda library, x, y: x.max(),
    "argmax": lambda library, x, y: x.argmax(),
    "sum over rows": lambda library, x, y: x.view(1000, 1000).sum(0),
    "sum over columns": lambda library, x, y: x.view(1000, 1000).sum(1),
    "softmax": lambda library, x, y: library.softmax(x.view(1000, 1000), 1),
    "log_softmax": lambda library, x, y: library.log_softmax(x.view(1000, 1000), 1),
    "logsumexp": lambda library, x, y: library.logsumexp(x.view(1000, 1000), 1),
    "norm": lambda library, x, y: library.norm(x), "cumsum": lambda library, x, y: x.cumsum(0),
    "clamp": lambda library, x, y: library.clamp(x, -0.5, 0.5),
    "where": lambda library, x, y: library.where(x > y, x, y),
    "lerp": lambda library, x, y: library.lerp(x, y, 0.3), "addcmul": lambda library, x, y: library.addcmul(x, x, y),
    "addcdiv": lambda library, x, y: library.addcdiv(x, x, y),
    "pow 2": lambda library, x, y: x**2, "pow 3": lambda library, x, y: x**3,
    "mul by a number": lambda library, x, y: x * 2.5, "masked_fill": lambda library, x, y: x.masked_fill(x > y, 0.0),
    "cat": lambda library, x, y: library.cat([x, y]), "flip": lambda library, x, y: x.flip(0),
    "transpose, contiguous": lambda library, x, y: x.view(1000, 1000).t().contiguous(),
    "index_select": lambda library, x, y: x.view(1000, 1000).index_select(0, library.arange(0, 1000, 2)),
    "matmul 1000x1000": lambda library, x, y: x.view(1000, 1000) @ y.view(1000, 1000),
    "sort": lambda library, x, y: x.sort()[0], "gelu": lambda library, x, y: library.nn.functional.gelu(x),
}  # fmt: skip


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
    plans: dict[str, Any] = {name: (plan, None) for name, plan in registered().items()}
    plans.update({name: ((2, (-1.0, 1.0)), call) for name, call in OTHERS.items()})
    for name, ((arity, domain), call) in plans.items():
        arrays = inputs(dtype, domain)
        ways = {}
        for way, library in libraries.items():
            x, y = (library.from_numpy(a.copy()) for a in arrays)
            function = found(library, name)
            if call is None and function is None:
                break
            if call is not None:
                one = partial(call, library, x, y)
            elif arity == 1:
                one = partial(function, x)
            else:
                one = partial(function, x, y)
            try:
                one()
            except Exception:  # (a type that one of them lacks: no row)
                break
            ways[way] = repeat(one)
        else:
            result.append(Row(name, ways))
    return result


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
    return [*lines, ""]
