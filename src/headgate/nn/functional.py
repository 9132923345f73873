"""`torch.nn.functional`: activations, losses and their like as functions.

This file only re-exports what the op families publish under that name.
"""

from typing import Any as _Any

from headgate import ops as _ops  # noqa: F401  (declares them)
from headgate.core.entry import members as _members

globals().update(_members("nn.functional"))


def __getattr__(name: str) -> _Any:
    """What is not there. That it is declared tells type checkers that the names above are found at run time."""
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
