"""Memory stays flat with the collector off, and graphs of a million nodes need no deep stack. Runs workers.py."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PURE = os.environ.get("HEADGATE_PURE", "") not in ("", "0")
WORKERS = Path(__file__).parent / "workers.py"


def run(name: str, number: int, library: str = "headgate") -> str:
    command = [sys.executable, str(WORKERS), name, library, str(number)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def train(steps: int) -> None:
    growth, loss = run("train", steps).split()
    assert int(growth) < 400_000, f"{growth} bytes more after {steps} steps"
    assert 0.0 < float(loss) < 1.5


def test_training_leaves_memory_flat() -> None:
    train(1_000 if PURE else 3_000)


@pytest.mark.nightly
def test_100_000_steps_leave_memory_flat() -> None:
    train(100_000)


def test_graphs_free_themselves() -> None:
    growth = int(run("leaks", 1_000).split()[0])
    assert growth < 1_000_000, f"{growth} bytes kept by 1,000 graphs of 4,000 byte tensors"


def test_a_chain_of_a_million_nodes_on_a_small_stack() -> None:
    found = ast.literal_eval(run("deep", 50_000 if PURE else 1_000_000))
    assert [(name, value) for name, value, _ in found] == [
        ("grow", [1.0, 1.0]), ("grow_in_place", [1.0, 1.0]), ("grow_views", [1.0, 1.0])]  # fmt: skip
