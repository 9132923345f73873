"""`torch.cpu`: what can be asked of the one device that there is."""

from contextlib import nullcontext
from typing import Any

from headgate.cpu import amp as amp


def is_available() -> bool:
    """True."""
    return True


def is_initialized() -> bool:
    """True."""
    return True


def device_count() -> int:
    """1."""
    return 1


def current_device() -> str:
    """"cpu"."""
    return "cpu"


def set_device(device: Any) -> None:
    """Nothing: there is one."""


def synchronize(device: Any = None) -> None:
    """Nothing: every call has ended when it returns."""


def stream(stream: Any) -> Any:
    """A context without effect."""
    return nullcontext()
