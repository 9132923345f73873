"""Activations, losses, linear layers and initial values beside PyTorch, over their options."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from beside import LIBRARIES, compare, outcome, same

import headgate

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(4, 6)) * 2

ACTIVATIONS: list[tuple[str, dict[str, Any]]] = [
    ("Threshold", {"threshold": 0.1, "value": 3.0}), ("ReLU", {}), ("ReLU", {"inplace": True}), ("RReLU", {}),
    ("RReLU", {"lower": 0.1, "upper": 0.9}), ("Hardtanh", {"min_val": -0.5, "max_val": 2.0}), ("ReLU6", {}),
    ("Sigmoid", {}), ("Hardsigmoid", {}), ("Tanh", {}), ("SiLU", {}), ("Mish", {}), ("Hardswish", {}),
    ("ELU", {"alpha": 0.7}), ("CELU", {"alpha": 1.3}), ("SELU", {}), ("GELU", {}), ("GELU", {"approximate": "tanh"}),
    ("Hardshrink", {"lambd": 0.3}), ("LeakyReLU", {"negative_slope": 0.2}), ("LogSigmoid", {}),
    ("Softplus", {"beta": 2.0, "threshold": 1.0}), ("Softshrink", {"lambd": 0.4}), ("PReLU", {}),
    ("PReLU", {"num_parameters": 6, "init": 0.1}), ("Softsign", {}), ("Tanhshrink", {}), ("Softmin", {"dim": 1}),
    ("Softmax", {"dim": 0}), ("LogSoftmax", {"dim": -1}), ("Identity", {}), ("Flatten", {"start_dim": 0}),
    ("Unflatten", {"dim": 1, "unflattened_size": (2, 3)}),
    ("Linear", {"in_features": 6, "out_features": 3}), ("Linear", {"in_features": 6, "out_features": 2, "bias": False}),
]


@pytest.mark.parametrize(("name", "options"), ACTIVATIONS, ids=lambda value: str(value))
@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("train", [True, False])
def test_layer(name: str, options: dict[str, Any], kind: str, train: bool) -> None:
    def make(nn: Any) -> Any:
        layer = getattr(nn, name)(**options)
        # what writes in place must not meet a leaf
        return nn.Sequential(nn.Softplus(), layer) if options.get("inplace") else layer

    # PyTorch keeps CELU's 1 / alpha and Hardsigmoid's 1 / 6 in single precision; it has no second gradient of the
    # latter, and one of zeros where RReLU has drawn
    rtol = 1e-6 if name in ("CELU", "Hardsigmoid") else None
    compare(make, X, kind=kind, train=train, rtol=rtol, atol=rtol, second=name not in ("Hardsigmoid", "RReLU"))


TARGETS: dict[str, Any] = {
    "classes": np.array([1, 0, 5, 3]), "signs": np.sign(X), "chance": 1 / (1 + np.exp(-X[::-1])),
        "other": X[::-1] * 0.5,
    "many": (X > 0).astype(np.float64), "ignoring": np.array([1, -100, 5, 3]),
}
WEIGHT = RANDOM.uniform(0.5, 1.5, size=6)

LOSSES: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("L1Loss", {}, ["x", "other"]), ("MSELoss", {}, ["x", "other"]), ("SmoothL1Loss", {"beta": 0.7}, ["x", "other"]),
    ("HuberLoss", {"delta": 0.6}, ["x", "other"]), ("NLLLoss", {}, ["logs", "classes"]),
    ("NLLLoss", {"weight": WEIGHT, "ignore_index": -100}, ["logs", "ignoring"]),
    ("CrossEntropyLoss", {}, ["x", "classes"]), ("CrossEntropyLoss", {"label_smoothing": 0.2}, ["x", "ignoring"]),
    ("CrossEntropyLoss", {"weight": WEIGHT}, ["x", "classes"]), ("CrossEntropyLoss", {}, ["x", "chance"]),
    ("PoissonNLLLoss", {"full": True}, ["x", "positive"]),
    ("PoissonNLLLoss", {"log_input": False}, ["positive", "many"]),
    ("GaussianNLLLoss", {"full": True}, ["x", "other", "positive"]), ("KLDivLoss", {}, ["logs", "chance"]),
    ("KLDivLoss", {"log_target": True}, ["logs", "other"]), ("BCELoss", {}, ["chance", "many"]),
    ("BCELoss", {"weight": WEIGHT}, ["chance", "many"]),
    ("BCEWithLogitsLoss", {"pos_weight": WEIGHT}, ["x", "many"]), ("HingeEmbeddingLoss", {}, ["x", "signs"]),
    ("SoftMarginLoss", {}, ["x", "signs"]), ("MultiLabelSoftMarginLoss", {"weight": WEIGHT}, ["x", "many"]),
    ("CosineEmbeddingLoss", {"margin": 0.1}, ["x", "other", "rows"]),
    ("MarginRankingLoss", {"margin": 0.2}, ["x", "other", "signs"]),
    ("TripletMarginLoss", {"swap": True, "p": 3.0}, ["x", "other", "chance"]),
]
VALUES: dict[str, Any] = {"x": X, "logs": np.log(np.exp(X) / np.exp(X).sum(1, keepdims=True)),
    "positive": np.abs(X) + 0.1,
                          "rows": np.array([1.0, -1.0, 1.0, -1.0]), **TARGETS}


@pytest.mark.parametrize(("name", "options", "operands"), LOSSES, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_loss(name: str, options: dict[str, Any], operands: list[str], reduction: str, kind: str) -> None:
    if reduction == "batchmean" and name != "KLDivLoss":
        pytest.skip("only kl_div has it")

    def make(nn: Any) -> Any:
        library = headgate if nn is headgate.nn else torch
        made = {key: library.from_numpy(value.copy()) if isinstance(value, np.ndarray) else value
                for key, value in options.items()}
        return getattr(nn, name)(reduction=reduction, **made)

    given = [VALUES[one].astype(np.int64) if name == "SoftMarginLoss" and one == "signs" else VALUES[one]
             for one in operands]
    compare(make, *given, kind=kind)


@pytest.mark.parametrize("make", [
    lambda nn: nn.TripletMarginLoss(margin=-1), lambda nn: nn.MultiMarginLoss(p=3), lambda nn: nn.Unflatten(1, 3),
    lambda nn: nn.Unflatten(1, (2, "a")), lambda nn: nn.Hardtanh(1, -1), lambda nn: nn.Softmax2d()(nn.Parameter()),
    lambda nn: nn.Bilinear(0, 2, 3), lambda nn: nn.Linear(2, 3)(nn.Parameter()), lambda nn: nn.ReLU()(3),
    lambda nn: nn.MSELoss(reduction="what")(nn.Parameter(), nn.Parameter()), lambda nn: nn.Linear("a", 3),
    lambda nn: nn.Linear(2), lambda nn: nn.ReLU(1, 2, 3),
])  # fmt: skip
def test_bad_input(make: Any) -> None:
    theirs, mine = (outcome(lambda library=library: make(library.nn)) for library in LIBRARIES)
    assert isinstance(theirs, tuple) and theirs[0] == mine[0]


INITS: list[tuple[str, dict[str, Any]]] = [
    ("uniform_", {"a": -1, "b": 2}), ("normal_", {"mean": 1, "std": 2}), ("constant_", {"val": 3}), ("ones_", {}),
    ("zeros_", {}), ("xavier_uniform_", {"gain": 1.5}), ("xavier_normal_", {}),
    ("kaiming_uniform_", {"a": 0.3, "mode": "fan_out"}), ("kaiming_uniform_", {"nonlinearity": "relu"}),
    ("kaiming_normal_", {"nonlinearity": "tanh"}), ("trunc_normal_", {"std": 0.7}),
    ("trunc_normal_", {"mean": 0.1, "a": 1.5, "b": 2.5}), ("orthogonal_", {"gain": 2}), ("dirac_", {}), ("eye_", {}),
    ("sparse_", {"sparsity": 0.3}), ("dirac_", {"groups": 2}),
]


@pytest.mark.parametrize(("name", "options"), INITS, ids=lambda value: str(value))
@pytest.mark.parametrize("shape", [(6, 4), (4, 10), (4, 3, 5), (8, 2, 3, 3), (5,), (0, 4)])
@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore")
def test_initial_values(name: str, options: dict[str, Any], shape: tuple[int, ...], kind: str) -> None:
    def draw(library: Any) -> Any:
        library.manual_seed(5)
        value = library.empty(shape, dtype=getattr(library, kind), requires_grad=True)
        result = getattr(library.nn.init, name)(value, **options)
        assert result is value and value.is_leaf
        return [value, library.rand(2)]

    theirs, mine = (outcome(lambda library=library: draw(library)) for library in LIBRARIES)
    if isinstance(theirs, tuple):
        assert theirs[0] == mine[0]
        return
    exact = name not in ("normal_", "trunc_normal_", "orthogonal_", "xavier_normal_", "kaiming_normal_", "sparse_")
    rtol = 0 if exact else {"float32": 3e-5, "float64": 1e-11}[kind]
    same(theirs[0], mine[0], rtol, rtol, name)
    same(theirs[1], mine[1], 0, 0, "the stream afterwards")


@pytest.mark.parametrize("name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "what"])
@pytest.mark.parametrize("param", [None, 0.3, True, "a"])
def test_gain(name: str, param: Any) -> None:
    theirs, mine = (outcome(lambda library=library: library.nn.init.calculate_gain(name,
        param)) for library in LIBRARIES)
    assert theirs == mine
