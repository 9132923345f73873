"""Writes objects as a pickle of protocol 2 by the names that PyTorch uses, from a closed list of types.

No object is asked how it wants to be pickled: what is not on the list is refused, so that what is written can be read
by a reader that executes nothing. Storages are named here and written by the caller.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from headgate.core.device import device, layout
from headgate.core.records import Tensor
from headgate.core.size import Size
from headgate.core.surface import attributes
from headgate.dtypes import dtype
from headgate.io.storages import NAME_OF
from headgate.io.tables import PLAIN_CLASSES, plain_class
from headgate.ops.parameter import Buffer, Parameter
from headgate.ops.storage import TypedStorage, UntypedStorage

DEPTH = 200
REFUSED = (
    "torch.save: an object of type {type} cannot be written: Headgate writes tensors, numbers, texts and plain "
    "containers, and pickles no other objects."
)
ADVICE = {
    "module": " Save its state instead: torch.save(model.state_dict(), path), and model.load_state_dict(torch.load("
    "path)) on a model made anew.",
    "optimizer": " Save its state instead: torch.save(optimizer.state_dict(), path).",
}  # fmt: skip
TYPES_DIFFER = "Cannot save multiple tensors or storages that view the same data as different types"


class Emitter:
    """Collects the pickle of one object, and the storages that it needs in the order of their keys."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.memo: dict[Any, int] = {}
        self.alive: list[Any] = []
        self.storages: list[Any] = []
        self.keys: dict[int, tuple[int, Any]] = {}
        self.depth = 0

    def dump(self, value: Any) -> bytes:
        """The pickle of `value`. TypeError for a type that is not written, RuntimeError for nesting without end."""
        self.parts.append(b"\x80\x02")
        self.write(value)
        self.parts.append(b".")
        return b"".join(self.parts)

    def write(self, value: Any) -> None:
        """Write one object, or a reference to where it was written before."""
        kind = type(value)
        if kind in ATOMS:
            ATOMS[kind](self, value)
            return
        if id(value) in self.memo:
            self._get(self.memo[id(value)])
            return
        writer = WRITERS.get(kind)
        if writer is None:
            writer = _by_base(value)
        self.depth += 1
        if self.depth > DEPTH:
            raise RuntimeError(f"torch.save: containers are nested more than {DEPTH} deep")
        writer(self, value)
        self.depth -= 1

    # ---- pieces -----------------------------------------------------------------------------------------------------

    def _get(self, number: int) -> None:
        self.parts.append(b"h%c" % number if number < 256 else b"j" + struct.pack("<I", number))

    def _put(self, key: Any) -> None:
        number = len(self.memo)
        self.memo[key] = number
        self.parts.append(b"q%c" % number if number < 256 else b"r" + struct.pack("<I", number))

    def remember(self, value: Any) -> None:
        """Let later references to `value` lead to what is on top now."""
        self.alive.append(value)
        self._put(id(value))

    def name(self, module: str, name: str) -> None:
        """Write a name of the closed table."""
        key = (module, name)
        if key in self.memo:
            self._get(self.memo[key])
            return
        self.parts.append(f"c{module}\n{name}\n".encode())
        self._put(key)

    def text(self, value: str) -> None:
        """Write a text; the second time as a reference."""
        if value in self.memo:
            self._get(self.memo[value])
            return
        raw = value.encode("utf-8", "surrogatepass")
        self.parts.append(b"X" + struct.pack("<I", len(raw)) + raw)
        self._put(value)

    def items(self, values: Iterable[Any]) -> None:
        """Write a tuple that nobody else refers to."""
        self.parts.append(b"(")
        for one in values:
            self.write(one)
        self.parts.append(b"t")

    def call(self, module: str, name: str, *arguments: Any) -> None:
        """Write what a name makes of arguments."""
        self.name(module, name)
        self.items(arguments)
        self.parts.append(b"R")

    def pairs(self, values: Any) -> None:
        """Write the items of a dictionary that is on top, a thousand at a time."""
        entries = list(values.items())
        for start in range(0, len(entries), 1000):
            self.parts.append(b"(")
            for key, value in entries[start : start + 1000]:
                self.write(key)
                self.write(value)
            self.parts.append(b"u")

    def state(self, values: dict[str, Any]) -> None:
        """Write attributes for what is on top."""
        self.parts.append(b"}")
        self.pairs(values)
        self.parts.append(b"b")

    def storage(self, untyped: Any, kind: Any) -> None:
        """Write the persistent id of a storage, seen as elements of a type (None: as bytes)."""
        owner = untyped._owner
        if id(owner) not in self.keys:
            self.keys[id(owner)] = (len(self.storages), kind)
            self.storages.append(untyped)
        key, before = self.keys[id(owner)]
        if before is not kind:
            raise RuntimeError(TYPES_DIFFER)
        self.parts.append(b"(")
        self.text("storage")
        if kind is None:
            self.name("torch.storage", "UntypedStorage")
        else:
            self.name("torch", NAME_OF[kind.name])
        self.text(str(key))
        self.text("cpu")
        self.write(len(untyped) // (1 if kind is None else kind.itemsize))
        self.parts.append(b"tQ")


# ---- what is written how --------------------------------------------------------------------------------------------


def _int(e: Emitter, value: int) -> None:
    if 0 <= value < 256:
        e.parts.append(b"K%c" % value)
    elif 0 <= value < 65536:
        e.parts.append(b"M" + struct.pack("<H", value))
    elif -(2**31) <= value < 2**31:
        e.parts.append(b"J" + struct.pack("<i", value))
    else:
        raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        if len(raw) > 255:
            raise OverflowError("torch.save: an integer has more than 2000 bits")
        e.parts.append(b"\x8a%c" % len(raw) + raw)


def _tuple(e: Emitter, value: tuple[Any, ...]) -> None:
    if not value:
        e.parts.append(b")")
        return
    e.items(value)
    e.remember(value)


def _list(e: Emitter, value: list[Any]) -> None:
    e.parts.append(b"]")
    e.remember(value)
    for start in range(0, len(value), 1000):
        e.parts.append(b"(")
        for one in value[start : start + 1000]:
            e.write(one)
        e.parts.append(b"e")


def _dict(e: Emitter, value: dict[Any, Any]) -> None:
    e.parts.append(b"}")
    e.remember(value)
    e.pairs(value)


def _ordered(e: Emitter, value: OrderedDict[Any, Any]) -> None:
    e.name("collections", "OrderedDict")
    e.parts.append(b")R")
    e.remember(value)
    e.pairs(value)
    if vars(value):
        e.state(vars(value))


def _default(e: Emitter, value: defaultdict[Any, Any]) -> None:
    factory = value.default_factory
    if factory is not None and factory not in (list, dict, int, float, str, bool):
        raise TypeError(f"torch.save: a defaultdict of {factory!r} cannot be written; save dict(...) of it")
    e.name("collections", "defaultdict")
    if factory is None:
        e.parts.append(b"N\x85R")
    else:
        e.name("__builtin__", factory.__name__)
        e.parts.append(b"\x85R")
    e.remember(value)
    e.pairs(value)


def _made_of(module: str, name: str, parts: Callable[[Any], tuple[Any, ...]]) -> Callable[[Emitter, Any], None]:
    """A writer of what one name makes of the parts of an object."""

    def write(e: Emitter, value: Any) -> None:
        e.call(module, name, *parts(value))
        e.remember(value)

    return write


def _plain_object(e: Emitter, value: Any) -> None:
    e.name(type(value).__module__, type(value).__qualname__)
    e.parts.append(b")\x81")
    e.remember(value)
    e.state(vars(value))


def _dtype(e: Emitter, value: dtype) -> None:
    e.name("torch", value.name)


def _tensor_parts(e: Emitter, x: Any) -> None:
    """A tensor's memory and how it lies in it."""
    e.parts.append(b"(")
    e.storage(x.untyped_storage(), x.dtype)
    e.write(x.storage_offset())
    e.items(x.shape)
    e.items(x.stride())
    e.write(x.requires_grad)
    e.call("collections", "OrderedDict")
    e.parts.append(b"t")


def _tensor(e: Emitter, x: Any) -> None:
    state = attributes(x)
    if state:
        e.name("torch._tensor", "_rebuild_from_type_v2")
        e.parts.append(b"(")
        e.name("torch._utils", "_rebuild_tensor_v2")
        e.name("torch", "Tensor")
        _tensor_parts(e, x)
        e.write(dict(state))
        e.parts.append(b"tR")
    else:
        e.name("torch._utils", "_rebuild_tensor_v2")
        _tensor_parts(e, x)
        e.parts.append(b"R")
    e.remember(x)


def _parameter(e: Emitter, x: Any) -> None:
    state = attributes(x)
    e.name("torch._utils", "_rebuild_parameter_with_state" if state else "_rebuild_parameter")
    e.parts.append(b"(")
    e.write(x.data)
    e.write(x.requires_grad)
    e.call("collections", "OrderedDict")
    if state:
        e.write(dict(state))
    e.parts.append(b"tR")
    e.remember(x)


def _typed_storage(e: Emitter, value: Any) -> None:
    e.storage(value.untyped(), value.dtype)


def _untyped_storage(e: Emitter, value: Any) -> None:
    e.storage(value, None)


def _numpy_type(e: Emitter, kind: Any) -> None:
    if kind.kind not in "biufc" or not kind.isnative or kind.itemsize > 16 or kind.char in "gG":
        raise TypeError(f"torch.save: NumPy's type {kind} cannot be written")
    e.call("numpy", "dtype", kind.str[1:], False, True)
    e.items((3, kind.str[0], None, None, None, -1, -1, 0))
    e.parts.append(b"b")


def _numpy_scalar(e: Emitter, value: Any) -> None:
    e.name("numpy._core.multiarray", "scalar")
    e.parts.append(b"(")
    _numpy_type(e, value.dtype)
    e.write(value.tobytes())
    e.parts.append(b"tR")
    e.remember(value)


def _numpy_array(e: Emitter, value: Any) -> None:
    e.name("numpy._core.multiarray", "_reconstruct")
    e.parts.append(b"(")
    e.name("numpy", "ndarray")
    e.items((0,))
    e.write(b"b")
    e.parts.append(b"tR")
    e.remember(value)
    e.parts.append(b"(K\x01")
    e.items(value.shape)
    _numpy_type(e, value.dtype)
    e.write(False)
    e.write(value.tobytes())
    e.parts.append(b"tb")


def _by_base(value: Any) -> Callable[[Emitter, Any], None]:
    """The writer of what is on the list by a base class only, or TypeError."""
    if isinstance(value, np.generic):
        return _numpy_scalar
    if type(value) is Buffer:
        return _tensor
    kind = type(value)
    if (kind.__module__, kind.__qualname__) in PLAIN_CLASSES and plain_class(kind):
        return _plain_object
    if isinstance(value, Tensor) and kind.__dict__.get("_prints_as_tensor") and issubclass(kind, Parameter):
        return _parameter
    text = REFUSED.format(type=f"{kind.__module__}.{kind.__qualname__}")
    if hasattr(value, "named_parameters") and hasattr(value, "state_dict"):
        text += ADVICE["module"]
    elif hasattr(value, "param_groups") or hasattr(value, "state_dict"):
        text += ADVICE["optimizer"]
    raise TypeError(text)


ATOMS: dict[type, Callable[[Emitter, Any], None]] = {
    type(None): lambda e, value: e.parts.append(b"N"),
    bool: lambda e, value: e.parts.append(b"\x88" if value else b"\x89"),
    int: _int,
    float: lambda e, value: e.parts.append(b"G" + struct.pack(">d", value)),
    str: lambda e, value: e.text(value),
    dtype: _dtype,
}
WRITERS: dict[type, Callable[[Emitter, Any], None]] = {
    tuple: _tuple, list: _list, dict: _dict, OrderedDict: _ordered, defaultdict: _default,
    bytes: _made_of("_codecs", "encode", lambda value: (value.decode("latin-1"), "latin1")),
    bytearray: _made_of("__builtin__", "bytearray", lambda value: (value.decode("latin-1"), "latin-1")),
    complex: _made_of("__builtin__", "complex", lambda value: (value.real, value.imag)),
    set: _made_of("__builtin__", "set", lambda value: (list(value),)),
    Counter: _made_of("collections", "Counter", lambda value: (dict(value),)),
    Size: _made_of("torch", "Size", lambda value: (tuple(value),)),
    device: _made_of(
        "torch", "device", lambda value: (value.type,) if value.index is None else (value.type, value.index)),
    layout: _made_of("torch.serialization", "_get_layout", lambda value: (repr(value),)),
    Tensor: _tensor, Parameter: _parameter, TypedStorage: _typed_storage, UntypedStorage: _untyped_storage,
    np.ndarray: _numpy_array,
}  # fmt: skip
