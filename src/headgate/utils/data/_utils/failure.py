"""Exceptions that travel: what a worker process raised, as text, raised again where the batch was wanted.

Knows exceptions only.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn


class KeyErrorMessage(str):
    """A text that KeyError, which shows the repr of its argument, shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class ExceptionWrapper:
    """The exception being handled (or `exc_info`), as its class and its traceback's text, and where it happened."""

    def __init__(self, exc_info: Any = None, where: str = "in background") -> None:
        import traceback

        found = sys.exc_info() if exc_info is None else exc_info
        self.exc_type: Any = found[0]
        self.exc_msg = "".join(traceback.format_exception(*found))
        self.where = where

    def reraise(self) -> NoReturn:
        """Raise the same class with "Caught X where. Original Traceback ..."; RuntimeError if it cannot be made so."""
        text: str = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            text = KeyErrorMessage(text)
        elif getattr(self.exc_type, "message", None):
            raise self.exc_type(message=text)
        try:
            error = self.exc_type(text)
        except Exception:
            raise RuntimeError(text) from None
        raise error
