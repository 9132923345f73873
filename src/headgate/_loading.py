"""Where the modules of Headgate are loaded from: compiled ones from the one library that holds them all.

`HEADGATE_PURE=1` makes every module load from its `.py` file instead. Also the opposite check, that nothing runs
uncompiled by accident. Knows names only, and imports nothing of Headgate but the library.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, SourceFileLoader
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
        from importlib.util import spec_from_file_location

        for folder in path or ():
            stem = os.path.join(folder, name.rpartition(".")[2])
            for file, places in ((os.path.join(stem, "__init__.py"), [stem]), (stem + ".py", None)):
                if os.path.isfile(file):
                    return spec_from_file_location(
                        name, file, loader=SourceFileLoader(name, file), submodule_search_locations=places
                    )
        raise ModuleNotFoundError(f"No module named {name!r} in uncompiled form (HEADGATE_PURE is set)", name=name)


class FromLibrary:
    """Finder and loader of the modules in the library. It has no state but the library and the places in it."""

    def __init__(self, library: ModuleType) -> None:
        self.library = library
        self.places: dict[str, int] = {name: place for place, name in enumerate(library.names())}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a compiled module of Headgate; None for any other."""
        if name not in self.places:
            return None
        spec = ModuleSpec(name, self, origin=self.library.__file__)  # type: ignore[arg-type]
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module, not yet filled."""
        module: ModuleType = self.library.create(spec, self.places[spec.name])
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module."""
        self.library.execute(module)


def install() -> None:
    """Put a finder first. Called before anything else of Headgate is imported.

    Without the library, and without HEADGATE_PURE, modules load from their files and `require_compiled` refuses them.
    """
    if any(isinstance(one, FromLibrary) or one is SourceOnly for one in sys.meta_path):
        return
    if WANTED:
        sys.meta_path.insert(0, SourceOnly)
        return
    try:
        from headgate import _library
    except ImportError:
        return
    sys.meta_path.insert(0, FromLibrary(_library))


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
