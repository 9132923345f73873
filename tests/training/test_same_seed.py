"""The same numbers as PyTorch for the same seed: twelve programs, their first values, first loss and 200 losses."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from beside import arrays

import headgate

_found = importlib.util.spec_from_file_location("training_programs", Path(__file__).with_name("programs.py"))
assert _found is not None and _found.loader is not None
programs = importlib.util.module_from_spec(_found)
_found.loader.exec_module(programs)

STEPS = 200


def run(library: Any, name: str, kind: str, steps: int, nudged: bool = False) -> dict[str, Any]:
    """First values and losses of a program; `nudged`: every first weight moved by one unit in the last place."""
    library.manual_seed(17)
    program = programs.PROGRAMS[name](library, getattr(library, kind))
    first = [array.copy() for array in arrays(list(program.model.parameters()))]
    if nudged:
        with library.no_grad():
            for parameter in program.model.parameters():
                moved = np.nextafter(parameter.numpy(), np.float64(np.inf).astype(parameter.numpy().dtype))
                parameter.copy_(library.from_numpy(moved))
    losses = [program.step() for _ in range(steps)]
    return {"first": first, "losses": np.array(getattr(program, "seen", losses)), "drawn": library.rand(2).tolist()}


@pytest.mark.parametrize("name", [name for name in programs.PROGRAMS if name != "Lbfgs"])
def test_single_precision(name: str) -> None:
    theirs, mine = (run(library, name, "float32", STEPS) for library in (torch, headgate))
    nudged = run(torch, name, "float32", STEPS, nudged=True)
    for one, two in zip(theirs["first"], mine["first"], strict=True):
        np.testing.assert_array_equal(one, two)
    assert abs(mine["losses"][0] - theirs["losses"][0]) <= 1e-6 * abs(theirs["losses"][0])
    apart = np.maximum.accumulate(np.abs(mine["losses"] - theirs["losses"]))
    allowed = np.maximum.accumulate(np.abs(nudged["losses"] - theirs["losses"]))
    assert (apart <= 10 * allowed + 1e-6 * np.abs(theirs["losses"])).all(), (apart.max(), allowed.max())
    assert theirs["drawn"] == mine["drawn"]


@pytest.mark.parametrize("name", [name for name in programs.PROGRAMS if name != "Lbfgs"])
def test_double_precision(name: str) -> None:
    theirs, mine = (run(library, name, "float64", STEPS) for library in (torch, headgate))
    np.testing.assert_allclose(mine["losses"], theirs["losses"], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_lbfgs(kind: str) -> None:
    theirs, mine = (run(library, "Lbfgs", kind, 15) for library in (torch, headgate))
    np.testing.assert_allclose(mine["losses"][:20], theirs["losses"][:20], rtol=1e-9 if kind == "float64" else 1e-3)
    assert abs(mine["losses"][-1] - theirs["losses"][-1]) <= 0.1 * theirs["losses"][-1]
