"""Running a script as `python script.py` would, with Headgate answering to `import torch`.

The script cannot tell the difference: its arguments, path, file name, main module, exit code and tracebacks are
those of a direct run. Knows nothing of tensors.
"""

from __future__ import annotations

import importlib.util
import io
import os
import signal
import sys
import types
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType, TracebackType

from headgate.compat import alias
from headgate.compat.nearest import hint, public_names

_HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "__init__.py")


def run_script(path: str, arguments: Sequence[str]) -> int:
    """Run the script at `path` as the main module and return the exit code.

    Raises OSError if it cannot be read. An exception of the script is printed as Python prints it, from the script's
    first line on; SystemExit passes through.
    """
    file = os.path.abspath(path)  # what Python itself puts into __file__ and tracebacks
    with io.open_code(file) as stream:
        source = stream.read()
    alias.install()
    main = _main_module(file)
    sys.modules["__main__"] = main
    sys.argv[:] = [path, *arguments]
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    return _execute(source, file, main)


def run_module(name: str, arguments: Sequence[str]) -> int:
    """Run a module as `python -m name` would, with Headgate answering to `import torch`; returns the exit code.

    Raises ModuleNotFoundError if there is no such module.
    """
    alias.install()
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.getcwd()
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(name + ".__main__")
    if spec is None or not isinstance(spec.loader, SourceFileLoader):
        raise ModuleNotFoundError(f"No module named {name!r} that can be run", name=name)
    file = spec.loader.get_filename(spec.name)
    main = _main_module(file)
    main.__spec__, main.__package__ = spec, spec.parent
    sys.modules["__main__"] = main
    sys.argv[:] = [file, *arguments]
    return _execute(spec.loader.get_data(file), file, main)


def _main_module(file: str) -> ModuleType:
    """A fresh `__main__` with the attributes that Python gives to a script's."""
    main = types.ModuleType("__main__")
    main.__file__ = file
    main.__loader__ = SourceFileLoader("__main__", file)
    main.__dict__.update(__builtins__=__builtins__, __cached__=None, __annotations__={})
    del main.__doc__
    main.__doc__ = None
    return main


def _execute(source: bytes, path: str, main: ModuleType) -> int:
    try:
        code: CodeType = compile(source, path, "exec", dont_inherit=True)
        exec(code, main.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        _explain(error)
        shown = error.with_traceback(_without_ours(error.__traceback__))
        sys.excepthook(type(shown), shown, shown.__traceback__)
        if isinstance(error, KeyboardInterrupt):
            _die_of_interrupt()
        return 1
    return 0


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback without the runner's frames, and without those of the alias and the import system around it."""
    kept: list[TracebackType] = []
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not file.startswith((_HERE, _PACKAGE, "<frozen importlib")):
            kept.append(traceback)
        traceback = traceback.tb_next
    last = None
    for one in reversed(kept):
        last = TracebackType(last, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return last


def _explain(error: BaseException) -> None:
    """Add the nearest name to Python's own text for `from torch import nothing`."""
    wanted = _quoted(str(error))
    if not isinstance(error, ImportError) or not error.name or wanted is None:
        return
    owner = sys.modules.get(error.name)
    if owner is not None and owner.__name__.partition(".")[0] == alias.OURS:
        error.msg = f"{error.msg}: {hint(wanted, public_names(owner))}"


def _quoted(text: str) -> str | None:
    """The name in "cannot import name 'x' from ..."; only Python 3.12 and later keep it apart."""
    parts = text.split("'")
    return parts[1] if text.startswith("cannot import name ") and len(parts) > 2 else None


def _die_of_interrupt() -> None:
    """End as an interrupted Python ends, by the signal itself, so that a shell's loop stops too."""
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.raise_signal(signal.SIGINT)
