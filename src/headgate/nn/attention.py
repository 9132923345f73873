"""`torch.nn.attention`: which implementation of attention to use. There is one here, so the choice changes nothing.

Its results are those of PyTorch's on the CPU, whatever a script asks for.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from typing import Any

WRONG_BACKEND = "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got {type}"


class SDPBackend(enum.Enum):
    """PyTorch's implementations of scaled dot-product attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[dict[str, Any]]:
    """Accepts a choice of implementations for a block of code. AssertionError for what is no choice."""
    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError(WRONG_BACKEND.format(type=type(backends).__name__))
    yield {}
