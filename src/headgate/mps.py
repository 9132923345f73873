"""`torch.mps` on a machine without Apple's devices: questions answer no, what would need one raises RuntimeError.

Seeding is accepted and has no effect, as in a PyTorch without them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

NONE = "Cannot execute {call}() without MPS backend."


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no device."""


def _refused(call: str) -> Callable[..., NoReturn]:
    """A function that raises RuntimeError and names what it would have called."""

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        """RuntimeError: there is no such device."""
        raise RuntimeError(NONE.format(call=call))

    return refuse


get_rng_state = set_rng_state = seed = _refused("getDefaultGenerator")
synchronize = _refused("deviceSynchronize")
empty_cache = _refused("emptyCache")
current_allocated_memory = _refused("getCurrentAllocatedMemory")
driver_allocated_memory = _refused("getDriverAllocatedMemory")
recommended_max_memory = _refused("getRecommendedMaxMemory")
Event = _refused("acquireEvent")
