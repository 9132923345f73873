"""Taking, gathering, scattering and sorting beside PyTorch: every type, axis and layout, refused positions, NaN.

The compiled kernels are tested where they are built, and their NumPy forms always. Nothing here knows tensors.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from headgate.kernels import reference_reduce

Array = np.ndarray[Any, Any]
SHAPES = [(1,), (3,), (7, 5), (40, 50), (5, 6, 7), (2, 3, 4, 5), (130, 140)]
TYPES = ["?", "u1", "i1", "i2", "i4", "i8", "e", "f", "d"]
TORCH_MODE = {"add": "sum", "multiply": "prod", "amax": "amax", "amin": "amin", "mean": "mean"}


class Kernels:
    """The functions of this file by name, from either implementation."""

    def __init__(self, kind: str) -> None:
        self.modules: list[Any] = [reference_reduce]
        if kind == "compiled":
            from headgate.kernels import indexing, sorting

            self.modules = [indexing, sorting]

    def __getattr__(self, name: str) -> Any:
        return next(getattr(module, name) for module in self.modules if hasattr(module, name))


@pytest.fixture(params=["numpy", pytest.param("compiled", marks=pytest.mark.compiled_only)])
def kernels(request: pytest.FixtureRequest) -> Kernels:
    return Kernels(request.param)


def layouts(x: Array) -> Iterator[Array]:
    yield x
    yield np.asfortranarray(x)
    yield x[::-1]
    yield np.repeat(x, 2, -1)[..., ::2]


def cases(kind: str, scale: float = 3.0) -> Iterator[tuple[Array, int, np.random.Generator]]:
    """Arrays in every layout, an axis, and the random numbers to go on with."""
    random = np.random.default_rng(0)
    for shape in SHAPES:
        data = np.asarray(np.abs(random.standard_normal(shape)) * scale).astype(kind)
        for x in layouts(data):
            for axis in range(-len(shape), len(shape)):
                yield x, axis, random


def positions(x: Array, axis: int, random: np.random.Generator) -> Array:
    shape = [max(1, size - int(random.integers(0, 2))) for size in x.shape]
    shape[axis] = int(random.integers(1, 2 * x.shape[axis] + 1))
    return random.integers(0, x.shape[axis], shape)


def torch_of(x: Array) -> torch.Tensor:
    return torch.from_numpy(np.array(x, order="C"))


def same(got: Array, wanted: torch.Tensor, tolerance: float, *what: object) -> None:
    theirs = wanted.numpy()
    assert got.shape == theirs.shape and got.dtype == theirs.dtype, what
    np.testing.assert_allclose(got, theirs, rtol=tolerance, atol=tolerance, err_msg=str(what))


@pytest.mark.parametrize("kind", TYPES)
def test_reading(kernels: Kernels, kind: str) -> None:
    for x, axis, random in cases(kind):
        index = positions(x, axis, random)
        same(kernels.gather(x, axis, index), torch.gather(torch_of(x), axis, torch.from_numpy(index)), 0, x.shape, axis)
        rows = random.integers(0, x.shape[axis], 9)
        wanted = torch.index_select(torch_of(x), axis, torch.from_numpy(rows))
        same(kernels.take(x, rows, axis), wanted, 0, x.shape, axis)
        assert (kernels.take(x, rows.reshape(3, 3), axis) == np.take(x, rows.reshape(3, 3), axis)).all()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("mode", ["set", *TORCH_MODE])
def test_scatter(kernels: Kernels, mode: str, kind: str) -> None:
    if kind == "?" and mode in ("mean", "amax", "amin", "multiply"):
        pytest.skip("PyTorch has no such scatter of bool")
    for x, axis, random in cases(kind, 1.5):
        index = positions(x, axis, random)
        source = np.asarray(np.abs(random.standard_normal(index.shape))).astype(kind)
        places, values, theirs = torch.from_numpy(index), torch.from_numpy(source), torch_of(x)
        tolerance = {"e": 3e-2, "f": 1e-5, "d": 1e-12}.get(kind, 0)
        for include_self in (True, False) if mode != "set" else (True,):
            ours = x.copy(order="K")
            assert kernels.scatter(ours, axis, index, source, mode, include_self) is ours
            if mode == "set":
                wanted = theirs.scatter(axis, places, values)
            else:
                wanted = theirs.scatter_reduce(axis, places, values, TORCH_MODE[mode], include_self=include_self)
            same(ours, wanted, tolerance, mode, x.shape, axis, include_self)
        ours = x.copy(order="K")
        kernels.scatter(ours, axis, index, 1, "set")
        same(ours, theirs.scatter(axis, places, 1), 0, "scalar", x.shape, axis)


@pytest.mark.parametrize("kind", TYPES)
def test_index_add(kernels: Kernels, kind: str) -> None:
    for x, axis, random in cases(kind):
        rows = random.integers(0, x.shape[axis], 9)
        shape = list(x.shape)
        shape[axis] = 9
        source = np.asarray(np.abs(random.standard_normal(shape))).astype(kind)
        for alpha in (1, 2):
            ours = x.copy(order="K")
            assert kernels.index_add(ours, axis, rows, source, alpha) is ours
            wanted = torch_of(x).index_add(axis, torch.from_numpy(rows), torch.from_numpy(source), alpha=alpha)
            same(ours, wanted, {"e": 3e-2, "f": 1e-5, "d": 1e-12}.get(kind, 0), x.shape, axis, alpha)


def test_empty_index(kernels: Kernels) -> None:
    x, none = np.arange(6, dtype="f").reshape(2, 3), np.zeros((0, 3), np.int64)
    assert kernels.gather(x, 0, none).shape == (0, 3) and kernels.take(x, none[:, 0], 1).shape == (2, 0)
    assert (kernels.scatter(x.copy(), 0, none, np.zeros((0, 3), "f")) == x).all()


SORTED = [(1,), (3,), (0,), (3, 0), (7, 5), (40, 50), (60, 30, 3), (3000,), (3, 1000), (70001,), (66000, 2)]
Z1, Z2, ONE = np.zeros(3, "f"), np.zeros((3, 2), "f"), np.ones(1, "f")
BAD: list[tuple[str, Callable[[Any], Any], Callable[[], Any]]] = [
    ("gather", lambda k: k.gather(Z1, 0, np.array([5])), lambda: torch.zeros(3).gather(0, torch.tensor([5]))),
    ("gather -1", lambda k: k.gather(Z1, 0, np.array([-1])), lambda: torch.zeros(3).gather(0, torch.tensor([-1]))),
    ("gather wide", lambda k: k.gather(Z2, 0, np.zeros((1, 3), int)),
     lambda: torch.zeros(3, 2).gather(0, torch.zeros(1, 3).long())),
    ("gather rank", lambda k: k.gather(Z2, 0, np.zeros(1, int)),
     lambda: torch.zeros(3, 2).gather(0, torch.zeros(1).long())),
    ("scatter", lambda k: k.scatter(Z1, 0, np.array([0, 5]), np.ones(2, "f")),
     lambda: torch.zeros(3).scatter(0, torch.tensor([0, 5]), torch.ones(2))),
    ("scatter wide", lambda k: k.scatter(Z2, 0, np.zeros((1, 3), int), np.ones((1, 3), "f")),
     lambda: torch.zeros(3, 2).scatter(0, torch.zeros(1, 3).long(), torch.ones(1, 3))),
    ("take", lambda k: k.take(Z1, np.array([5]), 0), lambda: torch.zeros(3).index_select(0, torch.tensor([5]))),
    ("take -1", lambda k: k.take(Z2, np.array([-1]), 0), lambda: torch.zeros(3, 2).index_select(0, torch.tensor([-1]))),
    ("take flat", lambda k: k.take(Z1, np.array([-4]), None), lambda: torch.zeros(3).take(torch.tensor([-4]))),
    ("index_add", lambda k: k.index_add(Z1, 0, np.array([5]), ONE),
     lambda: torch.zeros(3).index_add(0, torch.tensor([5]), torch.ones(1))),
    ("index_add 2-D", lambda k: k.index_add(Z2, 0, np.array([-1]), np.ones((1, 2), "f")),
     lambda: torch.zeros(3, 2).index_add(0, torch.tensor([-1]), torch.ones(1, 2))),
    ("topk", lambda k: k.topk(Z1, 4, 0), lambda: torch.zeros(3).topk(4)),
    ("sort", lambda k: k.sort(Z1, 1), lambda: torch.zeros(3).sort(1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "ours", "theirs"), BAD, ids=[case[0] for case in BAD])
def test_refused_as_in_torch_and_nothing_written(
    kernels: Kernels, name: str, ours: Callable[[Any], Any], theirs: Callable[[], Any]
) -> None:
    with pytest.raises((IndexError, RuntimeError)) as wanted:
        theirs()
    with pytest.raises(wanted.type) as got:
        ours(kernels)
    assert str(got.value)[:38] == str(wanted.value)[:38]
    assert not Z1.any() and not Z2.any()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", SORTED)
def test_sort_and_topk(kernels: Kernels, shape: tuple[int, ...], kind: str) -> None:
    random = np.random.default_rng(0)
    for scale in (2.0, 1e3):
        data = random.standard_normal(shape) * scale
        data = np.asarray(np.trunc(data) if scale == 2.0 else data)
        data = data.astype("i8" if kind[0] in "?iu" else "d").astype(kind)
        if kind in "efd" and data.size > 20:
            data.flat[[3, 7, 9, 2, 5]] = np.nan, -np.nan, np.inf, -0.0, -np.inf
        for x in (data, np.asfortranarray(data), data[::-1]):
            for axis, descending in ((axis, down) for axis in range(len(shape)) for down in (False, True)):
                values, places = torch.sort(torch_of(x), dim=axis, descending=descending, stable=True)
                for k in {0, min(1, shape[axis]), min(5, shape[axis]), min(40, shape[axis]), shape[axis] // 2}:
                    front = (slice(None),) * axis + (slice(0, k),)
                    got = kernels.topk(x, k, axis, descending)
                    same(got[0], values[front], 0, shape, axis, k)
                    same(got[1], places[front], 0, shape, axis, k)
                got = kernels.sort(x, axis, descending)
                same(got[0], values, 0, shape, axis)
                same(got[1], places, 0, shape, axis)


@pytest.mark.compiled_only
@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_halves_are_combined_alike_on_every_level(level: str) -> None:
    check = (
        "import numpy as np; from headgate.kernels import indexing\n"
        "n = np.random.default_rng(0); x = n.standard_normal((40, 50)).astype('e'); y = x[::-1].copy() * 7\n"
        "index = n.integers(0, 40, 40); both = np.broadcast_to(index[:, None], x.shape)\n"
        "for name, f in (('add', np.add), ('multiply', np.multiply), ('amax', np.maximum), ('amin', np.minimum)):\n"
        "    wanted = x.copy()\n"
        "    for i, at in enumerate(index): wanted[at] = f(wanted[at], y[i])\n"
        "    for where in (both, both.copy()):\n"
        "        assert (indexing.scatter(x.copy(), 0, where, y, name) == wanted).all(), name\n"
    )
    subprocess.run([sys.executable, "-c", check], env={**os.environ, "HEADGATE_CPU": level}, check=True)


def test_positions_of_several_dims_as_one(kernels: Kernels) -> None:
    """As NumPy's ravel_multi_index, positions from the end among them; None for one outside, at either end."""
    random = np.random.default_rng(3)
    for sizes in ((1,), (9,), (4, 7), (3, 1, 5), (2, 3, 4, 5)):
        for shape in ((), (0,), (6,), (3, 5), (40000,)):
            parts = tuple(random.integers(-size, size, shape) for size in sizes)
            front = tuple(np.where(part < 0, part + size, part) for part, size in zip(parts, sizes))
            parts = tuple(np.asarray(part) for part in parts)
            got = kernels.linear(parts, sizes)
            assert got.shape == shape and got.dtype == np.int64
            assert np.array_equal(got, np.ravel_multi_index(front, sizes) if shape != (0,) else np.zeros(0, np.int64))
            if shape == (0,):
                continue
            dim = int(random.integers(len(sizes)))
            for wrong in (sizes[dim], -sizes[dim] - 1, 2**62, -(2**63)):
                spoilt = parts[dim].copy()
                spoilt.reshape(-1)[-1] = wrong
                assert kernels.linear((*parts[:dim], spoilt, *parts[dim + 1:]), sizes) is None
    strided = np.arange(8)[::2]
    assert kernels.linear((strided,), (8,)) is None and kernels.linear((np.zeros(3, np.int32),), (8,)) is None
    assert kernels.linear((np.zeros(3, np.int64), np.zeros((3, 1), np.int64)), (8, 8)) is None


@pytest.fixture(params=[1, 2, 3, 8])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    from headgate.kernels.pool import get_num_threads, set_num_threads

    before = get_num_threads()
    set_num_threads(request.param)
    yield request.param
    set_num_threads(before)


@pytest.mark.compiled_only
@pytest.mark.parametrize("kind", ["u1", "e", "f", "d"])
def test_of_several_values_for_one_place_the_last_wins(threads: int, kind: str) -> None:
    from headgate.kernels import indexing

    random = np.random.default_rng(threads)
    for size, count in ((8192, 65536), (10_000, 65_536), (100_003, 200_001), (150_000, 65_543)):
        for index in (random.integers(0, size, count), random.integers(0, 3, count) * (size // 3),
                      np.arange(count) % size):
            source = random.integers(0, 200, count).astype(kind)
            wanted = np.zeros(size, kind)
            for block in range(0, count, 4096):  # within it by a dictionary, which keeps the last one
                last = dict(zip(index[block:block + 4096].tolist(), source[block:block + 4096].tolist()))
                wanted[list(last)] = list(last.values())
            assert (indexing.scatter(np.zeros(size, kind), 0, index, source) == wanted).all(), (size, count)
    before = np.zeros(8192, kind)
    index[-1] = 8192
    with pytest.raises(RuntimeError, match="index 8192 is out of bounds"):
        indexing.scatter(before, 0, index, source)
    assert not before.any()


@pytest.mark.compiled_only
@pytest.mark.parametrize("kind", ["i4", "f", "d"])
def test_rows_are_added_in_order(threads: int, kind: str) -> None:
    """Spread over the places, or most of them at one: the same sums in the same order."""
    from headgate.kernels import indexing

    random = np.random.default_rng(threads)
    for shape, count in (((40, 900), 70), ((5, 3, 4000), 40), ((301, 130), 301), ((2, 20_000), 9)):
        spread = random.integers(0, shape[0], count)
        for index in (spread, np.minimum(random.integers(0, 3 * shape[0], count), shape[0] - 1)):
            x = (random.standard_normal(shape) * 100).astype(kind)
            source = (random.standard_normal((count, *shape[1:])) * 100).astype(kind)
            wanted = x.copy()
            for at, row in zip(index, source):
                wanted[at] += row
            assert (indexing.index_add(x, 0, index, source) == wanted).all(), shape


@pytest.mark.compiled_only
def test_a_position_outside_in_any_line_of_a_large_gather(threads: int) -> None:
    from headgate.kernels import indexing

    x = np.arange(300 * 300.0).reshape(300, 300)
    index = np.random.default_rng(threads).integers(0, 300, x.shape)
    assert (indexing.gather(x, 1, index) == np.take_along_axis(x, index, 1)).all()
    for row, wrong in ((0, 300), (151, -1), (299, 2**62)):
        spoilt = index.copy()
        spoilt[row, 7] = wrong
        with pytest.raises(RuntimeError, match=f"index {wrong} is out of bounds for dimension 1 with size 300"):
            indexing.gather(x, 1, spoilt)
