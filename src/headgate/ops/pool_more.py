"""Pooling by power means, unpooling, and pooling over windows at random places.

Arguments and refusals, and the random windows; what is computed is in `pooling`.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

from headgate import errors
from headgate.core.declare import composite
from headgate.core.family import refused_error
from headgate.core.records import Tensor
from headgate.dtypes import NAMES
from headgate.ops.pool_functions import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    expose,
    given,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from headgate.ops.pooling import FRACTIONAL, kind_name, run_max, run_unpool, sizes_of
from headgate.ops.random import rand
from headgate.ops.windows import fractional, per_dim

Sizes = tuple[int, ...]


# ---- power means ----------------------------------------------------------------------------------------------------


AVERAGES, LARGEST = (avg_pool1d, avg_pool2d, avg_pool3d), (max_pool1d, max_pool2d, max_pool3d)


def powered(
    dims: int, input: Any, norm_type: Any, kernel_size: Any, stride: Any, ceil_mode: Any
) -> Any:
    """(count * mean of x^p)^(1/p), the sign of the mean kept; for a power of infinity the largest or smallest |x|."""
    x = given(input, f"lp_pool{dims}d")
    count = kernel_size
    if dims > 1:
        sizes = tuple(kernel_size) if isinstance(kernel_size, Iterable) else (kernel_size,) * dims
        if len(sizes) != dims:
            raise ValueError(f"{'too many' if len(sizes) > dims else 'not enough'} values to unpack (expected {dims})")
        count = functools.reduce(operator.mul, sizes)
    if isinstance(norm_type, (int, float)) and math.isinf(norm_type):
        sign = 1 if norm_type > 0 else -1
        return sign * LARGEST[dims - 1](sign * x.abs(), kernel_size, stride, 0, 1, ceil_mode)
    average = AVERAGES[dims - 1](x.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (average.sign() * average.abs().relu()).mul(count).pow(1.0 / norm_type)


def lp_pool1d(input: Any, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: Any = False) -> Any:
    """(sum of x^norm_type)^(1 / norm_type) over every window of the last dim."""
    return powered(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Any, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: Any = False) -> Any:
    """(sum of x^norm_type)^(1 / norm_type) over every window of the last two dims."""
    return powered(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Any, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: Any = False) -> Any:
    """(sum of x^norm_type)^(1 / norm_type) over every window of the last three dims."""
    return powered(3, input, norm_type, kernel_size, stride, ceil_mode)


# ---- unpooling ------------------------------------------------------------------------------------------------------


def unpooled_sizes(x: Any, kernel: Sizes, stride: Sizes, padding: Sizes, output_size: Any) -> Sizes:
    """The sizes before pooling: worked out, or as asked for if that is possible. ValueError otherwise."""
    shape, dims = x.size(), len(kernel)
    default = tuple((shape[d - dims] - 1) * stride[d] + kernel[d] - 2 * padding[d] for d in range(dims))
    if output_size is None:
        return not_negative(default)
    if len(output_size) == dims + 2:
        output_size = output_size[2:]
    if len(output_size) != dims:
        raise ValueError(f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a "
                         f"length of '{len(output_size)}'")
    for d, (one, size, step) in enumerate(zip(output_size, default, stride)):
        if not size - step < one < size + step:
            raise ValueError(f'invalid output_size "{output_size}" (dim {d} must be between {size - step} and '
                             f"{size + step})")
    return not_negative(tuple(int(one) for one in output_size))


def not_negative(sizes: Sizes) -> Sizes:
    """The sizes themselves. ValueError for one below zero."""
    for d, size in enumerate(sizes):
        if size < 0:
            raise ValueError("max_unpooling: output_size must contain non-negative spatial dimensions, but got "
                             f"output_size[{d}]={size}")
    return sizes


def check_places(x: Any, indices: Any, sizes: Sizes, dims: int) -> None:
    """RuntimeError unless there is one int64 place per element, inside the plane if that has elements."""
    if not isinstance(indices, Tensor):
        raise TypeError(errors.ARGUMENT.format(function=f"max_unpool{dims}d", name="indices", position=2,
                                               expected="Tensor", type=type(indices).__name__))
    if kind_name(indices) != "int64":
        got = "" if dims == 3 else f" but got: {errors.TYPE_NAMES[kind_name(indices)]}"
        raise RuntimeError(f"elements in indices should be type int64{got}")
    if sizes_of(indices) != sizes_of(x):
        raise RuntimeError(f"Expected shape of indices to be same as that of the input tensor ({list(sizes_of(x))}) "
                           f"but got indices tensor with shape: {list(sizes_of(indices))}")
    if x.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(f"Input to max_unpooling{dims}d should be a {dims + 1}d or {dims + 2}d Tensor, but got a "
                           f"tensor with {x.ndim} dimensions")
    if kind_name(x) not in ("float32", "float64", "float16", "bfloat16"):
        raise refused_error(f"max_unpool{dims}d", NAMES[kind_name(x)])
    if 0 in sizes:
        return
    places = indices.detach().numpy()
    wrong = places[(places < 0) | (places >= int(np.prod(sizes)))]
    if wrong.size:
        shown = "x".join(str(one) for one in sizes)
        raise RuntimeError(f"Found an invalid max index: {int(wrong[0])} (output volumes are of size {shown})")


def unpool(
    dims: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Any:
    """max_unpool2d and max_unpool3d."""
    function = f"max_unpool{dims}d"
    x = given(input, function)
    kernel = per_dim(kernel_size, dims, function, "kernel_size", 3)
    steps = kernel if stride is None else per_dim(stride, dims, function, "stride", 4)
    edges = per_dim(padding, dims, function, "padding", 5)
    sizes = unpooled_sizes(x, kernel, steps, edges, output_size)
    if dims == 3 and min(steps) <= 0:
        raise RuntimeError(f"strides should be greater than zero, but got stride: {list(steps)}")
    check_places(x, indices, sizes, dims)
    return run_unpool(dims, x, indices, sizes)


def max_unpool1d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """The way back of `max_pool1d`; as `max_unpool2d`."""
    x = given(input, "max_unpool1d")
    kernel = per_dim(kernel_size, 1, "max_unpool1d", "kernel_size", 3)
    steps = kernel if stride is None else per_dim(stride, 1, "max_unpool1d", "stride", 4)
    edges = per_dim(padding, 1, "max_unpool1d", "padding", 5)
    sizes = (*unpooled_sizes(x, kernel, steps, edges, output_size), 1)
    columns = x.unsqueeze(-1)
    places = indices.unsqueeze(-1)
    check_places(columns, places, sizes, 2)
    return run_unpool(2, columns, places, sizes).squeeze(-1)


def max_unpool2d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Zeros with the elements where `max_pool2d` with `return_indices` found them; of several at one place the last.

    Sizes are (H - 1) stride - 2 padding + kernel, or `output_size` within a stride of that (ValueError otherwise).
    RuntimeError for places outside.
    """
    return unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """The way back of `max_pool3d`; as `max_unpool2d`."""
    return unpool(3, input, indices, kernel_size, stride, padding, output_size)


# ---- windows at random places ---------------------------------------------------------------------------------------


class RandomWindows:
    """Windows of one size whose starts differ from plane to plane: per dim an array (planes, count)."""

    def __init__(self, sizes: Sizes, kernel: Sizes, starts: list[Any]) -> None:
        self.sizes, self.kernel, self.starts = sizes, kernel, starts

    def find(self, x: Any) -> tuple[Any, Any]:
        """(values, indices): the largest of every window and its place; the last NaN, or the first of equals."""
        lead = x.shape[:x.ndim - len(self.sizes)]
        planes = x.reshape(math.prod(lead), math.prod(self.sizes))
        places: Any = np.zeros((len(planes), *(1,) * len(self.sizes)), np.int64)
        for d, (size, start) in enumerate(zip(self.sizes, self.starts)):
            shape = [len(planes), *(1,) * len(self.sizes)]
            shape[d + 1] = start.shape[1]
            places = places * size + start.reshape(shape)
        best, index = None, places
        flat = (len(planes), math.prod(places.shape[1:]))
        for tap in itertools.product(*map(range, self.kernel)):
            offset = 0
            for size, one in zip(self.sizes, tap):
                offset = offset * size + one
            value = np.take_along_axis(planes, (places + offset).reshape(flat), 1).reshape(places.shape)
            if best is None:
                best = value
                continue
            with np.errstate(invalid="ignore"):
                better = (value > best) | np.isnan(value)
            best, index = np.where(better, value, best), np.where(better, places + offset, index)
        out = places.shape[1:]
        return best.reshape(*lead, *out), np.ascontiguousarray(index).reshape(*lead, *out)


def fractional_sizes(x: Any, dims: int, output_size: Any, output_ratio: Any) -> Sizes:
    """The result's sizes, asked for or as parts of the input's."""
    function = f"fractional_max_pool{dims}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{function} requires specifying either an output_size or an output_ratio")
    if output_size is not None:
        return per_dim(output_size, dims, function, "output_size", 3)
    if dims == 2:
        len(output_ratio)  # PyTorch takes no single number here
    ratios = tuple(output_ratio) if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * dims
    if len(ratios) != dims:
        raise ValueError(f"{function} requires output_ratio to either be a single Int or tuple of Ints.")
    return tuple(int(x.size(d - dims) * ratio) for d, ratio in enumerate(ratios))


def check_fractional(x: Any, dims: int, kernel: Sizes, sizes: Sizes) -> None:
    """RuntimeError where windows of that size cannot lie apart, or the tensor has another number of dims."""
    function = "fractional_max_pool2d()" if dims == 2 else "fractional_max_pool3d_out()"
    shape = sizes_of(x)
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[1:]:
        raise RuntimeError(f"{function}: Expected {dims + 1}D or {dims + 2}D tensor with positive sizes, but got: "
                           f"{list(shape)}")
    for name, n, k, o in zip(("time", "height", "width")[3 - dims:], shape[len(shape) - dims:], kernel, sizes):
        if o + k - 1 > n - (dims == 3):
            raise RuntimeError(f"{function}: pool {name} {k} too large relative to input {name} {n}")
    if min(sizes) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(sizes)}: "
                           f"{[*shape[:len(shape) - dims], *sizes]}")


def check_samples(x: Any, samples: Any, lead: tuple[int, ...], dims: int) -> None:
    """RuntimeError for random numbers of another type, or too few."""
    if samples.dtype is not x.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    if samples.ndim != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {samples.ndim}")
    shape = sizes_of(samples)
    if shape[0] < lead[0]:
        raise RuntimeError("Expect _random_samples.size(0) no less then input batch size.")
    if shape[1] != lead[1]:
        raise RuntimeError("Expect _random_samples.size(1) equals to input channel size.")
    if shape[2] != dims:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to {dims}; got {shape[2]}.")


def fractional_of(
    dims: int, input: Any, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Any
) -> tuple[Any, Any]:
    """(values, indices) of fractional_max_pool2d and fractional_max_pool3d."""
    function = f"fractional_max_pool{dims}d"
    x = given(input, function)
    sizes = fractional_sizes(x, dims, output_size, output_ratio)
    kernel = per_dim(kernel_size, dims, function, "kernel_size", 2)
    shape = sizes_of(x)
    if samples is None:
        batch = 1 if len(shape) == dims + 1 else x.size(0)
        samples = rand(batch, x.size(-dims - 1), dims, dtype=NAMES[kind_name(x)])
    check_fractional(x, dims, kernel, sizes)
    lead = shape[:len(shape) - dims] if len(shape) == dims + 2 else (1, *shape[:1])
    check_samples(x, samples, lead, dims)
    if min(kernel) <= 0:
        raise RuntimeError(f"{function}: kernel_size must be greater than zero, but got {kernel}")
    plain = samples.detach().float() if kind_name(samples) == "bfloat16" else samples.detach()
    drawn = plain.numpy()[:lead[0]].reshape(lead[0] * lead[1], dims)
    inner = shape[len(shape) - dims:]
    order = (1, 0) if dims == 2 else (0, 1, 2)  # PyTorch's first sample of two is the width's
    starts = [fractional(inner[d], sizes[d], kernel[d], drawn[:, order[d]]) for d in range(dims)]
    windows = RandomWindows(inner, kernel, starts)
    values, indices = run_max(FRACTIONAL, dims, x, windows)
    return values, indices


def fractional_max_pool2d_with_indices(
    input: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: Any = False,
    _random_samples: Any = None,
) -> Any:
    """(values, indices) of `fractional_max_pool2d`."""
    return fractional_of(2, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: Any = False,
    _random_samples: Any = None,
) -> Any:
    """(values, indices) of `fractional_max_pool3d`."""
    return fractional_of(3, input, kernel_size, output_size, output_ratio, _random_samples)


def fractional_max_pool2d(
    input: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: Any = False,
    _random_samples: Any = None,
) -> Any:
    """The largest of windows at random distances (Graham 2014), `output_size` of them or a part of the input's sizes.

    Draws one number per channel and dim from the default generator, as PyTorch does. ValueError without a size,
    RuntimeError where windows do not fit.
    """
    result = fractional_of(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return result if return_indices else result[0]


def fractional_max_pool3d(
    input: Any, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: Any = False,
    _random_samples: Any = None,
) -> Any:
    """`fractional_max_pool2d` over the last three dims."""
    result = fractional_of(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return result if return_indices else result[0]


composite("nn.functional.lp_pool1d", lp_pool1d, method=False, dtypes="f", domain=(0.5, 3.0), samples=lambda make: [
    ((make(2, 3, 7), 2, 3), {}), ((make(3, 7), 3.0, 2, 1), {"ceil_mode": True})])
composite("nn.functional.lp_pool2d", lp_pool2d, method=False, dtypes="f", domain=(0.5, 3.0), samples=lambda make: [
    ((make(2, 3, 7, 6), 2, 3), {}), ((make(3, 7, 6), 3.0, (2, 3), 2), {"ceil_mode": True})])
composite("nn.functional.lp_pool3d", lp_pool3d, method=False, dtypes="f", domain=(0.5, 3.0), samples=lambda make: [
    ((make(2, 3, 5, 4, 3), 2, 2), {})])
expose(max_unpool1d, max_unpool2d, max_unpool3d, fractional_max_pool2d, fractional_max_pool3d,
       fractional_max_pool2d_with_indices, fractional_max_pool3d_with_indices)
