# cython: auto_pickle=False
"""What a module does most often: finding a parameter, buffer or sub-module by name, and being called.

This is the compiled base of Module. It knows the names of a module's tables and nothing of what is in them. It has no
fields of its own: all of a module's state is in its `__dict__`, as in PyTorch, for those who copy or pickle that.
"""
from typing import Any

import cython

from headgate.nn.modules.tables import CALL_HOOKS, TABLES, THERE_ARE_GLOBAL

if not cython.compiled:

    def hg_member(module: object, name: str, tables: tuple) -> object:
        """What the C function of that name gives."""
        for table in tables:
            if name in module.__dict__.get(table, ()):
                return module.__dict__[table][name]
        raise missing(module, name)

    def hg_attribute(module: object, name: str, tables: tuple) -> object:
        """The ordinary way: `__getattr__` is asked for what is not there."""
        return object.__getattribute__(module, name)

    def hg_is_hooked(module: object) -> bool:
        """Whether some hook of the module's own wants to know of calls."""
        return any([module.__dict__.get(table) for table in CALL_HOOKS])

    def hg_forward(module: Any, args: tuple, kwargs: dict) -> object:
        """The call itself."""
        return module.forward(*args, **kwargs)


def missing(module: object, name: str) -> AttributeError:
    """The error for an attribute that is not there."""
    return AttributeError(f"'{type(module).__name__}' object has no attribute '{name}'")


@cython.cclass
class Attributes:
    """Looks names up in `_parameters`, `_buffers` and `_modules`, and calls `forward` past hooks that are not there."""

    def __getattribute__(self, name: str) -> Any:
        return hg_attribute(self, name, TABLES)

    def __getattr__(self, name: str) -> Any:
        return hg_member(self, name, TABLES)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        if THERE_ARE_GLOBAL or hg_is_hooked(self):
            return cython.cast(object, self)._call_hooked(args, kwargs)
        return hg_forward(self, args, kwargs)
