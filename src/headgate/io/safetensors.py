"""The safetensors format, both ways, under the names of `safetensors.torch`: a table in JSON, then the tensors' bytes.

Own reader and writer of the format (Hugging Face, 2022), with every rule of it checked; nothing in a file can run.
Knows no zip files and no pickles.
"""

from __future__ import annotations

import io
import json
import os
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from headgate import dtypes
from headgate.core.records import Tensor
from headgate.io.files import replacing
from headgate.io.storages import clean, restorer
from headgate.ops.values import from_numpy

LARGEST_HEADER = 100_000_000
#: The format's names of element types, in the order in which the package sorts them.
KINDS = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "F16": "float16", "BF16": "bfloat16", "I32": "int32",
    "F32": "float32", "C64": "complex64", "F64": "float64", "I64": "int64",
}  # fmt: skip
RANK = {kind: rank for rank, kind in enumerate(KINDS.values())}
CODE_OF = {kind: code for code, kind in KINDS.items()}
NOT_A_DICT = "Expected a dict of [str, torch.Tensor] but received {type}"
NOT_A_TENSOR = "Key `{name}` is invalid, expected torch.Tensor but received {type}"
NOT_CONTIGUOUS = (
    "You are trying to save a non contiguous tensor: `{name}` which is not allowed. It either means you are trying to "
    "save tensors which are reference of each other in which case it's recommended to save only the full tensors, and "
    "reslice at load time, or simply call `.contiguous()` on your tensor to pack it before saving."
)
SHARED = (
    "Some tensors share memory, this will lead to duplicate memory on disk and potential differences when loading them "
    "again: {names}. A potential way to correctly save your model is to use `save_model`."
)


class SafetensorError(Exception):
    """A file that breaks the format."""


class Entry(NamedTuple):
    """One tensor of the table: element type, shape, and where its bytes lie behind the header."""

    kind: Any
    shape: tuple[int, ...]
    start: int
    end: int


# ---- the table ------------------------------------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def read_table(file: Any) -> tuple[dict[str, Entry], dict[str, str], int]:
    """The tensors, the metadata and the start of the bytes of an open file. SafetensorError unless all is as it should
    be: sizes inside of the file, every byte in exactly one tensor."""
    file.seek(0, os.SEEK_END)
    length = file.tell()
    file.seek(0)
    if length < 8:
        raise SafetensorError("Error while deserializing header: header too small")
    (size,) = struct.unpack("<Q", file.read(8))
    if size > LARGEST_HEADER:
        raise SafetensorError("Error while deserializing header: header too large")
    if size + 8 > length:
        raise SafetensorError("Error while deserializing header: invalid header length")
    raw = file.read(size)
    try:
        if raw[:1] != b"{":
            raise ValueError("it does not start with {")
        table = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise SafetensorError(f"Error while deserializing header: invalid header: {error}") from error
    metadata = table.pop("__metadata__", {})
    if not isinstance(metadata, dict) or any(type(one) is not str for one in metadata.values()):
        raise SafetensorError("Error while deserializing header: the metadata is no table of texts")
    entries = {name: _entry(name, one) for name, one in table.items()}
    _check_covered(entries, length - 8 - size)
    return entries, metadata, 8 + size


def _entry(name: str, given: Any) -> Entry:
    if not isinstance(given, dict) or set(given) != {"dtype", "shape", "data_offsets"}:
        raise SafetensorError(f"Error while deserializing header: the entry of {name!r} is none")
    code, shape, place = given["dtype"], given["shape"], given["data_offsets"]
    if type(code) is not str or code not in KINDS:
        raise SafetensorError(f"Error while deserializing header: {name!r} is of a type that Headgate lacks: {code!r}")
    for numbers in (shape, place):
        if not isinstance(numbers, list) or any(type(one) is not int or not 0 <= one < 2**62 for one in numbers):
            raise SafetensorError(f"Error while deserializing header: shape or offsets of {name!r} are none")
    if len(place) != 2 or len(shape) > 64:
        raise SafetensorError(f"Error while deserializing header: shape or offsets of {name!r} are none")
    kind = dtypes.by_name(KINDS[code])
    count = kind.itemsize
    for one in shape:
        count *= one
    if place[1] - place[0] != count:
        raise SafetensorError(f"Error while deserializing header: invalid offsets or size of {name!r}")
    return Entry(kind, tuple(shape), place[0], place[1])


def _check_covered(entries: dict[str, Entry], length: int) -> None:
    end = 0
    for name, one in sorted(entries.items(), key=lambda pair: (pair[1].start, pair[1].end)):
        if one.start != end:
            raise SafetensorError(f"Error while deserializing header: {name!r} overlaps another tensor or leaves a gap")
        end = one.end
    if end != length:
        raise SafetensorError("Error while deserializing header: the tensors do not fill the file")


def _read_tensor(file: Any, entry: Entry, start: int) -> Any:
    array = np.empty(entry.shape, entry.kind.numpy)
    if array.nbytes:
        file.seek(start + entry.start)
        raw = file.read(array.nbytes)
        if len(raw) != array.nbytes:
            raise SafetensorError("Error while deserializing: the file is cut off")
        array.reshape(-1).view(np.uint8)[:] = np.frombuffer(raw, np.uint8)
        clean(array)
    return from_numpy(array)


# ---- loading --------------------------------------------------------------------------------------------------------


def _load(file: Any) -> dict[str, Any]:
    entries, _, start = read_table(file)
    return {name: _read_tensor(file, one, start) for name, one in entries.items()}


def _check_device(device: Any) -> None:
    if not isinstance(device, int):
        restorer(device)(None, str(device))
    else:
        restorer(f"cuda:{device}")(None, "cuda")


def load_file(filename: Any, device: Any = "cpu") -> dict[str, Any]:
    """The tensors in a file, by name. SafetensorError for a file that breaks the format anywhere."""
    _check_device(device)
    with open(filename, "rb") as file:
        return _load(file)


def load(data: bytes) -> dict[str, Any]:
    """The tensors in the bytes of a file, by name."""
    return _load(io.BytesIO(data))


class safe_open:
    """A file whose tensors are read one by one: `with safe_open(path, framework="pt") as f: f.get_tensor(name)`."""

    def __init__(self, filename: Any, framework: str = "pt", device: Any = "cpu") -> None:
        if framework not in ("pt", "torch", "pytorch"):
            raise SafetensorError(f"framework {framework} is invalid")
        _check_device(device)
        self._file = open(filename, "rb")
        try:
            self._entries, self._metadata, self._start = read_table(self._file)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def metadata(self) -> dict[str, str] | None:
        """The texts that were saved with the tensors; None if there are none."""
        return dict(self._metadata) or None

    def keys(self) -> list[str]:
        """The names of the tensors, sorted."""
        return sorted(self._entries)

    def offset_keys(self) -> list[str]:
        """The names of the tensors in the order of their bytes."""
        return sorted(self._entries, key=lambda name: self._entries[name].start)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def get_tensor(self, name: str) -> Any:
        """One tensor. SafetensorError if there is none of that name."""
        if name not in self._entries:
            raise SafetensorError(f"File does not contain tensor {name}")
        return _read_tensor(self._file, self._entries[name], self._start)

    def get_slice(self, name: str) -> _Part:
        """What gives parts of one tensor when it is indexed."""
        return _Part(self, name)


class _Part:
    """One tensor of an open file, read when it is indexed."""

    def __init__(self, file: safe_open, name: str) -> None:
        if name not in file._entries:
            raise SafetensorError(f"File does not contain tensor {name}")
        self._file, self._name = file, name

    def get_shape(self) -> list[int]:
        """The sizes."""
        return list(self._file._entries[self._name].shape)

    def get_dtype(self) -> str:
        """The element type, as the format calls it."""
        return CODE_OF[self._file._entries[self._name].kind.name]

    def __getitem__(self, index: Any) -> Any:
        return self._file.get_tensor(self._name)[index]


# ---- saving ---------------------------------------------------------------------------------------------------------


def _checked(tensors: Any) -> dict[str, Any]:
    if not isinstance(tensors, dict):
        raise ValueError(NOT_A_DICT.format(type=type(tensors)))
    for name, one in tensors.items():
        if not isinstance(name, str):
            raise ValueError(f"Key `{name}` is invalid, expected str but received {type(name)}")
        if not isinstance(one, Tensor):
            raise ValueError(NOT_A_TENSOR.format(name=name, type=type(one)))
        if one.dtype.name not in CODE_OF:
            raise ValueError(f"Key `{name}` is of type {one.dtype}, which the format does not have")
        if not one.is_contiguous():  # type: ignore[attr-defined]
            raise ValueError(NOT_CONTIGUOUS.format(name=name))
    shared = shared_names(tensors)
    if shared:
        raise RuntimeError(SHARED.format(names=[set(names) for names in shared]))
    return tensors


def shared_names(tensors: dict[str, Any]) -> list[list[str]]:
    """The groups of tensors whose memory overlaps."""
    spans = []
    for name, one in tensors.items():
        if one.numel():
            last = sum((length - 1) * step for length, step in zip(one.shape, one.stride()))
            spans.append((one.data_ptr(), one.data_ptr() + (last + 1) * one.element_size(), name))
    groups: list[list[str]] = []
    end = 0
    for first, behind, name in sorted(spans):
        if first < end:
            groups[-1].append(name)
        else:
            groups.append([name])
        end = max(end, behind)
    return [group for group in groups if len(group) > 1]


def _write(file: Any, tensors: dict[str, Any], metadata: dict[str, str] | None) -> None:
    """The largest element types first, so that each tensor lies at a multiple of its own."""
    order = sorted(tensors, key=lambda name: (-RANK[tensors[name].dtype.name], name))
    table: dict[str, Any] = {}
    if metadata:
        if any(type(one) is not str for pair in metadata.items() for one in pair):
            raise TypeError("metadata must be a dict of [str, str]")
        table["__metadata__"] = dict(metadata)
    at = 0
    for name in order:
        one = tensors[name]
        end = at + one.numel() * one.element_size()
        table[name] = {"dtype": CODE_OF[one.dtype.name], "shape": list(one.shape), "data_offsets": [at, end]}
        at = end
    raw = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()
    raw += b" " * (-len(raw) % 8)
    file.write(struct.pack("<Q", len(raw)) + raw)
    for name in order:
        if tensors[name].numel():
            file.write(tensors[name].untyped_storage()._bytes()[_span(tensors[name])])


def _span(x: Any) -> slice:
    start = x.storage_offset() * x.element_size()
    return slice(start, start + x.numel() * x.element_size())


def save_file(tensors: dict[str, Any], filename: Any, metadata: dict[str, str] | None = None) -> None:
    """Write tensors by name. A path is replaced whole: it holds the old file or the new one at any moment.

    ValueError for what is no dictionary of contiguous tensors, RuntimeError for tensors that share memory.
    """
    checked = _checked(tensors)
    with replacing(filename) as file:
        _write(file, checked, metadata)


def save(tensors: dict[str, Any], metadata: dict[str, str] | None = None) -> bytes:
    """The bytes of the file that `save_file` would write."""
    file = io.BytesIO()
    _write(file, _checked(tensors), metadata)
    return file.getvalue()


def save_model(
    model: Any, filename: Any, metadata: dict[str, str] | None = None, force_contiguous: bool = True,
) -> None:
    """Write a model's state_dict; of names that share memory one is written, and the others noted in the metadata."""
    state = dict(model.state_dict())
    notes = dict(metadata or {})
    for group in shared_names(state):
        kept = max(sorted(group), key=lambda name: state[name].numel())
        if any(state[name].data_ptr() != state[kept].data_ptr() or state[name].shape != state[kept].shape
               for name in group):
            raise RuntimeError(SHARED.format(names=[set(group)]))
        for name in group:
            if name != kept:
                notes[name] = kept
                del state[name]
    if force_contiguous:
        state = {name: one.contiguous() for name, one in state.items()}
    save_file(state, filename, notes)


def load_model(model: Any, filename: Any, strict: bool = True, device: Any = "cpu") -> tuple[list[str], list[str]]:
    """Load what `save_model` wrote into a model; the missing and the unexpected names. RuntimeError for either if
    `strict`."""
    state = load_file(filename, device)
    missing, unexpected = model.load_state_dict(state, strict=False)
    own = model.state_dict()
    noted = {name for group in shared_names(own) if any(name in state for name in group) for name in group}
    missing = sorted(name for name in missing if name not in noted)
    if strict and (missing or unexpected):
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(model).__name__}:\n    Missing key(s) in state_dict: {missing}\n"
            f"    Unexpected key(s) in state_dict: {sorted(unexpected)}"
        )
    return missing, sorted(unexpected)
