"""What the side-by-side tests of this room share: registering programs, running them on both libraries, comparing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "cases"))

from harness import Log as Log
from harness import difference, run

Program = Callable[[Any, Log], None]


def leaf(torch: Any, *values: float) -> Any:
    """A float32 leaf that requires grad."""
    return torch.tensor(values, requires_grad=True)


def check(function: Program) -> None:
    """Run a program on both libraries and compare what they log."""
    torch = pytest.importorskip("torch")
    import headgate

    parted = difference(run(function, torch).log, run(function, headgate).log)
    assert parted is None, f"PyTorch and Headgate part at {parted}"
