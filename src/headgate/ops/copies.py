"""`permute_copy` and its like: what a view shows, as a copy. Each is the view and a clone, with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headgate.core.declare import install_method
from headgate.core.device import CONSTANTS
from headgate.core.entry import PUBLIC, publish
from headgate.core.typed import Tensor
from headgate.ops.margins import tensor
from headgate.ops.rules import written

CONTIGUOUS = CONSTANTS["contiguous_format"]
VIEWS = ("expand", "permute", "select", "squeeze", "t", "transpose", "unfold", "unsqueeze", "view", "diagonal",
         "detach", "as_strided", "narrow")
CUTS = ("split", "split_with_sizes", "unbind")


def view_of(name: str) -> Callable[..., Any]:
    """The function, or the method, that makes the view."""
    return PUBLIC.get(name) or getattr(Tensor, name)  # type: ignore[no-any-return]


def copying(name: str) -> Callable[..., Any]:
    """The copy of what one view shows."""
    full = f"{name}_copy"

    def function(input: Any, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        copy = view_of(name)(tensor(input, full), *args, **kwargs).clone(memory_format=CONTIGUOUS)
        return written(full, (copy,), None if out is None else (out,))[0]

    function.__name__ = function.__qualname__ = full
    function.__doc__ = f"A contiguous copy of what `{name}` shows."
    return function


def cutting(name: str, full: str) -> Callable[..., Any]:
    """Copies of the pieces of a cut."""

    def function(input: Any, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        pieces = tuple(piece.clone() for piece in view_of(name)(tensor(input, full), *args, **kwargs))
        return written(full, pieces, out)

    function.__name__ = function.__qualname__ = full
    function.__doc__ = f"The pieces of `{name}`, as copies."
    return function


def slice_copy(
    input: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1, *, out: Any = None,
) -> Any:
    """A contiguous copy of every `step`-th slice along a dim, from `start` to before `end`."""
    x = tensor(input, "slice_copy")
    places = [slice(None)] * x.ndim
    places[dim] = slice(start, end, step)
    copy = x[tuple(places)].clone(memory_format=CONTIGUOUS)
    return written("slice_copy", (copy,), None if out is None else (out,))[0]


def alias_copy(input: Any, *, out: Any = None) -> Any:
    """A copy."""
    return written("alias_copy", (tensor(input, "alias_copy").clone(),), None if out is None else (out,))[0]


for _name in VIEWS:
    publish(f"{_name}_copy", copying(_name))
for _name in CUTS:
    publish(f"{_name}_copy", cutting(_name, f"{_name}_copy"))
for _function in (slice_copy, alias_copy):
    publish(_function.__name__, _function)
install_method("narrow_copy", PUBLIC["narrow_copy"])
