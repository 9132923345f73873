"""`python -m benchmarks [small|graph|training|memory|large|footprint ...]`: measure and write RESULTS.md.

Without names: all of them.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
RESULTS = Path(__file__).with_name("RESULTS.md")


def main(parts: list[str]) -> None:
    """Run the parts and write what they found."""
    import numpy as np
    import torch

    import headgate
    from benchmarks import footprint, graph, large, memory, small, training
    from benchmarks.harness import ROUNDS, measure, table

    libraries = {"torch": torch, "headgate": headgate}
    lines = ["# Measured beside PyTorch", "",
             f"By `{' '.join(['python -m benchmarks', *parts])}` on {CORES} cores of "
             f"{platform.processor() or platform.machine()}, "
             f"Python {platform.python_version()}, PyTorch {torch.__version__}, NumPy {np.__version__}. Medians of "
             f"{ROUNDS} interleaved rounds in alternating order; the ratio is PyTorch's time over Headgate's.", ""]
    if not parts or "small" in parts:
        torch.set_num_threads(1)
        rows = small.rows(libraries)
        measure(rows)
        lines += ["## Three numbers, float32", "", *table(rows), ""]
    if not parts or "graph" in parts:
        torch.set_num_threads(1)
        lines += ["## Graphs", "", *table(graph.rows(libraries, 5)), "", *graph.growth(headgate), ""]
    if not parts or "training" in parts:
        rows = training.rows(libraries, CORES)
        measure(rows, seconds=0.2, pause=0.05)
        lines += ["## Training steps", "", *table(rows), ""]
    if not parts or "memory" in parts:
        lines += ["## Peak memory of the training steps", "", *memory.section(), ""]
    if not parts or "large" in parts:
        torch.set_num_threads(CORES)
        lines += [f"## 1,000,000 numbers, {CORES} threads each", "",
                  f"{large.ROUNDS} rounds; where two fall below the line, {large.AGAIN} more processes measure "
                  f"{large.ROUNDS_AGAIN} each, and all count: memory bounds most of these rows, and where a process's "
                  "arrays lie changes the ratio. There PyTorch is measured beside itself too, on other arrays.", ""]
        for dtype, floor in (("float32", 0.9), ("float64", 0.9), ("float16", 0.5)):
            lines += large.section(libraries, dtype, floor)
    if not parts or "footprint" in parts:
        lines += ["## Size and start", "", *footprint.section(), ""]
    RESULTS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1:])
