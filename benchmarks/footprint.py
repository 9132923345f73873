"""Import time, memory of a tiny script, and size on disk, each in processes of their own."""

from __future__ import annotations

import importlib.metadata
import os
import statistics
import subprocess
import sys

TINY = "import {0} as t\na = t.tensor([1.0, 2.0], requires_grad=True)\n(a * a).sum().backward()\n"
# The peak of this program alone: getrusage would count what the parent held before it became this program.
PEAK = "print(next(int(l.split()[1]) / 1024 for l in open('/proc/self/status') if l.startswith('VmHWM')))\n"


# As after an installation by pip, which compiles what it installs: sources are not compiled anew at each import.
KEPT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def figure(code: str) -> float:
    """The number that a program prints, run in a fresh process."""
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, env=KEPT).stdout)


def seconds(module: str) -> float:
    """Import time of a module."""
    return figure(f"import time; s = time.perf_counter(); import {module}; print(time.perf_counter() - s)")


def peak(code: str) -> float:
    """Peak memory of a script, in MB."""
    return figure(code + PEAK)


def installed(*names: str) -> float:
    """Size on disk of installed distributions, in MB."""
    total = 0
    for name in names:
        for file in importlib.metadata.files(name) or []:
            path = os.fspath(file.locate())
            if os.path.isfile(path):
                total += os.path.getsize(path)
    return total / 1e6


def package_size() -> float:
    """Size of Headgate's own package as it is installed, in MB: without C sources and generated caches."""
    import headgate

    root = os.path.dirname(headgate.__file__)
    return sum(os.path.getsize(os.path.join(folder, file)) for folder, _, files in os.walk(root) for file in files
               if "__pycache__" not in folder and not file.endswith((".c", ".h", ".pyx", ".pxi"))) / 1e6


def section(rounds: int = 7) -> list[str]:
    """The table rows. The first import of each module, which may compile its sources, does not count."""
    for module in ("numpy", "headgate", "torch"):
        seconds(module)
    runs = [(seconds("numpy"), seconds("headgate"), seconds("torch")) for _ in range(rounds)]
    numpy, headgate, torch = (statistics.median(column) for column in zip(*runs))
    extra = statistics.median(run[1] - run[0] for run in runs)
    own = package_size()
    needed = installed("numpy", "scipy-openblas32")
    return ["| what | PyTorch | Headgate | NumPy | wanted |", "|---|---|---|---|---|",
            f"| import | {torch:.2f} s | {headgate:.3f} s ({extra:.3f} s beyond NumPy) | {numpy:.3f} s | "
            "at most 0.1 s beyond NumPy |",
            f"| peak memory of a tiny script | {peak(TINY.format('torch')):.0f} MB | "
            f"{peak(TINY.format('headgate')):.0f} MB | "
            f"{peak('import numpy' + chr(10)):.0f} MB | at most 60 MB |",
            f"| on disk | {installed('torch'):.0f} MB | "
            f"{own + needed:.0f} MB ({own:.0f} MB own, {needed:.0f} MB NumPy and OpenBLAS) | "
            f"{installed('numpy'):.0f} MB | at most 120 MB |"]
