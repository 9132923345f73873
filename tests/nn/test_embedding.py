"""Embeddings and bags of them beside PyTorch: values, gradients, shortened rows, errors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headgate

sys.path.insert(0, str(Path(__file__).parent))

from norm_beside import array, arrays, close, compare, leaves, same_error

INDEX = np.array([0, 2, 4, 1, 2, 5, 2])
OFFSETS = np.array([0, 2, 2, 5])
TABLE = arrays((6, 3))[0]


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("padding", [None, 2, -1])
@pytest.mark.parametrize("last", [False, True])
def test_bags(mode: str, dtype: str, padding: Any, last: bool) -> None:
    def call(library: Any, index: Any, offsets: Any, weight: Any) -> Any:
        return library.nn.functional.embedding_bag(index, weight, offsets, mode=mode, padding_idx=padding,
                                                   include_last_offset=last)

    offsets = np.append(OFFSETS, len(INDEX)) if last else OFFSETS
    compare(call, INDEX, offsets, TABLE.astype(dtype), second=False, what=f"{mode} {padding} {last}")
    compare(call, INDEX.astype(np.int32), offsets.astype(np.int32), TABLE.astype(dtype), second=False)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_matrix_of_indices(mode: str) -> None:
    compare(lambda library, index, weight: library.nn.functional.embedding_bag(index, weight, mode=mode),
            INDEX[:6].reshape(2, 3), TABLE, second=False)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_scaled_by_frequency(mode: str) -> None:
    compare(lambda library, index, offsets, weight: library.nn.functional.embedding_bag(
        index, weight, offsets, mode=mode, scale_grad_by_freq=True), INDEX, OFFSETS, TABLE, second=False)


@pytest.mark.parametrize("padding", [None, 2])
def test_weights_of_indices(padding: Any) -> None:
    compare(lambda library, index, offsets, weight, each: library.nn.functional.embedding_bag(
        index, weight, offsets, mode="sum", per_sample_weights=each, padding_idx=padding), INDEX, OFFSETS, TABLE,
        arrays((7,))[0], second=False)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_second_gradients(mode: str) -> None:
    """PyTorch has none; ours agree with differences."""
    index, offsets = headgate.from_numpy(INDEX), headgate.from_numpy(OFFSETS)
    weight, each = leaves(headgate, [TABLE, arrays((7,))[0]])
    given = each if mode == "sum" else None

    def call(*tensors: Any) -> Any:
        return headgate.nn.functional.embedding_bag(
            index, tensors[0], offsets, mode=mode, per_sample_weights=tensors[1] if given is not None else None) ** 2

    inputs = (weight, each) if mode == "sum" else (weight,)
    assert headgate.autograd.gradcheck(call, inputs)
    assert headgate.autograd.gradgradcheck(call, inputs)


def test_all_results() -> None:
    for mode in (0, 1, 2):
        found = []
        for library in (headgate, torch):
            index, offsets, weight = leaves(library, [INDEX, OFFSETS, TABLE])
            found.append(library.embedding_bag(weight, index, offsets, False, mode))
        for mine, theirs in zip(*found):
            close(mine, theirs, f"mode {mode}")


def test_shortened_rows() -> None:
    calls = [lambda m, i, w: m.nn.functional.embedding(i, w, max_norm=0.5, norm_type=3.0),
             lambda m, i, w: m.nn.functional.embedding_bag(i.reshape(1, -1), w, max_norm=0.5),
             lambda m, i, w: m.embedding_renorm_(w, i, 0.5, 1.0)]
    for call in calls:
        found = []
        for library in (headgate, torch):
            index, weight = leaves(library, [INDEX[:3], TABLE])
            weight = weight.detach()
            result = call(library, index, weight)
            found.append((weight, result, weight._version))
        close(found[0][0], found[1][0], "table")
        close(found[0][1], found[1][1], "result")
        assert found[0][2] == found[1][2]


def test_empty_bags() -> None:
    nothing = np.zeros(0, np.int64)
    for mode in ("sum", "mean", "max"):
        for index, offsets in ((nothing, np.array([0, 0])), (nothing, nothing)):
            compare(lambda library, i, o, w, mode=mode: library.nn.functional.embedding_bag(i, w, o, mode=mode), index,
                    offsets, TABLE, second=False)


def test_sparse_is_refused() -> None:
    index, weight = leaves(headgate, [INDEX, TABLE])
    for call in (headgate.nn.functional.embedding, headgate.nn.functional.embedding_bag):
        with pytest.raises(NotImplementedError, match="dense"):
            call(index.reshape(1, -1), weight, sparse=True)
    assert array(weight).shape == (6, 3)


B = "nn.functional.embedding_bag"
ERRORS: list[Any] = [
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w, o, mode="foo"),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i.view(1, 7), w, o),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w, o + 1),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w, o * 2),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i.float(), w, o),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w, o, per_sample_weights=w.reshape(-1)[:7]),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w, o, mode="sum", per_sample_weights=w.reshape(-1)[:4]),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i.view(1, 1, 7), w),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w, o.view(1, 4)),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w, o, padding_idx=7),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w, o, mode="sum", per_sample_weights=i.float()),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w, o, mode="max", scale_grad_by_freq=True),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w, o[:0], include_last_offset=True),
    lambda m, i, o, w: m.nn.functional.embedding_bag(i, w[0], o),
    lambda m, i, o, w: m.embedding_renorm_(w.detach(), i.float(), 0.5, 2.0),
    lambda m, i, o, w: m.embedding_renorm_(w, i, 0.5, 2.0),
]


def test_index_outside() -> None:
    """PyTorch's words depend on the type and the mode; the class does not."""
    for library in (headgate, torch):
        index, offsets, weight = leaves(library, [INDEX + 4, OFFSETS, TABLE])
        with pytest.raises(RuntimeError):
            library.nn.functional.embedding_bag(index, weight, offsets)


@pytest.mark.parametrize("case", range(len(ERRORS)))
def test_errors(case: int) -> None:
    same_error(ERRORS[case], INDEX, OFFSETS, TABLE)
