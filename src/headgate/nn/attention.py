"""`torch.nn.attention`: which implementation of attention to use. There is one here, so the choice changes nothing.

Results are those of PyTorch's on the CPU, whatever a script asks for. The switches of `torch.backends` are kept here
too; one of them tells whether padded places end as PyTorch's fast road leaves them.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Iterator
from typing import Any

WRONG_BACKEND = "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got {type}"
SWITCHES: dict[str, bool] = {
    "fastpath": True, "flash": True, "math": True, "mem_efficient": True, "cudnn": True, "fp16_bf16_reduction": False,
}


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


def getter(name: str) -> Callable[[], bool]:
    """A function that tells how a switch stands."""

    def enabled() -> bool:
        return SWITCHES[name]

    enabled.__doc__ = f"Whether {name} attention is switched on; noted only."
    return enabled


def setter(name: str) -> Callable[[bool], None]:
    """A function that sets a switch."""

    def enable(enabled: bool) -> None:
        SWITCHES[name] = bool(enabled)

    enable.__doc__ = f"Switch {name} attention on or off; noted only."
    return enable
