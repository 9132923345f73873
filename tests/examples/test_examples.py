"""The scripts under examples/, run as a user would run them: they learn, and `headgate check` finds nothing missing.

What PyTorch 2.13 prints first for the same seed is told here, so that the figures are compared without it; the nightly
run compares whole outputs with PyTorch's own.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True)
class Example:
    """`first`: the start of a line that PyTorch prints; `last`: what finds the figure that shows learning; its bounds.
    `needs`: a package beside PyTorch's own names."""

    first: str
    last: str
    low: float
    high: float
    needs: str = "sklearn"


CASES = {
    "digits_mlp": Example("epoch  1: loss 1.894", r"test accuracy ([\d.]+)", 94, 100),
    "digits_cnn": Example("epoch  1: train loss 1.9", r"test accuracy ([\d.]+)", 90, 100),
    "finetune_frozen_trunk": Example("  epoch 4: loss 0.030", r"test accuracy ([\d.]+)", 75, 100),
    "two_heads": Example("epoch  1: digits 0.883", r"odd or even ([\d.]+) %", 90, 100),
    "gan_digits": Example("epoch   1: discriminator 0.97", r"at first, ([\d.]+) now", 0, 0.9),
    "char_transformer": Example("step    1: loss 3.630", r"step  120: loss ([\d.]+)", 1, 2.5, "torch"),
    "sunspots_lstm": Example("step 1: loss 0.8880", r"years not shown ([\d.]+)", 0, 0.3, "torch"),
    "cartpole_actor_critic": Example(
        "episode   20: balanced  20 steps", r"best running mean ([\d.]+)", 25, 500, "gymnasium"),
    "oscillator_pinn": Example("step    1: loss ", r"largest error ([\d.]+)", 0, 0.12, "torch"),
}


def run(*command: str) -> str:
    """What a program prints; it must end well and say nothing to stderr."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


def script(name: str) -> str:
    if importlib.util.find_spec(CASES[name].needs) is None:
        pytest.skip(f"{CASES[name].needs} is not installed")
    return str(EXAMPLES / f"{name}.py")


def test_every_example_is_here() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.py")} - {"digits_frozen_layers"} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_it_learns(name: str) -> None:
    case = CASES[name]
    out = run("-m", "headgate", "run", script(name), "--short")
    assert any(line.startswith(case.first) for line in out.splitlines()), out
    found = float(re.findall(case.last, out)[-1])
    assert case.low <= found <= case.high, out


@pytest.mark.parametrize("name", [*CASES, "digits_frozen_layers"])
def test_nothing_is_missing(name: str) -> None:
    out = run("-m", "headgate", "check", str(EXAMPLES / f"{name}.py"))
    assert "no names missing" in out


#: The CNN's first line is a mean over steps in which float32's rounding has already grown; in float64 they agree.
EXACT = [name for name in CASES if name != "digits_cnn"]


@pytest.mark.nightly
@pytest.mark.parametrize("name", EXACT)
def test_first_figures_are_those_of_torch(name: str) -> None:
    """The first lines with a number that changes while learning, to the last digit shown."""
    ours = run("-m", "headgate", "run", script(name), "--short").splitlines()
    theirs = run(script(name), "--short").splitlines()
    first = next(index for index, line in enumerate(theirs) if re.match(r"\s*(epoch|step|episode)", line))
    assert ours[: first + 1] == theirs[: first + 1]
    assert len(ours) == len(theirs)
