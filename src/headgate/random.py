"""`torch.random`: the default generator's seed and state, and a context that leaves them as they were."""

import contextlib
from collections.abc import Iterator
from typing import Any

from headgate.ops.random import default_generator as default_generator
from headgate.ops.random import get_rng_state as get_rng_state
from headgate.ops.random import initial_seed as initial_seed
from headgate.ops.random import manual_seed as manual_seed
from headgate.ops.random import seed as seed
from headgate.ops.random import set_rng_state as set_rng_state


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str = "cpu", **_: Any) -> Iterator[None]:
    """A context after which the default generator is where it was before. `enabled=False` does nothing."""
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
