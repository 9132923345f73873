"""Uncompiled running: `HEADGATE_PURE=1` makes every module of Headgate load from its `.py` file.

Also the opposite check, that nothing runs uncompiled by accident. Knows file names only, and imports nothing of
Headgate.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType

PREFIX = __name__.rpartition(".")[0] + "."
WANTED = os.environ.get("HEADGATE_PURE", "0") not in ("", "0")


class SourceOnly:
    """A finder that sees the `.py` files of Headgate's packages and none of their extensions."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of a submodule of Headgate from its source file; None for what is not Headgate's."""
        if not name.startswith(PREFIX):
            return None
        for folder in path or ():
            stem = os.path.join(folder, name.rpartition(".")[2])
            for file, places in ((os.path.join(stem, "__init__.py"), [stem]), (stem + ".py", None)):
                if os.path.isfile(file):
                    return spec_from_file_location(
                        name, file, loader=SourceFileLoader(name, file), submodule_search_locations=places
                    )
        raise ModuleNotFoundError(f"No module named {name!r} in uncompiled form (HEADGATE_PURE is set)", name=name)


def install() -> None:
    """Put the finder first, if HEADGATE_PURE asks for it. Called before anything else of Headgate is imported."""
    if WANTED and SourceOnly not in sys.meta_path:
        sys.meta_path.insert(0, SourceOnly)


def require_compiled() -> None:
    """Raise ImportError if a file that should be compiled was loaded from source without HEADGATE_PURE."""
    if WANTED:
        return
    slow = [name for name, module in list(sys.modules.items()) if name.startswith(PREFIX) and _is_slow(module)]
    if slow:
        raise ImportError(
            f"{', '.join(sorted(slow))}: not compiled for this Python. Build the extensions (`make ext` in a source "
            "tree), or set HEADGATE_PURE=1 to run without them",
            name=PREFIX[:-1],
        )


def _is_slow(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None) or ""
    return not file.endswith(tuple(EXTENSION_SUFFIXES)) and os.path.exists(os.path.splitext(file)[0] + ".pxd")
