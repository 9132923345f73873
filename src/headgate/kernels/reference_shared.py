"""What the NumPy forms share: axes from 0, result arrays, float types that are accumulated in a wider one.

Nothing here knows any operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_BOOL = np.dtype(np.bool_)
_HALF = np.dtype(np.float16)
_SINGLE = np.dtype(np.float32)
_INT64 = np.dtype(np.int64)


def _axis_of(axis: int, ndim: int) -> int:
    """The axis as a number from 0; a 0-d array is treated as having one axis, as PyTorch does."""
    count = max(ndim, 1)
    if not -count <= axis < count:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {axis})"
        )
    return axis % count


def _axes_of(axes: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Sorted axes from 0; None and the empty tuple both mean all of them."""
    if axes is None:
        return tuple(range(ndim))
    listed = (axes,) if isinstance(axes, int) else tuple(axes)
    if not listed:
        return tuple(range(ndim))
    normal = sorted(_axis_of(axis, ndim) for axis in listed)
    for axis in normal:
        if normal.count(axis) > 1:
            raise RuntimeError(f"dim {axis} appears multiple times in the list of dims")
    return tuple(normal) if ndim else ()


def _is_narrow(dtype: np.dtype[Any]) -> bool:
    """Whether sums in this float type are accumulated in float32: float16, and bfloat16 (kind V)."""
    return dtype == _HALF or dtype.kind == "V"


_compiled: list[Callable[..., Any]] = []  # (to float32, from float32 to a type) of contiguous arrays, if there are any


def use_halves(widened: Callable[..., Any], narrowed: Callable[..., Any]) -> None:
    """Take conversions of half precision that are faster than NumPy's."""
    _compiled[:] = widened, narrowed


def _wide(x: Array) -> Array:
    """Half precision as float32; everything else as it is."""
    if not _is_narrow(x.dtype):
        return x
    return _compiled[0](x) if _compiled and x.flags.c_contiguous else x.astype(_SINGLE)  # type: ignore[no-any-return]


def _narrow(x: Array, dtype: np.dtype[Any]) -> Array:
    """float32 as half precision, rounded to nearest."""
    if _compiled and x.dtype == _SINGLE and x.flags.c_contiguous and x.flags.aligned:
        return _compiled[1](x, dtype)  # type: ignore[no-any-return]
    return x.astype(dtype)


def _fresh(x: Any, dtype: np.dtype[Any] | None = None) -> Array:
    """A C-contiguous array (0-d ones too) of this dtype."""
    array = np.asarray(x, dtype=dtype)
    return array if array.flags.c_contiguous else np.array(array, order="C")


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's warnings about NaN and infinity off: these kernels produce them by design."""

    def silent(*arguments: Any, **keywords: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments, **keywords)

    silent.__name__ = function.__name__
    silent.__doc__ = function.__doc__
    return silent
