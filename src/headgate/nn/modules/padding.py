"""Padding layers: constant, zeros, reflection, replication and circular over one to three dims.

Each calls `nn.functional.pad` with its mode; the padding is (before, after) from the last dim on.
"""

from __future__ import annotations

from typing import Any

from headgate.core.typed import Tensor
from headgate.nn import functional as F
from headgate.nn.modules.conv import repeated
from headgate.nn.modules.module import Module


class _PadNd(Module):
    """Padding of `dims` dims in one mode, by one number or two for each dim."""

    __constants__ = ["padding"]
    dims, mode = 0, ""

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = repeated(padding, 2 * self.dims)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    """Padding with a number."""

    __constants__ = ["padding", "value"]

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """`value` around the last dim."""

    dims = 1


class ConstantPad2d(_ConstantPadNd):
    """`value` around the last two dims."""

    dims = 2


class ConstantPad3d(_ConstantPadNd):
    """`value` around the last three dims."""

    dims = 3


class _ZeroPadNd(_ConstantPadNd):
    """Padding with zeros."""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPadNd):
    """Zeros around the last dim."""

    dims = 1


class ZeroPad2d(_ZeroPadNd):
    """Zeros around the last two dims."""

    dims = 2


class ZeroPad3d(_ZeroPadNd):
    """Zeros around the last three dims."""

    dims = 3


class ReflectionPad1d(_PadNd):
    """The last dim mirrored at its ends, without the edge."""

    dims, mode = 1, "reflect"


class ReflectionPad2d(_PadNd):
    """The last two dims mirrored at their ends, without the edge."""

    dims, mode = 2, "reflect"


class ReflectionPad3d(_PadNd):
    """The last three dims mirrored at their ends, without the edge."""

    dims, mode = 3, "reflect"


class ReplicationPad1d(_PadNd):
    """The edges of the last dim repeated."""

    dims, mode = 1, "replicate"


class ReplicationPad2d(_PadNd):
    """The edges of the last two dims repeated."""

    dims, mode = 2, "replicate"


class ReplicationPad3d(_PadNd):
    """The edges of the last three dims repeated."""

    dims, mode = 3, "replicate"


class _CircularPadNd(_PadNd):
    """Padding with what comes after the other end. ValueError for another number of dims."""

    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (self.dims + 1, self.dims + 2):
            raise ValueError(f"expected {self.dims + 1}D or {self.dims + 2}D input (got {input.dim()}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPadNd):
    """The last dim going round."""

    dims = 1


class CircularPad2d(_CircularPadNd):
    """The last two dims going round."""

    dims = 2


class CircularPad3d(_CircularPadNd):
    """The last three dims going round."""

    dims = 3
