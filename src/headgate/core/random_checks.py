"""What random fills need before and after the numbers are drawn: argument checks with PyTorch's texts, and the order
in which PyTorch visits a strided target. Plain NumPy, off the fast path. It must not know the engine or generators.
"""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

STATE_SIZE = 5056  # bytes of a saved state
LOWEST = -(2**63)

FLOAT32: Any = np.dtype(np.float32)
FLOAT64: Any = np.dtype(np.float64)
INT64: Any = np.dtype(np.int64)
UINT8: Any = np.dtype(np.uint8)

# Mantissa bits with the hidden one, by NumPy's type code (reading `dtype.name` costs far more).
DIGITS = {"e": 11, "E": 8, "f": 24, "d": 53}
# The largest finite value, by the same.
LARGEST = {
    "e": 65504.0, "E": (2.0 - 2.0**-7) * 2.0**127, "f": (2.0 - 2.0**-23) * 2.0**127, "d": float(np.finfo(FLOAT64).max)
}
C_NAME = {
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double", "bool": "bool",
    "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int", "int64": "long int",
}
TYPE_NAME = {
    "float16": "Half", "bfloat16": "BFloat16", "float32": "Float", "float64": "Double", "bool": "Bool",
    "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
}

NOT_IMPLEMENTED = "\"{kernel}\" not implemented for '{name}'"
OUT_OF_BOUNDS = "{what} is out of bounds for {type}"
IMPRECISE = (
    "{what} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations {type} can support discrete "
    "uniform distribution only within this range."
)
OVERLAP = (
    "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
    "Please clone() the tensor before performing the operation."
)
CONTINUOUS = (
    "{law} distribution is a continuous probability distribution. "
    "dtype must be a floating point but you specified {name}"
)
UNIFORM_ORDER = "uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}"
UNIFORM_WIDTH = (
    "uniform_ expects to-from <= std::numeric_limits<{name}>::max(), but found to={high:g} and from={low:g} which "
    "result in to-from to exceed the limit"
)
RANDOM_ORDER = "random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
RANDOM_ORDER_CAST = (
    "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got from={low} >= to={high}"
)
RANDOM_ORDER_OPEN = (
    "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but got "
    "from={low} > to_inc={high}"
)
RANDOM_FULL = "random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16"
PROBABILITIES = "Expected p_in >= 0 && p_in <= 1 to be true, but got false."
EXPANDED = "The expanded size of the tensor {target} must match the existing size {source}"
NOT_A_DISTRIBUTION = "probability tensor contains either `inf`, `nan` or element < 0"
NO_PROBABILITY = "invalid multinomial distribution (sum of probabilities <= 0)"
NEGATIVE_PROBABILITY = "invalid multinomial distribution (encountering probability entry < 0)"
INFINITE_PROBABILITY = "invalid multinomial distribution (encountering probability entry = infinity or NaN)"


# ---- layout ----


def check_overlap(array: Any) -> None:
    """RuntimeError if several elements of `array` are one place in memory, as in an expanded array."""
    if 0 in array.strides and array.size > 1:
        if any(stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape)):
            raise RuntimeError(OVERLAP)


def fill_axes(array: Any) -> tuple[int, ...]:
    """The axes of `array` from the outermost to the innermost of PyTorch's order: largest stride first."""
    innermost_first = sorted(
        (axis for axis in range(array.ndim - 1, -1, -1) if array.shape[axis] > 1),
        key=lambda axis: (abs(array.strides[axis]), array.shape[axis]),
    )
    units = [axis for axis in range(array.ndim) if array.shape[axis] == 1]
    return (*units, *reversed(innermost_first))


def store(array: Any, flat: Any) -> None:
    """Write `flat` into `array` in memory order. Half types are rounded from float32, as PyTorch's casts do."""
    view = array if array.flags.c_contiguous else array.transpose(fill_axes(array))
    if array.dtype.itemsize != 2 or not mantissa_bits(array.dtype) or flat.dtype == array.dtype:
        np.copyto(view, flat.reshape(view.shape), casting="unsafe")
        return
    with np.errstate(over="ignore", invalid="ignore"):  # beyond a half's largest number is infinity, silently
        np.copyto(view, flat.astype(FLOAT32, copy=False).reshape(view.shape), casting="unsafe")


def mantissa_bits(dtype: Any) -> int:
    """Mantissa bits of a floating dtype; 0 for every other one."""
    return DIGITS.get(dtype.char, 0)


def require_float(array: Any, kernel: str) -> None:
    """NotImplementedError with the name of PyTorch's `kernel` unless `array` holds floats."""
    if not mantissa_bits(array.dtype):
        raise NotImplementedError(NOT_IMPLEMENTED.format(kernel=kernel, name=type_name(array.dtype)))


def type_name(dtype: Any) -> str:
    """PyTorch's scalar type name: "Float"."""
    return TYPE_NAME.get(dtype.name, dtype.name)


def c_name(dtype: Any) -> str:
    """The C++ type's name in PyTorch's texts: "float"."""
    return C_NAME.get(dtype.name, dtype.name)


# ---- argument checks of the integer fills ----


def _cast(value: int, dtype: Any) -> int:
    """An int64 to a floating dtype and back; what does not fit becomes the lowest int64, as on x86-64."""
    single = np.float64(value) if dtype is FLOAT64 else np.float32(value)
    with np.errstate(over="ignore"):
        result = float(single.astype(dtype))
    return int(result) if -(2.0**63) <= result < 2.0**63 else LOWEST


def _raised(low: int, dtype: Any) -> int:
    """`low`, or the next number of `dtype` above where rounding would fall below it."""
    rounded = _cast(low + 1, dtype)
    if rounded < low:
        return rounded + 2 ** max(abs(low + 1).bit_length() - mantissa_bits(dtype), 0)
    return low


def _lowered(high: int, dtype: Any) -> int:
    """`high`, or the number of `dtype` below it where rounding would reach it."""
    rounded = _cast(high - 1, dtype)
    if rounded >= high:
        return rounded - 2 ** max(abs(high - 1).bit_length() - mantissa_bits(dtype), 0)
    return high


def _check_range(low: int, last: int, dtype: Any) -> None:
    digits = mantissa_bits(dtype)
    if digits:
        limits: Any = (-LARGEST[dtype.char], LARGEST[dtype.char])
    elif dtype.kind == "b":
        limits = (0, 1)
    else:
        limits = (np.iinfo(dtype).min, np.iinfo(dtype).max)
    for what, value in (("from", low), ("to - 1", last)):
        if not limits[0] <= value <= limits[1]:
            raise RuntimeError(OUT_OF_BOUNDS.format(what=what, type=c_name(dtype)))
    for what, value in (("from", low), ("to - 1", last)):
        if digits and abs(value) > 2**digits:
            warnings.warn(IMPRECISE.format(what=what, digits=digits, type=c_name(dtype)), UserWarning, stacklevel=4)


def largest_integer(dtype: Any) -> int:
    """The end of the range of a fill without upper bound."""
    digits = mantissa_bits(dtype)
    return 2**digits if digits else 1 if dtype.kind == "b" else int(np.iinfo(dtype).max)


def closed_range(low: int, high: Any, dtype: Any) -> tuple[int, int]:
    """The first and the last number to draw, checked. `high` None stands for the largest integer of `dtype`."""
    floating = mantissa_bits(dtype) > 0
    if high is None:
        last = largest_integer(dtype)
        low = _raised(low, dtype) if floating else low
        if floating and low >= last:
            raise RuntimeError(RANDOM_ORDER_OPEN.format(low=low, high=last))
    else:
        if low >= high:
            raise RuntimeError(RANDOM_ORDER.format(low=low, high=high))
        if floating:
            low, high = _raised(low, dtype), _lowered(high, dtype)
            if low >= high:
                raise RuntimeError(RANDOM_ORDER_CAST.format(low=low, high=high))
        last = high - 1
    _check_range(low, last, dtype)
    return low, last


def int64(value: Any) -> int:
    """An integer that fits 64 bits with sign; ValueError where it does not."""
    number = operator.index(value)
    if not LOWEST <= number < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return number


def check_permutation(n: int, dtype: Any) -> None:
    """RuntimeError if n is negative or `dtype` cannot hold n numbers; NotImplementedError for bool."""
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    digits = mantissa_bits(dtype)
    if dtype.kind == "b":
        raise NotImplementedError(NOT_IMPLEMENTED.format(kernel="randperm", name="Bool"))
    if digits and dtype.name != "bfloat16" and n > 2**digits + 1:
        limit = "2049" if digits == 11 else f"2^{digits}+1"
        raise RuntimeError(f"n cannot be greater than {limit} for {type_name(dtype)} type.")
    if not digits and n > np.iinfo(dtype).max:
        raise RuntimeError(f"value cannot be converted to type {dtype.name}_t without overflow")


def check_weights(weights: Any, count: int, replacement: bool) -> None:
    """RuntimeError for shapes, dtypes and counts that multinomial cannot take."""
    if weights.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if not mantissa_bits(weights.dtype):
        name = type_name(weights.dtype)
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {name}")
    if count <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and count > weights.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if weights.shape[-1] > 2**24:
        raise RuntimeError("number of categories cannot exceed 2^24")


def check_uniform(low: float, high: float, dtype: Any) -> None:
    """RuntimeError unless low <= high are numbers of `dtype` whose difference is one too."""
    largest = LARGEST[dtype.char]
    for what, value in (("from", low), ("to", high)):
        if not -largest <= value <= largest:
            raise RuntimeError(OUT_OF_BOUNDS.format(what=what, type=c_name(dtype)))
    if not low <= high:
        raise RuntimeError(UNIFORM_ORDER.format(low=low, high=high))
    if not high - low <= largest:
        raise RuntimeError(UNIFORM_WIDTH.format(name=type_name(dtype), low=low, high=high))


def checked_state(state: Any) -> Any:
    """`state` as contiguous bytes that the engine can take without reading out of its words."""
    if not isinstance(state, np.ndarray):
        raise TypeError(f"expected a torch.ByteTensor, but got {type(state).__name__}")
    if state.dtype != UINT8:
        raise TypeError("RNG state must be a torch.ByteTensor")
    if not state.flags.c_contiguous:
        raise RuntimeError("RNG state must be contiguous")
    if state.size != STATE_SIZE:
        raise RuntimeError(
            f"Expected a CPUGeneratorImplState of size {STATE_SIZE} "
            f"but found the input RNG state size to be {state.size}"
        )
    head = state.reshape(-1)[:24].tobytes()
    left = int.from_bytes(head[8:12], "little", signed=True)
    following = int.from_bytes(head[16:20], "little")
    if not any(head[12:16]) or not 0 < left <= 624 or following + left - 1 > 624:
        raise RuntimeError("Invalid mt19937 state")
    return state
