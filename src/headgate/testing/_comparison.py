"""assert_close: tensors, numbers and containers of them, equal within tolerances by their types.

The texts of failures are PyTorch's. Nothing here knows how values are made.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from headgate.core.entry import PUBLIC
from headgate.core.typed import Tensor

#: (relative, absolute) by the name of the type; exact for every other.
TOLERANCES = {"float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}
NO_PAIR = "No comparison pair was able to handle inputs of type {first} and {second}."


class Options:
    """What is checked beside the values, and how far these may be apart (None: by their types)."""

    def __init__(self, rtol: float | None, atol: float | None, equal_nan: bool, subclasses: bool, checks: Any) -> None:
        if (rtol is None) != (atol is None):
            missing = "atol" if atol is None else "rtol"
            raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.")
        self.rtol, self.atol, self.equal_nan, self.subclasses = rtol, atol, equal_nan, subclasses
        self.device, self.dtype, self.layout, self.stride = checks

    def tolerances(self, *names: str) -> tuple[float, float]:
        """(relative, absolute): what was asked for, else the widest of the types'."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        found = [TOLERANCES.get(name, (0.0, 0.0)) for name in names]
        return max(one[0] for one in found), max(one[1] for one in found)


class Failure(Exception):
    """Two values that differ: the text, and where in containers they are."""

    def __init__(self, kind: type[Exception], text: str, place: tuple[Any, ...]) -> None:
        where = "".join(f"[{key!r}]" for key in place)
        super().__init__(f"{text}\n\nThe failure occurred for item {where}" if place else text)
        self.kind = kind


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
    check_stride: bool = False, msg: str | Callable[[str], str] | None = None,
) -> None:
    """AssertionError unless values are |actual - expected| <= atol + rtol * |expected|, and alike in shape and type.

    Takes tensors, what can be made one (arrays, numbers), and sequences and mappings of such. Without tolerances they
    follow from the types. msg: the text, or a function from the text to another. TypeError for what cannot be compared.
    """
    options = Options(rtol, atol, equal_nan, allow_subclasses, (check_device, check_dtype, check_layout, check_stride))
    try:
        compare(actual, expected, options, ())
    except Failure as failure:
        text = str(failure)
        if failure.kind is AssertionError and msg is not None:
            text = msg(text) if callable(msg) else msg
        raise failure.kind(text) from None


def compare(actual: Any, expected: Any, options: Options, place: tuple[Any, ...]) -> None:
    """Compare two values of whatever kind."""
    if isinstance(actual, Sequence) and isinstance(expected, Sequence) and not _texts(actual, expected):
        if len(actual) != len(expected):
            raise Failure(AssertionError, f"The length of the sequences mismatch: {len(actual)} != {len(expected)}",
                          place)
        for number, (one, other) in enumerate(zip(actual, expected)):
            compare(one, other, options, (*place, number))
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        compare_keys(actual, expected, place)
        for key in _sorted(actual):
            compare(actual[key], expected[key], options, (*place, key))
    elif actual is None or expected is None:
        if actual is not expected:
            raise Failure(AssertionError, f"None mismatch: {actual} is not {expected}", place)
    elif _bools(actual, expected):
        if bool(actual) is not bool(expected):
            raise Failure(AssertionError, f"Booleans mismatch: {bool(actual)} is not {bool(expected)}", place)
    elif isinstance(actual, (int, float)) and isinstance(expected, (int, float)):
        if options.dtype and type(actual) is not type(expected):
            raise Failure(AssertionError, f"The (d)types do not match: {type(actual)} != {type(expected)}.", place)
        names = ["float64" if isinstance(one, float) else "int64" for one in (actual, expected)]
        compare_numbers(actual, expected, options.tolerances(*names), options, place)
    else:
        compare_tensors(actual, expected, options, place)


def _texts(*values: Any) -> bool:
    return any(isinstance(one, (str, bytes)) for one in values)


def _bools(*values: Any) -> bool:
    return all(isinstance(one, (bool, np.bool_)) for one in values)


def _sorted(keys: Any) -> list[Any]:
    """The keys in order, where they have one."""
    keys = list(keys)
    with contextlib.suppress(Exception):
        keys = sorted(keys)
    return keys


def compare_keys(actual: Any, expected: Any, place: tuple[Any, ...]) -> None:
    """Two mappings must have the same keys."""
    missing, more = set(expected) - set(actual), set(actual) - set(expected)
    if missing or more:
        raise Failure(AssertionError, "The keys of the mappings do not match:\nMissing keys in the actual mapping: "
                      f"{_sorted(missing)}\nAdditional keys in the actual mapping: {_sorted(more)}", place)


def compare_numbers(
    actual: Any, expected: Any, tolerances: tuple[float, float], options: Options, place: tuple[Any, ...],
) -> None:
    """Two numbers."""
    rtol, atol = tolerances
    if actual == expected or options.equal_nan and actual != actual and expected != expected:
        return
    apart = abs(actual - expected)
    if np.isfinite(apart) and apart <= atol + rtol * abs(expected):
        return
    exact = rtol == 0 and atol == 0
    relative = float("inf") if expected == 0 else abs(apart / expected)
    allowed = ["" if exact else f" (up to {one} allowed)" for one in (atol, rtol)]
    raise Failure(AssertionError, f"Scalars are not {'equal' if exact else 'close'}!\n\nExpected {expected} but got "
                  f"{actual}.\nAbsolute difference: {apart}{allowed[0]}\nRelative difference: {relative}{allowed[1]}",
                  place)


def as_tensor(value: Any) -> Any:
    """A tensor or what can be made one by way of an array; None for anything else."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, (str, bytes, list, tuple, dict)):
        return None
    try:
        return PUBLIC["as_tensor"](value)
    except Exception:
        return None


def compare_tensors(actual: Any, expected: Any, options: Options, place: tuple[Any, ...]) -> None:
    """Two tensors, or arrays."""
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    x, y = as_tensor(actual), as_tensor(expected)
    if x is None or y is None or not related or not options.subclasses and type(actual) is not type(expected):
        raise Failure(TypeError, NO_PAIR.format(first=type(actual), second=type(expected)), place)
    checks = [("shape", True, x.shape, y.shape), ("device", options.device, x.device, y.device),
              ("dtype", options.dtype, x.dtype, y.dtype), ("layout", options.layout, x.layout, y.layout),
              ("stride()", options.stride, x.stride(), y.stride())]
    for name, wanted, one, other in checks:
        if wanted and one != other:
            raise Failure(AssertionError, f"The values for attribute '{name}' do not match: {one} != {other}.", place)
    tolerances = options.tolerances(x.dtype.name, y.dtype.name)
    x, y = x.detach(), y.detach()
    if x.dtype is not y.dtype:
        kind = PUBLIC["promote_types"](x.dtype, y.dtype)
        x, y = x.to(kind), y.to(kind)
    if x.dtype.name in ("float16", "bfloat16"):
        x, y = x.float(), y.float()
    compare_values(x, y, tolerances, options, place)


def compare_values(
    x: Any, y: Any, tolerances: tuple[float, float], options: Options, place: tuple[Any, ...],
) -> None:
    """Two tensors of one shape and type."""
    rtol, atol = tolerances
    matches = PUBLIC["isclose"](x, y, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
    if bool(matches.all()):
        return
    if x.numel() == 1 and x.ndim == 0:
        compare_numbers(x.item(), y.item(), tolerances, options, place)
    total, count = matches.numel(), int((~matches).sum().item())
    if not x.dtype.is_floating_point:
        x, y = x.long(), y.long()
    apart = (x - y).abs().masked_fill(matches, 0)
    relative = ((x - y).abs() / y.abs()).masked_fill(matches, 0)
    exact = rtol == 0 and atol == 0
    allowed = ["" if exact else f" (up to {one} allowed)" for one in (atol, rtol)]
    lines = [f"Tensor-likes are not {'equal' if exact else 'close'}!\n",
             f"Mismatched elements: {count} / {total} ({count / total:.1%})"]
    for kind, values, limit in (("absolute", apart, allowed[0]), ("relative", relative, allowed[1])):
        flat = int(values.flatten().argmax().item())
        index = tuple(int(one) for one in np.unravel_index(flat, tuple(values.shape)))
        lines.append(f"Greatest {kind} difference: {values.flatten()[flat].item()} at index {index}{limit}")
    raise Failure(AssertionError, "\n".join(lines), place)


def assert_allclose(
    actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None, equal_nan: bool = True,
    msg: str = "",
) -> None:
    """The old form of `assert_close`, of which PyTorch warns: types may differ."""
    warnings.warn("`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. "
                  "Please use `torch.testing.assert_close()` instead. You can find detailed upgrade instructions in "
                  "https://github.com/pytorch/pytorch/issues/61844.", FutureWarning, stacklevel=2)
    first, second = PUBLIC["as_tensor"](actual), PUBLIC["as_tensor"](expected)
    if rtol is None and atol is None:
        pairs = [TOLERANCES.get(one.dtype.name, (0.0, 0.0)) for one in (first, second)]
        rtol, atol = max(one[0] for one in pairs), max(one[1] for one in pairs)
    assert_close(first, second, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=True, check_dtype=False,
                 check_stride=False, msg=msg or None)
