"""Pooling layers: max, average, power mean, adaptive, fractional, and unpooling. `nn.functional` computes."""

from __future__ import annotations

from typing import Any

from headgate.core.typed import Tensor
from headgate.nn import functional as F
from headgate.nn.modules.conv import repeated
from headgate.nn.modules.module import Module


class _MaxPoolNd(Module):
    """Max pooling by the function `nn.functional.<function>`."""

    __constants__ = ["kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode"]
    function = ""

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride if stride is not None else kernel_size
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self.function)(
            input, self.kernel_size, self.stride, self.padding, self.dilation, ceil_mode=self.ceil_mode,
            return_indices=self.return_indices)

    def extra_repr(self) -> str:
        return (f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
                f"dilation={self.dilation}, ceil_mode={self.ceil_mode}")


class MaxPool1d(_MaxPoolNd):
    """The largest of every window of the last dim. See `nn.functional.max_pool1d`."""

    function = "max_pool1d"


class MaxPool2d(_MaxPoolNd):
    """The largest of every window of the last two dims. See `nn.functional.max_pool2d`."""

    function = "max_pool2d"


class MaxPool3d(_MaxPoolNd):
    """The largest of every window of the last three dims. See `nn.functional.max_pool3d`."""

    function = "max_pool3d"


class _MaxUnpoolNd(Module):
    """Unpooling over `dims` dims."""

    dims = 0

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size = repeated(kernel_size, self.dims)
        self.stride = repeated(stride if stride is not None else kernel_size, self.dims)
        self.padding = repeated(padding, self.dims)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Any:
        function = getattr(F, f"max_unpool{self.dims}d")
        return function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """The way back of `MaxPool1d` with indices. See `nn.functional.max_unpool1d`."""

    dims = 1


class MaxUnpool2d(_MaxUnpoolNd):
    """The way back of `MaxPool2d` with indices. See `nn.functional.max_unpool2d`."""

    dims = 2


class MaxUnpool3d(_MaxUnpoolNd):
    """The way back of `MaxPool3d` with indices. See `nn.functional.max_unpool3d`."""

    dims = 3


class _AvgPoolNd(Module):
    """Average pooling: the text."""

    kernel_size: Any
    stride: Any
    padding: Any

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """The mean of every window of the last dim. See `nn.functional.avg_pool1d`."""

    __constants__ = ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"]

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = repeated(kernel_size, 1)
        self.stride = repeated(stride if stride is not None else kernel_size, 1)
        self.padding = repeated(padding, 1)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Any:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class _AvgPoolMore(_AvgPoolNd):
    """Average pooling over two or three dims by the function `nn.functional.<function>`."""

    __constants__ = ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"]
    function = ""

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: Any = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride if stride is not None else kernel_size
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self.function)(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override)


class AvgPool2d(_AvgPoolMore):
    """The mean of every window of the last two dims. See `nn.functional.avg_pool2d`."""

    function = "avg_pool2d"


class AvgPool3d(_AvgPoolMore):
    """The mean of every window of the last three dims. See `nn.functional.avg_pool3d`."""

    function = "avg_pool3d"


class _LPPoolNd(Module):
    """Power means by the function `nn.functional.<function>`."""

    __constants__ = ["norm_type", "kernel_size", "stride", "ceil_mode"]
    function = ""

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self.function)(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
                f"ceil_mode={self.ceil_mode}")


class LPPool1d(_LPPoolNd):
    """(sum of x^p)^(1/p) over every window of the last dim. See `nn.functional.lp_pool1d`."""

    function = "lp_pool1d"


class LPPool2d(_LPPoolNd):
    """(sum of x^p)^(1/p) over every window of the last two dims. See `nn.functional.lp_pool2d`."""

    function = "lp_pool2d"


class LPPool3d(_LPPoolNd):
    """(sum of x^p)^(1/p) over every window of the last three dims. See `nn.functional.lp_pool3d`."""

    function = "lp_pool3d"


class _FractionalMaxPoolNd(Module):
    """Max pooling over windows at random places, over `dims` dims. ValueError unless one size or ratio is given."""

    __constants__ = ["kernel_size", "return_indices", "output_size", "output_ratio"]
    dims = 0

    def __init__(
        self, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
        _random_samples: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        numbers = isinstance(kernel_size, (int, tuple, list))  # anything else is refused by the function
        if self.dims == 3 and numbers and not all(one > 0 for one in repeated(kernel_size, 3)):
            raise ValueError(f"kernel_size must be greater than 0, but got {kernel_size}")
        self.kernel_size = repeated(kernel_size, self.dims)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = repeated(output_size, self.dims) if output_size is not None else None
        self.output_ratio = repeated(output_ratio, self.dims) if output_ratio is not None else None
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < ratio < 1 for ratio in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        function = getattr(F, f"fractional_max_pool{self.dims}d")
        return function(input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices,
                        _random_samples=self._random_samples)


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """The largest of windows at random places of the last two dims. See `nn.functional.fractional_max_pool2d`."""

    dims = 2


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """The largest of windows at random places of the last three dims. See `nn.functional.fractional_max_pool3d`."""

    dims = 3


class _AdaptiveMaxPoolNd(Module):
    """Max pooling to a size by the function `nn.functional.<function>`."""

    __constants__ = ["output_size", "return_indices"]
    function = ""

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self.function)(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """The largest of `output_size` windows over the last dim. See `nn.functional.adaptive_max_pool1d`."""

    function = "adaptive_max_pool1d"


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """The largest of windows over the last two dims. See `nn.functional.adaptive_max_pool2d`."""

    function = "adaptive_max_pool2d"


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """The largest of windows over the last three dims. See `nn.functional.adaptive_max_pool3d`."""

    function = "adaptive_max_pool3d"


class _AdaptiveAvgPoolNd(Module):
    """Average pooling to a size by the function `nn.functional.<function>`."""

    __constants__ = ["output_size"]
    function = ""

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Any:
        return getattr(F, self.function)(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Means of `output_size` windows over the last dim. See `nn.functional.adaptive_avg_pool1d`."""

    function = "adaptive_avg_pool1d"


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Means of windows over the last two dims. See `nn.functional.adaptive_avg_pool2d`."""

    function = "adaptive_avg_pool2d"


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Means of windows over the last three dims. See `nn.functional.adaptive_avg_pool3d`."""

    function = "adaptive_avg_pool3d"
