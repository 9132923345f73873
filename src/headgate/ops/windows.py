"""Windows of pooling: how many there are, where each starts and ends, and by what an average divides; with PyTorch's
refusals of sizes that make none.

Knows sizes only; the tables are made once per geometry and kept.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from headgate import errors
from headgate.kernels.reference_pooling import Windows

Sizes = tuple[int, ...]
WORDS = {1: "one int", 2: "two ints", 3: "three ints"}


def whole_numbers(value: Any, function: str, name: str, position: int) -> list[int]:
    """An int, or a sequence of them, as a list. TypeError for anything else."""
    items = list(value) if isinstance(value, (tuple, list)) else [value]
    for at, one in enumerate(items):
        if hasattr(one, "__index__"):
            continue
        if at or len(items) > 1:
            raise TypeError(f"{function}(): argument '{name}' (position {position}) must be tuple of ints, but found "
                            f"element of type {type(one).__name__} at pos {at}")
        raise TypeError(errors.ARGUMENT.format(function=function, name=name, position=position,
                                               expected="tuple of ints", type=type(one).__name__))
    return [one.__index__() for one in items]


def per_dim(value: Any, dims: int, function: str, name: str, position: int) -> Sizes:
    """One number per dim, from one or from as many. RuntimeError for another count."""
    items = whole_numbers(value, function, name, position)
    if len(items) == 1:
        return tuple(items * dims)
    if len(items) != dims:
        either, omitted = ("", "omitted, ") if dims == 3 and "avg" in function else ("either ", "either be omitted, ")
        if name == "stride":
            raise RuntimeError(f"{function}: stride must {omitted if either else 'be omitted, '}a single int, or a "
                               f"tuple of {WORDS[dims]}")
        raise RuntimeError(f"{function}: {name} must {either}be a single int, or a tuple of {WORDS[dims]}")
    return tuple(items)


def stride_or(stride: Any, kernel: Sizes, function: str) -> Sizes:
    """The stride, the kernel's size where none is given."""
    if stride is None or isinstance(stride, (tuple, list)) and not stride:
        return kernel
    return per_dim(stride, len(kernel), function, "stride", 3)


def is_plain(stride: Any) -> bool:
    """Whether a stride is one that can be told from others by its value."""
    return stride is None or type(stride) is int or type(stride) is tuple and not stride


def one_number(value: Any, name: str, at: int, none: str = "") -> int:
    """The one number of a one-dim pool."""
    items = whole_numbers(value, "max_pool1d", name, at)
    if len(items) != 1:
        raise RuntimeError(f"max_pool1d() {name} must be {none}an int, list of ints{',' if none else ''} or tuple of "
                           f"ints of size 1 but got size {len(items)}")
    return items[0]


@functools.lru_cache(256)
def line_windows(kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> tuple[int, int, int, int]:
    """The numbers of max_pool1d, from its arguments."""
    kernel = one_number(kernel_size, "kernel_size", 2)
    empty = stride is None or isinstance(stride, (tuple, list)) and not stride
    step = kernel if empty else one_number(stride, "stride", 3, "None, ")
    edge, spread = one_number(padding, "padding", 4), one_number(dilation, "dilation", 5)
    for name, value in (("kernel_size", kernel), ("stride", step), ("dilation", spread)):
        if value <= 0:
            raise RuntimeError(f"max_pool1d() {name} must be greater than zero, but got {value}")
    if edge < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {edge}")
    if edge > kernel // 2:
        raise RuntimeError(f"max_pool1d() padding should be at most half of kernel size, but got padding={edge} and "
                           f"kernel_size={kernel}")
    return kernel, step, edge, spread


def window_count(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """How many windows fit in one dim; with `ceil_mode` also one that begins inside and ends outside."""
    if stride == 0:
        raise RuntimeError("stride should not be zero")
    if padding < 0:
        raise RuntimeError(f"pad must be non-negative, but got pad: {padding}")
    if padding > (dilation * (kernel - 1) + 1) // 2:
        raise RuntimeError(f"pad should be at most half of effective kernel size, but got pad={padding}, "
                           f"kernel_size={kernel} and dilation={dilation}")
    count = (size + 2 * padding - dilation * (kernel - 1) - 1 + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return count


def check_positive(kernel: Sizes, stride: Sizes, dilation: Sizes) -> None:
    """RuntimeError for sizes and steps that are not above zero."""
    names = "THW"[3 - len(kernel):]
    for values, word, letter in (
        (kernel, "kernel size", "k"), (stride, "stride", "d"), (dilation, "dilation", "dilation"),
    ):
        if min(values) <= 0:
            shown = " ".join(f"{letter}{name}: {one}" for name, one in zip(names, values))
            raise RuntimeError(f"{word} should be greater than zero, but got {shown}")


def check_counts(shape: Sizes, counts: Sizes) -> None:
    """RuntimeError where no window fits."""
    if min(counts) >= 1:
        return
    sizes = "x".join(str(one) for one in shape[-len(counts) - 1:])
    channels = shape[-len(counts) - 1]
    shown = "x".join(str(one) for one in (channels, *counts))
    raise RuntimeError(f"Given input size: ({sizes}). Calculated output size: ({shown}). Output size is too small")


def largest(shape: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool) -> Windows:
    """The windows of max pooling over the last dims of a shape."""
    sizes = shape[len(shape) - len(kernel):]
    counts = tuple(window_count(*one, ceil_mode) for one in zip(sizes, kernel, stride, padding, dilation))
    check_positive(kernel, stride, dilation)
    check_counts(shape, counts)
    return largest_tables(sizes, counts, kernel, stride, padding, dilation)


@functools.lru_cache(512)
def largest_tables(
    sizes: Sizes, counts: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes
) -> Windows:
    """Starts inside the input and ends cut at its border."""
    starts, ends = [], []
    for size, count, k, s, p, d in zip(sizes, counts, kernel, stride, padding, dilation):
        start = np.arange(count) * s - p
        end = np.minimum(start + (k - 1) * d + 1, size)
        starts.append(np.where(start < 0, start + (-start + d - 1) // d * d, start))
        ends.append(end)
    ones = tuple(np.ones(count, np.int64) for count in counts)
    return Windows(sizes, tuple(starts), tuple(ends), dilation, ones, False)


def averages(
    shape: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, ceil_mode: bool, include: bool, divisor: int | None
) -> Windows:
    """The windows of average pooling over the last dims of a shape."""
    sizes = shape[len(shape) - len(kernel):]
    ones = (1,) * len(kernel)
    counts = tuple(window_count(*one, ceil_mode) for one in zip(sizes, kernel, stride, padding, ones))
    check_positive(kernel, stride, ones)
    check_counts(shape, counts)
    return average_tables(sizes, counts, kernel, stride, padding, include, divisor)


@functools.lru_cache(512)
def average_tables(
    sizes: Sizes, counts: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, include: bool, divisor: int | None
) -> Windows:
    """Windows cut at the border, and the lengths that an average divides by: with or without the padding."""
    starts, ends, lengths = [], [], []
    for size, count, k, s, p in zip(sizes, counts, kernel, stride, padding):
        start = np.arange(count) * s - p
        end = np.minimum(start + k, size + p)
        starts.append(np.maximum(start, 0))
        ends.append(np.minimum(end, size))
        if divisor is not None:
            lengths.append(np.full(count, 1 if lengths else divisor, np.int64))
        else:
            lengths.append(end - start if include else ends[-1] - starts[-1])
    return Windows(sizes, tuple(starts), tuple(ends), (1,) * len(sizes), tuple(lengths), False)


@functools.lru_cache(512)
def adaptive(sizes: Sizes, counts: Sizes) -> Windows:
    """As many windows as asked for, from floor(o size / count) to ceil((o + 1) size / count)."""
    starts = tuple(np.arange(count) * size // max(count, 1) for size, count in zip(sizes, counts))
    ends = tuple(-(-(np.arange(count) + 1) * size // max(count, 1)) for size, count in zip(sizes, counts))
    lengths = tuple(end - start for start, end in zip(starts, ends))
    return Windows(sizes, starts, ends, (1,) * len(sizes), lengths, True)


def fractional(size: int, count: int, kernel: int, samples: Any) -> Any:
    """Starts of windows at random distances, one row per sample of [0, 1) (Graham 2014, as PyTorch computes them)."""
    samples = np.asarray(samples)
    starts = np.zeros((*samples.shape, count), np.int64)
    if count > 1:
        alpha = samples.dtype.type(size - kernel) / samples.dtype.type(count - 1)
        steps = np.arange(count - 1).astype(samples.dtype)
        starts[..., :-1] = ((steps + samples[..., None]) * alpha).astype(np.int64)
        starts[..., :-1] -= (samples[..., None] * alpha).astype(np.int64)
    if count > 0:
        starts[..., -1] = size - kernel
    return starts
