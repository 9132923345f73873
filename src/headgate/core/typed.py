"""Tensor as type checkers see it: most of its methods are installed when ops are declared, so they cannot be listed.

At run time it is the record's class itself. Nothing is computed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headgate.core import records

if TYPE_CHECKING:

    class Tensor(records.Tensor):
        """A Tensor with every method."""

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

        def __getitem__(self, index: Any) -> Any: ...

        def __setitem__(self, index: Any, value: Any) -> None: ...

        def __len__(self) -> int: ...
else:
    Tensor = records.Tensor
