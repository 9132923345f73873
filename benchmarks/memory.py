"""Peak memory of the training rows, each library in a process of its own.

What counts is what a row needs beyond the import: PyTorch's own start is several times Headgate's.
"""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.training import WANTED

STEPS = 20
PROGRAM = """
import importlib, sys
library = importlib.import_module(sys.argv[1])
from benchmarks import training


def peak():
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))


library.nn, library.optim, library.distributions
start = peak()
step = training.WANTED[int(sys.argv[2])][1](library)
for _ in range({steps}):
    step()
print(start, peak())
"""


def measured(library: str, row: int) -> tuple[float, float]:
    """Peak memory after the import, and after some steps, in MB."""
    command = [sys.executable, "-c", PROGRAM.replace("{steps}", str(STEPS)), library, str(row)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    start, end = run.stdout.split()
    return float(start), float(end)


def section() -> list[str]:
    """The table: what each row needs beyond the import."""
    lines = ["| what | PyTorch, beyond its start | Headgate, beyond its start | wanted |", "|---|---|---|---|"]
    for number, (name, _, _) in enumerate(WANTED):
        other, own = measured("torch", number), measured("headgate", number)
        more, mine = other[1] - other[0], own[1] - own[0]
        lines.append(f"| {name} | {more:.0f} MB (of {other[1]:.0f}) | {mine:.0f} MB (of {own[1]:.0f}) | "
                     f"no more {'ok' if mine <= more else '**missed**'} |")
    return lines
