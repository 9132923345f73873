"""Option grids of the losses: reductions and the old names of them, weights, margins, targets of every kind.

A table and nothing else; how it is run is in `grid_run`.
"""

from __future__ import annotations

from typing import Any

from nn.grid_run import Draw, Layer, Made, index, normal

ROWS, OTHER, THIRD = normal(4, 6), normal(4, 6), normal(4, 6)
PLANE = normal(2, 6, 3, 2)
POSITIVE, CHANCE, SIGNS = Draw("positive", (4, 6)), Draw("chance", (4, 6)), Draw("signs", (4, 6), free=True)
MANY = Draw("chance", (4, 6), free=True)
LOGS = Draw("logs", (4, 6))
WEIGHT = Draw("positive", (6,), free=True)
REDUCTION: dict[str, list[Any]] = {"reduction": ["mean", "sum", "none"]}
OLD: dict[str, list[Any]] = {"size_average": [..., None, True, False], "reduce": [..., None, True, False], **REDUCTION}
BAD: dict[str, list[Any]] = {"reduction": ["what", None, 3, "batchmean"]}
NOT_A_NUMBER = ["a", None]
PAIRS: list[list[Any]] = [
    [ROWS, OTHER],
    [ROWS, normal(4, 6, free=True)],
    [normal(), normal()],
    [normal(3), normal(3)],
    [normal(0, 6), normal(0, 6)],
    [PLANE, PLANE],
    [ROWS, normal(6)],
    [ROWS, normal(4, 1)],
]


def outside(options: dict[str, Any], operands: list[Any]) -> bool:
    """Targets that no class answers to: PyTorch reads and writes past its memory."""
    classes = operands[0].shape[-1] if operands[0].shape else 0
    return (
        isinstance(operands[1], Draw)
        and (operands[1].kind != "index" or operands[1].low < 0 or operands[1].high > max(classes, 5) or classes < 5)
        or any(isinstance(one, Draw) and (one.kind != "index" or one.low < 0 or one.high > 8) for one in operands[2:])
    )


def distance(library: Any) -> Any:
    return library.nn.PairwiseDistance(1.5)


LOSSES: dict[str, Layer] = {
    "L1Loss": Layer(OLD, PAIRS, BAD),
    "MSELoss": Layer(OLD, PAIRS, BAD),
    "SmoothL1Loss": Layer({**OLD, "beta": [1.0, 0.7, 0, 3]}, PAIRS, {**BAD, "beta": [-1.0, "a", None]}),
    "HuberLoss": Layer({**REDUCTION, "delta": [1.0, 0.6, 3]}, PAIRS, {**BAD, "delta": [0, -1.0, "a", None]}),
    "KLDivLoss": Layer(
        {**OLD, "reduction": ["mean", "sum", "none", "batchmean"], "log_target": [False, True]},
        [[LOGS, MANY], [LOGS, CHANCE], [LOGS, LOGS], [normal(), Draw("chance", ())], [normal(0, 6), MANY]],
        {"reduction": ["what", None]},
    ),
    "BCELoss": Layer(
        {"weight": [None, WEIGHT, Draw("positive", (4, 1), free=True)], **OLD},
        [
            [CHANCE, MANY],
            [CHANCE, CHANCE],
            [Draw("chance", ()), Draw("chance", ())],
            [Draw("chance", (0, 6)), Draw("chance", (0, 6))],
            [
                Draw("chance", (2, 5, 6)),
            ]
            * 2,
        ],
        {**BAD, "weight": [Draw("positive", (5,), free=True), 3.0]},
    ),
    "BCEWithLogitsLoss": Layer(
        {
            "weight": [None, WEIGHT, Draw("positive", (4, 1), free=True)],
            **OLD,
            "pos_weight": [None, WEIGHT, Draw("positive", (), free=True)],
        },
        [
            [ROWS, MANY],
            [ROWS, CHANCE],
            [normal(), Draw("chance", ())],
            [normal(0, 6), Draw("chance", (0, 6))],
            [normal(2, 5, 6), Draw("chance", (2, 5, 6))],
        ],
        {**BAD, "weight": [Draw("positive", (5,), free=True)], "pos_weight": [Draw("positive", (5,), free=True), 3.0]},
    ),
    "PoissonNLLLoss": Layer(
        {"log_input": [True, False], "full": [False, True], "eps": [1e-8, 0.1], **OLD},
        [
            [ROWS, POSITIVE],
            [POSITIVE, Draw("positive", (4, 6), free=True)],
            [ROWS, normal(6)],
            [normal(), Draw("positive", ())],
            [normal(0), normal(0)],
        ],
        {**BAD, "eps": NOT_A_NUMBER},
    ),
    "GaussianNLLLoss": Layer(
        {"full": [False, True], "eps": [1e-6, 0.5, 0.1], **REDUCTION},
        [
            [ROWS, OTHER, POSITIVE],
            [ROWS, OTHER, Draw("positive", (4, 1))],
            [ROWS, OTHER, Draw("positive", (4,))],
            [ROWS, OTHER, 0.7],
            [ROWS, OTHER, -1.0],
            [normal(0, 6), normal(0, 6), Draw("positive", (0, 6))],
            [ROWS, OTHER, THIRD],
        ],
        {**BAD, "eps": [0, -1.0, "a"]},
    ),
    "HingeEmbeddingLoss": Layer(
        {"margin": [1.0, 0.3, -1, 2], **OLD},
        [
            [ROWS, SIGNS],
            [normal(4), Draw("signs", (4,), free=True)],
            [
                normal(0, 3),
            ]
            * 2,
        ],
        {**BAD, "margin": NOT_A_NUMBER},
    ),
    "SoftMarginLoss": Layer(
        OLD,
        [[ROWS, SIGNS], [ROWS, Draw("signs", (4, 6))], [normal(), Draw("signs", ())], [normal(0, 6), normal(0, 6)]],
        BAD,
    ),
    "MultiLabelSoftMarginLoss": Layer(
        {"weight": [None, WEIGHT, Draw("positive", (4, 6), free=True)], **OLD},
        [[ROWS, MANY], [ROWS, CHANCE], [normal(6), Draw("chance", (6,))], [normal(0, 6), Draw("chance", (0, 6))]],
        {**BAD, "weight": [Draw("positive", (5,), free=True)]},
    ),
    "CosineEmbeddingLoss": Layer(
        {"margin": [0.0, 0.3, -0.5, 1], **OLD},
        [
            [ROWS, OTHER, Draw("signs", (4,), free=True)],
            [normal(6), normal(6), Draw("signs", (), free=True)],
            [normal(0, 6), normal(0, 6), Draw("signs", (0,), free=True)],
            [ROWS, OTHER, Draw("signs", (), free=True)],
        ],
        {**BAD, "margin": NOT_A_NUMBER},
    ),
    "MarginRankingLoss": Layer(
        {"margin": [0.0, 0.3, -0.5, 1], **OLD},
        [
            [ROWS, OTHER, SIGNS],
            [normal(4), normal(4), Draw("signs", (4,), free=True)],
            [normal(), normal(), Draw("signs", (), free=True)],
            [ROWS, normal(1, 6), SIGNS],
            [normal(0, 6), normal(0, 6), Draw("signs", (0, 6))],
        ],
        {**BAD, "margin": NOT_A_NUMBER},
    ),
    "TripletMarginLoss": Layer(
        {
            "margin": [1.0, 0.3, 2],
            "p": [2.0, 1.0, 3, float("inf"), 0.5],
            "eps": [1e-6, 0.1],
            "swap": [False, True],
            **OLD,
        },
        [
            [ROWS, OTHER, THIRD],
            [normal(6), normal(6), normal(6)],
            [normal(2, 4, 6), normal(2, 4, 6), normal(2, 4, 6)],
            [ROWS, normal(1, 6), THIRD],
            [normal(0, 6), normal(0, 6), normal(0, 6)],
        ],
        {**BAD, "margin": [-1.0, 0, "a"], "p": ["a"]},
    ),
    "TripletMarginWithDistanceLoss": Layer(
        {
            "distance_function": [None, Made(distance, "distance")],
            "margin": [1.0, 0.3, 2],
            "swap": [False, True],
            **REDUCTION,
        },
        [[ROWS, OTHER, THIRD], [normal(6), normal(6), normal(6)], [normal(2, 4, 6), normal(2, 4, 6), normal(2, 4, 6)]],
        {**BAD, "margin": [-1.0, 0], "distance_function": [3]},
    ),
}

IGNORE: dict[str, list[Any]] = {"ignore_index": [-100, 1, -1, 9]}
CLASSES: list[list[Any]] = [
    [ROWS, index(6, 4)],
    [PLANE, index(6, 2, 3, 2)],
    [normal(6), index(6)],
    [normal(2, 6, 5), index(6, 2, 5)],
    [normal(0, 6), index(6, 0)],
    [normal(4, 6, layout="transposed"), index(6, 4)],
    [normal(2, 6, 3, 2, layout="last"), index(6, 2, 3, 2)],
    [normal(4, 1), index(1, 4)],
]
BAD_WEIGHT: dict[str, list[Any]] = {
    "weight": [Draw("positive", (5,), free=True), Draw("positive", (6, 1), free=True), 3.0]
}
CLASS_LOSSES: dict[str, Layer] = {
    "NLLLoss": Layer(
        {"weight": [None, WEIGHT], **OLD, **IGNORE}, CLASSES, {**BAD, **BAD_WEIGHT, "ignore_index": ["a"]}
    ),
    "NLLLoss2d": Layer({"weight": [None, WEIGHT], **OLD, **IGNORE}, [[PLANE, index(6, 2, 3, 2)]], BAD),
    "CrossEntropyLoss": Layer(
        {"weight": [None, WEIGHT], **OLD, **IGNORE, "label_smoothing": [0.0, 0.2, 1.0, 1]},
        [
            *CLASSES,
            [ROWS, CHANCE],
            [ROWS, MANY],
            [PLANE, Draw("chance", (2, 6, 3, 2))],
            [normal(6), Draw("chance", (6,))],
        ],
        {**BAD, **BAD_WEIGHT, "ignore_index": ["a", None], "label_smoothing": [-0.1, 1.1, "a"]},
        count=20,
    ),
    "MultiMarginLoss": Layer(
        {"p": [1, 2], "margin": [1.0, 0.3, 2, -1], "weight": [None, WEIGHT], **OLD},
        [
            [ROWS, index(6, 4)],
            [normal(6), index(6)],
            [normal(6), index(6, 1)],
            [normal(0, 6), index(6, 0)],
            [normal(4, 1), index(1, 4)],
        ],
        {**BAD, **BAD_WEIGHT, "p": [3, 0, "a", 1.0], "margin": NOT_A_NUMBER},
    ),
    "MultiLabelMarginLoss": Layer(
        OLD, [[ROWS, index(6, 4, 6, low=-1)], [normal(6), index(6, 6, low=-1)], [normal(0, 6), index(6, 0, 6)]], BAD
    ),
    "CTCLoss": Layer(  # targets are never the blank: PyTorch does not look, and its gradient is wrong then
        {"blank": [0, 4, 5], "reduction": ["mean", "sum", "none"], "zero_infinity": [False, True]},
        [
            [Draw("logs", (7, 3, 6)), index(4, 3, 3, low=1), (7, 6, 7), (2, 1, 3)],
            [Draw("logs", (7, 3, 6)), index(4, 6, low=1), (7, 6, 7), (2, 1, 3)],
            [Draw("logs", (7, 6)), index(4, 3, low=1), (7,), (3,)],
            [Draw("logs", (7, 3, 6)), index(4, 3, 3, low=1), index(8, 3, low=3), index(3, 3)],
            [Draw("logs", (2, 3, 6)), index(4, 3, 3, low=1), (2, 2, 2), (2, 1, 3)],
            [Draw("logs", (7, 3, 6)), index(4, 3, 3, low=1), (9, 6, 7), (2, 1, 3)],
            [Draw("logs", (7, 3, 6)), index(4, 3, 3, low=1), (7, 6, 7), (2, 1, 4)],
            [Draw("logs", (7, 3, 6)), index(4, 3, 3, low=1), (7, 6), (2, 1, 3)],
        ],
        {**BAD, "blank": [6, -1, "a"]},
        skip=outside,
    ),
    "AdaptiveLogSoftmaxWithLoss": Layer(
        {
            "in_features": [6],
            "n_classes": [10, 12],
            "cutoffs": [[3, 6], [2], [1, 4, 7]],
            "div_value": [4.0, 2, 1.5],
            "head_bias": [False, True],
            "device": [..., "cpu"],
            "dtype": [..., Made(lambda m: m.float32, "float32")],
        },
        [
            [normal(5, 6), index(10, 5)],
            [normal(6), index(10)],
            [normal(5, 6), index(2, 5)],
            [normal(0, 6), index(10, 0)],
        ],
        {
            "cutoffs": [[], [3, 3], [6, 3], [0, 3], [10], [12], [2.5]],
            "in_features": [5, 0, "a"],
            "n_classes": [5, "a"],
            "div_value": [0, "a"],
        },
    ),
}
