"""Element types: their names, NumPy counterparts and numbers, and PyTorch's promotion, casting and default rules.

Arrays are looked at only for their type; nothing here knows tensors, kernels or modes.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import Any

import cython
import numpy as np

from headgate import errors

CATEGORY_BOOL = 0
CATEGORY_INTEGER = 1
CATEGORY_FLOAT = 2
CATEGORY_COMPLEX = 3

WRAPPED = -1  # "number of dimensions" of a Python number in result_type and result_pair


class dtype:
    """An element type; one object per type, compared by identity.

    Fields: ``name`` ("float32"), ``numpy`` (the np.dtype), ``num`` (NumPy's type number; -1 for bfloat16 until its
    NumPy type is first needed), ``itemsize``, ``is_floating_point``, ``is_complex``, ``is_signed``,
    ``category`` (0 bool, 1 integer, 2 float, 3 complex) and ``index`` (position in the promotion table).
    """

    def __init__(self, name: str, itemsize: int, category: int, index: int, array_type: Any = None) -> None:
        self.name = name
        self.itemsize = itemsize
        self.category = category
        self.index = index
        self.is_floating_point = category == CATEGORY_FLOAT
        self.is_complex = category == CATEGORY_COMPLEX
        self.is_signed = category != CATEGORY_BOOL and name != "uint8"
        self._array_type = array_type
        self.num = -1 if array_type is None else array_type.num

    def array_type(self) -> Any:
        """The np.dtype of this type's arrays; for bfloat16 the first call imports ml_dtypes."""
        if self._array_type is None:
            try:
                import ml_dtypes
            except ImportError as missing:
                raise ImportError(errors.BFLOAT16_PACKAGE) from missing
            self._array_type = np.dtype(ml_dtypes.bfloat16)
            self.num = self._array_type.num
        return self._array_type

    @property
    def numpy(self) -> Any:
        return self.array_type()

    def __repr__(self) -> str:
        return "torch." + self.name

    def __reduce__(self) -> Any:
        return by_name, (self.name,)

    def __copy__(self) -> dtype:
        return self

    def __deepcopy__(self, memo: Any) -> dtype:
        return self


BOOL = dtype("bool", 1, CATEGORY_BOOL, 0, np.dtype(np.bool_))
UINT8 = dtype("uint8", 1, CATEGORY_INTEGER, 1, np.dtype(np.uint8))
INT8 = dtype("int8", 1, CATEGORY_INTEGER, 2, np.dtype(np.int8))
INT16 = dtype("int16", 2, CATEGORY_INTEGER, 3, np.dtype(np.int16))
INT32 = dtype("int32", 4, CATEGORY_INTEGER, 4, np.dtype(np.int32))
INT64 = dtype("int64", 8, CATEGORY_INTEGER, 5, np.dtype(np.int64))
FLOAT16 = dtype("float16", 2, CATEGORY_FLOAT, 6, np.dtype(np.float16))
BFLOAT16 = dtype("bfloat16", 2, CATEGORY_FLOAT, 7)
FLOAT32 = dtype("float32", 4, CATEGORY_FLOAT, 8, np.dtype(np.float32))
FLOAT64 = dtype("float64", 8, CATEGORY_FLOAT, 9, np.dtype(np.float64))
COMPLEX64 = dtype("complex64", 8, CATEGORY_COMPLEX, 10, np.dtype(np.complex64))
COMPLEX128 = dtype("complex128", 16, CATEGORY_COMPLEX, 11, np.dtype(np.complex128))

# Compiled, the upper-case names are C variables, for the .pxd's `cimport`; Python code uses these, PyTorch's own names.
# The ones that would hide a builtin (bool, int, float) are only in NAMES.
bool_ = BOOL
uint8 = UINT8
int8 = INT8
int16 = short = INT16
int32 = INT32
int64 = long = INT64
float16 = half = FLOAT16
bfloat16 = BFLOAT16
float32 = FLOAT32
float64 = double = FLOAT64
complex64 = cfloat = COMPLEX64
complex128 = cdouble = COMPLEX128

ALL: tuple[dtype, ...] = (
    BOOL, UINT8, INT8, INT16, INT32, INT64, FLOAT16, BFLOAT16, FLOAT32, FLOAT64, COMPLEX64, COMPLEX128,
)  # fmt: skip

NAMES: dict[str, dtype] = {kind.name: kind for kind in ALL}
NAMES.update(
    short=INT16, int=INT32, long=INT64, half=FLOAT16, float=FLOAT32, double=FLOAT64,
    cfloat=COMPLEX64, cdouble=COMPLEX128,
)  # fmt: skip


def by_name(name: Any) -> dtype:
    """The type called ``name`` (PyTorch's names and aliases, without "torch."); KeyError if there is none."""
    return NAMES[name]


# ---- the type of an array -------------------------------------------------------------------------------------------

_BY_NUMBER: list[dtype | None] = [None] * 24  # by NumPy's number; two may name one type
for _character in "?BbhilqefdFD":
    _array_type = np.dtype(_character)
    _BY_NUMBER[_array_type.num] = NAMES.get(_array_type.name)
del _character, _array_type


def of(array: np.ndarray) -> dtype:
    """The element type of ``array``; TypeError with PyTorch's text if Headgate has no such type.

    The byte order is not looked at: arrays are checked by from_numpy where they come in.
    """
    number: cython.int
    if cython.compiled:
        number = cnp.PyArray_TYPE(array)  # type: ignore[name-defined]  # noqa: F821 (cimported by the .pxd)
    else:
        number = array.dtype.num
    if 0 <= number < 24:
        found = _BY_NUMBER[number]
        if found is not None:
            return found
    return from_numpy(array.dtype)


def from_numpy(array_type: Any) -> dtype:
    """The type of a np.dtype; TypeError for a kind that PyTorch cannot hold, ValueError for foreign byte order."""
    kind = np.dtype(array_type)
    found = _BY_NUMBER[kind.num] if kind.num < 24 else None
    if found is None:
        found = NAMES.get(kind.name)  # slow: NumPy puts the name together
    if found is None:
        raise TypeError(errors.NUMPY_TYPE.format(type=kind.type.__name__))
    if not kind.isnative:
        raise ValueError(errors.BYTE_ORDER)
    return found


# ---- promotion ------------------------------------------------------------------------------------------------------


def _promoted(first: dtype, second: dtype) -> dtype:
    """One entry of the promotion table, from the rules; PyTorch differs from NumPy for integers beside floats."""
    if first is second:
        return first
    low, high = (first, second) if first.index < second.index else (second, first)
    if high.is_complex:
        return COMPLEX128 if low is FLOAT64 or high is COMPLEX128 else COMPLEX64
    if high.is_floating_point:
        return FLOAT32 if low is FLOAT16 and high is BFLOAT16 else high
    return INT16 if low is UINT8 and high is INT8 else high


_PROMOTED = [_promoted(_first, _second) for _first in ALL for _second in ALL]


def promote(first: dtype, second: dtype) -> dtype:
    """The smallest type that holds values of both (torch.promote_types)."""
    return _PROMOTED[first.index * 12 + second.index]


def _combine(higher: dtype | None, lower: dtype | None) -> dtype | None:
    """The result of two priority classes: the lower one counts only where it raises the category."""
    if lower is None:
        return higher
    if higher is None:
        return lower
    if higher.category >= lower.category and higher.category != CATEGORY_BOOL:
        return higher
    if lower.is_complex and higher.is_floating_point:
        return COMPLEX128 if higher is FLOAT64 else COMPLEX64
    return _PROMOTED[higher.index * 12 + lower.index]


def _as_wrapped(kind: dtype) -> dtype:
    """A Python number's type: of its category, the default one."""
    if kind.is_complex:
        return default_complex_dtype()
    return _default if kind.is_floating_point else kind


def result_pair(first: dtype, first_dims: cython.int, second: dtype, second_dims: cython.int) -> dtype:
    """result_type of two operands, each a type and its number of dimensions (WRAPPED for a Python number)."""
    if first is second and first_dims >= 0 and second_dims >= 0:
        return first
    if first_dims < 0:
        first = _as_wrapped(first)
    if second_dims < 0:
        second = _as_wrapped(second)
    first_rank: cython.int = 1 if first_dims > 0 else first_dims
    second_rank: cython.int = 1 if second_dims > 0 else second_dims
    if first_rank == second_rank:
        return _PROMOTED[first.index * 12 + second.index]
    result = _combine(first, second) if first_rank > second_rank else _combine(second, first)
    assert result is not None
    return result


def result_type(operands: Iterable[tuple[dtype, int]]) -> dtype:
    """The type of an operation on ``operands``, pairs of a type and a number of dimensions (WRAPPED: Python number).

    Tensors with dimensions come before zero-dimensional ones and these before Python numbers: a later class counts
    only if its category (bool, integer, float, complex) is higher. As torch.result_type, for any number of operands;
    ValueError for none. Differs from PyTorch: float16 with a complex number gives complex64 (there is no complex32).
    """
    dimensioned = zero_dim = wrapped = None
    for kind, dims in operands:
        if dims > 0:
            dimensioned = kind if dimensioned is None else promote(dimensioned, kind)
        elif dims == 0:
            zero_dim = kind if zero_dim is None else promote(zero_dim, kind)
        else:
            kind = _as_wrapped(kind)
            wrapped = kind if wrapped is None else promote(wrapped, kind)
    result = _combine(dimensioned, _combine(zero_dim, wrapped))
    if result is None:
        raise ValueError(errors.NO_OPERANDS)
    return result


def can_cast(source: dtype, target: dtype) -> cython.bint:
    """Whether a result of type ``source`` may go into ``target`` (torch.can_cast): the category may not fall."""
    if source.category == target.category or target.category == CATEGORY_COMPLEX:
        return True
    return source.category < target.category


# ---- numbers --------------------------------------------------------------------------------------------------------


def scalar_dtype(value: Any) -> dtype:
    """The type a Python or NumPy number has as an operand: bool, int64, the default float or the default complex.

    TypeError for anything else. NumPy numbers count as Python numbers of their kind, as in PyTorch, where np.bool_
    counts as a float.
    """
    if isinstance(value, builtins.float):
        return _default
    if isinstance(value, builtins.bool):
        return BOOL
    if isinstance(value, builtins.int) or isinstance(value, np.integer):
        return INT64
    if isinstance(value, np.floating) or isinstance(value, np.bool_):
        return _default
    if isinstance(value, builtins.complex) or isinstance(value, np.complexfloating):
        return default_complex_dtype()
    raise TypeError(errors.NOT_A_NUMBER.format(type=type(value).__name__))


def single(value: Any) -> Any:
    """A number in single precision, by way of which PyTorch makes halves: it rounds twice."""
    if not isinstance(value, (int, float)):
        return value
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def inferred_dtype(value: Any) -> dtype:
    """The type of ``torch.tensor(value)`` for a number: a NumPy number keeps its own type, others as scalar_dtype."""
    if isinstance(value, np.generic):
        return from_numpy(value.dtype)
    return scalar_dtype(value)


# ---- the default float ----------------------------------------------------------------------------------------------

_default = FLOAT32


def default_dtype() -> dtype:
    """The type of floats that nothing else determines (torch.get_default_dtype); float32 at first."""
    return _default


def default_complex_dtype() -> dtype:
    """The complex type that goes with the default float."""
    return COMPLEX128 if _default is FLOAT64 else COMPLEX64


def set_default_dtype(kind: Any) -> None:
    """Set the default float; TypeError unless ``kind`` is a floating-point type."""
    global _default
    if not isinstance(kind, dtype):
        raise TypeError(errors.DEFAULT_DTYPE_OBJECT)
    if not kind.is_floating_point:
        raise TypeError(errors.DEFAULT_DTYPE)
    _default = kind


# ---- limits ---------------------------------------------------------------------------------------------------------


# bits of the mantissa, and of the exponent without its sign
_FLOAT_BITS = {"float16": (10, 4), "bfloat16": (7, 7), "float32": (23, 7), "float64": (52, 10)}


def _checked(name: str, kind: Any) -> dtype:
    if not isinstance(kind, dtype):
        raise TypeError(errors.DTYPE_ARGUMENT.format(function=name, type=type(kind).__name__))
    return kind


class finfo:
    """Limits of a float type (default: the default float): bits, eps, max, min, tiny, smallest_normal, resolution.

    A complex type gives its part's limits. TypeError for integer types. All fields are Python numbers, ``dtype`` a str.
    """

    def __init__(self, type: Any = None) -> None:
        kind: dtype = default_dtype() if type is None else _checked("finfo", type)
        if kind.is_complex:
            kind = FLOAT64 if kind is COMPLEX128 else FLOAT32
        if not kind.is_floating_point:
            raise TypeError(errors.FINFO)
        mantissa, exponent = _FLOAT_BITS[kind.name]
        self.bits = 8 * kind.itemsize
        self.dtype = kind.name
        self.eps = 2.0**-mantissa
        top = 2**exponent
        self.max = (2.0 - self.eps) * 2.0 ** (top - 1)
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (2 - top)
        self.resolution = builtins.float(f"1e-{builtins.int(mantissa * 0.30103)}")

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = f"resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}"
        return f"finfo({values}, smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self.dtype})"


class iinfo:
    """Limits of an integer type: bits, max, min (Python ints) and ``dtype`` (a str). TypeError for other types."""

    def __init__(self, type: Any) -> None:
        kind: dtype = _checked("iinfo", type)
        if kind.category == CATEGORY_BOOL:
            raise TypeError(errors.IINFO_BOOL)
        if kind.category != CATEGORY_INTEGER:
            raise TypeError(errors.IINFO)
        self.bits = 8 * kind.itemsize
        self.dtype = kind.name
        value_bits = self.bits - 1 if kind.is_signed else self.bits
        self.max = (1 << value_bits) - 1
        self.min = -(1 << value_bits) if kind.is_signed else 0

    def __eq__(self, other: object) -> builtins.bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"iinfo(min={builtins.float(self.min):g}, max={builtins.float(self.max):g}, dtype={self.dtype})"
