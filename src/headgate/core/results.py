"""Results with named fields: what sort, topk, max with a dim and their like return (torch.return_types).

Each type is a tuple whose items are also attributes. Nothing here knows tensors.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

#: Every type made so far, by PyTorch's name ("sort"): the members of `return_types`.
RETURN_TYPES: dict[str, type] = {}


class Result(tuple[Any, ...]):
    """A tuple with named items, made from one sequence, as PyTorch's are. TypeError for a wrong number of items."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()
    n_fields = n_sequence_fields = n_unnamed_fields = 0

    def __new__(cls, values: Iterable[Any]) -> Result:
        made = tuple.__new__(cls, values)
        if len(made) != cls.n_fields:
            raise TypeError(f"torch.return_types.{cls.__name__}() takes a {cls.n_fields}-sequence "
                            f"({len(made)}-sequence given)")
        return made

    def __repr__(self) -> str:
        shown = ",\n".join(f"{name}={value!r}" for name, value in zip(self.__match_args__, self))
        return f"torch.return_types.{type(self).__name__}(\n{shown})"

    def __reduce__(self) -> Any:
        return rebuild, (type(self).__name__, tuple(self))


def result_type(name: str, fields: str) -> type:
    """The type `torch.return_types.<name>` whose items are called as in `fields` ("values indices"); one per name.

    `Sort = result_type("sort", "values indices")`, then `Sort((values, indices))`.
    """
    if name in RETURN_TYPES:
        return RETURN_TYPES[name]
    names = tuple(fields.split())
    body: dict[str, Any] = {field: property(itemgetter(place)) for place, field in enumerate(names)}
    body.update(__slots__=(), __match_args__=names, n_fields=len(names), n_sequence_fields=len(names),
                __module__="torch.return_types", __qualname__=name)
    RETURN_TYPES[name] = type(name, (Result,), body)
    return RETURN_TYPES[name]


def rebuild(name: str, values: tuple[Any, ...]) -> Any:
    """What a pickled result becomes."""
    return RETURN_TYPES[name](values)
