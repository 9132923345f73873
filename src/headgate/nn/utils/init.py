"""skip_init: a module made without drawing random numbers for its parameters."""

from __future__ import annotations

import inspect
from typing import Any

from headgate.nn.modules.module import Module
from headgate.ops.random import get_rng_state, set_rng_state


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Module:
    """A module of a class with parameters that nobody may rely on; the default generator stays where it is.

    RuntimeError for what is no class of modules or takes no `device`.
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        set_rng_state(state)
