"""Layer, group, rms and local response norm as layers. The functions are in `nn.functional`."""

from __future__ import annotations

import numbers
from typing import Any

from headgate import errors
from headgate.core.entry import PUBLIC
from headgate.core.typed import Tensor
from headgate.nn import functional as F
from headgate.nn import init
from headgate.nn.modules.module import Module
from headgate.nn.parameter import Parameter
from headgate.ops.creation import empty
from headgate.ops.whole import whole, whole_op

CROSS_MAP = whole_op("CrossMapLRN2d", "CrossMapLRN2dBackward", keeps_result=True)


class LocalResponseNorm(Module):
    """x / (k + alpha * mean of x² over neighbouring channels) ** beta."""

    __constants__ = ["size", "alpha", "beta", "k"]

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(Module):
    """`LocalResponseNorm` of (N, C, H, W) under its old name. As in PyTorch, channel 0 stays in every window.

    Differs from PyTorch: the gradient is that of the values (PyTorch's leaves that channel out).
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        if input.size(1) == 0:
            raise IndexError(f"select(): index 0 out of range for tensor of size {list(input.shape)} at dimension 1")
        if not input.is_floating_point():
            raise RuntimeError(errors.RESULT_TYPE.format(result="Float", output=errors.TYPE_NAMES[input.dtype.name]))
        reach = int((self.size - 1) / 2 + 1)
        squares = input * input
        rows = []
        for channel in range(input.size(1)):
            first = max(channel - reach + 1, 0)
            total = squares[:, first:channel + reach].sum(1)
            rows.append(total + squares[:, 0] if first > 0 else total)
        scale = PUBLIC["stack"](rows, 1) * (self.alpha / self.size) + self.k
        result: Tensor = whole(CROSS_MAP, input * scale.pow(-self.beta), input)
        return result

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class _Affine(Module):
    """A norm with a weight and a bias, either of which may be missing."""

    def _affine(self, shape: tuple[int, ...], weight: bool, bias: bool, options: dict[str, Any]) -> None:
        """Register both; a bias only beside a weight."""
        for name, there in (("weight", weight), ("bias", weight and bias)):
            self.register_parameter(name, Parameter(empty(shape, **options)) if there else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class LayerNorm(_Affine):
    """(x - mean) / sqrt(variance + eps) * weight + bias over the last dims, of shape `normalized_shape`."""

    __constants__ = ["normalized_shape", "eps", "elementwise_affine"]

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__()
        if isinstance(normalized_shape, numbers.Integral):
            normalized_shape = (normalized_shape,)
        self.normalized_shape = tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._affine(self.normalized_shape, elementwise_affine, bias, {"device": device, "dtype": dtype})

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
                f"bias={self.bias is not None}")


class GroupNorm(_Affine):
    """(x - mean) / sqrt(variance + eps) * weight + bias, statistics over groups of channels of a sample.

    ValueError unless groups of equal size fill the channels.
    """

    __constants__ = ["num_groups", "num_channels", "eps", "affine"]

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, device: Any = None,
        dtype: Any = None, *, bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._affine((num_channels,), affine, bias, {"device": device, "dtype": dtype})

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
                f"bias={self.bias is not None}")


class RMSNorm(Module):
    """x / sqrt(mean of x² + eps) * weight over the last dims, of shape `normalized_shape`."""

    __constants__ = ["normalized_shape", "eps", "elementwise_affine"]

    def __init__(
        self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True, device: Any = None,
        dtype: Any = None, *, bias: bool = True,
    ) -> None:
        super().__init__()
        if isinstance(normalized_shape, numbers.Integral):
            normalized_shape = (normalized_shape,)
        self.normalized_shape = tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shape = self.normalized_shape
        self.register_parameter(
            "weight", Parameter(empty(shape, device=device, dtype=dtype)) if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1."""
        if self.elementwise_affine:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
