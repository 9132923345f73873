"""Factors, systems and values of matrices beside PyTorch: sizes on both sides of every road, layouts, failures.

The compiled kernels are tested where they are built, and their NumPy forms always. Nothing here knows tensors.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from headgate.kernels import reference_lapack

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(17)
SQUARE = [(1, 1), (2, 2), (3, 3), (8, 8), (17, 17), (40, 40), (300, 300), (5, 4, 4), (2, 3, 6, 6), (2, 70, 70)]
SHAPES = [*SQUARE[:-1], (1, 5), (5, 1), (4, 3), (3, 4), (20, 70), (70, 20), (3, 9, 2), (2, 3, 2, 9), (310, 20)]
TOLERANCE = {"f": 2e-3, "d": 1e-9}


@pytest.fixture(params=["numpy", pytest.param("compiled", marks=pytest.mark.compiled_only)])
def kernels(request: pytest.FixtureRequest) -> Any:
    if request.param == "numpy":
        return reference_lapack
    from headgate.kernels import lapack

    return lapack


def turned(x: Array) -> Array:
    return np.swapaxes(x, -1, -2)


def spaced(x: Array) -> Array:
    wide = np.full([2 * n for n in x.shape], np.nan, x.dtype)
    wide[tuple(slice(None, None, 2) for _ in x.shape)] = x
    return wide[tuple(slice(None, None, 2) for _ in x.shape)]


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "rows": np.ascontiguousarray, "columns": lambda x: turned(np.ascontiguousarray(turned(x))), "spaced": spaced,
    "backwards": lambda x: np.ascontiguousarray(x[..., ::-1, ::-1])[..., ::-1, ::-1],
}  # fmt: skip


def general(shape: tuple[int, ...], kind: str) -> Array:
    return RANDOM.standard_normal(shape).astype(kind)


def positive(shape: tuple[int, ...], kind: str) -> Array:
    x = RANDOM.standard_normal(shape)
    return (x @ turned(x) / shape[-1] + np.eye(shape[-1])).astype(kind)


def same(mine: Any, theirs: Any, kind: str) -> None:
    mine, theirs = ((one if isinstance(one, tuple) else (one,)) for one in (mine, theirs))
    assert len(mine) == len(theirs)
    for one, other in zip(mine, map(np.asarray, theirs)):
        assert one.shape == other.shape and one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=TOLERANCE[kind], atol=TOLERANCE[kind])


def theirs(function: Callable[..., Any], *arrays: Array) -> Any:
    return tuple_of(function(*(torch.from_numpy(np.ascontiguousarray(x)) for x in arrays)))


def tuple_of(found: Any) -> Any:
    return tuple(x.numpy() for x in found) if isinstance(found, tuple) else found.numpy()


every_layout = pytest.mark.parametrize("layout", LAYOUTS)
both_types = pytest.mark.parametrize("kind", ["f", "d"])


@both_types
@every_layout
@pytest.mark.parametrize("shape", SQUARE)
def test_square_matrices(kernels: Any, shape: tuple[int, ...], layout: str, kind: str) -> None:
    a = general(shape, kind) + np.asarray(4 * np.eye(shape[-1]), kind)
    x = LAYOUTS[layout](a)
    same(kernels.inverse(x), theirs(torch.linalg.inv, a), kind)
    if shape[-1] < 50:
        np.testing.assert_allclose(kernels.det(x), theirs(torch.linalg.det, a), rtol=TOLERANCE[kind])
    same(tuple(kernels.slogdet(x)), theirs(lambda t: tuple(torch.linalg.slogdet(t)), a), kind)
    s = positive(shape, kind)
    same(kernels.cholesky(LAYOUTS[layout](s)), theirs(torch.linalg.cholesky, s), kind)
    for uplo in "LU":
        values, vectors = kernels.eigh(LAYOUTS[layout](s), uplo)
        expected = theirs(lambda t, u=uplo: tuple(torch.linalg.eigh(t, u)), s)
        same(values, expected[0], kind)
        if shape[-1] < 10 and kind == "d":
            same(vectors, np.linalg.eigh(s, uplo)[1], kind)  # the signs too
        same(vectors * values[..., None, :] @ turned(vectors), s, kind)
        same(kernels.eigvalsh(LAYOUTS[layout](s), uplo), expected[0], kind)


@both_types
@every_layout
@pytest.mark.parametrize("columns", [1, 2, 20])
@pytest.mark.parametrize("shape", SQUARE)
def test_systems(kernels: Any, shape: tuple[int, ...], columns: int, layout: str, kind: str) -> None:
    a, b = positive(shape, kind), general((*shape[:-1], columns), kind)
    x, y = LAYOUTS[layout](a), LAYOUTS[layout](b)
    same(kernels.solve(x, y, True, False), theirs(torch.linalg.solve, a, b), kind)
    z = LAYOUTS[layout](turned(b))
    same(kernels.solve(x, z, False, False), turned(theirs(torch.linalg.solve, turned(a), b)), kind)
    same(kernels.solve(x, y[..., 0], True, True), theirs(torch.linalg.solve, a, b[..., :1])[..., 0], kind)
    for upper in (False, True):
        same(kernels.cholesky_solve(y, x, upper), theirs(lambda b, a, u=upper: torch.cholesky_solve(b, a, u), b, a),
             kind)
        same(kernels.cholesky_inverse(x, upper), theirs(lambda a, u=upper: torch.cholesky_inverse(a, u), a), kind)
        for unit in (False, True):
            t = (a / shape[-1]).astype(kind) if unit else a
            low, options = LAYOUTS[layout](t), {"upper": upper, "unitriangular": unit}
            for left, w, c in ((True, y, b), (False, z, turned(b))):
                same(kernels.triangular(low, w, upper, unit, left),
                     theirs(lambda t, c, o=options, d=left: torch.linalg.solve_triangular(t, c, left=d, **o), t, c),
                     kind)


@both_types
@every_layout
@pytest.mark.parametrize("shape", SHAPES[:6] + SHAPES[7:-1])
def test_lu(kernels: Any, shape: tuple[int, ...], layout: str, kind: str) -> None:
    a = general(shape, kind)
    x = LAYOUTS[layout](a)
    packed, pivots, info = kernels.lu_factor(x, True)
    same((packed, pivots), theirs(lambda t: tuple(torch.linalg.lu_factor(t)), a), kind)
    assert info.dtype == np.int32 and info.shape == shape[:-2] and not info.any()
    p, lower, upper = theirs(lambda t: tuple(torch.linalg.lu(t)), a)
    same(kernels.lu(x, True), (lower, upper, p), kind)
    same(kernels.permutation(pivots, shape[-2], a.dtype), p, kind)
    fixed, pivots, info = kernels.lu_factor(LAYOUTS[layout](a + np.asarray(9 * np.eye(*shape[-2:]), kind)), False)
    count = min(shape[-2:])
    assert not info.any() and (pivots == np.arange(1, count + 1)).all()
    lower = np.tril(fixed[..., :count], -1) + np.eye(shape[-2], count)
    same((lower @ np.triu(fixed[..., :count, :])).astype(kind), a + np.asarray(9 * np.eye(*shape[-2:]), kind), kind)
    if shape[-1] == shape[-2]:
        b = general((*shape[:-1], 3), kind)
        packed, pivots, _ = kernels.lu_factor(x, True)
        for adjoint in (False, True):
            back = turned(a) if adjoint else a
            same((back @ kernels.lu_solve(packed, pivots, LAYOUTS[layout](b), adjoint)).astype(kind), b, kind)


def test_zero_pivots(kernels: Any) -> None:
    a = np.array([[[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 0.0, 0.0]], np.diag([1.0, 2.0, 3.0])])
    assert kernels.lu_factor(a, True)[2].tolist() == [2, 0]
    assert kernels.lu_factor(np.zeros((2, 2)), False)[2].tolist() == 1
    assert kernels.det(a).tolist() == [0.0, 6.0]
    assert [x.tolist() for x in kernels.slogdet(a)] == [[0.0, 1.0], [-np.inf, np.log(6.0)]]
    for call in (lambda: kernels.inverse(a), lambda: kernels.solve(a, a, True, False)):
        with pytest.raises(np.linalg.LinAlgError):
            call()


@pytest.mark.parametrize("pivots", [[0, 2, 3], [1, 2, 4], [-5, 2, 3], [1, 2, 2**31 - 1]])
def test_exchanges_outside_a_matrix_touch_nothing(kernels: Any, pivots: list[int]) -> None:
    wrong, a = np.array(pivots, np.int32), np.eye(3)
    for call in (lambda: kernels.permutation(wrong, 3, a.dtype), lambda: kernels.lu_solve(a, wrong, a, False)):
        try:
            found = call()
        except IndexError:
            continue
        assert np.isin(found, (0, 1)).all()


@both_types
@every_layout
@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal_factors(kernels: Any, shape: tuple[int, ...], layout: str, kind: str) -> None:
    a = general(shape, kind)
    x = LAYOUTS[layout](a)
    for mode in ("reduced", "complete", "r"):
        expected = theirs(lambda t, m=mode: tuple(torch.linalg.qr(t, m)), a)
        same(tuple(kernels.qr(x, mode)), expected, kind)  # the signs too
    for full in (False, True):
        u, s, vh = kernels.svd(x, full)
        expected = theirs(lambda t, f=full: tuple(torch.linalg.svd(t, f)), a)
        assert [one.shape for one in (u, s, vh)] == [one.shape for one in expected]
        same(s, expected[1], kind)
        count = s.shape[-1]
        same(u[..., :count] * s[..., None, :] @ vh[..., :count, :], a, kind)
        if max(shape[-2:]) < 10 and kind == "d":  # the signs too
            expected = expected if shape[-2] == shape[-1] else np.linalg.svd(a, full)
            same((u[..., :count], vh[..., :count, :]), (expected[0][..., :count], expected[2][..., :count, :]), kind)
        for one, turn in ((turned(u), u), (vh, turned(vh))):
            same(one @ turn, np.broadcast_to(np.eye(one.shape[-2], dtype=kind), (one @ turn).shape), kind)
    same(kernels.svdvals(x), s, kind)


@both_types
@every_layout
@pytest.mark.parametrize("shape", SHAPES)
def test_what_singular_values_tell(kernels: Any, shape: tuple[int, ...], layout: str, kind: str) -> None:
    a = general(shape, kind)
    a[..., -1] = 0
    x, b = LAYOUTS[layout](a), general((*shape[:-1], 2), kind)
    rest = np.linalg.matrix_rank(a)
    assert kernels.rank(x, 0.0, 1e-4).tolist() == rest.tolist() and kernels.rank(x, 1e9, 0.0).sum() == 0
    inverse = kernels.pinv(x, 0.0, 1e-4)
    same(inverse, theirs(lambda t: torch.linalg.pinv(t, rtol=1e-4), a), kind)
    assert not kernels.pinv(x, 1e9, 0.0).any()
    bounds = np.full(shape[:-2], 1e9)
    assert kernels.rank(x, bounds, 0.0).sum() == 0 and not kernels.pinv(x, bounds, 0.0).any()
    solution, rank = kernels.lstsq(x, LAYOUTS[layout](b), 1e-4)
    same(solution, inverse @ b, kind)
    assert rank.dtype == np.int64 and rank.tolist() == rest.tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(kernels: Any, bad: float) -> None:
    a = np.ones((2, 3, 3))
    a[1, 2, 1] = bad
    b = np.ones((2, 3, 1))
    for call in (lambda: kernels.svd(a, True), lambda: kernels.svdvals(a), lambda: kernels.pinv(a, 0.0, 1e-9),
                 lambda: kernels.rank(a, 0.0, 1e-9), lambda: kernels.lstsq(a, b, 1e-9), lambda: kernels.cholesky(a)):
        with pytest.raises(np.linalg.LinAlgError):
            call()


@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (2, 0, 0)])
def test_nothing(kernels: Any, shape: tuple[int, ...]) -> None:
    a = np.ones(shape)
    assert kernels.cholesky(a).shape == kernels.inverse(a).shape == shape
    assert kernels.det(a).shape == shape[:-2] and kernels.lu_factor(a, True)[2].shape == shape[:-2]
    assert [one.shape for one in kernels.qr(a, "reduced")] == [shape, shape]
    assert kernels.eigvalsh(a, "L").shape == shape[:-1]
    b = np.ones((*shape[:-1], 2))
    for found in (kernels.solve(a, b, True, False), kernels.triangular(a, b, True, False, True)):
        assert found.shape == b.shape


def test_a_batch_of_one_matrix_read_again_and_again(kernels: Any) -> None:
    a = np.broadcast_to(positive((3, 3), "d"), (2, 4, 3, 3))
    same(kernels.inverse(a), np.linalg.inv(a), "d")
    same(kernels.triangular(a, np.broadcast_to(np.eye(3), a.shape), False, False, True),
         np.linalg.inv(np.tril(a)), "d")


@both_types
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (40, 40), (1, 3), (3, 1)])
@pytest.mark.parametrize("scale", [0.0, 1e-38, 1e-32, 1e-17, 1e17, 1e38])
def test_reflections_of_any_length(kernels: Any, scale: float, shape: tuple[int, ...], kind: str) -> None:
    a = (general(shape, "d") * scale / shape[0]).astype(kind) if kind == "f" else general(shape, kind) * scale**8
    a[1:, 0] = 0  # nothing to reflect in the first column
    q, r = kernels.qr(a, "reduced")
    expected = np.linalg.qr(a)
    np.testing.assert_allclose(q, expected[0], atol=1e-3)
    np.testing.assert_allclose(r, expected[1], rtol=1e-3, atol=1e-4 * np.abs(a).max())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_reflections_of_what_is_not_finite(kernels: Any, bad: float) -> None:
    a = general((4, 3), "d")
    a[2, 1] = bad
    assert np.isnan(kernels.qr(a, "reduced")[1][1, 1])


@both_types
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (32, 32), (1, 7), (7, 1), (2, 6, 6)])
@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e-20, 1e-3, 1e3, 1e20, 1e30])
def test_singular_values_of_any_size(kernels: Any, scale: float, shape: tuple[int, ...], kind: str) -> None:
    a = (general(shape, "d") * (scale if kind == "f" else scale**8)).astype(kind)
    a[..., -1] = a[..., 0]
    expected = np.linalg.svd(a, compute_uv=False)
    np.testing.assert_allclose(kernels.svdvals(a), expected, atol=1e-6 * expected.max(initial=0))
    assert kernels.rank(a, 0.0, 1e-5).tolist() == (expected > 1e-5 * expected[..., :1]).sum(-1).tolist()


def test_batches_are_broadcast(kernels: Any) -> None:
    a, b = positive((3, 3), "d"), general((2, 3, 1), "d")
    both = np.broadcast_to(a, (2, 3, 3))
    same(kernels.triangular(a, b, False, False, True), kernels.triangular(both, b, False, False, True), "d")
    across = kernels.triangular(a, turned(b), False, False, False)
    same(across, turned(kernels.triangular(both, b, True, False, True)), "d")
    same(kernels.cholesky_solve(b, a, False), kernels.cholesky_solve(b, both, False), "d")
    same(kernels.solve(a, b, True, False), np.linalg.solve(both, b), "d")
    packed, pivots, _ = kernels.lu_factor(a, True)
    same(kernels.lu_solve(packed, pivots, b, False), np.linalg.solve(both, b), "d")
