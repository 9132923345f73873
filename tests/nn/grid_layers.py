"""Option grids of the layers that work elementwise or on shapes, of linear, norm, dropout and padding layers.

A table and nothing else: what is varied of each layer and what it is called on. How it is run is in `grid_run`.
"""

from __future__ import annotations

from typing import Any

from nn.grid_run import Draw, Layer, Made, normal

ROWS, LINE, PLANE, BLOCK = normal(4, 6), normal(2, 4, 6), normal(2, 4, 5, 6), normal(2, 4, 3, 4, 3)
ALONE = normal()
INPLACE = [False, True]
ANY = [[ROWS], [LINE], [ALONE], [normal(0, 3)], [normal(2, 4, 5, 6, layout="last")]]
FACTORY: dict[str, list[Any]] = {"device": [..., "cpu", None], "dtype": [..., Made(lambda m: m.float32, "float32")]}
NOT_A_NUMBER = ["a", None]


def activation(**vary: Any) -> Layer:
    bad = {key: NOT_A_NUMBER for key in vary if key not in ("inplace", "dim", "approximate")}
    return Layer(dict(vary), ANY, bad, plain=True)


ACTIVATIONS: dict[str, Layer] = {
    "ReLU": activation(inplace=INPLACE),
    "ReLU6": activation(inplace=INPLACE),
    "SELU": activation(inplace=INPLACE),
    "SiLU": activation(inplace=INPLACE),
    "Mish": activation(inplace=INPLACE),
    "Hardswish": activation(inplace=INPLACE),
    "Hardsigmoid": activation(inplace=INPLACE),
    "Sigmoid": activation(),
    "Tanh": activation(),
    "LogSigmoid": activation(),
    "Softsign": activation(),
    "Tanhshrink": activation(),
    "Softmax2d": Layer({}, [[PLANE], [normal(4, 5, 6)], [ROWS]]),
    "Threshold": activation(threshold=[0.1, -1, 0.0, 2], value=[0.0, 3.0, -2, 1], inplace=INPLACE),
    "RReLU": activation(lower=[..., 0.1, 0, 0.3], upper=[..., 0.9, 1, 0.4], inplace=INPLACE),
    "Hardtanh": activation(
        min_val=[-1.0, -0.5, 0, -3],
        max_val=[1.0, 2.0, 0.25, 1],
        inplace=INPLACE,
        min_value=[..., -0.25],
        max_value=[..., 1.5],
    ),
    "ELU": activation(alpha=[1.0, 0.7, 2, -0.5, 0.0], inplace=INPLACE),
    "CELU": activation(alpha=[1.0, 0.7, 2, -0.5, 0.0], inplace=INPLACE),
    "LeakyReLU": activation(negative_slope=[0.01, 0.2, -0.5, 0.0, 2], inplace=INPLACE),
    "GELU": Layer({"approximate": ["none", "tanh"]}, ANY, {"approximate": ["what", None, 3]}),
    "Hardshrink": activation(lambd=[0.5, 0.3, 0, 2, -0.5]),
    "Softshrink": activation(lambd=[0.5, 0.3, 0, 2, -0.5]),
    "Softplus": activation(beta=[1.0, 2.0, 0.5, 3, -1.0], threshold=[20.0, 1.0, 0, 3]),
    "GLU": Layer({"dim": [-1, 1, 0, -2, 5, -7]}, ANY, {"dim": ["a", None, 1.0]}),
    "Softmax": Layer({"dim": [-1, 1, 0, None, -2, 5, -7]}, ANY, {"dim": ["a", 1.0]}),
    "Softmin": Layer({"dim": [-1, 1, 0, None, -2, 5, -7]}, ANY, {"dim": ["a", 1.0]}),
    "LogSoftmax": Layer({"dim": [-1, 1, 0, None, -2, 5, -7]}, ANY, {"dim": ["a", 1.0]}),
    "PReLU": Layer(
        {"num_parameters": [1, 4, 6], "init": [0.25, 0.1, 0, -1], **FACTORY},
        [[LINE], [PLANE], *ANY],
        {"num_parameters": [0, -1, "a"], "init": NOT_A_NUMBER},
    ),
    "Identity": Layer({}, ANY, {"anything": [3]}),
    "Flatten": Layer(
        {"start_dim": [1, 0, -2, 2], "end_dim": [-1, 1, 2, -3]},
        [[PLANE], *ANY],
        {"start_dim": [9, "a"], "end_dim": [9, None]},
    ),
    "Unflatten": Layer(
        {"dim": [1, -1, 2, 0], "unflattened_size": [(2, 2), (2, -1), (4,), (1, 2, 3), [2, 1]]},
        [[LINE], [ROWS], [PLANE]],
        {"dim": [9, "a", 1.0], "unflattened_size": [3, (2, "a"), (), "a"]},
    ),
}

LINEAR: dict[str, Layer] = {
    "Linear": Layer(
        {"in_features": [6, 1, 0], "out_features": [3, 1, 0, 7], "bias": [True, False], **FACTORY},
        [[ROWS], [LINE], [normal(6)], [PLANE], [normal(0, 6)], [normal(3, 1)]],
        {"in_features": [5, -1, "a", 6.0], "out_features": [-1, None], "device": ["what"], "dtype": [3]},
    ),
    "Bilinear": Layer(
        {"in1_features": [6, 1], "in2_features": [4, 1], "out_features": [3, 1, 5], "bias": [True, False], **FACTORY},
        [
            [normal(3, 6), normal(3, 4)],
            [normal(2, 3, 6), normal(2, 3, 4)],
            [normal(6), normal(4)],
            [normal(0, 6), normal(0, 4)],
        ],
        {"in1_features": [0, -1, 5, "a"], "in2_features": [0, 3], "out_features": [0, -1]},
    ),
    "CosineSimilarity": Layer(
        {"dim": [1, 0, -1, 2], "eps": [1e-8, 0.5, 0, 10]},
        [
            [ROWS, normal(4, 6)],
            [LINE, normal(2, 4, 6)],
            [LINE, normal(4, 6)],
            [normal(6), normal(6)],
            [normal(2, 4, 1), normal(1, 4, 6)],
            [PLANE, normal(2, 4, 5, 6)],
        ],
        {"dim": [9, "a"], "eps": NOT_A_NUMBER},
    ),
    "PairwiseDistance": Layer(
        {"p": [2.0, 1.0, 3, 1.5, 0.5, float("inf"), 0], "eps": [1e-6, 0.1, 0], "keepdim": [False, True]},
        [
            [ROWS, normal(4, 6)],
            [LINE, normal(2, 4, 6)],
            [LINE, normal(4, 6)],
            [normal(6), normal(6)],
            [normal(0, 6), normal(0, 6)],
        ],
        {"p": ["a", -1.0], "eps": NOT_A_NUMBER},
    ),
    "ChannelShuffle": Layer({"groups": [1, 2, 4]}, [[PLANE], [LINE], [BLOCK], [ROWS]], {"groups": [3, 0, -1, "a"]}),
    "PixelShuffle": Layer(
        {"upscale_factor": [1, 2]},
        [[PLANE], [normal(4, 5, 6)], [normal(2, 3, 8, 2, 3)]],
        {"upscale_factor": [3, 0, -1, "a", 2.0]},
    ),
    "PixelUnshuffle": Layer(
        {"downscale_factor": [1, 2, 3]},
        [[normal(2, 3, 6, 6)], [normal(3, 6, 12)], [PLANE]],
        {"downscale_factor": [4, 0, -1, "a", 2.0]},
    ),
}


def moving(calls: list[list[Any]], affine: bool, tracked: bool, momentum: list[Any], **more: Any) -> Layer:
    """A norm with running statistics."""
    return Layer(
        {
            "num_features": [4],
            "eps": [1e-5, 0.1, 0],
            "momentum": momentum,
            "affine": [affine, not affine],
            "track_running_stats": [tracked, not tracked],
            **FACTORY,
            "bias": [..., False],
            **more,
        },
        calls,
        {"num_features": [3, 0, -1, "a"], "eps": ["a", None, -1.0], "momentum": ["a"], "affine": [None]},
        count=16,
    )


PLAIN: dict[int, list[list[Any]]] = {
    1: [[LINE], [ROWS], [normal(3, 4)], [normal(1, 4, 3)], [normal(1, 4)], [normal(4, 5)]],
    2: [[PLANE], [normal(2, 4, 5, 6, layout="last")], [normal(1, 4, 1, 1)], [normal(4, 5, 6)]],
    3: [[BLOCK], [normal(2, 4, 3, 4, 3, layout="last")], [normal(1, 4, 1, 2, 1)], [normal(4, 3, 4, 3)]],
}
NORMS: dict[str, Layer] = {
    **{f"BatchNorm{n}d": moving(PLAIN[n], True, True, [0.1, None, 0.5, 0, 1]) for n in (1, 2, 3)},
    **{f"InstanceNorm{n}d": moving(PLAIN[n], False, False, [0.1, 0.5, 0, 1]) for n in (1, 2, 3)},
    "SyncBatchNorm": moving([[PLANE], [ROWS]], True, True, [0.1, None, 0.5], process_group=[None]),
    "LayerNorm": Layer(
        {
            "normalized_shape": [6, (6,), (4, 6), [5, 6], (2, 4, 6)],
            "eps": [1e-5, 0.1, 0],
            "elementwise_affine": [True, False],
            "bias": [True, False],
            **FACTORY,
        },
        [[LINE], [ROWS], [PLANE], [normal(6)], [normal(0, 6)]],
        {"normalized_shape": [(), 0, -1, "a", 5, (7, 6)], "eps": NOT_A_NUMBER},
    ),
    "RMSNorm": Layer(
        {
            "normalized_shape": [6, (6,), (4, 6), [5, 6], (2, 4, 6)],
            "eps": [None, 1e-5, 0.1],
            "elementwise_affine": [True, False],
            **FACTORY,
        },
        [[LINE], [ROWS], [PLANE], [normal(6)], [normal(0, 6)]],
        {"normalized_shape": [(), 0, -1, "a", 5, (7, 6)], "eps": ["a"]},
    ),
    "GroupNorm": Layer(
        {
            "num_groups": [2, 1, 4],
            "num_channels": [4],
            "eps": [1e-5, 0.1, 0],
            "affine": [True, False],
            **FACTORY,
            "bias": [..., False],
        },
        [[LINE], [ROWS], [PLANE], [BLOCK], [normal(2, 4, 5, 6, layout="last")], [normal(1, 4)], [normal(0, 4, 3)]],
        {"num_groups": [3, 0, -1, "a"], "num_channels": [6, 0, 3, "a"], "eps": NOT_A_NUMBER},
    ),
    "LocalResponseNorm": Layer(
        {"size": [2, 1, 3, 5], "alpha": [1e-4, 0.5, 1], "beta": [0.75, 2, 0.3], "k": [1.0, 2, 0.5]},
        [[PLANE], [LINE], [BLOCK], [ROWS]],
        {"size": [0, -1, "a"], "alpha": NOT_A_NUMBER},
    ),
    "CrossMapLRN2d": Layer(
        {"size": [2, 1, 3, 5], "alpha": [1e-4, 0.5, 1], "beta": [0.75, 2, 0.3], "k": [1, 2, 0.5]},
        [[PLANE], [LINE]],
        {"size": [0, "a"], "alpha": NOT_A_NUMBER},
    ),
}


def dropout(*calls: Any) -> Layer:
    return Layer(
        {"p": [0.5, 0.2, 0, 1, 0.9], "inplace": INPLACE}, [[one] for one in calls], {"p": [-0.1, 1.1, "a", None]}
    )


DROPOUTS: dict[str, Layer] = {
    "Dropout": dropout(ROWS, LINE, ALONE, PLANE),
    "AlphaDropout": dropout(ROWS, LINE, ALONE, PLANE),
    "Dropout1d": dropout(LINE, ROWS),
    "Dropout2d": dropout(PLANE, normal(4, 5, 6), LINE),
    "Dropout3d": dropout(BLOCK, normal(4, 3, 4, 3)),
    "FeatureAlphaDropout": dropout(PLANE, LINE, BLOCK),
}


def pads(length: int, *calls: Any, **vary: Any) -> Layer:
    ascending, negative, one = tuple(range(length)), (-1,) * length, (0,) * (length - 1) + (1,)
    mixed = tuple(1 - 2 * (k % 2) for k in range(length))
    small = tuple(k % 3 for k in range(length))
    return Layer(
        {"padding": [1, 2, 0, small, negative, one, mixed, [1] * length], **vary},
        [[one] for one in calls],
        {"padding": [ascending, 7, -4, "a", 1.5, (1,), (1,) * (length + 1), None], **{key: ["a"] for key in vary}},
    )


LAST = {2: normal(2, 4, 5, 6, layout="last"), 3: normal(2, 4, 3, 4, 3, layout="last")}
WHERE: dict[int, list[Draw]] = {
    1: [LINE, normal(4, 6)],
    2: [PLANE, normal(4, 5, 6), LAST[2]],
    3: [BLOCK, normal(4, 3, 4, 3)],
}
PADS: dict[str, Layer] = {
    **{
        f"{kind}Pad{n}d": pads(2 * n, *WHERE[n])
        for kind in ("Circular", "Zero", "Reflection", "Replication")
        for n in (1, 2, 3)
    },
    **{f"ConstantPad{n}d": pads(2 * n, *WHERE[n], value=[0.0, 1.5, -2, 3]) for n in (1, 2, 3)},
}
