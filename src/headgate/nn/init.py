"""Initial values of parameters: PyTorch's functions with its random numbers, in place and without history.

uniform, kaiming and xavier forms give PyTorch's bits for the same seed; normal ones its numbers within 2 ulp;
orthogonal_ and trunc_normal_ within rounding (the first goes through LAPACK, the second compares what it draws).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from headgate.autograd.grad_mode import no_grad
from headgate.core.typed import Tensor
from headgate.ops.creation import empty_like
from headgate.ops.random import randperm
from headgate.ops.values import from_numpy
from headgate.ops.where import where

LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
NOTHING = "Initializing zero-element tensors is a no-op"


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """By how much a nonlinearity's input should be scaled; `param`: leaky_relu's slope. ValueError for unknown ones."""
    if nonlinearity in LINEAR or nonlinearity == "sigmoid":
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            param = 0.01
        elif isinstance(param, bool) or not isinstance(param, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + param**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Values uniform in [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Normal values."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    with no_grad():
        return tensor.zero_()


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix. ValueError unless there are 2 dims."""
    two_dims(tensor)
    with no_grad():
        tensor.zero_()
        tensor.diagonal().fill_(1)
    return tensor


def two_dims(tensor: Tensor) -> None:
    """ValueError unless the tensor is a matrix."""
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """The weight of a convolution that passes its input on, group by group. ValueError unless there are 3 to 5 dims."""
    if tensor.ndimension() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    sizes = tensor.size()
    if sizes[0] % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    outputs = sizes[0] // groups
    middle = tuple(size // 2 for size in sizes[2:])
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(outputs, sizes[1])):
                tensor[(group * outputs + channel, channel) + middle] = 1
    return tensor


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Normal values redrawn until they are in [a, b]; where that is rare, uniform ones accepted by their density."""
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn("mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be "
                      "incorrect.", stacklevel=2)
    inside = below((b - mean) / std) - below((a - mean) / std)
    with no_grad():
        if inside > 0.3:
            redraw(tensor, mean, std, a, b, generator)
        else:
            accept(tensor, mean, std, a, b, generator)
    return tensor


def below(x: float) -> float:
    """The part of a standard normal distribution below x."""
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def redraw(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Any) -> None:
    """Draw all, then all again as long as some are outside; those that were inside stay."""
    low, high = tensor.new_tensor(a).item(), tensor.new_tensor(b).item()
    result = tensor.normal_(mean, std, generator=generator)
    outside = (result < low) | (result > high)
    while outside.any():
        result = where(outside, empty_like(result).normal_(mean, std, generator=generator), result)
        outside = (result < low) | (result > high)
    if result is not tensor:
        tensor.copy_(result)


def accept(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Any) -> None:
    """Uniform candidates, accepted with the probability that the density has beside its peak in [a, b]."""
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    chance = empty_like(tensor)

    def refused(candidates: Tensor) -> Tensor:
        density = candidates.clone().sub_(mean).div_(std).pow_(2).mul_(-0.5).sub_(peak)
        return chance.uniform_(generator=generator).log_().gt(density)

    result = tensor.uniform_(a, b, generator=generator)
    pending = refused(result)
    while pending.any():
        candidates = empty_like(tensor).uniform_(a, b, generator=generator)
        result = where(pending, candidates, result)
        pending = where(pending, refused(candidates), pending)
    if result is not tensor:
        tensor.copy_(result)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """(inputs, outputs) that an element of the result, of the input, is connected to."""
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.size(1) * field, tensor.size(0) * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    modes = ["fan_in", "fan_out"]
    if mode not in modes:
        raise ValueError(f"Mode {mode} not supported, please use one of {modes}")
    return _calculate_fan_in_and_fan_out(tensor)[modes.index(mode)]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Uniform in ±gain √(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    inputs, outputs = _calculate_fan_in_and_fan_out(tensor)
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(inputs + outputs)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Normal with deviation gain √(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    inputs, outputs = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(inputs + outputs)), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Uniform in ±gain √(3 / fan) (He et al., 2015)."""
    if 0 in tensor.shape:
        warnings.warn(NOTHING, stacklevel=2)
        return tensor
    deviation = calculate_gain_over_fan(tensor, a, mode, nonlinearity)
    bound = math.sqrt(3.0) * deviation
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Normal with deviation gain / √fan (He et al., 2015)."""
    if 0 in tensor.shape:
        warnings.warn(NOTHING, stacklevel=2)
        return tensor
    return normal_(tensor, 0, calculate_gain_over_fan(tensor, a, mode, nonlinearity), generator)


def calculate_gain_over_fan(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """gain / √fan."""
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """A (semi-)orthogonal matrix times gain, trailing dims as one (Saxe et al., 2013). ValueError below 2 dims."""
    if tensor.ndimension() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.size(0)
    columns = tensor.numel() // rows
    drawn = tensor.new_empty((rows, columns)).normal_(0, 1, generator=generator).detach().numpy()
    q, r = np.linalg.qr(drawn.T if rows < columns else drawn)
    q = q * np.sign(np.diagonal(r))
    with no_grad():
        tensor.copy_(from_numpy(np.ascontiguousarray(q.T if rows < columns else q)).view(tensor.shape))
        tensor.mul_(gain)
    return tensor


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Normal values with a part `sparsity` of each column 0 (Martens, 2010). ValueError unless there are 2 dims."""
    two_dims(tensor)
    rows, columns = tensor.shape
    count = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[randperm(rows)[:count], column] = 0
    return tensor


def old_name(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function under its name without the underscore, with PyTorch's warning."""
    new = function.__name__

    def deprecated(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(f"`nn.init.{new[:-1]}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning,
                      stacklevel=2)
        return function(*args, **kwargs)

    deprecated.__name__ = deprecated.__qualname__ = new[:-1]
    deprecated.__doc__ = f"PyTorch's old name of `{new}`."
    return deprecated


uniform, normal, constant = old_name(uniform_), old_name(normal_), old_name(constant_)
eye, dirac = old_name(eye_), old_name(dirac_)
xavier_uniform, xavier_normal = old_name(xavier_uniform_), old_name(xavier_normal_)
kaiming_uniform, kaiming_normal = old_name(kaiming_uniform_), old_name(kaiming_normal_)
orthogonal, sparse = old_name(orthogonal_), old_name(sparse_)
