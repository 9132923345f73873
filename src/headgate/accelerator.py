"""`torch.accelerator` on a machine without one: questions answer no, what would need one raises RuntimeError."""

from __future__ import annotations

from typing import Any, NoReturn

NONE = "Cannot access accelerator device when none is available."


def is_available() -> bool:
    """False: Headgate computes on the CPU."""
    return False


def device_count() -> int:
    """0."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """None: there is no accelerator."""


class device_index:
    """A context in which another accelerator is current; with None it does nothing. RuntimeError for a number."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device

    def __enter__(self) -> None:
        if self.idx is not None:
            raise RuntimeError(NONE)

    def __exit__(self, *_: object) -> None:
        """Nothing."""


def _refused(*args: Any, **kwargs: Any) -> NoReturn:
    """RuntimeError: there is no accelerator."""
    raise RuntimeError(NONE)


current_device_index = current_device_idx = current_stream = empty_cache = get_device_capability = _refused
get_memory_info = max_memory_allocated = max_memory_reserved = memory_allocated = memory_reserved = _refused
memory_stats = reset_accumulated_memory_stats = reset_peak_memory_stats = set_device_index = set_device_idx = _refused
set_stream = synchronize = _refused
