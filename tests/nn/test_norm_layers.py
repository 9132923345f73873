"""Normalisation, dropout, embedding, resampling and distance layers beside PyTorch: initial values, results, gradients,
buffers, representation, state.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from beside import LIBRARIES, compare, outcome

import headgate

RANDOM = np.random.default_rng(4)


def of(*shape: int) -> Any:
    return RANDOM.normal(size=shape)


INDEX = np.array([[0, 2, 4], [1, 2, 5]])

LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any], list[Any]]] = [
    ("BatchNorm1d", (3,), {}, [of(5, 3)]), ("BatchNorm1d", (3,), {"momentum": None}, [of(4, 3, 6)]),
    ("BatchNorm1d", (3,), {"affine": False, "eps": 1e-2}, [of(5, 3)]),
    ("BatchNorm2d", (3,), {"track_running_stats": False}, [of(2, 3, 4, 5)]),
    ("BatchNorm2d", (3,), {"momentum": 0.3}, [of(2, 3, 4, 5)]), ("BatchNorm3d", (2,), {}, [of(2, 2, 2, 3, 2)]),
    ("SyncBatchNorm", (3,), {}, [of(5, 3)]),
    ("InstanceNorm1d", (3,), {}, [of(2, 3, 5)]), ("InstanceNorm1d", (3,), {"affine": True}, [of(3, 5)]),
    ("InstanceNorm2d", (3,), {"affine": True, "track_running_stats": True}, [of(2, 3, 4, 5)]),
    ("InstanceNorm3d", (2,), {}, [of(2, 2, 3, 2, 2)]),
    ("LayerNorm", (6,), {}, [of(4, 6)]), ("LayerNorm", ((3, 5),), {"bias": False}, [of(2, 3, 5)]),
    ("LayerNorm", ([5],), {"elementwise_affine": False, "eps": 1e-2}, [of(2, 3, 5)]),
    ("GroupNorm", (2, 4), {}, [of(3, 4, 5)]), ("GroupNorm", (4, 4), {"affine": False}, [of(3, 4, 5)]),
    ("RMSNorm", (6,), {}, [of(4, 6)]), ("RMSNorm", ((3, 5),), {"eps": 1e-3}, [of(2, 3, 5)]),
    ("LocalResponseNorm", (3,), {"alpha": 0.1}, [of(2, 5, 3)]),
    ("BatchNorm1d", (3,), {"bias": False}, [of(5, 3)]), ("GroupNorm", (2, 4), {"bias": False}, [of(3, 4, 5)]),
    ("Dropout", (), {"p": 0.3}, [of(5, 7)]), ("Dropout1d", (), {}, [of(2, 3, 5)]), ("Dropout2d", (), {}, [of(2, 6, 2,
        2)]),
    ("Dropout3d", (), {}, [of(2, 4, 2, 2, 2)]), ("AlphaDropout", (), {"p": 0.2}, [of(5, 7)]),
    ("FeatureAlphaDropout", (), {}, [of(5, 7)]),
    ("Embedding", (6, 3), {}, [INDEX]), ("Embedding", (6, 3), {"padding_idx": -1}, [INDEX]),
    ("Embedding", (6, 3), {"scale_grad_by_freq": True, "max_norm": 1.0, "norm_type": 3.0}, [INDEX]),
    ("EmbeddingBag", (6, 3), {}, [INDEX]), ("EmbeddingBag", (6, 3), {"mode": "sum", "padding_idx": 2}, [INDEX]),
    ("EmbeddingBag", (6, 3), {"mode": "max", "max_norm": 1.0}, [INDEX]),
    ("EmbeddingBag", (6, 3), {"include_last_offset": True}, [INDEX.ravel(), np.array([0, 2, 6])]),
    ("PairwiseDistance", (), {"p": 3.0}, [of(4, 3), of(4, 3)]), ("CosineSimilarity", (), {}, [of(4, 3), of(4, 3)]),
]


@pytest.mark.parametrize("case", range(len(LAYERS)), ids=[f"{row[0]}-{i}" for i, row in enumerate(LAYERS)])
@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("train", [True, False])
def test_layer(case: int, kind: str, train: bool) -> None:
    name, args, options, given = LAYERS[case]
    second = name != "EmbeddingBag"  # PyTorch has none
    compare(lambda nn: getattr(nn, name)(*args, **options), *given, kind=kind, train=train, second=second,
            rtol=2e-4 if kind == "float32" else 1e-8, atol=5e-5 if kind == "float32" else 1e-9)


@pytest.mark.parametrize("make", [
    lambda m: m.nn.BatchNorm1d(3)(m.ones(3)), lambda m: m.nn.BatchNorm2d(3)(m.ones(2, 3)),
    lambda m: m.nn.BatchNorm3d(3)(m.ones(2, 3)), lambda m: m.nn.BatchNorm1d(4)(m.ones(2, 3)),
    lambda m: m.nn.BatchNorm1d(3)(m.ones(1, 3)), lambda m: m.nn.SyncBatchNorm(3)(m.ones(2)),
    lambda m: m.nn.SyncBatchNorm(0)(m.ones(2, 0)),
    lambda m: m.nn.GroupNorm(4, 6), lambda m: m.nn.InstanceNorm1d(3)(m.ones(3)),
    lambda m: m.nn.InstanceNorm1d(3, affine=True)(m.ones(2, 4, 5)), lambda m: m.nn.LayerNorm(5)(m.ones(2, 3)),
    lambda m: m.nn.Dropout(1.5), lambda m: m.nn.Embedding(3, 2, padding_idx=3),
    lambda m: m.nn.Embedding(3, 2)(m.ones(2)),
    lambda m: m.nn.Embedding(3, 2)(m.tensor([3])), lambda m: m.nn.EmbeddingBag(3, 2, mode="what")(m.tensor([[1]])),
    lambda m: m.nn.Embedding.from_pretrained(m.ones(3)), lambda m: m.nn.Embedding(3, 2, _weight=m.ones(2, 2)),
    lambda m: m.nn.CrossMapLRN2d(3)(m.ones(2, 3)),
])  # fmt: skip
def test_bad_input(make: Any) -> None:
    theirs, mine = (outcome(lambda library=library: make(library)) for library in LIBRARIES)
    assert isinstance(theirs, tuple) and theirs == mine


def test_from_pretrained() -> None:
    for library in LIBRARIES:
        table = library.ones(4, 3)
        for kind in (library.nn.Embedding, library.nn.EmbeddingBag):
            fixed, free = kind.from_pretrained(table), kind.from_pretrained(table, freeze=False)
            assert not fixed.weight.requires_grad and free.weight.requires_grad
            assert fixed.weight.data_ptr() == table.data_ptr()


def test_many_channels_of_cross_map() -> None:
    given = of(2, 7, 2, 2)
    mine = headgate.nn.CrossMapLRN2d(3, alpha=0.3)(headgate.from_numpy(given))
    theirs = torch.nn.CrossMapLRN2d(3, alpha=0.3)(torch.from_numpy(given))
    np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-10)


def test_bases() -> None:
    """Scripts ask with isinstance for the classes behind."""
    assert isinstance(headgate.nn.BatchNorm2d(3), headgate.nn.modules.batchnorm._BatchNorm)
    assert isinstance(headgate.nn.InstanceNorm2d(3), headgate.nn.modules.instancenorm._InstanceNorm)
    assert isinstance(headgate.nn.Dropout(), headgate.nn.modules.dropout._DropoutNd)


def test_converted_batch_norm() -> None:
    for library in LIBRARIES:
        net = library.nn.Sequential(library.nn.Linear(2, 3), library.nn.BatchNorm1d(3))
        made = library.nn.SyncBatchNorm.convert_sync_batchnorm(net)
        assert type(made[1]) is library.nn.SyncBatchNorm and made[1].num_features == 3


def test_old_states_of_batch_norm() -> None:
    """Without num_batches_tracked, and without a version, they load; with a version they do not."""
    for library in LIBRARIES:
        layer = library.nn.BatchNorm1d(3)
        state = layer.state_dict()
        del state["num_batches_tracked"]
        with pytest.raises(RuntimeError, match="num_batches_tracked"):
            layer.load_state_dict(state)
        plain = dict(state)
        layer.load_state_dict(plain)


@pytest.mark.parametrize("bias", [False, True])
def test_adaptive_softmax(bias: bool) -> None:
    x, classes = of(9, 16), np.array([0, 3, 7, 19, 11, 4, 5, 12, 1])

    def make(nn: Any) -> Any:
        return nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 11], div_value=2.0, head_bias=bias)

    compare(make, x, classes)
    compare(make, x[0], np.array(classes[3]))
    found = []
    for library in LIBRARIES:
        library.manual_seed(3)
        layer = make(library.nn).double()
        given = library.from_numpy(x.copy())
        found.append([layer.log_prob(given).detach().numpy(), layer.predict(given).numpy()])
    for theirs, mine in zip(*found):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10)


@pytest.mark.parametrize("make", [
    lambda m: m.nn.AdaptiveLogSoftmaxWithLoss(4, 5, []), lambda m: m.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [3, 2]),
    lambda m: m.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2, 5]), lambda m: m.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [0]),
    lambda m: m.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(m.ones(3, 4), m.tensor([0, 1])),
    lambda m: m.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(m.ones(2, 4), m.tensor([0, 7])),
    lambda m: m.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(m.ones(2, 4), m.tensor([[0, 1]])),
    lambda m: m.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(m.ones(2), m.tensor([0, 1])),
])  # fmt: skip
def test_bad_adaptive_softmax(make: Any) -> None:
    theirs, mine = (outcome(lambda library=library: make(library)) for library in LIBRARIES)
    assert isinstance(theirs, tuple) and theirs == mine
