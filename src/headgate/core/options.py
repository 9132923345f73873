"""The arguments that every function making a tensor shares: sizes, dtype, layout, device, pinning.

Each is checked with PyTorch's exception and words. Nothing here makes a tensor.
"""

from __future__ import annotations

import builtins
import operator
from typing import Any

import numpy as np

from headgate import dtypes, errors
from headgate.core.device import NO_PINNING, check_device, check_layout

_PYTHON_TYPES: dict[Any, Any] = {
    float: dtypes.by_name("float64"), int: dtypes.by_name("int64"), bool: dtypes.by_name("bool"),
    complex: dtypes.by_name("complex128"),
}  # fmt: skip
ARGUMENT_TYPE = "{name}(): argument '{argument}' must be {expected}, not {type}"
NO_SIZE = '{name}() missing 1 required positional arguments: "size"'
SIZE_TYPE = "{name}(): argument 'size' (position 1) must be tuple of ints, not {type}"
SIZE_ELEMENT = (
    "{name}(): argument 'size' (position 1) must be tuple of ints, but found element of type {type} at pos {at}"
)
SIZE_UNPACK = (
    "{name}(): argument 'size' failed to unpack the object at pos {at} with error \"type must be tuple of ints,but got "
    '{type}"'
)


def kind_of(given: Any, name: str) -> Any:
    """A dtype argument as a dtype: itself, or that of the Python type float, int, bool or complex."""
    if isinstance(given, dtypes.dtype):
        return given
    if given is None:
        return dtypes.default_dtype()
    found = _PYTHON_TYPES.get(given) if isinstance(given, type) else None
    if found is None:
        raise TypeError(ARGUMENT_TYPE.format(
            name=name, argument="dtype", expected="torch.dtype", type=type(given).__name__))
    return found


def check_options(name: str, layout: Any, device: Any, pin_memory: Any) -> None:
    """Raise for a layout, device or pinning that Headgate does not have."""
    if layout is not None:
        check_layout(layout, name)
    if device is not None:
        check_device(device)
    if pin_memory:
        raise RuntimeError(NO_PINNING)


def check_flag(name: str, value: Any) -> None:
    """Raise unless requires_grad is a bool."""
    if not isinstance(value, bool):
        raise TypeError(ARGUMENT_TYPE.format(
            name=name, argument="requires_grad", expected="bool", type=type(value).__name__))


def sizes_of(sizes: Any, size: Any, name: str) -> tuple[int, ...]:
    """The shape that `name(2, 3)`, `name((2, 3))` or `name(size=(2, 3))` asks for."""
    if size is not None:
        sizes = size if isinstance(size, (tuple, list)) else (size,)
    elif len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    elif not sizes:
        raise TypeError(NO_SIZE.format(name=name))
    for one in sizes:
        if type(one) is not int or one < 0:
            return _checked_sizes(sizes, name)
    return tuple(sizes)


def _checked_sizes(sizes: Any, name: str) -> tuple[int, ...]:
    """The sizes as ints, with PyTorch's errors for what is none, or negative."""
    shape = []
    for at, one in enumerate(sizes):
        try:
            shape.append(operator.index(one))
        except TypeError:
            kind = type(one).__name__
            if at:
                raise TypeError(SIZE_UNPACK.format(name=name, at=at + 1, type=kind)) from None
            text = SIZE_ELEMENT if len(sizes) > 1 or kind == "float" else SIZE_TYPE
            raise TypeError(text.format(name=name, at=0, type=kind)) from None
    for one in shape:
        if one < 0:
            text = errors.NEGATIVE_DIMENSION if name in NEGATIVE_BY_SHAPE else errors.NEGATIVE_SIZE
            raise RuntimeError(text.format(function=name, size=one, shape=shape))
    return tuple(shape)


#: Functions whose error for a negative size shows the whole shape.
NEGATIVE_BY_SHAPE = frozenset(
    "rand randn randint full empty normal new new_zeros new_ones new_full new_empty new_empty_strided".split()
)


def shown_type(value: Any) -> str:
    """The name of a value's type as in PyTorch's lists of arguments (`NoneType`, `Tensor`)."""
    return type(value).__name__


def no_combination(name: str, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> TypeError:
    """PyTorch's error for arguments that fit none of a function's forms."""
    shown = [shown_type(one) for one in args] + [f"{key}={shown_type(one)}" for key, one in (kwargs or {}).items()]
    return TypeError(f"{name}() received an invalid combination of arguments - got ({', '.join(shown)})")


#: How PyTorch's texts call the types a number is converted to.
C_TYPES = {
    "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t",
    "float16": "at::Half", "bfloat16": "at::BFloat16", "float32": "float", "float64": "double",
}  # fmt: skip


def fits(value: Any, kind: Any) -> bool:
    """Whether a Python number can be stored in `kind` (negative ones wrap in unsigned types, as in PyTorch)."""
    if kind.category == dtypes.CATEGORY_FLOAT and type(value) is builtins.float and -6e4 < value < 6e4:
        return True  # most are, and every float type holds them
    if kind.is_complex or kind.category == dtypes.CATEGORY_BOOL:
        return True
    if isinstance(value, complex):
        return value.imag == 0 and fits(value.real, kind)
    if kind.is_floating_point:
        if isinstance(value, builtins.float) and (value != value or value in (np.inf, -np.inf)):
            return True
        return builtins.bool(abs(value) <= dtypes.finfo(kind).max)
    if value != value:
        return False
    limits = dtypes.iinfo(kind)
    low = limits.min if limits.min else -limits.max
    return builtins.bool(low <= value <= limits.max)


def stored(value: Any, kind: Any) -> Any:
    """A Python number as it stands in an array of `kind`; RuntimeError if it does not fit."""
    if not fits(value, kind):
        raise RuntimeError(errors.OVERFLOW.format(type=C_TYPES[kind.name]))
    if kind.category == dtypes.CATEGORY_INTEGER:
        value = int(value.real if isinstance(value, complex) else value)
        return value % 256 if kind.name == "uint8" else value
    if kind.category == dtypes.CATEGORY_BOOL:
        return builtins.bool(value)
    value = value.real if isinstance(value, complex) and not kind.is_complex else value
    return dtypes.single(value) if kind.name == "float16" else value
