"""Option grids of convolution, pooling, unpooling, resampling and folding, over lines, planes and blocks.

A table and nothing else; how it is run is in `grid_run`.
"""

from __future__ import annotations

import math
from typing import Any

from nn.grid_run import Draw, Layer, Made, normal

FACTORY: dict[str, list[Any]] = {"device": [..., "cpu"], "dtype": [..., Made(lambda m: m.float32, "float32")]}
SIZES = {1: (8,), 2: (6, 7), 3: (4, 5, 4)}
MODES = ["zeros", "reflect", "replicate", "circular"]


def several(n: int, *values: int) -> tuple[int, ...]:
    """Different numbers for the axes."""
    return tuple(values[k % len(values)] for k in range(n))


def images(n: int, channels: int = 4) -> list[list[Any]]:
    size = SIZES[n]
    found: list[list[Any]] = [[normal(2, channels, *size)], [normal(channels, *size)], [normal(0, channels, *size)]]
    return [*found, [normal(2, channels, *size, layout="last")]] if n > 1 else found


def wide(values: list[Any], n: int) -> list[Any]:
    return [*values, several(n, 1, 2), (2,) * n]


BAD_NUMBER = [0, -1, "a", None]


def convolution(n: int) -> Layer:
    return Layer(
        {
            "in_channels": [4],
            "out_channels": [4, 2, 6],
            "kernel_size": [3, 1, several(n, 2, 3), (3,)],
            "stride": wide([1, 2], n),
            "padding": [0, 1, "same", "valid", several(n, 1, 2), (2,)],
            "dilation": [1, 2, several(n, 1, 2)],
            "groups": [1, 2, 4],
            "bias": [True, False],
            "padding_mode": MODES,
            **FACTORY,
        },
        images(n),
        {
            "in_channels": [3, 0, -1, "a"],
            "out_channels": [0, 3, -1],
            "kernel_size": [0, -1, "a", 20, (1,) * 5],
            "stride": [0, -1, "a", (1,) * 5],
            "padding": [-1, "what", (1,) * 5, 1.5],
            "dilation": [0, -1, 9],
            "groups": [3, 0, -1],
            "padding_mode": ["what", None],
        },
        count=24,
    )


def transposed(n: int) -> Layer:
    size = SIZES[n]
    return Layer(
        {
            "in_channels": [4],
            "out_channels": [4, 2, 6],
            "kernel_size": [3, 1, several(n, 2, 3)],
            "stride": wide([1, 2], n),
            "padding": [0, 1, several(n, 1, 2)],
            "output_padding": [0, 1, several(n, 1, 0)],
            "groups": [1, 2],
            "bias": [True, False],
            "dilation": [1, 2, several(n, 1, 2)],
            "padding_mode": ["zeros"],
            **FACTORY,
        },
        [
            *images(n),
            [normal(2, 4, *size), {"output_size": [one + 2 for one in size]}],
            [normal(2, 4, *size), {"output_size": [2 * one for one in size]}],
            [normal(2, 4, *size), [2, 4, *(2 * one for one in size)]],
        ],
        {
            "padding_mode": MODES[1:],
            "output_padding": [5, -1],
            "padding": [9, "same", -1],
            "kernel_size": [0, -1, "a"],
            "stride": [0, -1],
            "dilation": [0],
            "groups": [3, 0],
            "in_channels": [3, 0, -1],
            "out_channels": [0, 3],
        },
        count=20,
    )


def without_shape(options: dict[str, Any]) -> dict[str, Any]:
    return {key: values for key, values in options.items() if key != "in_channels"}


CONVOLUTIONS: dict[str, Layer] = {
    **{f"Conv{n}d": convolution(n) for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": transposed(n) for n in (1, 2, 3)},
}


def kernels(n: int) -> list[Any]:
    return [2, 3, 1, several(n, 2, 3), (3,)]


def average(n: int) -> Layer:
    more: dict[str, Any] = {"divisor_override": [None, 2, -3, 5]} if n > 1 else {}
    return Layer(
        {
            "kernel_size": kernels(n),
            "stride": [None, 1, 3, several(n, 1, 2)],
            "padding": [0, 1, several(n, 0, 1)],
            "ceil_mode": [False, True],
            "count_include_pad": [True, False],
            **more,
        },
        images(n),
        {
            "kernel_size": [*BAD_NUMBER, 20, (1,) * 5],
            "stride": [0, -1, "a"],
            "padding": [2, -1, "a"],
            **({"divisor_override": [0]} if n > 1 else {}),
        },
        count=20,
    )


def in_the_padding(options: dict[str, Any], operands: list[Any]) -> bool:
    """Windows that lie in the padding alone: PyTorch writes past its memory for them in backward."""
    return (
        options.get("dilation", 1) != 1
        and options.get("padding", 0) != 0
        and any(size < 3 for size in operands[0].shape[-3:])
    )


def largest(n: int) -> Layer:
    return Layer(
        {
            "kernel_size": kernels(n),
            "stride": [None, 1, 3, several(n, 1, 2)],
            "padding": [0, 1, several(n, 0, 1)],
            "dilation": [1, 2, several(n, 1, 2)],
            "return_indices": [False, True],
            "ceil_mode": [False, True],
        },
        images(n),
        {
            "kernel_size": [*BAD_NUMBER, 20, (1,) * 5],
            "stride": [0, -1, "a"],
            "padding": [2, -1, "a"],
            "dilation": [0, -1, 9, "a"],
        },
        count=20,
        skip=in_the_padding,
    )


def norm_pool(n: int) -> Layer:
    size = SIZES[n]
    return Layer(
        {
            "norm_type": [2, 1.0, 3.0, 1.5],
            "kernel_size": [2, 3, several(n, 2, 3)] if n > 1 else [2, 3, 1],
            "stride": [None, 1, 3],
            "ceil_mode": [False, True],
        },
        [
            [Draw("positive", (2, 3, *size))],
            [Draw("positive", (3, *size))],
            [normal(2, 3, *size)],
            [Draw("positive", (0, 3, *size))],
        ],
        {"norm_type": ["a", 0, float("inf")], "kernel_size": [*BAD_NUMBER, 20], "stride": [0, -1]},
        spoil=n < 3,
    )


def adaptive(n: int, indices: bool) -> Layer:
    outputs: list[Any] = [2, 3, 1, several(n, 2, 3), (4,) * n, 9]
    if n > 1:
        outputs += [None, (None,) * n, (2,) + (None,) * (n - 1)]
    return Layer(
        {"output_size": outputs, **({"return_indices": [False, True]} if indices else {})},
        images(n),
        {"output_size": [0, -1, "a", (1,) * 5, (), 2.0]},
    )


def fractional(n: int) -> Layer:
    size = SIZES[n]
    return Layer(
        {
            "kernel_size": [2, 3, several(n, 2, 3)],
            "output_size": [..., 2, several(n, 2, 3), 3],
            "output_ratio": [0.5, ..., (0.6,) * n, 0.3],
            "return_indices": [False, True],
            "_random_samples": [..., None, Draw("chance", (2, 4, n), free=True)],
        },
        [[normal(2, 4, *size)], [normal(4, *size)]],
        {
            "kernel_size": [0, 9, "a", -1],
            "output_ratio": [1.0, 0, -0.5, 1.5, "a"],
            "output_size": [0, 20, "a"],
            "_random_samples": [Draw("chance", (1, 4, n), free=True), Draw("chance", (2, 4), free=True)],
        },
    )


def unpooling(n: int) -> Layer:
    size = (2, 3, 4)[:n]
    double = [2 * one for one in size]
    full = math.prod(double)
    line = Draw("index", (2, 3, *size), 0, full)
    return Layer(
        {"kernel_size": [2, 3, several(n, 2, 3)], "stride": [None, 1, 2], "padding": [0, 1]},
        [
            [normal(2, 3, *size), line],
            [normal(3, *size), Draw("index", (3, *size), 0, full)],
            [normal(2, 3, *size), line, {"output_size": double}],
            [normal(2, 3, *size), line, {"output_size": [2, 3, *(one + 1 for one in double)]}],
            [normal(2, 3, *size), line, {"output_size": [one + 9 for one in double]}],
            [normal(2, 3, *size), line, {"output_size": [3] * 6}],
        ],
        {"kernel_size": [0, -1, "a"], "stride": [0, -1], "padding": [-1, 3]},
    )


POOLS: dict[str, Layer] = {
    **{f"AvgPool{n}d": average(n) for n in (1, 2, 3)},
    **{f"MaxPool{n}d": largest(n) for n in (1, 2, 3)},
    **{f"LPPool{n}d": norm_pool(n) for n in (1, 2, 3)},
    **{f"MaxUnpool{n}d": unpooling(n) for n in (1, 2, 3)},
    **{f"AdaptiveAvgPool{n}d": adaptive(n, False) for n in (1, 2, 3)},
    **{f"AdaptiveMaxPool{n}d": adaptive(n, True) for n in (1, 2, 3)},
    **{f"FractionalMaxPool{n}d": fractional(n) for n in (2, 3)},
}

RESAMPLING: dict[str, Layer] = {
    "Upsample": Layer(
        {
            "size": [..., None, 5, 9, (3,), (4, 8), (3, 5, 6)],
            "scale_factor": [2, ..., 0.5, 1.7, (2.0, 1.5), (1.5,)],
            "mode": ["nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "nearest-exact"],
            "align_corners": [..., None, True, False],
            "recompute_scale_factor": [..., None, True, False],
        },
        [
            [normal(2, 3, 8)],
            [normal(2, 3, 4, 6)],
            [normal(2, 2, 3, 4, 3)],
            [normal(0, 3, 4, 6)],
            [normal(2, 3, 4, 6, layout="last")],
            [normal(4, 6)],
        ],
        {"size": [0, -1, "a"], "scale_factor": [0, -1.0, "a"], "mode": ["what", None]},
        count=60,
    ),
    "UpsamplingBilinear2d": Layer(
        {"size": [..., 5, (4, 8)], "scale_factor": [2, ..., 1.5, (2, 1.5)]},
        [[normal(2, 3, 4, 6)], [normal(2, 3, 8)], [normal(0, 3, 4, 6)]],
        {"size": [0, -1, "a"], "scale_factor": [0, -1, "a"]},
    ),
    "UpsamplingNearest2d": Layer(
        {"size": [..., 5, (4, 8)], "scale_factor": [2, ..., 1.5, (2, 1.5)]},
        [[normal(2, 3, 4, 6)], [normal(2, 3, 8)], [normal(0, 3, 4, 6)]],
        {"size": [0, -1, "a"], "scale_factor": [0, -1, "a"]},
    ),
    "Unfold": Layer(
        {
            "kernel_size": [2, (2, 3), 1, [3, 2]],
            "dilation": [1, 2, (1, 2)],
            "padding": [0, 1, (0, 2)],
            "stride": [1, 2, (2, 1)],
        },
        [[normal(2, 3, 6, 7)], [normal(3, 6, 7)], [normal(0, 3, 6, 7)]],
        {"kernel_size": [0, -1, 20, "a", (1, 2, 3)], "dilation": [0, -1], "padding": [-1], "stride": [0, -1, "a"]},
    ),
    "Fold": Layer(
        {
            "output_size": [(5, 6), [6, 7], 4],
            "kernel_size": [2, (2, 3), 1],
            "dilation": [1, 2, (1, 2)],
            "padding": [0, 1, (0, 2)],
            "stride": [1, 2, (2, 1)],
        },
        [
            [normal(2, 12, 20)],
            [normal(12, 20)],
            [normal(2, 12, 9)],
            [normal(0, 12, 20)],
            [normal(2, 4, 25)],
            [normal(2, 12, 6)],
        ],
        {
            "output_size": [0, -1, "a", (1, 2, 3)],
            "kernel_size": [0, -1, "a", (1, 2, 3)],
            "dilation": [0],
            "padding": [-1],
            "stride": [0],
        },
    ),
}
