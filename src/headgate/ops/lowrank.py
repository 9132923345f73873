"""Singular values of low rank by random projection (Halko, Martinsson and Tropp, 2011); the old triangular solve."""

from __future__ import annotations

import warnings
from typing import Any

from headgate.core.declare import install_method
from headgate.core.entry import PUBLIC, publish
from headgate.core.results import result_type
from headgate.errors import TYPE_NAMES
from headgate.ops.decompose import turned
from headgate.ops.margins import tensor
from headgate.ops.rules import written

SOLVED = result_type("triangular_solve", "solution cloned_coefficient")
SOLVE_OLD = (
    "torch.triangular_solve is deprecated in favor of torch.linalg.solve_triangularand will be removed in a future "
    "PyTorch release.\ntorch.linalg.solve_triangular has its arguments reversed and does not return a copy of one of "
    "the inputs.\nX = torch.triangular_solve(B, A).solution\nshould be replaced with\nX = "
    "torch.linalg.solve_triangular(A, B)."
)


def basis(a: Any, q: int, steps: int) -> Any:
    """`q` orthonormal columns that nearly span those of `a`: of random mixtures, multiplied by a aᵀ `steps` times."""
    qr = PUBLIC["linalg.qr"]
    found = qr(a @ PUBLIC["randn"](a.shape[-1], q, dtype=a.dtype)).Q
    for _ in range(steps):
        found = qr(turned(a) @ found).Q
        found = qr(a @ found).Q
    return found


def svd_lowrank(A: Any, q: int | None = 6, niter: int | None = 2, M: Any = None) -> Any:
    """(U, S, V) with A - M near U diag(S) Vᵀ: about the `q` largest singular values, by `niter` power steps.

    Random: the same seed gives the same result. M, the mean, is broadcast to the shape of A.
    """
    x = tensor(A, "svd_lowrank", "A")
    if M is not None:
        x = x - M.broadcast_to(x.shape)
    wide = x.shape[-2] < x.shape[-1]
    x = turned(x) if wide else x
    columns = basis(x, 6 if q is None else q, 2 if niter is None else niter)
    u, s, vh = PUBLIC["linalg.svd"](turned(columns) @ x, full_matrices=False)
    u, v = columns @ u, turned(vh)
    return (v, s, u) if wide else (u, s, v)


def pca_lowrank(A: Any, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """(U, S, V) of the principal components of rows: `svd_lowrank` of A, from whose columns their means are taken.

    q: how many, by default 6 or the smaller side. ValueError for a `q` or `niter` that cannot be.
    """
    x = tensor(A, "pca_lowrank", "A")
    rows, columns = x.shape[-2:]
    if q is None:
        q = min(6, rows, columns)
    elif not 0 <= q <= min(rows, columns):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(rows, columns)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(x - x.mean(dim=(-2,), keepdim=True) if center else x, q, niter)


def triangular_solve(
    b: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *, out: Any = None,
) -> Any:
    """(solution, cloned_coefficient): X with A X = b for a triangle A, or its transpose; and a copy of A.

    Deprecated, with a warning: `linalg.solve_triangular` has replaced it.
    """
    tensor(b, "triangular_solve", "b")
    tensor(A, "triangular_solve", "A", 2)
    warnings.warn(SOLVE_OLD, UserWarning, stacklevel=2)
    for name, one in (("b", b), ("A", A)):
        if one.ndim < 2:
            raise RuntimeError(f"torch.triangular_solve: Expected {name} to have at least 2 dimensions, but it has "
                               f"{one.ndim} dimensions instead")
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} "
                           "matrices")
    if A.shape[-2] != b.shape[-2]:
        raise RuntimeError(f"Incompatible matrix sizes for triangular_solve: each A matrix is {A.shape[-1]} by "
                           f"{A.shape[-1]} but each b matrix is {b.shape[-2]} by {b.shape[-1]}")
    if A.dtype is not b.dtype:
        raise RuntimeError(f"Expected b and A to have the same dtype, but found b of type {TYPE_NAMES[b.dtype.name]} "
                           f"and A of type {TYPE_NAMES[A.dtype.name]} instead.")
    lead = PUBLIC["broadcast_shapes"](A.shape[:-2], b.shape[:-2])
    A, b = A.expand(*lead, *A.shape[-2:]), b.expand(*lead, *b.shape[-2:])
    solution = PUBLIC["linalg.solve_triangular"](
        turned(A) if transpose else A, b, upper=bool(upper) != bool(transpose), unitriangular=unitriangular)
    return SOLVED(written("triangular_solve", (solution, A.clone()), out))


for _function in (svd_lowrank, pca_lowrank, triangular_solve):
    publish(_function.__name__, _function)
install_method("triangular_solve", triangular_solve)
