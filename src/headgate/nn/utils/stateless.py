"""functional_call: a module called with other parameters and buffers than its own, which it has back afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(module: Any, values: Mapping[str, Any], tie_weights: bool, strict: bool) -> Iterator[None]:
    """Within it, the module's members of these dotted names are other tensors."""
    own = dict(module.named_parameters(remove_duplicate=False))
    own.update(module.named_buffers(remove_duplicate=False))
    unknown = [name for name in values if name not in own]
    if strict:
        missing = [name for name in own if name not in values]
        if unknown or missing:
            parts = [f"{kind} key(s): {', '.join(sorted(names))}."
                     for kind, names in (("Unexpected", unknown), ("Missing", missing)) if names]
            raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t" + "\n\t".join(parts))
    wanted = {name: value for name, value in values.items() if name in own}
    if tie_weights:
        by_tensor = {id(own[name]): value for name, value in wanted.items()}
        wanted.update({name: by_tensor[id(tensor)] for name, tensor in own.items()
                       if id(tensor) in by_tensor and name not in wanted})
    before: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for name, value in wanted.items():
            path, _, last = name.rpartition(".")
            owner = module.get_submodule(path)
            table = owner._parameters if last in owner._parameters else owner._buffers
            before.append((table, last, table[last]))
            table[last] = value
        yield
    finally:
        for table, last, tensor in reversed(before):
            table[last] = tensor


def functional_call(
    module: Any, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:
    """Call a module with the given tensors in place of its parameters and buffers of these names.

    One dictionary, or several without a common key (ValueError). `tie_weights`: what shares a tensor is replaced
    together.
    """
    dicts = parameter_and_buffer_dicts
    if isinstance(dicts, (list, tuple)):
        names = [name for one in dicts for name in one]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        dicts = {name: value for one in dicts for name, value in one.items()}
    elif not isinstance(dicts, Mapping):
        raise ValueError("Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
                         f"{type(dicts)}")
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with replaced(module, dicts, tie_weights, strict):
        return module(*arguments, **(kwargs or {}))
