"""The storages of a file: their names in PyTorch, reading them once each, and `map_location`.

Turns records of an archive into storages; tensors over them are made in `tables`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from headgate import dtypes
from headgate.core.device import device
from headgate.io.archive import Archive, failed
from headgate.io.opcodes import damaged
from headgate.ops.storage import TypedStorage, UntypedStorage, storage_over

#: PyTorch's names of typed storages, and their element types.
NAMES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}  # fmt: skip
NAME_OF = {kind: name for name, kind in NAMES.items()}
NO_CUDA = (
    "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running on "
    "a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your storages to the CPU."
)
UNKNOWN_PLACE = "don't know how to restore data location of torch.storage.UntypedStorage (tagged with {place})"


class StorageType:
    """A typed storage class of PyTorch's, as a persistent id names it. `kind` is None for UntypedStorage."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind


def default_restore_location(storage: Any, location: str) -> Any:
    """The storage, if `location` is the CPU; RuntimeError for any other device, which Headgate does not have."""
    if location.startswith("cuda"):
        raise RuntimeError(NO_CUDA)
    if location.partition(":")[0] != "cpu":
        raise RuntimeError(UNKNOWN_PLACE.format(place=location))
    return storage


def location_tag(storage: Any) -> str:
    """Where a storage lies: "cpu"."""
    return "cpu"


def restorer(map_location: Any) -> Callable[[Any, str], Any]:
    """What brings a storage to its place, from `map_location`: None, a device or its name, a dictionary of names, or a
    function of the storage and its place which gives a storage or None. TypeError for anything else."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, place: default_restore_location(storage, str(map_location.get(place, place)))
    if isinstance(map_location, (str, bytes, device)):
        name = map_location.decode("ascii") if isinstance(map_location, bytes) else str(map_location)
        return lambda storage, _: default_restore_location(storage, name)
    if not callable(map_location):
        raise TypeError(f"'{type(map_location).__name__}' object is not callable")
    return lambda storage, place: _placed(map_location(storage, place), storage, place)


def _placed(found: Any, storage: Any, place: str) -> Any:
    if found is None:
        return default_restore_location(storage, place)
    if isinstance(found, TypedStorage):
        found = found.untyped()
    if not isinstance(found, UntypedStorage) or len(found) != len(storage):
        raise TypeError("map_location must return a storage of the same size, or None")
    return found


class Storages:
    """Answers persistent ids: each storage of the archive is read once, when it is first named."""

    def __init__(self, archive: Archive, map_location: Any) -> None:
        self.archive = archive
        self.restore = restorer(map_location)
        self.found: dict[str, tuple[Any, Any]] = {}
        self.foreign = False
        if "byteorder" in archive:
            order = archive.read("byteorder") if archive.size("byteorder") < 16 else b""
            if order not in (b"little", b"big"):
                raise failed("its byte order is unknown")
            self.foreign = order.decode() != sys.byteorder

    def __call__(self, identity: Any) -> Any:
        """The storage that a persistent id of torch.save names."""
        if type(identity) is not tuple or len(identity) != 5 or identity[0] != "storage":
            raise damaged("a persistent id is none of torch.save's")
        _, stored, key, place, count = identity
        if not isinstance(stored, StorageType) or type(key) is not str or type(place) is not str or type(
            count
        ) is not int:
            raise damaged("a persistent id is none of torch.save's")
        if key not in self.found:
            self.found[key] = (self._read(stored.kind, key, place, count), stored.kind)
        storage, kind = self.found[key]
        unit = 1 if stored.kind is None else stored.kind.itemsize
        if kind is not stored.kind or len(storage) != count * unit:
            raise damaged(f"storage {key} is named with two types or sizes")
        if kind is None:
            return storage
        return TypedStorage(wrap_storage=storage, dtype=kind, _internal=True)

    def _read(self, kind: Any, key: str, place: str, count: int) -> Any:
        name = f"data/{key}"
        unit = 1 if kind is None else kind.itemsize
        if count < 0 or count * unit != self.archive.size(name):
            raise failed(f"record {name} has {self.archive.size(name)} bytes where its pickle says {count * unit}")
        memory = np.empty(count * unit, np.uint8)
        if count:
            self.archive.read_into(name, memory)
        elements = memory if kind is None else memory.view(kind.numpy)
        if self.foreign and unit > 1:
            elements.byteswap(inplace=True)
        clean(elements)
        return self.restore(storage_over(memory if kind is None else elements), place)


def clean(array: Any) -> None:
    """Make every byte of an array of bools 0 or 1: NumPy relies on that."""
    if array.dtype == np.bool_:
        raw = array.view(np.uint8)
        np.not_equal(raw, 0, out=array)


def stored_kind(name: str) -> StorageType | None:
    """The storage type that PyTorch calls `name`; None if it has none that Headgate knows."""
    if name == "UntypedStorage":
        return StorageType(None)
    return StorageType(dtypes.by_name(NAMES[name])) if name in NAMES else None
