"""The public functions of max, average and adaptive pooling: arguments, refusals, forms of one dim.

One-dim forms pool over a dim of length one beside theirs, as PyTorch does. What is computed is in `pooling`.
"""

from __future__ import annotations

import functools
from typing import Any

from headgate import errors
from headgate.core.declare import composite
from headgate.core.entry import publish
from headgate.core.family import refused_error
from headgate.core.records import Tensor
from headgate.dtypes import NAMES
from headgate.ops.pooling import ADAPTIVE_AVERAGE, ADAPTIVE_MAX, AVERAGE, MAX, kind_name, run_average, run_max, sizes_of
from headgate.ops.windows import (
    adaptive,
    averages,
    is_plain,
    largest,
    line_windows,
    per_dim,
    stride_or,
    whole_numbers,
)

Sizes = tuple[int, ...]
COMPLEX = ("complex64", "complex128")
BOOLS = ("bool", *COMPLEX)
SMALL = ("int32", "int16", "int8", "uint8", *BOOLS)
INTEGERS = ("int64", *SMALL)
BATCH_MODE = "Expected {low}D or {high}D (batch mode) tensor with optional 0 dim batch size for input, but got:{shape}"
POSITIVE = (
    "{function}(): Expected input's non-batch dimensions to have positive length, but input has a shape of {shape} and "
    "non-batch dimension {dim} has length zero!"
)
NONZERO = (
    "{function}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {shape} with "
    "dimension {dim} being empty"
)


def given(x: Any, function: str) -> Any:
    """The tensor itself; TypeError for anything else."""
    if not isinstance(x, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=function, name="input", position=1, expected="Tensor", type=type(x).__name__))
    return x


def refuse_kinds(x: Any, kernel: str, refused: tuple[str, ...]) -> None:
    """NotImplementedError for element types that PyTorch's kernel does not take."""
    name = kind_name(x)
    if name in refused:
        raise refused_error(kernel, NAMES[name])


def check_dims(shape: Sizes, dims: int, function: str) -> None:
    """RuntimeError unless there are `dims` dims behind channels, and perhaps a batch, none of them empty."""
    if len(shape) not in (dims + 1, dims + 2):
        raise RuntimeError(f"non-empty {dims + 1}D or {dims + 2}D (batch mode) tensor expected for input")
    inner = shape[len(shape) - dims - 1:]
    if 0 in inner:
        if dims == 3:
            raise RuntimeError(POSITIVE.format(function=function, shape=list(shape), dim=inner.index(0)))
        raise RuntimeError(BATCH_MODE.format(low=dims + 1, high=dims + 2, shape=list(shape)))


# ---- max ------------------------------------------------------------------------------------------------------------


def max_of(
    dims: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any,
    known: bool = False,
) -> tuple[Any, Any]:
    """(values, indices) of max_pool2d and max_pool3d. known: the numbers are plain ints."""
    x = input if isinstance(input, Tensor) else given(input, f"max_pool{dims}d")
    keep = type(kernel_size) is type(padding) is type(dilation) is int and is_plain(stride)
    read = max_windows if keep or known else max_windows.__wrapped__  # what was read of plain ints once is kept
    windows = read(dims, sizes_of(x), kernel_size, stride, padding, dilation, bool(ceil_mode))
    if kind_name(x) in BOOLS:
        refuse_kinds(x, f"max_pool{dims}d", BOOLS)
    values, indices = run_max(MAX, dims, x, windows)
    return values, indices


@functools.lru_cache(256)
def max_windows(
    dims: int, shape: Sizes, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
) -> Any:
    """The windows of max_pool2d and max_pool3d, from their arguments."""
    function = f"max_pool{dims}d"
    kernel = per_dim(kernel_size, dims, function, "kernel_size", 2)
    steps = stride_or(stride, kernel, function)
    edges = per_dim(padding, dims, function, "padding", 4)
    spread = per_dim(dilation, dims, function, "dilation", 5)
    check_dims(shape, dims, "max_pool3d_with_indices_out_cpu_template")
    return largest(shape, kernel, steps, edges, spread, ceil_mode)


def max_of_one(
    input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any, indices: bool
) -> tuple[Any, Any]:
    """(values, indices) of max_pool1d, by a dim of length one before its own, which unused indices keep."""
    x = given(input, "max_pool1d")
    shape = sizes_of(x)
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError("max_pool1d: " + BATCH_MODE.format(low=2, high=3, shape=list(shape)))
    plain = type(kernel_size) is type(padding) is type(dilation) is int and is_plain(stride)
    read = line_windows if plain else line_windows.__wrapped__
    kernel, step, edge, spread = read(kernel_size, stride, padding, dilation)
    if shape[-1] + 2 * edge < spread * (kernel - 1) + 1 - (step - 1 if ceil_mode else 0):
        raise RuntimeError("max_pool1d() Invalid computed output size: 0")
    refuse_kinds(x, "max_pool2d" if indices else "max_pool1d_impl", BOOLS if indices else INTEGERS)
    values, places = max_of(2, x.unsqueeze(-2), (1, kernel), (1, step), (0, edge), (1, spread), ceil_mode, True)
    return values.squeeze(-2), places.squeeze(-2) if indices else places


def max_pool1d_with_indices(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: Any = False,
    return_indices: Any = False,
) -> Any:
    """(values, indices) of `max_pool1d`."""
    return max_of_one(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: Any = False,
    return_indices: Any = False,
) -> Any:
    """(values, indices) of `max_pool2d`."""
    return max_of(2, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d_with_indices(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: Any = False,
    return_indices: Any = False,
) -> Any:
    """(values, indices) of `max_pool3d`."""
    return max_of(3, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: Any = False,
    return_indices: Any = False,
) -> Any:
    """The largest element of every window of the last dim: (N, C, L) or (C, L). As `max_pool2d` otherwise."""
    result = max_of_one(input, kernel_size, stride, padding, dilation, ceil_mode, bool(return_indices))
    return result if return_indices else result[0]


def max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: Any = False,
    return_indices: Any = False,
) -> Any:
    """The largest element of every window of the last two dims: (N, C, H, W) or (C, H, W); with `return_indices` also
    its place in the flattened plane.

    Padding counts as -inf and may be half a window; `ceil_mode` keeps windows that end outside; NaN wins. H' =
    (H + 2 padding - dilation (kernel - 1) - 1) // stride + 1. The gradient goes to the place. RuntimeError for sizes
    that make no window.
    """
    result = max_of(2, input, kernel_size, stride, padding, dilation, ceil_mode)
    return result if return_indices else result[0]


def max_pool3d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: Any = False,
    return_indices: Any = False,
) -> Any:
    """The largest element of every window of the last three dims: (N, C, D, H, W) or (C, D, H, W); as `max_pool2d`."""
    result = max_of(3, input, kernel_size, stride, padding, dilation, ceil_mode)
    return result if return_indices else result[0]


# ---- averages -------------------------------------------------------------------------------------------------------


def average_of(
    dims: int, input: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: Any, count_include_pad: Any,
    divisor_override: Any, known: bool = False,
) -> Any:
    """avg_pool2d and avg_pool3d. known: the numbers are plain ints."""
    x = input if isinstance(input, Tensor) else given(input, f"avg_pool{dims}d")
    keep = type(kernel_size) is type(padding) is int and is_plain(stride)
    read = average_windows if (keep or known) and divisor_override is None else average_windows.__wrapped__
    windows = read(dims, sizes_of(x), kernel_size, stride, padding, bool(ceil_mode), bool(count_include_pad),
                   divisor_override)
    if kind_name(x) in SMALL:
        refuse_kinds(x, f"avg_pool{dims}d" if dims == 2 else "avg_pool3d_out_frame", SMALL)
    return run_average(AVERAGE, dims, x, windows)


@functools.lru_cache(256)
def average_windows(
    dims: int, shape: Sizes, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool, include: bool, divisor: Any,
) -> Any:
    """The windows of avg_pool2d and avg_pool3d, from their arguments."""
    function = f"avg_pool{dims}d"
    kernel = per_dim(kernel_size, dims, function, "kernel_size", 2)
    steps = stride_or(stride, kernel, function)
    edges = per_dim(padding, dims, function, "padding", 4)
    if divisor is not None and divisor == 0:
        raise RuntimeError("divisor must be not zero")
    if dims == 2 and len(shape) < 3:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-len(shape)}, {len(shape) - 1}], but "
                         f"got {-len(shape) - 1})")
    if dims == 2 and len(shape) > 4:
        raise RuntimeError(BATCH_MODE.format(low=3, high=4, shape=list(shape)))
    check_dims(shape, dims, function)
    if dims == 3 and any(n < k for n, k in zip(shape[len(shape) - 3:], kernel)):
        sizes, mine = ([f"{name}: {n}" for name, n in zip(names, values)]
                       for names, values in (("THW", shape[len(shape) - 3:]), (("kT", "kH", "kW"), kernel)))
        raise RuntimeError(f"input image ({' '.join(sizes)}) smaller than kernel size ({' '.join(mine)})")
    return averages(shape, kernel, steps, edges, ceil_mode, include, divisor)


def only_one(value: Any, function: str, name: str, position: int) -> int:
    """The one number of a one-dim function. RuntimeError for several."""
    if type(value) is int:
        return value
    items = whole_numbers(value, function, name, position)
    if len(items) != 1:
        raise RuntimeError(f"{function}() argument '{name}' should contain one int (got {len(items)})")
    return items[0]


def check_range(x: Any, function: str) -> None:
    """RuntimeError unless the tensor has two or three dims."""
    if x.ndim not in (2, 3):
        raise RuntimeError(f"Expected 2 to 3 dimensions, but got {x.ndim}-dimensional tensor for argument #1 'self' "
                           f"(while checking arguments for {function})")


def avg_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: Any = False,
    count_include_pad: Any = True,
) -> Any:
    """The mean of every window of the last dim: (N, C, L) or (C, L). As `avg_pool2d` otherwise."""
    x = given(input, "avg_pool1d")
    check_range(x, "avg_pool1d")
    kernel = only_one(kernel_size, "avg_pool1d", "kernel_size", 2)
    empty = stride is None or isinstance(stride, (tuple, list)) and not stride
    step = kernel if empty else only_one(stride, "avg_pool1d", "stride", 3)
    edge = only_one(padding, "avg_pool1d", "padding", 4)
    y = average_of(2, x.unsqueeze(-2), (1, kernel), (1, step), (0, edge), ceil_mode, count_include_pad, None, True)
    return y.squeeze(-2)


def avg_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: Any = False,
    count_include_pad: Any = True, divisor_override: Any = None,
) -> Any:
    """The mean of every window of the last two dims: (N, C, H, W) or (C, H, W).

    Padding counts as zeros, and among the elements divided by unless `count_include_pad` is False;
    `divisor_override` is divided by instead. Floats and integers. RuntimeError for sizes that make no window.
    """
    return average_of(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: Any = False,
    count_include_pad: Any = True, divisor_override: Any = None,
) -> Any:
    """The mean of every window of the last three dims: (N, C, D, H, W) or (C, D, H, W); as `avg_pool2d`.

    Takes float16 too, which PyTorch refuses.
    """
    return average_of(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


# ---- adaptive -------------------------------------------------------------------------------------------------------


def result_sizes(x: Any, output_size: Any, dims: int, function: str) -> Sizes:
    """The sizes asked for: one for all dims, or one each, None for the input's. AttributeError for no tensor."""
    if type(output_size) is int and dims > 1 and isinstance(x, Tensor):
        return (output_size,) * dims
    shape = x.size()
    if isinstance(output_size, int) and dims > 1:
        return (output_size,) * dims
    if not isinstance(output_size, int):
        len(output_size)  # PyTorch's TypeError
    items = list(output_size) if isinstance(output_size, (tuple, list)) else [output_size] * dims
    if isinstance(output_size, (tuple, list)) and len(items) >= len(shape):
        raise ValueError(f"Input dimension should be at least {len(items) + 1}")
    if len(items) != dims:
        if "max" in function:
            raise RuntimeError(f"{function}(): internal error: output_size.size() must be {dims}")
        raise RuntimeError(f"{function}: output_size must be {dims}")
    kept = shape[len(shape) - dims:]
    items = [size if one is None else one for size, one in zip(kept, items)]
    return per_dim(items, dims, function, "output_size", 2)


def check_adaptive(shape: Sizes, dims: int, function: str, colon: str, first: int = 1) -> None:
    """RuntimeError unless there are `dims` dims behind channels, and perhaps a batch, none empty from `first`."""
    if len(shape) not in (dims + 1, dims + 2):
        raise RuntimeError(f"{function}(): Expected {dims + 1}D or {dims + 2}D tensor, but got{colon} {list(shape)}")
    for dim in range(first, len(shape)):
        if shape[dim] == 0:
            raise RuntimeError(NONZERO.format(function=function, shape=list(shape), dim=dim))


@functools.lru_cache(256)
def adaptive_average_windows(dims: int, shape: Sizes, sizes: Sizes) -> Any:
    """The windows of adaptive_avg_pool2d and adaptive_avg_pool3d; None for one window, which is a mean."""
    function = f"adaptive_avg_pool{dims}d"
    if min(sizes) < 0:
        shown = ", ".join(str(one) for one in sizes)
        raise RuntimeError(f"{function}: elements of output_size must be greater than or equal to 0 but received "
                           f"{{{shown}}}")
    if set(sizes) == {1}:
        return None
    check_adaptive(shape, dims, function, "", len(shape) - 2 if dims == 2 else 1)
    return adaptive(shape[len(shape) - dims:], sizes)


def adaptive_average_of(dims: int, x: Any, sizes: Sizes) -> Any:
    """adaptive_avg_pool2d and adaptive_avg_pool3d."""
    windows = adaptive_average_windows(dims, sizes_of(x), sizes)
    if windows is None:
        return x.mean(list(range(-1, -dims - 1, -1)), True)
    if kind_name(x) in INTEGERS and (dims == 3 or x.numel() and 0 not in sizes):
        # PyTorch asks no kernel for a plane without elements
        refuse_kinds(x, "adaptive_avg_pool2d" if dims == 2 else "adaptive_avg_pool3d_cpu", INTEGERS)
    return run_average(ADAPTIVE_AVERAGE, dims, x, windows)


@functools.lru_cache(256)
def adaptive_max_windows(dims: int, shape: Sizes, sizes: Sizes) -> Any:
    """The windows of adaptive_max_pool2d and adaptive_max_pool3d."""
    check_adaptive(shape, dims, f"adaptive_max_pool{dims}d", ":")
    if min(sizes) < 0:
        made = [*shape[:len(shape) - dims], *sizes]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(sizes)}: {made}")
    return adaptive(shape[len(shape) - dims:], sizes)


def adaptive_max_of(dims: int, x: Any, sizes: Sizes) -> tuple[Any, Any]:
    """(values, indices) of adaptive_max_pool2d and adaptive_max_pool3d."""
    windows = adaptive_max_windows(dims, sizes_of(x), sizes)
    if kind_name(x) in INTEGERS:
        refuse_kinds(x, "adaptive_max_pool2d" if dims == 2 else "adaptive_max_pool3d_cpu", INTEGERS)
    values, indices = run_max(ADAPTIVE_MAX, dims, x, windows)
    return values, indices


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """Means of `output_size` windows that cover the last dim: (N, C, L) or (C, L). As `adaptive_avg_pool2d`."""
    x = given(input, "adaptive_avg_pool1d")
    check_range(x, "adaptive_avg_pool1d")
    size = only_one(output_size, "adaptive_avg_pool1d", "output_size", 2)
    return adaptive_average_of(2, x.unsqueeze(-2), (1, size)).squeeze(-2)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """Means of as many windows as `output_size` says (one number or two; None keeps a size): (N, C, H, W), (C, H, W).

    Window o of a dim of n elements goes from floor(o n / size) to ceil((o + 1) n / size). Floats only.
    """
    return adaptive_average_of(2, input, result_sizes(input, output_size, 2, "adaptive_avg_pool2d"))


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """Means of windows that cover the last three dims: (N, C, D, H, W), (C, D, H, W); as `adaptive_avg_pool2d`."""
    return adaptive_average_of(3, input, result_sizes(input, output_size, 3, "adaptive_avg_pool3d"))


def adaptive_max_pool1d_with_indices(input: Any, output_size: Any, return_indices: Any = False) -> Any:
    """(values, indices) of `adaptive_max_pool1d`."""
    x = given(input, "adaptive_max_pool1d")
    check_range(x, "adaptive_max_pool1d")
    size = only_one(output_size, "adaptive_max_pool1d", "output_size", 2)
    if 0 in sizes_of(x)[1:]:
        raise RuntimeError(NONZERO.format(function="adaptive_max_pool1d", shape=list(sizes_of(x)),
                                          dim=sizes_of(x).index(0, 1)))
    values, indices = adaptive_max_of(2, x.unsqueeze(-2), (1, size))
    return values.squeeze(-2), indices.squeeze(-2)


def adaptive_max_pool2d_with_indices(input: Any, output_size: Any, return_indices: Any = False) -> Any:
    """(values, indices) of `adaptive_max_pool2d`."""
    return adaptive_max_of(2, input, result_sizes(input, output_size, 2, "adaptive_max_pool2d"))


def adaptive_max_pool3d_with_indices(input: Any, output_size: Any, return_indices: Any = False) -> Any:
    """(values, indices) of `adaptive_max_pool3d`."""
    return adaptive_max_of(3, input, result_sizes(input, output_size, 3, "adaptive_max_pool3d"))


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: Any = False) -> Any:
    """The largest of each of `output_size` windows that cover the last dim; as `adaptive_avg_pool1d`."""
    result = adaptive_max_pool1d_with_indices(input, output_size)
    return result if return_indices else result[0]


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: Any = False) -> Any:
    """The largest of each of the windows of `adaptive_avg_pool2d`; with `return_indices` also its place."""
    result = adaptive_max_pool2d_with_indices(input, output_size)
    return result if return_indices else result[0]


def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: Any = False) -> Any:
    """The largest of each of the windows of `adaptive_avg_pool3d`; with `return_indices` also its place."""
    result = adaptive_max_pool3d_with_indices(input, output_size)
    return result if return_indices else result[0]


def pooling_samples(dims: int, kind: str) -> Any:
    """Samples of one kind of pooling over `dims` dims, and errors."""
    sizes = (7, 6, 5)[:dims]

    def samples(make: Any) -> list[Any]:
        x = (lambda: make(2, 3, *sizes).contiguous()) if dims == 1 else (lambda: make(2, 3, *sizes))
        if kind.startswith("adaptive"):
            return [((x(), 3), {}), ((x(), 1), {}), ((make(3, *sizes), 2), {}), ((make(2, *sizes), (4,) * dims), {})]
        calls = [((x(), 2), {}), ((x(), 3), {"stride": 2, "padding": 1}),
                 ((make(3, *sizes), 3, 2), {"ceil_mode": True}),
                 ((x(), 2), {"padding": 2}), ((x(), 9), {})]
        if kind == "max":
            calls.append(((x(), 2, 1, 1, 2), {}))
        if kind == "avg":
            calls.append(((x(), 3, 2, 1, True, False), {}))
        if kind == "avg" and dims > 1:
            calls.append(((x(), 2), {"divisor_override": 3}))
        return calls

    return samples


def enter(kind: str, *functions: Any) -> None:
    """Publish the functions over one to three dims of a kind of pooling."""
    for dims, function in enumerate(functions, 1):
        composite(f"nn.functional.{function.__name__}", function, method=False, samples=pooling_samples(dims, kind))


def expose(*functions: Any) -> None:
    """Publish functions that are tried through others."""
    for function in functions:
        publish(f"nn.functional.{function.__name__}", function)


enter("max", max_pool1d, max_pool2d, max_pool3d)
enter("avg", avg_pool1d, avg_pool2d, avg_pool3d)
enter("adaptive", adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)
enter("adaptive", adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)
expose(max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices, adaptive_max_pool1d_with_indices,
       adaptive_max_pool2d_with_indices, adaptive_max_pool3d_with_indices)


def top_max(dims: int) -> Any:
    """torch.max_pool1d and its like: `nn.functional`'s without `return_indices`."""

    def function(
        input: Any, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: Any = False
    ) -> Any:
        """As `nn.functional`'s function of this name, without indices."""
        if dims == 1:
            return max_of_one(input, kernel_size, stride, padding, dilation, ceil_mode, False)[0]
        return max_of(dims, input, kernel_size, stride, padding, dilation, ceil_mode)[0]

    return function


for _dims in (1, 2, 3):
    publish(f"max_pool{_dims}d", top_max(_dims))


def top_adaptive_max_pool1d(input: Any, output_size: Any) -> Any:
    """(values, indices) of `nn.functional.adaptive_max_pool1d`."""
    return adaptive_max_pool1d_with_indices(input, output_size)


def top_max_pool1d_with_indices(
    input: Any, kernel_size: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil_mode: Any = False
) -> Any:
    """(values, indices) of `nn.functional.max_pool1d`."""
    return max_of_one(input, kernel_size, stride, padding, dilation, ceil_mode, True)


publish("avg_pool1d", avg_pool1d)
publish("adaptive_avg_pool1d", adaptive_avg_pool1d)
publish("adaptive_max_pool1d", top_adaptive_max_pool1d)
publish("max_pool1d_with_indices", top_max_pool1d_with_indices)
