"""Text of tensors, to the letter as PyTorch prints them, and the options that steer it.

Works on NumPy arrays and what the caller says about the tensor; knows no Tensor and no node.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from headgate import dtypes

_PROFILES: dict[str, tuple[int, float, int, int]] = {  # precision, threshold, edgeitems, linewidth
    "default": (4, 1000, 3, 80),
    "short": (2, 1000, 2, 80),
    "full": (4, math.inf, 3, 80),
}


class PrintOptions:
    """The options in force; fields as the parameters of set_printoptions."""

    def __init__(self) -> None:
        self.precision, self.threshold, self.edgeitems, self.linewidth = _PROFILES["default"]
        self.sci_mode: bool | None = None


OPTIONS = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print, as torch.set_printoptions.

    ``profile`` ("default", "short", "full"; others are ignored) sets the first four, then each that is given replaces
    its own; what is not given stays. ``sci_mode`` is always set: None, the default, lets the values decide.
    ``precision``: digits after the point; ``threshold``: more elements than this are summarised; ``edgeitems``: how
    many are then shown at each end of a dimension; ``linewidth``: characters a line.
    """
    chosen = _PROFILES.get(profile) if profile is not None else None
    if chosen is not None:
        OPTIONS.precision, OPTIONS.threshold, OPTIONS.edgeitems, OPTIONS.linewidth = chosen
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, value in given.items():
        if value is not None:
            setattr(OPTIONS, name, value)
    OPTIONS.sci_mode = sci_mode


# ---- one number -----------------------------------------------------------------------------------------------------


def _integer_writer(values: list[Any]) -> tuple[Callable[[Any], str], int]:
    """How to write bools and integers, and the width of the widest."""
    return str, max((len(str(value)) for value in values), default=1)


def _whole_number(value: float) -> str:
    return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"


def _float_writer(values: list[float]) -> tuple[Callable[[float], str], int]:
    """How to write floats, and the width to pad to: one style for all, chosen by the finite values that are not 0."""
    shown = [value for value in values if value != 0 and math.isfinite(value)]
    if not shown:
        return _whole_number, 1
    scientific, fixed = f"{{:.{OPTIONS.precision}e}}".format, f"{{:.{OPTIONS.precision}f}}".format
    smallest, largest = min(map(abs, shown)), max(map(abs, shown))
    whole = all(value == math.floor(value) for value in shown)
    plain: Callable[[float], str] = _whole_number if whole else fixed
    wide_range = largest / smallest > 1000 or largest > 1e8 or (not whole and smallest < 1e-4)
    use_scientific = wide_range if OPTIONS.sci_mode is None else OPTIONS.sci_mode
    write: Callable[[float], str] = scientific if use_scientific else plain
    return write, max(len(write(value)) for value in shown)


# ---- rows and nesting -----------------------------------------------------------------------------------------------


def _edges(array: np.ndarray, keep: int) -> np.ndarray:
    """The part of ``array`` that a summary shows."""
    for axis, size in enumerate(array.shape):
        if size > 2 * keep:
            array = np.take(array, [*range(keep), *range(size - keep, size)], axis)
    return array


class _Writer:
    """Lays out the nested rows of one array."""

    def __init__(self, array: np.ndarray) -> None:
        self.keep = OPTIONS.edgeitems if array.size > OPTIONS.threshold else None
        shown = array if self.keep is None else _edges(array, self.keep)
        choose = _float_writer if array.dtype.kind == "f" else _integer_writer
        self.write: Callable[[Any], str]
        self.write, self.width = choose(shown.ravel().tolist())

    def padded(self, value: Any) -> str:
        return self.write(value).rjust(self.width)

    def row(self, array: np.ndarray, indent: int) -> str:
        keep = self.keep
        if keep == 0:
            words = ["..."]
        elif keep is not None and len(array) > 2 * keep:
            words = [self.padded(value) for value in _edges(array, keep).tolist()]
            words.insert(keep, " ...")
        else:
            words = [self.padded(value) for value in array.tolist()]
        per_line = max(1, (OPTIONS.linewidth - indent) // (self.width + 2))
        lines = [", ".join(words[start : start + per_line]) for start in range(0, len(words), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"

    def nested(self, array: np.ndarray, indent: int) -> str:
        if array.ndim == 0:
            return self.padded(array.item())
        if array.ndim == 1:
            return self.row(array, indent)
        size, keep = len(array), self.keep
        if keep is not None and size > 2 * keep:
            blocks = [self.nested(array[i], indent + 1) for i in (*range(keep), *range(size - keep, size))]
            blocks.insert(keep, "...")
        else:
            blocks = [self.nested(block, indent + 1) for block in array]
        return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(blocks) + "]"


def _with_suffixes(text: str, suffixes: Iterable[str], indent: int) -> str:
    """``text`` and its suffixes, each on the same line where it fits, and the closing parenthesis."""
    used = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > OPTIONS.linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"


def format_values(array: np.ndarray, indent: int = 0) -> str:
    """The nested values alone; further lines are indented for a text that starts at column ``indent``."""
    if array.size == 0:
        return "[]"
    if array.dtype.kind not in "biuf":  # bfloat16 is a kind of its own to NumPy
        array = array.astype(np.float32)
    return _Writer(array).nested(array, indent)


def format_tensor(
    array: np.ndarray,
    *,
    dtype: dtypes.dtype,
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    prefix: str = "tensor(",
    suffixes: Iterable[str] = (),
) -> str:
    """The repr of a tensor with the values of ``array``: ``prefix``, values, what sets it apart, and ")".

    The type is named unless it follows from the values (the default float, int64, bool; of an empty tensor only the
    default float does); the size is shown where the values do not tell it, as of an empty tensor with several
    dimensions; then grad_fn, or requires_grad
    where there is none; then the caller's ``suffixes``.
    """
    ending: list[str] = []
    if (array.size == 0 and array.ndim != 1) or (array.size and not OPTIONS.edgeitems):
        ending.append(f"size={array.shape}")
    default = dtypes.default_dtype()
    if dtype is not default and (array.size == 0 or dtype.name not in ("int64", "bool")):
        ending.append(f"dtype={dtype!r}")
    if grad_fn_name is not None:
        ending.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        ending.append("requires_grad=True")
    ending.extend(suffixes)
    return _with_suffixes(prefix + format_values(array, len(prefix)), ending, len(prefix))
