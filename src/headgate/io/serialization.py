"""`torch.save` and `torch.load`: objects to and from PyTorch's zip files. No pickle is executed, whatever is asked for.

The archive is `archive`'s, the pickle in it `opcodes`' and `emit`'s, the names it may use `tables`'. Here they meet.
"""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any

from headgate.io.archive import LOCAL, Archive, ArchiveWriter
from headgate.io.emit import Emitter
from headgate.io.files import is_path, replacing
from headgate.io.opcodes import Interpreter, Maker, damaged
from headgate.io.storages import Storages, StorageType
from headgate.io.tables import build, find, full_name

PROTOCOL = 2
DEPTH = 400
LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
LEGACY = (
    "this file has PyTorch's format of before 1.6 (or of _use_new_zipfile_serialization=False), whose pickles must be "
    "executed to be read; Headgate reads the zip format only. Load it with PyTorch and save it again."
)
TAR = "this file is a tar archive, PyTorch's format of before 0.1.10; load it with PyTorch and save it again"
SCRIPTED = "this file is a TorchScript archive of torch.jit.save, not one of torch.save; Headgate has no TorchScript"
WEIGHTS_ONLY = "Weights only load failed. {why}"
NOT_ALLOWED = (
    "Unsupported global: GLOBAL {path} was not an allowed global by default. Headgate executes no pickle, under "
    "weights_only=False neither: it reads tensors, numbers, texts and plain containers. {advice}"
)
ADVICE_MODEL = (
    "If a whole model or optimizer was saved, load it with PyTorch and save its state_dict(), which can be loaded here."
)
ADVICE_CLASS = (
    "Objects of a plain class can be read if it is named by `torch.serialization.add_safe_globals([{path}])`; else "
    "save the values that it holds."
)
NO_MODULE = "Headgate executes no pickle: pickle_module cannot be given"
NOT_SEEKABLE = (
    "'{type}' object has no attribute '{name}'. You can only torch.load from a file that is seekable. Please pre-load "
    "the data into a buffer like io.BytesIO and try to load from it instead."
)


# ---- saving ---------------------------------------------------------------------------------------------------------


def save(
    obj: Any, f: Any, pickle_module: Any = pickle, pickle_protocol: int = PROTOCOL,
    _use_new_zipfile_serialization: bool = True, _disable_byteorder_record: bool = False,
) -> None:
    """Write `obj` to a path or an open binary file, as a zip file that PyTorch loads with weights_only=True.

    `obj` is made of tensors, Parameters, storages, numbers, texts, bytes, Size, dtype, device, NumPy numbers and arrays
    (which PyTorch loads once they are allowed), and lists, tuples, dictionaries, sets of such. Views of one memory stay
    views of one memory. A path is replaced whole: it holds the old file or the new one at any moment.

    TypeError for other objects (save a model's state_dict); RuntimeError for a missing folder. Differs from
    PyTorch: the protocol is always 2 and `pickle_module` is not used.
    """
    if not _use_new_zipfile_serialization:
        raise RuntimeError("torch.save: Headgate writes the zip format only")
    if not is_path(f) and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    emitter = Emitter()
    data = emitter.dump(obj)
    if is_path(f):
        stem = os.path.splitext(os.path.basename(os.fspath(f)))[0] or "archive"
        with replacing(f) as file:
            _write(file, stem, data, emitter.storages, _disable_byteorder_record)
    else:
        _write(f, "archive", data, emitter.storages, _disable_byteorder_record)


def _write(file: Any, folder: str, data: bytes, storages: list[Any], no_order: bool) -> None:
    """The records, in PyTorch's order."""
    archive = ArchiveWriter(file, folder)
    archive.add("data.pkl", data)
    archive.add(".format_version", b"1")
    archive.add(".storage_alignment", b"64")
    if not no_order:
        archive.add("byteorder", sys.byteorder.encode())
    for key, storage in enumerate(storages):
        archive.add(f"data/{key}", storage._bytes())
    archive.add("version", b"3\n")
    archive.finish()


# ---- loading --------------------------------------------------------------------------------------------------------


def load(
    f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None,
    mmap: bool | None = None, **pickle_load_args: Any,
) -> Any:
    """The object in a zip file of torch.save, from a path or a seekable binary file. Executes nothing.

    Every record's CRC is checked; tensors that shared memory share it again. map_location: None, "cpu", a device, a
    dictionary of places, or a function (storage, place) -> storage or None. weights_only=False allows, as in PyTorch,
    NumPy's numbers and arrays, defaultdict and argparse.Namespace as well, and still no pickle is executed.

    RuntimeError for a damaged archive, a device that is not there and the formats of before 1.6;
    pickle.UnpicklingError for a damaged pickle and for objects that only executing it could make; EOFError for an
    empty file. Differs from PyTorch: `mmap` is accepted and the file is read; `encoding` has no effect.
    """
    if pickle_module is not None:
        if weights_only:
            raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
        raise RuntimeError(NO_MODULE)
    if mmap and not is_path(f):
        raise ValueError("f must be a file path in order to use the mmap argument")
    if is_path(f):
        with open(f, "rb") as file:
            return _load(file, map_location, weights_only is False)
    for name in ("seek", "tell", "read"):
        if not hasattr(f, name):
            raise AttributeError(NOT_SEEKABLE.format(type=type(f).__name__, name=name))
    return _load(f, map_location, weights_only is False)


def _load(file: Any, map_location: Any, loose: bool) -> Any:
    refuse_other_formats(file)
    archive = Archive(file)
    if "constants.pkl" in archive:
        raise RuntimeError(SCRIPTED)
    storages = Storages(archive, map_location)
    names = _Names(loose)
    try:
        found = Interpreter(archive.read("data.pkl"), names, storages, build).run()
        check_plain(found)
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(WEIGHTS_ONLY.format(why=error)) from error
    return found


def refuse_other_formats(file: Any) -> None:
    """Raise for what does not start as a zip file, saying what it is."""
    start = file.tell()
    head = file.read(265)
    file.seek(start)
    if head[:4] == LOCAL:
        return
    if not head and start == 0:
        raise EOFError("Ran out of input: the file is empty")
    if head.startswith(LEGACY_MAGIC):
        raise RuntimeError(LEGACY)
    if head[257:262] == b"ustar":
        raise RuntimeError(TAR)
    what = "a pickle that torch.save did not write" if head[:1] == b"\x80" else "no file of torch.save"
    where = "" if start == 0 else f" from position {start} on (seek(0) first?)"
    raise pickle.UnpicklingError(WEIGHTS_ONLY.format(why=f"This is {what}{where}."))


class _Names:
    """Looks the names of a file up in the closed table; UnpicklingError for one that is not in it."""

    def __init__(self, loose: bool) -> None:
        self.loose = loose

    def __call__(self, module: str, name: str) -> Any:
        path = full_name(module, name)
        found = find(path, self.loose)
        if found is not None:
            return found
        whole = path.startswith("torch.") or path.startswith("__main__.")
        advice = ADVICE_MODEL if whole else ADVICE_CLASS.format(path=path)
        raise pickle.UnpicklingError(NOT_ALLOWED.format(path=path, advice=advice))


def check_plain(found: Any) -> None:
    """UnpicklingError if what was read holds a name of the table itself, or nests too deeply to be used."""
    seen: set[int] = set()
    waiting: list[tuple[Any, int]] = [(found, 0)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, (Maker, StorageType)):
            raise damaged("it holds a class or a function")
        if depth > DEPTH:
            raise damaged("containers are nested too deeply")
        if id(value) in seen:
            continue
        parts = _parts(value)
        if parts:
            seen.add(id(value))
            waiting.extend((part, depth + 1) for part in parts)


def _parts(value: Any) -> list[Any]:
    """What a container holds."""
    found: list[Any] = []
    if isinstance(value, (list, tuple)):
        found.extend(value)
    elif isinstance(value, dict):
        found.extend(value.values())
    if hasattr(value, "__dict__"):
        found.extend(vars(value).values())
    return found


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The names in a file that `load` would refuse, sorted."""
    refused: set[str] = set()

    class Inert:
        """Stands for anything; everything can be done to it."""

    def note(module: str, name: str) -> Any:
        path = full_name(module, name)
        if find(path, False) is None:
            refused.add(path)
        return Maker(path, lambda m, *arguments: Inert())

    def scan(file: Any) -> None:
        refuse_other_formats(file)
        Interpreter(Archive(file).read("data.pkl"), note, lambda identity: Inert(), lambda *_: None).run()

    if is_path(f):
        with open(f, "rb") as file:
            scan(file)
    else:
        scan(f)
    return sorted(refused)
