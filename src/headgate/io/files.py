"""Files that are replaced whole: written beside the old one, synced, renamed. Knows nothing of what is in them."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import Any


def is_path(f: Any) -> bool:
    """Whether `f` names a file."""
    return isinstance(f, (str, os.PathLike))


@contextlib.contextmanager
def replacing(path: Any) -> Iterator[Any]:
    """A file open for writing that becomes `path` when the block ends without an error.

    Until then, and whenever the process dies, what was at `path` is there unchanged. The new file keeps the old one's
    permissions; what is no regular file (a device, a pipe) is written directly. RuntimeError if the folder is missing
    or `path` is a folder.
    """
    target = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {os.path.dirname(os.fspath(path))} does not exist.")
    if os.path.isdir(target):
        raise RuntimeError(f"invalid file name: {os.fspath(path)} is a folder")
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as file:
            yield file
        return
    mode = stat.S_IMODE(os.stat(target).st_mode) if os.path.exists(target) else 0o666
    beside = os.path.join(folder, f".{name[:100]}.{os.urandom(6).hex()}.tmp")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if os.path.exists(target):
                os.chmod(beside, mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """Make a rename durable, where the system can."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
