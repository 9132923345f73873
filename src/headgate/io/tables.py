"""The closed table of names that a file may use, and what each becomes: tensors, sizes, dictionaries, NumPy's numbers.

Nothing outside of this table is ever called while a file is read. What `add_safe_globals` adds are classes whose
objects are made without running their code.
"""

from __future__ import annotations

import importlib
from collections import Counter, OrderedDict, defaultdict
from typing import Any

import numpy as np

from headgate import dtypes
from headgate.core.device import CONSTANTS, device
from headgate.core.records import Tensor
from headgate.core.size import Size
from headgate.core.surface import FIELDS
from headgate.io.opcodes import Interpreter, Maker, check_keys, damaged
from headgate.io.storages import stored_kind
from headgate.ops.creation import empty
from headgate.ops.parameter import Parameter
from headgate.ops.storage import TypedStorage

NUMPY_KINDS = frozenset("b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split())
LIMIT = 2**62


# ---- tensors --------------------------------------------------------------------------------------------------------


def _wholes(values: Any, name: str) -> tuple[int, ...]:
    """A tuple of ints that are not negative."""
    if not isinstance(values, tuple) or any(type(one) is not int or not 0 <= one < LIMIT for one in values):
        raise damaged(f"the {name} of a tensor is none")
    return tuple(values)


def _tensor(m: Interpreter, storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> Any:
    """A tensor over a storage: every element that it can show must lie inside."""
    if not isinstance(storage, TypedStorage):
        raise damaged("a tensor lies over what is no storage")
    (start,) = _wholes((offset,), "offset")
    shape, steps = _wholes(size, "size"), _wholes(stride, "stride")
    if len(shape) != len(steps) or len(shape) > 64:
        raise damaged("size and stride of a tensor do not fit")
    count = last = 1
    for length, step in zip(shape, steps):
        count *= length
        last += (length - 1) * step
    if count >= LIMIT or (count and start + last > len(storage)):
        raise damaged(f"a tensor of size {list(shape)} and stride {list(steps)} leaves its storage of {len(storage)}")
    x = empty(0, dtype=storage.dtype)
    if count:
        x.set_(storage, start, shape, steps)
    else:
        x = empty(shape, dtype=storage.dtype)
    if rest and rest[0] is True:
        x.requires_grad = True
    return x


def _parameter(m: Interpreter, data: Any = None, requires_grad: Any = True, *rest: Any) -> Any:
    """A Parameter over a tensor's memory, with the state that follows its hooks, if any."""
    if not isinstance(data, Tensor) or type(requires_grad) is not bool:
        raise damaged("a parameter has no data")
    made = Parameter(data, requires_grad)
    if len(rest) > 1:
        _set_attributes(made, rest[1])
    return made


def _typed(m: Interpreter, function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    """A tensor with attributes."""
    if not isinstance(function, Maker) or not isinstance(kind, Maker) or type(arguments) is not tuple:
        raise damaged("a tensor with attributes is none")
    if kind.value not in (Tensor, Parameter) or function.make not in (_tensor, _parameter):
        raise damaged("a tensor with attributes is of a class that is not known")
    made = function.make(m, *arguments)
    _set_attributes(made, state)
    return made


def _set_attributes(target: Any, state: Any) -> None:
    if isinstance(state, tuple) and len(state) == 2 and not state[1]:
        state = state[0]  # PyTorch's (attributes, slots)
    if not isinstance(state, dict) or any(type(name) is not str for name in state):
        raise damaged("the attributes of an object are none")
    if isinstance(target, Tensor) and any(hasattr(type(target), name) or name in FIELDS for name in state):
        raise damaged("an attribute of a tensor hides one that every tensor has")
    vars(target).update(state)


# ---- plain things ---------------------------------------------------------------------------------------------------


def _ordered(m: Interpreter, items: Any = ()) -> Any:
    pairs = [tuple(_items(m, one)) for one in _items(m, items)]
    check_keys(key for key, _ in pairs)
    return OrderedDict(pairs)


def _counter(m: Interpreter, counts: Any = None) -> Any:
    if not isinstance(counts, (dict, type(None))):
        raise damaged("a counter is made from what is no dictionary")
    m.spend(len(counts or ()))
    made: Counter[Any] = Counter()
    dict.update(made, counts or {})
    return made


def _default(m: Interpreter, factory: Any = None) -> Any:
    if factory is not None and (not isinstance(factory, Maker) or factory.value not in FACTORIES.values()):
        raise damaged("a defaultdict has a factory that is not known")
    return defaultdict(factory.value if factory is not None else None)


def _items(m: Interpreter, items: Any) -> Any:
    if type(items) not in (list, tuple):
        raise damaged("something is made from what is no list")
    m.spend(len(items))
    return items


def _set(m: Interpreter, items: Any = ()) -> Any:
    _items(m, items)
    check_keys(items)
    return set(items)


def _size(m: Interpreter, sizes: Any = ()) -> Any:
    return Size(_wholes(tuple(_items(m, sizes)), "size"))


def _device(m: Interpreter, kind: Any, index: Any = None) -> Any:
    if type(kind) is not str or not isinstance(index, (int, type(None))):
        raise damaged("a device has no name")
    return device(kind) if index is None else device(kind, index)


def _encode(m: Interpreter, text: Any, coding: Any = "latin1") -> bytes:
    if type(text) is not str or coding not in ("latin1", "latin-1"):
        raise damaged("bytes are written in a way that is not torch.save's")
    m.spend(len(text))
    return text.encode("latin-1")


def _bytearray(m: Interpreter, value: Any = b"", *coding: Any) -> bytearray:
    raw = _encode(m, value, *coding) if type(value) is str else value
    if type(raw) is not bytes:
        raise damaged("a bytearray is made from what is no bytes")
    m.spend(len(raw))
    return bytearray(raw)


def _complex(m: Interpreter, real: Any, imag: Any) -> complex:
    return complex(float(real), float(imag))


def _layout(m: Interpreter, name: Any) -> Any:
    found = CONSTANTS.get(str(name).removeprefix("torch."))
    if found is None:
        raise damaged("a layout is not known")
    return found


def _only_named(m: Interpreter, *arguments: Any) -> Any:
    raise damaged("it calls what may only be named")


def _object(kind: type) -> Any:
    """A maker of empty objects of a plain class; their attributes follow as a state."""

    def make(m: Interpreter, *arguments: Any) -> Any:
        if arguments:
            raise damaged(f"{kind.__name__} is made with arguments, which would run its code")
        m.made.add(kind)
        return object.__new__(kind)

    return make


# ---- NumPy ----------------------------------------------------------------------------------------------------------


def _numpy_type(m: Interpreter, code: Any, *flags: Any) -> Any:
    if type(code) is not str or code not in NUMPY_KINDS:
        raise damaged("a type of NumPy's is none that can be read")
    return np.dtype(code)


def _numpy_scalar(m: Interpreter, kind: Any, raw: Any) -> Any:
    if not isinstance(kind, np.dtype) or type(raw) is not bytes or len(raw) != kind.itemsize:
        raise damaged("a number of NumPy's has the wrong size")
    return np.frombuffer(bytes([raw[0] != 0]) if kind == np.bool_ else raw, kind)[0]


def _numpy_array(m: Interpreter, kind: Any, shape: Any, code: Any) -> Any:
    if not isinstance(kind, Maker) or kind.value is not np.ndarray:
        raise damaged("an array of NumPy's is of a class that is not known")
    return np.empty(0, np.uint8)


def _fill_array(m: Interpreter, array: Any, state: Any) -> None:
    """Give an array made by `_numpy_array` its shape, type and bytes."""
    _, shape, kind, fortran, raw = state
    sizes = _wholes(shape, "size")
    count = 1
    for length in sizes:
        count *= length
    if not isinstance(kind, np.dtype) or type(raw) is not bytes or type(fortran) is not bool or array.size:
        raise damaged("an array of NumPy's is none")
    if len(sizes) > 32 or len(raw) != count * kind.itemsize:
        raise damaged("an array of NumPy's has the wrong size")
    m.spend(len(raw))
    if kind == np.bool_:
        raw = np.not_equal(np.frombuffer(raw, np.uint8), 0).tobytes()
    array.__setstate__((1, sizes, kind, fortran, raw))


def build(target: Any, state: Any, m: Interpreter) -> None:
    """What the BUILD opcode does: attributes of an ordered dictionary or a plain object, contents of NumPy's things."""
    if isinstance(target, np.dtype):
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else None
        if order not in ("<" if target.newbyteorder("<").isnative else ">", "|", "="):
            raise damaged("numbers of NumPy's have a foreign byte order")
    elif type(target) is np.ndarray:
        _fill_array(m, target, state)
    elif type(target) is OrderedDict or type(target) in m.made:
        _set_attributes(target, state)
    else:
        raise damaged(f"it sets the state of a {type(target).__name__}")


# ---- the table ------------------------------------------------------------------------------------------------------

FACTORIES: dict[str, Any] = {"list": list, "dict": dict, "int": int, "float": float, "str": str, "bool": bool}

TABLE: dict[str, Any] = {
    name: Maker(name, make, value)
    for name, make, value in (
        ("collections.OrderedDict", _ordered, None),
        ("collections.Counter", _counter, None),
        ("torch._utils._rebuild_tensor", _tensor, None),
        ("torch._utils._rebuild_tensor_v2", _tensor, None),
        ("torch._utils._rebuild_parameter", _parameter, None),
        ("torch._utils._rebuild_parameter_with_state", _parameter, None),
        ("torch._tensor._rebuild_from_type_v2", _typed, None),
        ("torch.nn.parameter.Parameter", _parameter, Parameter),
        ("torch.Tensor", _only_named, Tensor),
        ("torch.Size", _size, None),
        ("torch.device", _device, None),
        ("torch.serialization._get_layout", _layout, None),
        ("_codecs.encode", _encode, None),
        ("builtins.set", _set, None),
        ("builtins.complex", _complex, None),
        ("builtins.bytearray", _bytearray, None),
    )
}
TABLE.update({f"torch.{name}": kind for name, kind in dtypes.NAMES.items() if kind.name == name})

#: Plain data that torch.load reads only when it is told that the file may do anything. Here it is as safe as the rest,
#: and read where PyTorch would read it: under weights_only=False, or named by `add_safe_globals`.
PLAIN_CLASSES = (("argparse", "Namespace"),)
LOOSE: dict[str, Maker] = {
    "numpy.dtype": Maker("numpy.dtype", _numpy_type),
    "numpy.ndarray": Maker("numpy.ndarray", _only_named, np.ndarray),
    "numpy._core.multiarray.scalar": Maker("scalar", _numpy_scalar),
    "numpy._core.multiarray._reconstruct": Maker("_reconstruct", _numpy_array),
    "collections.defaultdict": Maker("defaultdict", _default),
}
LOOSE.update({f"builtins.{name}": Maker(name, _only_named, kind) for name, kind in FACTORIES.items()})

_safe: dict[str, Any] = {}


def full_name(module: str, name: str) -> str:
    """A name as Python 3 has it: pickles of protocol 2 call some modules as Python 2 did."""
    module = {"__builtin__": "builtins", "copy_reg": "copyreg", "UserDict": "collections"}.get(module, module)
    if module.startswith("numpy.core"):
        module = "numpy._core" + module.removeprefix("numpy.core")
    return f"{module}.{name}"


def find(path: str, loose: bool) -> Any:
    """What a file means by a name: a Maker, a type of storage or element; None for what it may not name."""
    found = TABLE.get(path)
    if found is None and path.startswith(("torch.storage.", "torch.")) and path.count(".") < 3:
        found = stored_kind(path.rpartition(".")[2])
    factory = path.startswith("builtins.") and "collections.defaultdict" in _safe
    if found is None and path in LOOSE and (loose or path in _safe or factory):
        found = LOOSE[path]
    if found is None:
        module, _, name = path.rpartition(".")
        kind = _safe.get(path)
        if kind is None and loose and (module, name) in PLAIN_CLASSES:
            kind = getattr(importlib.import_module(module), name)
        if isinstance(kind, type) and plain_class(kind):
            found = Maker(path, _object(kind), kind)
    return found


def plain_class(kind: type) -> bool:
    """Whether objects of a class are made, and get attributes, without running any code of it."""
    return kind.__new__ is object.__new__ and kind.__flags__ & (1 << 9) != 0 and not any(
        hasattr(kind, name) for name in ("__setstate__", "__slots__", "__del__")
    )


# ---- what scripts allow ---------------------------------------------------------------------------------------------


def _named(entries: Any) -> dict[str, Any]:
    found = {}
    for one in entries:
        if isinstance(one, tuple):
            if len(one) != 2:
                raise ValueError(
                    "Expected tuple of length 2 (global, str of callable full path), but got tuple of length: "
                    f"{len(one)}"
                )
            if type(one[1]) is not str:
                raise TypeError(
                    f"Expected second item in tuple to be str of callable full path, but got: {type(one[1])}"
                )
            value, path = one
        else:
            value, path = one, f"{one.__module__}.{one.__qualname__}"
        found[full_name(*path.rpartition(".")[::2])] = value
    return found


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Allow files to hold objects of these classes (or pairs of a class and its name in the file).

    Objects are made empty and get their attributes; nothing of the class runs. A class whose objects cannot be made so
    is still refused when a file names it, and so are functions: Headgate calls none for a file.
    """
    _safe.update(_named(safe_globals))


def clear_safe_globals() -> None:
    """Forget what `add_safe_globals` allowed."""
    _safe.clear()


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` allowed."""
    return list(_safe.values())


class safe_globals:
    """A context in which files may hold objects of the given classes; see `add_safe_globals`."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self.entries = safe_globals

    def __enter__(self) -> None:
        self.before = dict(_safe)
        add_safe_globals(self.entries)

    def __exit__(self, *_: object) -> None:
        _safe.clear()
        _safe.update(self.before)
