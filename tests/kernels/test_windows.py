"""Sliding blocks, resampling by taps, and alignments: the compiled kernels beside their NumPy forms.

Those forms are held to PyTorch by the tests of the layers; here geometries and values are drawn that those have not.
Nothing here knows tensors.
"""

import importlib
from typing import Any

import numpy as np
import pytest

from headgate.kernels import reference_ctc, reference_pooling, taps

Array = np.ndarray[Any, Any]
pytestmark = pytest.mark.compiled_only


def kernels(name: str) -> Any:
    return importlib.import_module(f"headgate.kernels.{name}")


@pytest.mark.parametrize("kind", ["f", "d", "e"])
@pytest.mark.parametrize("seed", range(40))
def test_blocks(kind: str, seed: int) -> None:
    """Any kernel, dilation, padding and stride, blocks wholly in the padding among them."""
    rng = np.random.default_rng(seed)
    kernel, dilation, stride = (tuple(int(n) for n in rng.integers(1, 4, 2)) for _ in range(3))
    padding, size = tuple(int(n) for n in rng.integers(0, 5, 2)), tuple(int(n) for n in rng.integers(7, 14, 2))
    lead = (2, 3) if seed % 2 else (3,)
    geometry = (kernel, dilation, padding, stride, size)
    x = rng.standard_normal((*lead, *size)).astype(kind)
    columns = kernels("pooling").unfold(x, *geometry)
    assert np.array_equal(columns, reference_pooling.unfold(x, *geometry))
    y = rng.standard_normal(columns.shape).astype(kind)
    for columns in (y, np.asfortranarray(y)):
        image = kernels("pooling").fold(columns, *geometry)
        assert image.dtype == x.dtype and image.shape == x.shape
        assert np.array_equal(image, reference_pooling.fold(columns, *geometry))


@pytest.mark.parametrize("kind", ["f", "d"])
@pytest.mark.parametrize("sizes", [(5, 9), (9, 4), (3, 700), (700, 3), (6, 6)])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_taps(kind: str, sizes: tuple[int, int], mode: str) -> None:
    """Rows, columns and both, there and turned round; one value is no number."""
    size, out = sizes
    wide = np.dtype(kind).type
    there = (taps.nearest(size, out, None, True) if mode == "nearest"
             else getattr(taps, mode)(size, out, None, False, wide))
    x = np.random.default_rng(out).standard_normal((2, 3, size, size)).astype(kind)
    x[0, 0, 1, 1] = np.nan
    for one, data in ((there, x), (taps.turned(there, size, wide), np.ascontiguousarray(np.swapaxes(
            np.random.default_rng(size).standard_normal((2, out, out)).astype(kind), 1, 2)))):
        for rows, columns in ((one, None), (None, one), (one, one)):
            found = kernels("pooling").resample(data, rows, columns)
            expected = reference_pooling.resample(data, rows, columns)
            assert found.dtype == data.dtype
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def scores(rng: Any, times: int, samples: int, classes: int, kind: str, seed: int) -> Array:
    """Logarithms of probabilities, near ones and such that differ by hundreds, some of them of nothing at all."""
    x = rng.standard_normal((times, samples, classes)) * (1, 30, 400)[seed % 3]
    x -= x.max(2, keepdims=True)
    x -= np.log(np.exp(x).sum(2, keepdims=True))
    if seed % 5 == 0:
        x[rng.random(x.shape) < 0.2] = -np.inf
    return np.asarray(x.astype(kind))


@pytest.mark.parametrize("kind", ["f", "d"])
@pytest.mark.parametrize("seed", range(30))
def test_alignments(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times, samples, classes = (int(rng.integers(low, high)) for low, high in ((1, 30), (1, 6), (2, 7)))
    x = scores(rng, times, samples, classes, kind, seed)
    lengths, ends = rng.integers(0, 8, samples), rng.integers(0, times + 1, samples)
    labels, starts = rng.integers(0, classes, int(lengths.sum()) + 1), np.cumsum(lengths) - lengths
    targets, blank = tuple(one.astype(np.int64) for one in (labels, starts, lengths, ends)), int(rng.integers(classes))
    expected, kept = reference_ctc.ctc_forward(x, targets, blank)
    losses, alpha = kernels("recurrent").ctc_forward(x, targets, blank)
    np.testing.assert_allclose(losses, expected, rtol=1e-12, atol=1e-12)
    g = rng.standard_normal(samples).astype(kind)
    there = reference_ctc.ctc_backward(g, x, targets, blank, (expected, kept), seed % 2 == 0)
    found = kernels("recurrent").ctc_backward(g, x, targets, blank, (losses, alpha), seed % 2 == 0)
    assert found.dtype == x.dtype
    exact = 1e-6 if kind == "f" else 1e-9
    np.testing.assert_allclose(found, there, rtol=exact, atol=exact)


def test_labels_that_are_no_class() -> None:
    x, one = np.zeros((3, 1, 4)), np.array([1])
    for label in (4, -5):
        with pytest.raises(IndexError, match=f"^index {label if label > 0 else -1} is out of bounds"):
            kernels("recurrent").ctc_forward(x, (np.array([label]), np.array([0]), one, one), 0)
