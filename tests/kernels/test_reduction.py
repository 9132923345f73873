"""Reductions, softmax and running sums side by side with PyTorch: every type, axis set, layout, special values.

The compiled kernels are tested where they are built, and their NumPy forms always. Nothing here knows tensors.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from headgate.kernels import reference_reduce

Array = np.ndarray[Any, Any]
SHAPES = [(), (1,), (3,), (7, 5), (1, 4, 1), (5, 6, 7), (3, 300, 5), (70000,), (2, 20000, 2), (6, 1, 130, 2)]
FLOATS = ["e", "f", "d"]
TYPES = ["?", "u1", "i1", "i2", "i4", "i8", *FLOATS]
TOLERANCE = {"e": 3e-3, "f": 1e-5, "d": 1e-12}


def implementations() -> list[Any]:
    """The NumPy forms, and the compiled kernels marked so that an uncompiled run leaves them out."""
    return [
        pytest.param("reference", id="numpy"),
        pytest.param("compiled", id="compiled", marks=pytest.mark.compiled_only),
    ]


class Kernels:
    """The functions of this file by name, from either implementation."""

    def __init__(self, kind: str) -> None:
        self.modules: list[ModuleType] = [reference_reduce]
        if kind == "compiled":
            from headgate.kernels import reduction, softmax

            self.modules = [reduction, softmax]

    def __getattr__(self, name: str) -> Any:
        return next(getattr(module, name) for module in self.modules if hasattr(module, name))


@pytest.fixture(params=implementations())
def kernels(request: pytest.FixtureRequest) -> Kernels:
    return Kernels(request.param)


def sample(shape: tuple[int, ...], kind: str, seed: int = 0, scale: float = 2.0) -> Array:
    made = np.random.default_rng(seed).standard_normal(shape) * scale
    return np.asarray(np.abs(made) if kind == "u1" else made).astype(kind)


def layouts(x: Array) -> Iterator[Array]:
    """The same values in memory orders that the kernels treat apart."""
    yield x
    if x.ndim:
        yield np.asfortranarray(x)
        yield np.repeat(x, 2, axis=-1)[..., ::2]
        yield np.ascontiguousarray(x[::-1])[::-1]
        yield np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)
    for axis in range(x.ndim):  # part of a larger one: a gap before the next place along the axis in front
        yield np.concatenate([x, x], axis)[(slice(None),) * axis + (slice(0, x.shape[axis]),)]


def axis_sets(rank: int) -> list[tuple[int, ...] | None]:
    found: list[tuple[int, ...] | None] = [None]
    for count in range(1, rank + 1):
        found += itertools.combinations(range(rank), count)
    return found


def same(got: Array, wanted: Array, tolerance: float, *what: object) -> None:
    assert got.shape == wanted.shape and got.dtype == wanted.dtype and got.flags.c_contiguous, (what, got.dtype)
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance, equal_nan=True, err_msg=str(what))


def torch_of(x: Array) -> torch.Tensor:
    return torch.from_numpy(np.array(x, order="C"))


def torch_reduce(name: str, t: torch.Tensor, axes: tuple[int, ...] | None, keepdims: bool) -> Array:
    every = tuple(range(t.dim())) if axes is None else axes
    if name == "prod":
        for axis in sorted(every, reverse=True):
            t = t.prod(axis, keepdim=True)
        kept = [size for axis, size in enumerate(t.shape) if axis not in every]
        result = t.prod() if not t.dim() else t if keepdims else t.reshape(kept)
    else:
        function = {"max": torch.amax, "min": torch.amin}.get(name) or getattr(torch, name)
        result = function(t, every, keepdim=keepdims) if t.dim() else function(t)
    return result.numpy()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "any", "all", "mean"])
def test_reductions(kernels: Kernels, name: str, kind: str) -> None:
    if name == "mean" and kind not in FLOATS:
        pytest.skip("mean wants floats")
    for shape in SHAPES:
        data = sample(shape, kind, scale=0.05 if name == "prod" and kind in FLOATS else 2.0)
        if name == "prod" and kind in FLOATS:
            data = np.asarray(data + np.sign(data)).astype(kind)
        spread = TOLERANCE.get(kind, 0.0) * (1 + data.size**0.5) if name != "prod" else TOLERANCE.get(kind, 0.0) * 30
        for number, (x, axes) in enumerate(itertools.product(layouts(data), axis_sets(len(shape)))):
            keepdims = number % 2 == 0
            wide = torch_of(x).float() if kind == "e" and name in ("sum", "prod", "mean") else torch_of(x)
            wanted = torch_reduce(name, wide, axes, keepdims)
            if name in ("any", "all"):
                wanted = wanted.astype(np.bool_)
            if kind == "e" and name in ("sum", "prod", "mean"):
                wanted = wanted.astype(kind)
            same(kernels.reduce(name, x, axes, keepdims), wanted, spread, name, shape, axes, x.strides)


@pytest.mark.parametrize("kind", TYPES[1:])
def test_positions_of_extremes(kernels: Kernels, kind: str) -> None:
    for shape in SHAPES:
        for x in layouts(sample(shape, kind)):
            for axis, keepdims in itertools.product([None, *range(len(shape))], (False, True)):
                for name in ("argmax", "argmin"):
                    wanted = getattr(np, name)(x, axis=axis, keepdims=keepdims)  # the first, as torch promises too
                    same(kernels.arg_reduce(name, x, axis, keepdims), np.asarray(wanted), 0, name, shape, axis)


@pytest.mark.parametrize("kind", FLOATS)
def test_nan_wins_wherever_it_stands(kernels: Kernels, kind: str) -> None:
    for count in (1, 31, 64, 129, 200):
        for place in range(count):
            x = sample((count,), kind)
            x[place] = np.nan if place % 2 else -np.nan
            assert np.isnan(kernels.reduce("max", x)) and np.isnan(kernels.reduce("min", x)), (count, place)


def test_sums_of_bytes(kernels: Kernels) -> None:
    for kind in ("?", "u1"):
        for count in (0, 1, 15, 63, 64, 65, 4095, 4097, 300_001):
            x = np.full(count, 255, "u1").astype(kind)
            assert kernels.reduce("sum", x) == x.sum(dtype="i8")
            assert kernels.reduce("sum", x[:-1]) == x[:-1].sum(dtype="i8")


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("count", [3, 100, 5000, 200_000])
def test_nan_wins(kernels: Kernels, kind: str, count: int) -> None:
    x = sample((count,), kind)
    x[count // 2] = np.nan
    x[-1] = np.inf
    columns = np.stack([x, x], 1)
    for name in ("max", "min"):
        assert np.isnan(kernels.reduce(name, x)) and np.isnan(kernels.reduce(name, columns, (0,))).all()
        assert kernels.arg_reduce("arg" + name, x) == count // 2
        assert (kernels.arg_reduce("arg" + name, columns, 0) == count // 2).all()
    assert kernels.reduce("any", x) and np.isnan(kernels.norm(x, np.inf)) and kernels.reduce("all", x)


@pytest.mark.parametrize("kind", FLOATS)
def test_variance_and_norms(kernels: Kernels, kind: str) -> None:
    for shape in SHAPES:
        for x in itertools.islice(layouts(sample(shape, kind)), 3):
            t = torch_of(x).double()
            for axes, keepdims in zip(axis_sets(len(shape)), itertools.cycle((False, True))):
                every = tuple(range(len(shape))) if axes is None else axes
                for correction in (0.0, 1.0, 2.5):
                    with np.errstate(all="ignore"):
                        wanted = torch.var(t, every, correction=correction, keepdim=keepdims).numpy().astype(kind)
                    same(kernels.variance(x, axes, correction, keepdims), wanted, 3 * TOLERANCE[kind], shape, axes)
                for order in (0.0, 1.0, 2.0, 3.0, np.inf, -np.inf):
                    wanted = torch.linalg.vector_norm(t, order, every, keepdims).numpy()
                    with np.errstate(over="ignore"):
                        wanted = wanted.astype(kind)
                    same(kernels.norm(x, order, axes, keepdims), wanted, 10 * TOLERANCE[kind], order, shape, axes)


def test_variance_far_from_zero(kernels: Kernels) -> None:
    x = (sample((10_000,), "d") + 1e6).astype("f")
    assert abs(kernels.variance(x) / np.var(x.astype("d"), ddof=1) - 1) < 1e-6


EMPTY = [
    ("max", (0,), None), ("max", (0,), (0,)), ("min", (0, 3), (0,)), ("max", (2, 0), (0, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shape", "axes"), EMPTY)
def test_extremes_of_nothing_raise_as_in_torch(kernels: Kernels, name: str, shape: tuple[int, ...], axes: Any) -> None:
    t = torch.zeros(shape)
    with pytest.raises((IndexError, RuntimeError)) as theirs:
        getattr(t, name)() if axes is None else getattr(t, "a" + name)(axes)
    with pytest.raises(theirs.type) as ours:
        kernels.reduce(name, np.zeros(shape, "f"), axes)
    assert str(ours.value).split("():")[1] == str(theirs.value).split("():")[1]
    with pytest.raises(IndexError, match="argmax\\(\\): Expected reduction dim"):
        kernels.arg_reduce("argmax", np.zeros(shape, "f"), None)


def test_reductions_of_nothing(kernels: Kernels) -> None:
    empty = np.zeros((0, 3), "f")
    assert kernels.reduce("sum", empty) == 0 and kernels.reduce("prod", empty) == 1
    assert not kernels.reduce("any", empty) and kernels.reduce("all", empty)
    assert np.isnan(kernels.reduce("mean", empty)) and np.isnan(kernels.variance(empty))
    same(kernels.reduce("sum", empty, (0,), True), np.zeros((1, 3), "f"), 0)
    same(kernels.reduce("max", empty, (1,)), np.zeros((0,), "f"), 0)
    same(kernels.logsumexp(empty, (0,)), np.full(3, -np.inf, "f"), 0)


def test_bad_axes(kernels: Kernels) -> None:
    x = np.zeros((2, 3), "f")
    with pytest.raises(IndexError, match=r"Dimension out of range \(expected to be in range of \[-2, 1\], but got 2\)"):
        kernels.reduce("sum", x, (2,))
    with pytest.raises(RuntimeError, match="dim 1 appears multiple times in the list of dims"):
        kernels.reduce("sum", x, (1, -1))


@pytest.mark.parametrize("wanted", ["f", "d", "i4", "u1", "?", "e"])
def test_out_dtype_casts_first(kernels: Kernels, wanted: str) -> None:
    for kind in ("f", "e", "i8", "i2", "?"):
        x = np.asarray([0.6, 0.6, 1.9, 300 if kind != "?" else 1]).astype(kind)
        theirs = torch.from_numpy(x).sum(dtype=torch.from_numpy(np.zeros(1, wanted)).dtype).numpy()
        same(kernels.reduce("sum", x, None, False, np.dtype(wanted)), theirs, 1e-3, kind)


@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_softmax(kernels: Kernels, name: str, kind: str) -> None:
    for shape in [*SHAPES, (300, 70), (1000, 4), (0, 3), (3, 0)]:
        data = sample(shape, kind, scale=5.0)
        if data.size > 20:
            data.flat[3], data.flat[11] = -np.inf, -50
        for x, axis in itertools.product(layouts(data), range(-max(1, len(shape)), len(shape))):
            t = torch_of(x).double()
            wanted = getattr(torch, name)(t, axis).numpy().astype(kind)
            got = kernels.logsumexp(x, (axis,)) if name == "logsumexp" else getattr(kernels, name)(x, axis)
            same(got, wanted, 3 * TOLERANCE[kind], name, shape, axis)


@pytest.mark.parametrize("kind", FLOATS)
def test_softmax_gradients(kernels: Kernels, kind: str) -> None:
    for shape in SHAPES:
        for axis in range(-max(1, len(shape)), len(shape)):
            x, g = sample(shape, kind), sample(shape, kind, seed=1)
            for name, loop in (("softmax", "softmax_backward"), ("log_softmax", "log_softmax_backward")):
                t = torch_of(x).double().requires_grad_()
                y = getattr(torch, name)(t, axis)
                y.backward(torch_of(g).double())
                assert t.grad is not None
                rounded = y.detach().numpy().astype(kind)
                scale = 1 + float(np.abs(g.astype("d")).sum()) / 50
                got = getattr(kernels, loop)(g, rounded, axis)
                same(got, t.grad.numpy().astype(kind), 2 * TOLERANCE[kind] * scale, loop, shape, axis)


SPECIAL = [[-np.inf] * 3, [1, np.inf], [np.nan, 1], [np.inf, -np.inf], [-np.inf, 2.0]]


@pytest.mark.parametrize("values", SPECIAL)
@pytest.mark.parametrize("kind", FLOATS)
def test_softmax_of_infinities(kernels: Kernels, kind: str, values: list[float]) -> None:
    x = np.array(values, kind)
    for row, column in ((x, np.stack([x] * 5, 1)), (np.repeat(x, 30), np.repeat(np.stack([x] * 5, 1), 30, axis=0))):
        t = torch.from_numpy(row)
        for name in ("softmax", "log_softmax"):
            wanted = getattr(torch, name)(t, 0).numpy()
            same(getattr(kernels, name)(row, 0), wanted, 3e-3)
            same(np.ascontiguousarray(getattr(kernels, name)(column, 0)[:, 2]), wanted, 3e-3)
        same(kernels.logsumexp(row), torch.logsumexp(t, 0).numpy(), 3e-3)
        same(kernels.cumulate("logcumsumexp", row, 0), torch.logcumsumexp(t, 0).numpy(), 3e-3)


@pytest.mark.parametrize("kind", TYPES)
def test_running(kernels: Kernels, kind: str) -> None:
    for shape in [*SHAPES, (0, 3), (3, 0)]:
        data = sample(shape, kind)
        if kind in FLOATS and data.size > 50:
            data.flat[40] = np.nan
        for x, axis in itertools.product(layouts(data), range(-max(1, len(shape)), len(shape))):
            t = torch_of(x)
            spread = TOLERANCE.get(kind, 0.0) * (3 + x.size**0.5)
            same(kernels.cumulate("cumsum", x, axis), t.cumsum(axis).numpy(), spread, shape, axis)
            same(kernels.cumulate("cumprod", x, axis), t.cumprod(axis).numpy(), spread, shape, axis)
            if kind in FLOATS:
                wanted = t.double().logcumsumexp(axis).numpy().astype(kind)
                same(kernels.cumulate("logcumsumexp", x, axis), wanted, 3 * TOLERANCE[kind], shape, axis)
            for name in ("cummax", "cummin"):
                for got, theirs in zip(kernels.cumulate(name, x, axis), getattr(t, name)(axis), strict=True):
                    same(got, theirs.numpy(), 0, name, shape, axis)


BITS = """
import sys, hashlib, numpy as np
from headgate.kernels import pool, reduction, softmax
pool.set_num_threads(int(sys.argv[1]))
r = np.random.default_rng(0)
h = hashlib.sha256()
for shape in [(300_001,), (300, 1001), (3, 50_000, 3), (100_000, 4)]:
    x = r.standard_normal(shape).astype("f")
    for axes in [None, (0,), (len(shape) - 1,)]:
        for got in (reduction.reduce("sum", x, axes), reduction.variance(x, axes), reduction.reduce("mean", x, axes)):
            h.update(got.tobytes())
    if sys.argv[2] == "threads":
        for got in (softmax.softmax(x, 0), softmax.softmax(x, -1), softmax.cumulate("cumsum", x, 0)):
            h.update(got.tobytes())
print(h.hexdigest())
"""


def digest(threads: int, level: str, what: str) -> str:
    environment = {**os.environ, "HEADGATE_CPU": level}
    command = [sys.executable, "-c", BITS, str(threads), what]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.mark.compiled_only
def test_bits_do_not_depend_on_the_number_of_threads() -> None:
    assert digest(1, "", "threads") == digest(2, "", "threads") == digest(5, "", "threads")
    assert digest(1, "baseline", "sums") == digest(2, "avx2", "sums")


@pytest.mark.compiled_only
@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_level_is_right(level: str) -> None:
    check = (
        "import numpy as np; from headgate.kernels import reduction as r, softmax as s\n"
        "x = np.random.default_rng(0).standard_normal((57, 1003)).astype('f'); d = x.astype('d')\n"
        "for a in (0, 1):\n"
        "    assert np.isnan(r.reduce('max', np.where(x == x.max(), np.nan, x), (a,))).sum() == 1\n"
        "    for n in ('sum', 'max', 'min', 'mean'):\n"
        "        assert np.allclose(r.reduce(n, x, (a,)), getattr(np, n)(d, a), rtol=1e-5, atol=1e-4), (n, a)\n"
        "    assert np.allclose(r.variance(x, (a,)), d.var(a, ddof=1), rtol=1e-5)\n"
        "    e = np.exp(d); assert np.allclose(s.softmax(x, a), e / e.sum(a, keepdims=True), rtol=1e-5)\n"
        "    assert (r.arg_reduce('argmax', x, a) == x.argmax(a)).all()\n"
        "h = x.astype('e'); assert np.allclose(r.reduce('sum', h, (1,)), h.astype('f').sum(1), rtol=2e-3, atol=1e-2)\n"
    )
    subprocess.run([sys.executable, "-c", check], env={**os.environ, "HEADGATE_CPU": level}, check=True)
