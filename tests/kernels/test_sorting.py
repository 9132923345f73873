"""The k first of long lines, the k-th alone, searching and counting beside PyTorch: every type, ties, NaN, tails.

The compiled kernels are tested where they are built, and their NumPy forms always. Nothing here knows tensors.
"""

import importlib
from typing import Any

import numpy as np
import pytest
import torch

from headgate.kernels import reference

Array = np.ndarray[Any, Any]
TYPES = ["u1", "i1", "i2", "i4", "i8", "e", "f", "d"]


@pytest.fixture(params=["numpy", pytest.param("compiled", marks=pytest.mark.compiled_only)])
def kernels(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module("headgate.kernels.sorting") if request.param == "compiled" else reference


def numbers(shape: tuple[int, ...], kind: str, scale: float = 1e3) -> Array:
    """Numbers with many ties; NaN, infinities and both zeros among the floats."""
    data = np.asarray(np.random.default_rng(shape[-1]).standard_normal(shape) * scale)
    data = np.asarray(np.trunc(data).astype("i8").astype(kind) if kind[0] in "iu" else data.astype(kind))
    if kind in "efd" and data.size > 20:
        data.reshape(-1)[[3, 7, 9, 2, 5]] = np.nan, -np.nan, np.inf, -0.0, -np.inf
    return data


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("line", ["random", "falling", "rising", "equal"])
def test_the_first_of_a_long_line(kernels: Any, kind: str, line: str) -> None:
    """Few of many: what is kept is cut again and again, most often where the best come last."""
    x = numbers((30_011,), kind)
    if line != "random":
        x = np.sort(x)[:: -1 if line == "falling" else 1].copy() if line != "equal" else np.zeros_like(x)
    for descending in (False, True):
        values, places = torch.sort(torch.from_numpy(x), descending=descending, stable=True)
        for k in (1, 17, 100, 1000, 9000, 30_010):
            got = kernels.topk(x, k, 0, descending)
            np.testing.assert_array_equal(got[0], values[:k].numpy())
            np.testing.assert_array_equal(got[1], places[:k].numpy())


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", [(1,), (5,), (300,), (3, 70), (2, 1000, 3), (20_000,), (2, 17_000)])
def test_the_kth_alone(kernels: Any, kind: str, shape: tuple[int, ...]) -> None:
    x = numbers(shape, kind)
    for axis in range(len(shape)):
        values, places = torch.sort(torch.from_numpy(x), dim=axis, stable=True)
        n = shape[axis]
        for k in sorted({1, min(2, n), min(16, n), min(17, n), (n + 1) // 2, n}):
            got = kernels.pick(x, k, axis)
            np.testing.assert_array_equal(got[0], np.take(values.numpy(), [k - 1], axis))
            np.testing.assert_array_equal(got[1], np.take(places.numpy(), [k - 1], axis))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("count", [1, 2, 3, 8, 33, 1000])
def test_places_among_sorted_edges(kernels: Any, kind: str, count: int) -> None:
    edges = np.sort(numbers((20 + count,), kind, 40.0)[20:])
    for size in (0, 1, 7, 8, 9, 3000):
        values = np.concatenate([numbers((size,), kind, 40.0), edges])
        for right in (False, True):
            wanted = torch.searchsorted(torch.from_numpy(edges), torch.from_numpy(values), right=right).numpy()
            got = kernels.search(edges, values, right)
            assert got.dtype == np.int64
            np.testing.assert_array_equal(got, wanted)
            np.testing.assert_array_equal(kernels.search(edges, values[::-1], right), wanted[::-1])


def test_places_among_nothing_and_of_other_types(kernels: Any) -> None:
    assert kernels.search(np.zeros(0, "f"), np.array([1, np.nan], "f"), True).tolist() == [0, 0]
    assert kernels.search(np.array([1, 2, 3]), np.array([2.5, np.nan, -1], "f"), False).tolist() == [2, 3, 0]


@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "i4", "i8"])
def test_counts(kernels: Any, kind: str) -> None:
    for size in (0, 1, 10, 70_000):
        x = np.random.default_rng(size).integers(0, 120, size).astype(kind)
        for least in (0, 5, 200):
            got, wanted = kernels.count(x, least), torch.bincount(torch.from_numpy(x), minlength=least).numpy()
            assert got.dtype == np.int64
            np.testing.assert_array_equal(got, wanted)


def test_counts_of_growing_and_of_negative_numbers(kernels: Any) -> None:
    x = np.array([3, 5000, 0, 70_000, 3, 2_000_000])
    np.testing.assert_array_equal(kernels.count(x), np.bincount(x))
    with pytest.raises(ValueError):
        kernels.count(np.array([0, 5, -1]))


@pytest.mark.parametrize("kind", ["e", "f", "d"])
@pytest.mark.parametrize("count", [1, 37, 70_001])
def test_numbers_in_equal_parts(kernels: Any, kind: str, count: int) -> None:
    """Beside PyTorch's counts (above 2048 a half holds no odd ones), edges and what lies outside among them."""
    x = np.random.default_rng(count).standard_normal(count).astype(kind)
    x[:: 5] = np.linspace(-1, 2, x[:: 5].size).astype(kind)
    if count > 20:
        x[[3, 7, 9, 2, 4]] = np.nan, np.inf, -np.inf, -1, 2
    for parts, low, high in ((1, -1.0, 2.0), (3, -1.0, 2.0), (100, -0.5, 0.5), (7, 0.1, 0.3), (5000, -2.0, 2.0)):
        counts = kernels.count_parts(x, parts, low, high)
        assert counts.dtype == np.int64 and counts.shape == (parts,)
        np.testing.assert_array_equal(counts, reference.count_parts(x, parts, low, high))
        if kind != "e":
            theirs = torch.histc(torch.from_numpy(x), parts, low, high)
            np.testing.assert_array_equal(counts, theirs.numpy())


@pytest.mark.parametrize("kind", ["?", *TYPES])
def test_the_longest_run_of_a_line(kernels: Any, kind: str) -> None:
    random = np.random.default_rng(5)
    for shape in ((1,), (9,), (4, 1), (300, 200), (3, 5, 40)):
        x = np.asarray(np.sort(random.integers(0, 12, shape)).astype(kind))
        if kind in "efd":
            x[..., :1] = -0.0
            x[..., shape[-1] // 2 + 1:] = np.nan
        places = kernels.longest_runs(x)
        assert places.dtype == np.int64 and places.shape == shape[:-1]
        for line, place in zip(x.reshape(-1, shape[-1]), places.reshape(-1)):
            lengths = [1]
            for before, after in zip(line[:-1], line[1:]):
                lengths.append(lengths[-1] + 1 if before == after else 1)
            assert place == int(np.argmax(lengths)), (line, place)


@pytest.mark.parametrize("kind", ["b", "i", "l", "e", "f", "d"])
def test_membership_extent_and_missing_numbers(kernels: Any, kind: str) -> None:
    random = np.random.default_rng(6)
    for shape, count in (((), 1), ((0,), 3), ((4, 5), 0), ((4, 5), 7), ((70, 80), 90)):
        x, tests = (np.asarray(random.integers(-9, 9, size).astype(kind)) for size in (shape, (count,)))
        if kind in "efd" and x.size:
            assert kernels.missing(x) == 0 and kernels.extent(x) == (x.min(), x.max())
            x.flat[-1] = tests[:1] = np.nan
            assert kernels.missing(x) == 1 and all(np.isnan(end) for end in kernels.extent(x))
        for invert in (False, True):
            found = kernels.among(x, tests, invert)
            assert found.dtype == bool and found.shape == shape
            assert found.tolist() == np.isin(x, tests, invert=invert).tolist()
    assert kernels.among(np.arange(6).reshape(2, 3).T, np.array([2.0, 4.5]), False).sum() == 1


@pytest.mark.parametrize("kind", ["?", *TYPES, "c16"])
@pytest.mark.parametrize("count", [0, 1, 9, 1000, 32_768, 32_769, 100_003])
def test_marked_elements(kernels: Any, kind: str, count: int) -> None:
    """From none to all of them, from the ends alone, with gaps between the elements and the marks."""
    random = np.random.default_rng(count)
    wide = np.asarray(random.integers(0, 100, 2 * count).astype(kind))
    ends = np.zeros(count, bool)
    ends[:1] = ends[count - 1:] = True
    for marks in (random.random(count) < 0.5, random.random(count) < 0.97, np.zeros(count, bool), np.ones(count, bool),
                  ends, (random.random(2 * count) < 0.3)[::2]):
        for x in (wide[:count], wide[::2], wide[::-2]):
            found = kernels.marked(x, marks)
            assert found.dtype == x.dtype and found.flags.c_contiguous
            np.testing.assert_array_equal(found, x[marks])
