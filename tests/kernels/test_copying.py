"""Copies, conversions, joins and triangles beside NumPy's, byte for byte: every pair of types, every kind of layout.

The compiled kernels are tested where they are built, and their NumPy forms always. Nothing here knows tensors.
"""

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from headgate.kernels import reference_copy

Array = np.ndarray[Any, Any]
TYPES = ["?", "u1", "i1", "i2", "i4", "i8", "e", "f", "d"]
SHAPES: list[tuple[int, ...]] = [(), (0,), (1,), (3,), (5, 1), (2, 3, 4), (3, 0, 2), (17, 40), (70, 130), (3, 9, 8, 5)]


@pytest.fixture(params=["numpy", pytest.param("compiled", marks=pytest.mark.compiled_only)])
def kernels(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module("headgate.kernels.copying") if request.param == "compiled" else reference_copy


def numbers(shape: tuple[int, ...], kind: str) -> Array:
    """Numbers of every size, some too large for the small types, with NaN and infinities among the floats."""
    random = np.random.default_rng(len(shape))
    x = np.asarray(random.standard_normal(shape) * 10.0 ** random.integers(-8, 12, shape))
    x.reshape(-1)[::11], x.reshape(-1)[1::13], x.reshape(-1)[2::17] = np.nan, np.inf, 0
    with np.errstate(all="ignore"):
        return x.astype(kind)


def layouts(x: Array) -> Iterator[Array]:
    """The same shape in other layouts: transposed, reversed, with gaps, expanded."""
    yield x
    yield np.asarray(x.T.copy().T)
    if x.ndim:
        yield x[::-1]
        yield x[..., ::-1]
        yield np.repeat(x, 2, -1)[..., ::2]
        yield np.broadcast_to(x[:1], x.shape) if x.size else x
        yield np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0)


def expected(target: Array, source: Array) -> Array:
    with np.errstate(all="ignore"):
        single = target.dtype.char == "e" and source.dtype.char == "d"  # as PyTorch, which rounds twice there
        np.copyto(target, source.astype("f") if single else source, casting="unsafe")
    return target


@pytest.mark.parametrize("kind", TYPES)
def test_every_conversion_is_numpys(kernels: Any, kind: str) -> None:
    for size in (1, 3, 40, 600, 70_000):
        x = numbers((size,), kind)
        for other in TYPES:
            for source in (x, x[::-1], x[::2]):
                found = kernels.copy_into(np.empty(source.shape, other), source)
                assert found.tobytes() == expected(np.empty(source.shape, other), source).tobytes(), (other, size)


def test_doubles_are_rounded_to_half_by_way_of_single(kernels: Any) -> None:
    halves = np.arange(0x7C00, dtype="u2").view("e").astype("d")
    middles = (halves[:-1] + halves[1:]) / 2
    x = np.concatenate([np.nextafter(middles, 0), middles, np.nextafter(middles, np.inf), -middles])
    assert kernels.converted(x, np.dtype("e")).tobytes() == torch.from_numpy(x).half().numpy().tobytes()


@pytest.mark.parametrize("kind", ["?", "e", "f", "d"])
@pytest.mark.parametrize("shape", SHAPES)
def test_copies_of_every_layout(kernels: Any, kind: str, shape: tuple[int, ...]) -> None:
    for x in layouts(numbers(shape, kind)):
        assert kernels.contiguous(x).tobytes() == x.tobytes() and kernels.contiguous(x).flags.c_contiguous
        copy, wanted = kernels.copied(x), reference_copy.copied(x)
        assert copy.tobytes() == x.tobytes() and not np.shares_memory(copy, x)
        assert 1 in shape or x.size == 0 or copy.strides == wanted.strides
        assert kernels.converted(x, np.dtype("i4")).tobytes() == expected(np.empty(shape, "i4"), x).tobytes()
        for target in layouts(np.zeros(shape, kind)):
            if target.flags.writeable:
                assert kernels.copy_into(target, x) is target and target.tobytes() == x.tobytes()


def test_sources_broadcast_and_others_are_refused(kernels: Any) -> None:
    target = np.zeros((3, 4), "f")
    kernels.copy_into(target, np.arange(3)[:, None])
    assert target.tolist() == [[0] * 4, [1] * 4, [2] * 4]
    kernels.fill(target[:, 1:3], np.array(7.5))
    assert target.tolist() == [[k, 7.5, 7.5, k] for k in range(3)]
    for wrong in (np.zeros(3), np.zeros((2, 3, 4)), np.zeros((2, 4))):
        with pytest.raises(ValueError, match="broadcast"):
            kernels.copy_into(target, wrong)
    target.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        kernels.copy_into(target, np.zeros(4))


def test_what_overlaps_is_read_before_it_is_written(kernels: Any) -> None:
    for size in (10, 100_000):
        x = np.arange(size)
        kernels.copy_into(x, x[::-1])
        assert (x == np.arange(size)[::-1]).all()
        kernels.copy_into(x[1:], x[:-1])
        assert (x[1:] == np.arange(size)[:0:-1]).all()
        kernels.copy_into(x, x)


def test_odd_types_and_byte_orders(kernels: Any) -> None:
    x = np.arange(6.0).reshape(2, 3)
    for odd in (x.astype(">f8"), x.astype("c16"), x.astype("u8")):
        assert kernels.contiguous(odd.T).tolist() == odd.T.tolist()
        assert kernels.copy_into(np.empty((2, 3), odd.dtype), x).tolist() == odd.tolist()


@pytest.mark.parametrize("kind", ["u1", "f", "d"])
def test_joined(kernels: Any, kind: str) -> None:
    for x in layouts(numbers((17, 40), kind)):
        for axis in (0, 1):
            parts = [x, np.take(x, [3, 4], axis), expected(np.empty(x.shape, "i2"), x)]
            wanted = reference_copy.joined(parts, axis, np.dtype("d"))
            assert kernels.joined(parts, axis, np.dtype("d")).tobytes() == wanted.tobytes()
        for axis in (0, 1, 2):
            found = kernels.joined((x, x), axis, None, True)
            assert found.dtype == x.dtype and found.tobytes() == np.stack([x, x], axis).tobytes()


@pytest.mark.parametrize("diagonal", [-(2**40), -50, -3, 0, 1, 39, 2**40])
def test_triangles(kernels: Any, diagonal: int) -> None:
    for shape in ((17, 40), (40, 3), (2, 5, 6), (2, 0, 3), (200, 300)):
        for x in layouts(numbers(shape, "f")):
            near = min(max(diagonal, -1000), 1000)
            wanted = np.ones(shape, bool)
            for lower, keep in ((True, np.tril(wanted, near)), (False, np.triu(wanted, near))):
                found = kernels.triangle(x, diagonal, lower)
                assert found.tobytes() == np.where(keep, x, np.float32(0)).tobytes() and found.flags.c_contiguous


@pytest.mark.parametrize("kind", TYPES[1:])
@pytest.mark.parametrize("working", ["i8", "f", "d"])
def test_ramps_of_every_type_and_length(kernels: Any, kind: str, working: str) -> None:
    place = np.dtype(working)
    for n in (0, 1, 2, 9, 255, 256, 257, 70_001):
        index, step = np.arange(n).astype(place), place.type(3 if working == "i8" else 0.3)
        up = index * step + place.type(-7)
        found = kernels.ramp(n, -7, None, step, place, np.dtype(kind))
        assert found.tobytes() == expected(np.empty(n, kind), up).tobytes(), n
        if working != "i8":
            down = place.type(5.5) - step * index[::-1]
            both = np.where(np.arange(n) < n // 2, up, down)
            found = kernels.ramp(n, -7, 5.5, step, place, np.dtype(kind))
            assert found.tobytes() == expected(np.empty(n, kind), both).tobytes(), n


def test_a_ramp_of_integers_wraps(kernels: Any) -> None:
    found = kernels.ramp(5, 2**63 - 3, None, 2, np.dtype("i8"), np.dtype("i8"))
    assert found.tolist() == [2**63 - 3, 2**63 - 1, -(2**63) + 1, -(2**63) + 3, -(2**63) + 5]


@pytest.mark.parametrize("kind", TYPES)
def test_arrays_of_one_number(kernels: Any, kind: str) -> None:
    """As np.full: below and above what threads share, and of sizes that no eight bytes divide."""
    for shape in (*SHAPES, (70001,), (300, 401)):
        for value in numbers((4,), kind):
            got = kernels.repeated(shape, np.array(value, kind))
            assert got.dtype == kind and got.shape == shape and got.flags.c_contiguous
            assert got.tobytes() == np.full(shape, value, kind).tobytes()
        zeros = kernels.zeros(shape, np.dtype(kind))
        assert zeros.shape == shape and zeros.dtype == kind and not zeros.any()
