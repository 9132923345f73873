"""`FloatStorage` and its like: the old names of a storage seen as elements of one type."""

from __future__ import annotations

from typing import Any

from headgate import dtypes
from headgate.core.entry import PUBLIC
from headgate.ops.storage import TypedStorage

KINDS = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "ByteStorage": "uint8", "CharStorage": "int8", "ShortStorage": "int16", "IntStorage": "int32",
    "LongStorage": "int64", "BoolStorage": "bool",
}  # fmt: skip


class _StorageKind(type):
    """isinstance asks for the element type."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is _OldStorage:
            return isinstance(instance, TypedStorage)
        return isinstance(instance, TypedStorage) and instance.dtype is getattr(cls, "dtype", None)


class _OldStorage(TypedStorage, metaclass=_StorageKind):  # type: ignore[misc]
    """What the old names share: calling one makes a TypedStorage of its type."""

    kind: Any

    def __new__(cls, *args: Any, wrap_storage: Any = None, **keywords: Any) -> Any:
        if keywords:
            raise RuntimeError(f"{cls}.__new__ received an invalid combination of arguments. Expected one of: no "
                               f"arguments, (int size), (Sequence data), (*, UntypedStorage wrap_storage). Got keyword "
                               f"argument '{next(iter(keywords))}'")
        if len(args) > 1:
            raise RuntimeError(f"{cls}.__new__ received an invalid combination of arguments. Too many positional "
                               f"arguments: {len(args)}")
        if args and not isinstance(args[0], int) and not hasattr(args[0], "__len__"):
            raise TypeError(f"{cls}.__new__ received an invalid combination of arguments: {args}")
        return TypedStorage(*args, wrap_storage=wrap_storage, dtype=cls.kind)


for _name, _kind in KINDS.items():
    PUBLIC[_name] = _StorageKind(_name, (_OldStorage,), {
        "dtype": dtypes.NAMES[_kind], "kind": dtypes.NAMES[_kind], "__module__": "torch", "__qualname__": _name,
        "__doc__": f"Makes a TypedStorage of {_kind}: of a size, of a sequence, or over an UntypedStorage."})
PUBLIC["resize_as_"] = PUBLIC["Tensor.resize_as_"]
