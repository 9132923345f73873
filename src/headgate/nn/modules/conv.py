"""Convolution layers: Conv1d/2d/3d and their transposes. They hold parameters; `nn.functional` computes."""

from __future__ import annotations

import math
from typing import Any

from headgate.core.typed import Tensor
from headgate.nn import functional as F
from headgate.nn import init
from headgate.nn.modules.module import Module
from headgate.nn.parameter import Parameter
from headgate.ops.creation import empty

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def repeated(value: Any, count: int) -> tuple[Any, ...]:
    """A tuple: of a sequence its items, of anything else `count` times it."""
    return tuple(value) if hasattr(value, "__iter__") else (value,) * count


class _ConvNd(Module):
    """What all convolution layers share: checks, parameters, their beginning, the text."""

    __constants__ = ["stride", "padding", "dilation", "groups", "padding_mode", "output_padding", "in_channels",
                     "out_channels", "kernel_size"]

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: tuple[int, ...], stride: tuple[int, ...], padding: Any,
        dilation: tuple[int, ...], transposed: bool, output_padding: tuple[int, ...], groups: int, bias: bool,
        padding_mode: str, device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__()
        check_arguments(in_channels, out_channels, groups, stride, padding, padding_mode)
        self.in_channels, self.out_channels, self.kernel_size = in_channels, out_channels, kernel_size
        self.stride, self.padding, self.dilation, self.transposed = stride, padding, dilation, transposed
        self.output_padding, self.groups, self.padding_mode = output_padding, groups, padding_mode
        self._reversed_padding_repeated_twice = padding_by_side(padding, dilation, kernel_size)
        first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        self.weight = Parameter(empty((first, second // groups, *kernel_size), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            inputs, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(inputs) if inputs > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        if self.padding != (0,) * len(self.padding):
            parts.append(f"padding={self.padding}")
        if self.dilation != (1,) * len(self.dilation):
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != (0,) * len(self.output_padding):
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


def check_arguments(
    in_channels: int, out_channels: int, groups: int, stride: tuple[int, ...], padding: Any, padding_mode: str
) -> None:
    """ValueError for arguments that make no layer."""
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    if in_channels % groups != 0:
        raise ValueError("in_channels must be divisible by groups")
    if out_channels % groups != 0:
        raise ValueError("out_channels must be divisible by groups")
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
        if padding == "same" and any(one != 1 for one in stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
    if padding_mode not in PADDING_MODES:
        shown = ", ".join(repr(one) for one in PADDING_MODES)
        raise ValueError(f"padding_mode must be one of {{{shown}}}, but got padding_mode='{padding_mode}'")


def padding_by_side(padding: Any, dilation: tuple[int, ...], kernel_size: tuple[int, ...]) -> list[int]:
    """What `nn.functional.pad` gets where the padding is not zeros: both sides of each dim, the last dim first."""
    if not isinstance(padding, str):
        return [one for one in reversed(padding) for _ in range(2)]
    sides: list[int] = []
    for step, kernel in zip(reversed(dilation), reversed(kernel_size)):
        total = step * (kernel - 1) if padding == "same" else 0
        sides += [total // 2, total - total // 2]
    return sides


class _Forward(_ConvNd):
    """A convolution over `dims` dims."""

    dims = 0

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
        dtype: Any = None,
    ) -> None:
        dims = self.dims
        super().__init__(
            in_channels, out_channels, repeated(kernel_size, dims), repeated(stride, dims),
            padding if isinstance(padding, str) else repeated(padding, dims), repeated(dilation, dims), False,
            (0,) * dims, groups, bias, padding_mode, device, dtype)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Any) -> Tensor:
        function = getattr(F, f"conv{self.dims}d")
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0,) * self.dims
        return function(input, weight, bias, self.stride, padding, self.dilation, self.groups)  # type: ignore[no-any-return]

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_Forward):
    """Convolution along the last dim: (N, C, L) or (C, L) to (N, O, L') or (O, L'). See `nn.functional.conv1d`.

    `weight` (O, C / groups, K) and `bias` (O) begin uniform in ±1/√(C / groups · K), with PyTorch's random numbers for
    the same seed. `padding_mode` says what stands around the input: "zeros", "reflect", "replicate", "circular".
    """

    dims = 1


class Conv2d(_Forward):
    """Convolution over the last two dims: (N, C, H, W) or (C, H, W). See `nn.functional.conv2d`, and `Conv1d`."""

    dims = 2


class Conv3d(_Forward):
    """Convolution over the last three dims: (N, C, D, H, W) or (C, D, H, W). See `nn.functional.conv3d`, `Conv1d`."""

    dims = 3


class _ConvTransposeNd(_ConvNd):
    """A transposed convolution over `dims` dims."""

    dims = 0

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1, padding_mode: str = "zeros",
        device: Any = None, dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        dims = self.dims
        super().__init__(
            in_channels, out_channels, repeated(kernel_size, dims), repeated(stride, dims), repeated(padding, dims),
            repeated(dilation, dims), True, repeated(output_padding, dims), groups, bias, padding_mode, device, dtype)

    def _output_padding(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output padding that gives the size asked for. ValueError if none does."""
        if output_size is None:
            return self.output_padding
        dims = self.dims
        lead = 2 if input.dim() == dims + 2 else 1
        if len(output_size) == lead + dims:
            output_size = output_size[lead:]
        if len(output_size) != dims:
            raise ValueError(f"ConvTranspose{dims}D: for {input.dim()}D input, output_size must have {dims} or "
                             f"{lead + dims} elements (got {len(output_size)})")
        least = [(input.size(lead + d) - 1) * self.stride[d] - 2 * self.padding[d]
                 + self.dilation[d] * (self.kernel_size[d] - 1) + 1 for d in range(dims)]
        most = [size + step - 1 for size, step in zip(least, self.stride)]
        if any(not low <= size <= high for low, size, high in zip(least, output_size, most)):
            raise ValueError(f"requested an output size of {output_size}, but valid sizes range from {least} to {most} "
                             f"(for an input of {input.size()[2:]})")
        return tuple(size - low for size, low in zip(output_size, least))

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        function = getattr(F, f"conv_transpose{self.dims}d")
        return function(  # type: ignore[no-any-return]
            input, self.weight, self.bias, self.stride, self.padding, self._output_padding(input, output_size),
            self.groups, self.dilation)


class ConvTranspose1d(_ConvTransposeNd):
    """Transposed convolution along the last dim. See `nn.functional.conv_transpose1d`, and `ConvTranspose2d`."""

    dims = 1


class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution over the last two dims: (N, C, H, W) or (C, H, W). See `nn.functional.conv_transpose2d`.

    `weight` (C, O / groups, K, L) and `bias` (O) begin as those of `Conv2d`. Called with `output_size`, the layer works
    out the output padding for it; ValueError for sizes that cannot be.
    """

    dims = 2


class ConvTranspose3d(_ConvTransposeNd):
    """Transposed convolution over the last three dims. See `nn.functional.conv_transpose3d`, and `ConvTranspose2d`."""

    dims = 3
