"""The tables in which a module keeps what it has, and the hooks that all modules share.

PyTorch's names for the tables: scripts and other libraries read them. Nothing here knows modules.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

#: Where an attribute is looked for that is no ordinary one, in this order.
TABLES = ("_parameters", "_buffers", "_modules")
#: The tables of hooks on calls.
CALL_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")

#: Hooks of every module, by kind; filled by `register_module_forward_hook` and its relatives.
GLOBAL: dict[str, OrderedDict[int, Callable[..., Any]]] = {
    kind: OrderedDict()
    for kind in ("backward_pre", "backward", "forward", "forward_pre", "buffer", "module", "parameter")
}
#: Ids of the global forward hooks that get keyword arguments, and of those called even if `forward` raises.
GLOBAL_WITH_KWARGS: dict[int, bool] = OrderedDict()
GLOBAL_ALWAYS: dict[int, bool] = OrderedDict()

#: A true value as soon as some module-wide hook on calls was ever registered: a list that every caller can share.
THERE_ARE_GLOBAL: list[bool] = []


def fresh_tables() -> dict[str, Any]:
    """The `__dict__` of a new module, in PyTorch's order."""
    return {
        "training": True,
        "_parameters": {},
        "_buffers": {},
        "_non_persistent_buffers_set": set(),
        "_backward_pre_hooks": OrderedDict(),
        "_backward_hooks": OrderedDict(),
        "_is_full_backward_hook": None,
        "_forward_hooks": OrderedDict(),
        "_forward_hooks_with_kwargs": OrderedDict(),
        "_forward_hooks_always_called": OrderedDict(),
        "_forward_pre_hooks": OrderedDict(),
        "_forward_pre_hooks_with_kwargs": OrderedDict(),
        "_state_dict_hooks": OrderedDict(),
        "_state_dict_pre_hooks": OrderedDict(),
        "_load_state_dict_pre_hooks": OrderedDict(),
        "_load_state_dict_post_hooks": OrderedDict(),
        "_modules": {},
    }
