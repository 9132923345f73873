"""Layers and functional forms that no other file of this room names, beside PyTorch: values, both gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from beside import compare, outcome

import headgate

RANDOM = np.random.default_rng(8)
ROWS = RANDOM.normal(size=(4, 6))
OTHER = RANDOM.normal(size=(4, 6))
THIRD = RANDOM.normal(size=(4, 6))
LINE = RANDOM.normal(size=(2, 3, 9))
PLANE = RANDOM.normal(size=(2, 3, 8, 7))
BLOCK = RANDOM.normal(size=(2, 2, 6, 5, 7))
SIGNS = np.where(OTHER > 0, 1, -1)
SEVERAL = np.array([[0, 3, -1, 1, 2, 4], [5, -1, 0, 0, 0, 0], [1, 2, 3, 4, 5, 0], [-1, 0, 0, 0, 0, 0]])
MANY = (THIRD > 0).astype(np.float64)


def functional(call: Any) -> Any:
    """A layer that is one call of `nn.functional`."""

    def make(nn: Any) -> Any:
        class Form(nn.Module):  # type: ignore[misc]
            def forward(self, *inputs: Any) -> Any:
                return call(nn.functional, *inputs)

        return Form()

    return make


def decoder(nn: Any) -> Any:
    layer = nn.TransformerDecoderLayer(6, 2, 8, dropout=0.0, batch_first=True)
    return nn.TransformerDecoder(layer, 2, norm=nn.LayerNorm(6))


def recognition(nn: Any) -> Any:
    class Recognition(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.loss = nn.CTCLoss(blank=2, reduction="sum", zero_infinity=True)

        def forward(self, scores: Any, targets: Any) -> Any:
            return self.loss(scores.log_softmax(2), targets, (7, 6, 7), (2, 1, 3))

    return Recognition()


SCORES = RANDOM.normal(size=(7, 3, 5))
TARGETS = np.array([[0, 1, 3], [4, 0, 0], [1, 1, 3]])
CASES: dict[str, tuple[Any, list[Any]]] = {
    "CTCLoss": (recognition, [SCORES, TARGETS]),
    "MultiLabelMarginLoss": (lambda nn: nn.MultiLabelMarginLoss(reduction="none"), [ROWS, SEVERAL]),
    "TripletMarginWithDistanceLoss": (
        lambda nn: nn.TripletMarginWithDistanceLoss(distance_function=nn.PairwiseDistance(1.5), margin=0.7, swap=True),
        [ROWS, OTHER, THIRD]),
    "TransformerDecoder": (decoder, [LINE[..., :6], RANDOM.normal(size=(2, 4, 6))]),
    "hardtanh": (functional(lambda F, x: F.hardtanh(x, -0.3, 0.8)), [ROWS]),
    "softmin": (functional(lambda F, x: F.softmin(x, 0)), [ROWS]),
    "rrelu": (functional(lambda F, x: F.rrelu(x, 0.2, 0.4, training=True)), [ROWS]),
    "pairwise_distance": (functional(lambda F, x, y: F.pairwise_distance(x, y, 3.0, keepdim=True)), [ROWS, OTHER]),
    "soft_margin_loss": (functional(lambda F, x, y: F.soft_margin_loss(x, y, reduction="none")), [ROWS, SIGNS]),
    "multilabel_soft_margin_loss": (
        functional(lambda F, x, y: F.multilabel_soft_margin_loss(x, y, reduction="sum")), [ROWS, MANY]),
    "gaussian_nll_loss": (
        functional(lambda F, x, y, v: F.gaussian_nll_loss(x, y, v * v + 0.1, full=True, reduction="none")),
        [ROWS, OTHER, THIRD]),
    "lp_pool1d": (functional(lambda F, x: F.lp_pool1d(x.abs() + 0.1, 3.0, 2, stride=1)), [LINE]),
    "lp_pool2d": (functional(lambda F, x: F.lp_pool2d(x.abs() + 0.1, 2.0, (2, 3))), [PLANE]),
    "lp_pool3d": (functional(lambda F, x: F.lp_pool3d(x.abs() + 0.1, 2.0, 2, ceil_mode=True)), [BLOCK]),
    "conv_transpose1d": (
        functional(lambda F, x, w: F.conv_transpose1d(x, w, stride=2, padding=1, output_padding=1, dilation=2)),
        [LINE, RANDOM.normal(size=(3, 4, 3))]),
    "conv_transpose3d": (
        functional(lambda F, x, w, b: F.conv_transpose3d(x, w, b, (1, 2, 1), groups=2)),
        [BLOCK, RANDOM.normal(size=(2, 1, 2, 3, 2)), RANDOM.normal(size=2)]),
    "native_channel_shuffle": (functional(lambda F, x: F.channel_shuffle(x, 3)), [PLANE]),
    "max_pool1d_with_indices": (
        functional(lambda F, x: F.max_pool1d_with_indices(x, 3, 2, 1, return_indices=True)[0]), [LINE]),
    "max_pool2d_with_indices": (
        functional(lambda F, x: F.max_pool2d_with_indices(x, 2, 1, dilation=2, return_indices=True)[0]), [PLANE]),
    "max_pool3d_with_indices": (
        functional(lambda F, x: F.max_pool3d_with_indices(x, 2, return_indices=True)[0]), [BLOCK]),
    "adaptive_max_pool1d_with_indices": (functional(lambda F, x: F.adaptive_max_pool1d_with_indices(x, 4)[0]), [LINE]),
    "adaptive_max_pool2d_with_indices": (
        functional(lambda F, x: F.adaptive_max_pool2d_with_indices(x, (3, None))[0]), [PLANE]),
    "adaptive_max_pool3d_with_indices": (functional(lambda F, x: F.adaptive_max_pool3d_with_indices(x, 2)[0]), [BLOCK]),
    "fractional_max_pool2d_with_indices": (
        functional(lambda F, x: F.fractional_max_pool2d_with_indices(x, 2, output_size=(4, 3))[0]), [PLANE]),
    "fractional_max_pool3d_with_indices": (
        functional(lambda F, x: F.fractional_max_pool3d_with_indices(x, 2, output_ratio=0.5)[0]), [BLOCK]),
    **{name: (functional(lambda F, x, name=name, options=options: getattr(F, name)(x * 1.5, **options)), [ROWS])
       for name, options in {  # 1.25: PyTorch keeps celu's number in single precision
           "hardtanh_": {"min_val": -0.5}, "elu_": {"alpha": 0.7}, "selu_": {}, "celu_": {"alpha": 1.25},
           "leaky_relu_": {"negative_slope": 0.2}, "threshold_": {"threshold": 0.1, "value": -2.0},
           "rrelu_": {"lower": 0.1, "upper": 0.3, "training": True}}.items()},
}


# PyTorch differentiates the first three once only; its gradient of rrelu in training has a history of zeros, ours none.
ONCE = ("CTCLoss", "MultiLabelMarginLoss", "TransformerDecoder", "rrelu", "rrelu_")


@pytest.mark.parametrize("kind", ["float64", "float32"])
@pytest.mark.parametrize("name", CASES)
def test_beside_pytorch(name: str, kind: str) -> None:
    make, given = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compare(make, *given, kind=kind, second=name not in ONCE)


@pytest.mark.parametrize("call", [
    lambda library, x: library.nn.functional.hardtanh(x, 1.0, -1.0),
    lambda library, x: library.nn.functional.pairwise_distance(x, x[:, :2]),
    lambda library, x: library.nn.functional.gaussian_nll_loss(x, x, -x * x),
    lambda library, x: library.nn.functional.soft_margin_loss(x, x[:3]),
    lambda library, x: library.nn.functional.multilabel_soft_margin_loss(x, x[:, :3]),
    lambda library, x: library.nn.functional.lp_pool2d(x, 2, 9),
    lambda library, x: library.nn.functional.conv_transpose1d(x, x),
    lambda library, x: library.nn.functional.fractional_max_pool2d_with_indices(x, 2),
    lambda library, x: library.nn.MultiLabelMarginLoss()(x, x.long()[:2]),
])  # fmt: skip
def test_bad_input(call: Any) -> None:
    theirs, mine = (outcome(lambda library=library: call(library, library.from_numpy(ROWS.copy())))
                    for library in (torch, headgate))
    assert isinstance(theirs, tuple) and isinstance(mine, tuple) and theirs[0] == mine[0], (theirs, mine)
