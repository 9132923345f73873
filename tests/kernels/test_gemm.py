"""Matrix products beside NumPy and PyTorch: shapes from one element to blocked ones, every layout, type and broadcast.

The compiled kernels are tested where they are built, and their NumPy forms always. Nothing here knows tensors.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from headgate.kernels import reference_reduce

Array = np.ndarray[Any, Any]
TYPES = ["f", "d", "e", "i8", "i4", "i2", "i1", "u1"]
TOLERANCE = {"e": 2e-2, "f": 3e-5, "d": 1e-11}
PAIRS = [
    ((3,), (3,)), ((0,), (0,)), ((100_000,), (100_000,)), ((3, 4), (4,)), ((4,), (4, 5)), ((3, 3), (3, 3)),
    ((5, 7), (7, 9)),
    ((1, 7), (7, 1)), ((1, 7), (7, 40)), ((40, 7), (7, 1)), ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((17, 33), (33, 65)),
    ((100, 64), (64, 80)), ((300, 2000), (2000,)), ((2000,), (2000, 300)), ((4, 3, 5), (4, 5, 6)), ((4, 3, 5), (5, 6)),
    ((3, 5), (4, 5, 6)), ((2, 1, 3, 5), (4, 5, 6)), ((5,), (4, 5, 6)), ((4, 3, 5), (5,)), ((4, 30, 50), (4, 50, 60)),
    ((3, 1, 5), (5, 6)), ((8, 40, 50), (50, 30)), ((70, 130), (130, 3)), ((3, 130), (130, 70)), ((130, 1), (1, 70)),
]  # fmt: skip


@pytest.fixture(params=["numpy", pytest.param("compiled", marks=pytest.mark.compiled_only)])
def kernels(request: pytest.FixtureRequest) -> Any:
    if request.param == "numpy":
        return reference_reduce
    from headgate.kernels import gemm

    return gemm


def sample(shape: tuple[int, ...], kind: str, seed: int = 0) -> Array:
    random = np.random.default_rng(seed)
    made = random.standard_normal(shape) if kind in "efd" else random.integers(0 if kind == "u1" else -5, 6, shape)
    return np.asarray(made).astype(kind)


def layouts(x: Array) -> Iterator[Array]:
    yield x
    yield np.repeat(x, 2, -1)[..., ::2]
    yield x[..., ::-1]
    yield np.broadcast_to(x[..., :1], x.shape)
    if x.ndim > 1:
        yield np.ascontiguousarray(x.swapaxes(-1, -2)).swapaxes(-1, -2)
        yield np.repeat(x, 2, -2)[..., ::2, :]
    if x.ndim > 2:
        yield np.broadcast_to(x[:1], x.shape)


def product(a: Array, b: Array) -> Array:
    """The product in the widest type, rounded or wrapped once."""
    kind = np.float64 if a.dtype.kind == "f" else np.int64
    return np.asarray(np.matmul(a.astype(kind), b.astype(kind))).astype(a.dtype)


def same(got: Array, wanted: Array, kind: str, size: int, *what: object) -> None:
    tolerance = TOLERANCE.get(kind, 0) * (1 if size < 10_000 else 100)  # NumPy adds strided vectors up one by one
    assert got.shape == wanted.shape and got.dtype == wanted.dtype and got.flags.c_contiguous, what
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * size**0.5, err_msg=str(what))


@pytest.mark.parametrize("kind", TYPES)
def test_products(kernels: Any, kind: str) -> None:
    for shapes in PAIRS:
        for a in layouts(sample(shapes[0], kind)):
            for b in layouts(sample(shapes[1], kind, 1)):
                same(kernels.matmul(a, b), product(a, b), kind, shapes[0][-1], shapes, a.strides, b.strides)


@pytest.mark.parametrize("size", [1, 1023, 1025, 70_001, 300_000])
def test_dot_of_halves(kernels: Any, size: int) -> None:
    a, b = sample((2 * size,), "e")[::2], sample((size,), "e", 1)
    wanted = np.asarray(np.dot(a.astype("d"), b.astype("d")))
    got = kernels.matmul(a, b)
    assert got.dtype == np.float16 and got.shape == ()
    assert abs(float(got) - wanted) <= 1e-3 * max(abs(wanted), size**0.5)


@pytest.mark.parametrize("kind", ["f", "d", "i8", "i4", "e"])
def test_addmm(kernels: Any, kind: str) -> None:
    for m, k, n in [(1, 1, 1), (3, 4, 5), (2, 0, 3), (1, 9, 5), (33, 40, 50), (5, 300, 1)]:
        for a in layouts(sample((m, k), kind)) if k else [sample((m, k), kind)]:
            for c in (sample((m, n), kind), sample((n,), kind), sample((), kind), sample((m, 1), kind)):
                for beta, alpha in ((1, 1), (0, 1), (2, 3)):
                    b = sample((k, n), kind, 2)
                    x, y, z = (torch.from_numpy(np.array(v, order="C")) for v in (c, a, b))
                    if kind == "e":
                        x, y, z = x.float(), y.float(), z.float()
                    wanted = torch.addmm(x, y, z, beta=beta, alpha=alpha).numpy().astype(kind)
                    same(kernels.addmm(c, a, b, beta, alpha), wanted, kind, 4 * k + 4, m, k, n, c.shape, beta, alpha)


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """So many threads while a test runs."""
    from headgate.kernels.pool import get_num_threads, set_num_threads

    before = get_num_threads()
    set_num_threads(request.param)
    yield request.param
    set_num_threads(before)


LARGE = [(130, 300, 70), (33, 1100, 40), (513, 70, 300), (96, 96, 96), (65, 1, 4100), (17, 40_000, 2), (1040, 33, 1100),
         (900, 700, 500)]


@pytest.mark.compiled_only
@pytest.mark.parametrize("m, k, n", LARGE)
def test_products_split_over_threads(threads: int, m: int, k: int, n: int) -> None:
    from headgate.kernels import gemm

    for kind in "fd":
        b, c = sample((k, n), kind, 1), sample((n,), kind, 2)
        for a in layouts(sample((m, k), kind)):
            for right in (b, np.ascontiguousarray(b.T).T, np.repeat(b, 2, 0)[::2]):
                wanted = product(a, right)
                same(gemm.matmul(a, right), wanted, kind, k, threads, a.strides, right.strides)
                wanted = (2 * c.astype("d") - 3 * np.matmul(a.astype("d"), right.astype("d"))).astype(kind)
                same(gemm.addmm(c, a, right, 2, -3), wanted, kind, 4 * k + 4, threads, a.strides, right.strides)


@pytest.mark.compiled_only
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64") or os.environ.get("HEADGATE_CPU") == "baseline",
                    reason="the library multiplies, whose sums depend on how its work is cut")
def test_middling_products_have_the_same_bits_on_any_number_of_threads() -> None:
    from headgate.kernels.pool import get_num_threads, set_num_threads

    from headgate.kernels import gemm

    before = get_num_threads()
    for m, k, n in [(130, 300, 70), (513, 70, 300), (65, 1030, 33)]:
        for kind in "fd":
            a, b, c = sample((m, k), kind), sample((n, k), kind, 1).T, sample((n,), kind, 2)
            found = []
            for threads in (1, 2, 5):
                set_num_threads(threads)
                found.append(gemm.addmm(c, a, b, 1, 1))
            set_num_threads(before)
            assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2]), (m, k, n, kind)


def test_beta_zero_ignores_what_is_there(kernels: Any) -> None:
    for size in (3, 60):
        a, nan = sample((size, size), "f"), np.full((size, size), np.nan, "f")
        same(kernels.addmm(nan, a, a, 0, 1), product(a, a), "f", size)
        same(kernels.addmm(nan[0], a, a, 0, 1), product(a, a), "f", size)


def test_out_may_be_an_operand(kernels: Any) -> None:
    a = sample((40, 40), "f")
    wanted, kept = product(a, a), a
    assert kernels.matmul(a, a, a) is kept
    np.testing.assert_allclose(kept, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.compiled_only
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3,), (4,)), ((2, 3), (4, 5)), ((2, 3), (4,)), ((), (3,)), ((3,), ()), ((2, 3, 4), (2, 5, 4)),
        ((2, 3, 4), (5, 4)), ((3,), (4, 5)),
    ],
)
def test_shapes_that_do_not_go_together(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    from headgate.kernels import gemm

    with pytest.raises(RuntimeError) as theirs:
        torch.matmul(torch.zeros(left), torch.zeros(right))
    with pytest.raises(RuntimeError) as ours:
        gemm.matmul(np.zeros(left, "f"), np.zeros(right, "f"))
    assert str(ours.value)[:40] == str(theirs.value)[:40]


@pytest.mark.compiled_only
def test_library_is_opened_only_when_needed() -> None:
    check = (
        "import sys, numpy as np; from headgate.kernels import gemm\n"
        "loaded = lambda: 'scipy_openblas32/' in open('/proc/self/maps').read()\n"
        "gemm.matmul(np.ones((3, 3), 'f'), np.ones((3, 3), 'f')); assert not loaded()\n"
        "gemm.matmul(np.ones((700, 700), 'f'), np.ones((700, 700), 'f'))\n"
        "assert loaded() == (gemm.blas_in_use() == 'scipy-openblas32') and 'scipy_openblas32' not in sys.modules\n"
    )
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    subprocess.run([sys.executable, "-c", check], check=True)


@pytest.mark.compiled_only
def test_without_the_library() -> None:
    check = (
        "import importlib.util as u, numpy as np\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'scipy_openblas32' else find(name, *rest)\n"
        "from headgate.kernels import gemm\n"
        "a = np.random.default_rng(0).standard_normal((2, 90, 70)); b = a.swapaxes(1, 2)\n"
        "assert gemm.blas_in_use() == 'NumPy'\n"
        "assert np.allclose(gemm.matmul(a, b), a @ b) and np.allclose(gemm.matmul(a[0], b[1]), a[0] @ b[1])\n"
        "assert np.allclose(gemm.addmm(np.ones(90), a[0], b[0], 2, 3), 2 + 3 * (a[0] @ b[0]))\n"
        "a = np.random.default_rng(0).standard_normal((2, 700, 800)); b = a.swapaxes(1, 2)\n"
        "assert np.allclose(gemm.matmul(a, b), a @ b) and np.allclose(gemm.matmul(a[0], b[1]), a[0] @ b[1])\n"
        "assert np.allclose(gemm.addmm(np.ones(700), a[0], b[0], 2, 3), 2 + 3 * (a[0] @ b[0]))\n"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
