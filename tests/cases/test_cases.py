"""Every behaviour of the list, as a test: once on PyTorch alone (are our expectations true?), once side by side.

Collects the programs from the programs_* files beside it; knows nothing of what they do.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import harness

for name in ("detach", "writes", "flow", "engine"):
    importlib.import_module(f"programs_{name}")


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    module = importlib.import_module("torch")
    module.set_num_threads(1)
    return module


@pytest.fixture(scope="module")
def headgate() -> ModuleType:
    return importlib.import_module("headgate")


IDS = [entry.name for entry in harness.CASES]


@pytest.mark.parametrize("entry", harness.CASES, ids=IDS)
def test_oracle(entry: harness.Case, torch: ModuleType) -> None:
    first, second = harness.run(entry.program, torch), harness.run(entry.program, torch)
    assert first.log.entries and harness.difference(first.log, second.log) is None


@pytest.mark.parametrize("entry", harness.CASES, ids=IDS)
def test_headgate(entry: harness.Case, torch: ModuleType, headgate: ModuleType) -> None:
    harness.check_against_oracle(entry, torch, headgate)


def test_all_44_are_here() -> None:
    assert {entry.number for entry in harness.CASES} == set(range(1, 45))
