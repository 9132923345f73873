"""`torch.types`: names for annotations. What PyTorch has of symbolic numbers stands for plain ones here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any, Union

from headgate.core.device import device as _device
from headgate.core.device import layout as _layout  # noqa: F401  (as the next: for annotations of scripts)
from headgate.core.records import Tensor as Tensor
from headgate.core.size import Size as Size
from headgate.dtypes import dtype as _dtype  # noqa: F401

__all__ = ["Device", "FileLike", "Number", "Size", "Storage", "Tensor"]

_int, _float, _bool, _str, _bytes, _complex = int, float, bool, str, bytes, complex
_size = Union[Size, list[int], tuple[int, ...]]  # noqa: UP007
_symsize = Union[Size, Sequence[int]]  # noqa: UP007
_Number = (int, float, bool)
Number = Union[int, float, bool]  # noqa: UP007
Device = Union[_device, str, int, None]  # noqa: UP007
FileLike = Union[str, "os.PathLike[str]", IO[bytes]]
Storage = Any
IntLikeType, FloatLikeType, BoolLikeType = int, float, bool
_TensorOrTensors = Union[Tensor, Sequence[Tensor]]  # noqa: UP007
_TensorOrOptionalTensors = Union[Tensor, Sequence[Union[Tensor, None]]]  # noqa: UP007
