"""Factors, systems and values of matrices by numpy.linalg: batches of float32 or float64 matrices in, arrays out.

The compiled kernels' names and meaning, for uncompiled runs, for large matrices, and for what fails: np.linalg's
LinAlgError says so. It must not know tensors.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LinAlgError = np.linalg.LinAlgError
BLOCK = 16  # rows of a triangular system that are solved one by one


def turned(a: Any) -> Any:
    """An array with its last two dims exchanged."""
    return np.swapaxes(a, -1, -2)


# ---- triangles ------------------------------------------------------------------------------------------------------


def unsound(a: Any, factor: Any) -> bool:
    """Whether NaN, or what is not finite beside the diagonal, passed through: the factorization has no error for it."""
    diagonal = np.diagonal(factor, axis1=-2, axis2=-1)
    if np.isfinite(diagonal).all():
        return False
    return bool(np.isnan(diagonal).any() or not np.isfinite(np.tril(a, -1)).all())


def cholesky(a: Any) -> Any:
    """The lower factor L of A = L Lᵀ; only the lower triangle is read."""
    factor = np.linalg.cholesky(a)
    if unsound(a, factor):
        raise LinAlgError("not positive-definite")
    return factor


def substituted(a: Any, b: Any, upper: bool, unit: bool) -> Any:
    """Solve A X = B in place of B for triangular matrices, in blocks."""
    count = a.shape[-1]
    if count > BLOCK:
        half = count // 2
        first, second = (slice(half, None), slice(None, half)) if upper else (slice(None, half), slice(half, None))
        solved = substituted(a[..., first, first], b[..., first, :], upper, unit)
        b[..., second, :] -= a[..., second, first] @ solved
        substituted(a[..., second, second], b[..., second, :], upper, unit)
        return b
    for row in range(count - 1, -1, -1) if upper else range(count):
        done = slice(row + 1, None) if upper else slice(None, row)
        if 0 < row < count - 1 or row == (0 if upper else count - 1):
            b[..., row, :] -= (a[..., row, None, done] @ b[..., done, :])[..., 0, :]
        if not unit:
            b[..., row, :] /= a[..., row, row, None]
    return b


def triangular(a: Any, b: Any, upper: bool, unit: bool, left: bool) -> Any:
    """X of A X = B, or of X A = B, for a triangular A."""
    with np.errstate(all="ignore"):
        if left:
            return substituted(a, np.array(b, order="C"), upper, unit)
        return turned(substituted(turned(a), np.array(turned(b), order="C"), not upper, unit))


def cholesky_solve(b: Any, factor: Any, upper: bool) -> Any:
    """X of A X = B, where A is given by its lower factor, or its upper one."""
    low = turned(factor) if upper else factor
    with np.errstate(all="ignore"):
        return substituted(turned(low), substituted(low, np.array(b, order="C"), False, False), True, False)


def cholesky_inverse(factor: Any, upper: bool) -> Any:
    """The inverse of the matrix of that factor."""
    return cholesky_solve(np.broadcast_to(np.eye(factor.shape[-1], dtype=factor.dtype), factor.shape), factor, upper)


# ---- systems and determinants ---------------------------------------------------------------------------------------


def inverse(a: Any) -> Any:
    """The inverse."""
    return np.linalg.inv(a)


def solve(a: Any, b: Any, left: bool, vector: bool) -> Any:
    """X of A X = B, or of X A = B; `vector`: B holds vectors."""
    if vector:
        return np.linalg.solve(a, b[..., None])[..., 0]
    return np.linalg.solve(a, b) if left else turned(np.linalg.solve(turned(a), turned(b)))


def det(a: Any) -> Any:
    """The determinant."""
    return np.asarray(np.linalg.det(a))


def slogdet(a: Any) -> tuple[Any, Any]:
    """Sign and logarithm of the determinant."""
    sign, size = np.linalg.slogdet(a)
    return np.asarray(sign), np.asarray(size)


# ---- LU -------------------------------------------------------------------------------------------------------------


def lu_factor(a: Any, pivot: bool) -> tuple[Any, Any, Any]:
    """(L below U in one matrix, rows exchanged counted from 1, the first zero pivot or 0), for each of a batch."""
    rows, columns = a.shape[-2:]
    count = min(rows, columns)
    lead = a.shape[:-2]
    flat = np.array(a, order="C").reshape(math.prod(lead), rows, columns)
    pivots = np.tile(np.arange(1, count + 1, dtype=np.int32), (len(flat), 1))
    info = np.zeros(len(flat), np.int32)
    with np.errstate(all="ignore"):
        for number, one in enumerate(flat):
            for step in range(count):
                best = step + int(np.argmax(np.abs(one[step:, step]))) if pivot else step
                pivots[number, step] = best + 1
                if one[best, step] == 0:
                    info[number] = info[number] or step + 1
                    continue
                if best != step:
                    one[[step, best]] = one[[best, step]]
                one[step + 1:, step] /= one[step, step]
                one[step + 1:, step + 1:] -= np.outer(one[step + 1:, step], one[step, step + 1:])
    return flat.reshape(a.shape), pivots.reshape((*lead, count)), info.reshape(lead)


def order_of(pivots: Any, rows: int) -> Any:
    """Where each row of the product of both factors comes from, by the exchanges."""
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    found = np.tile(np.arange(rows), (len(flat), 1))
    for number, exchanged in enumerate(flat):
        for step, other in enumerate(exchanged):
            if other - 1 != step:
                found[number, [step, other - 1]] = found[number, [other - 1, step]]
    return found.reshape((*pivots.shape[:-1], rows))


def permutation(pivots: Any, rows: int, kind: Any) -> Any:
    """P with A = P L U."""
    return np.swapaxes(np.eye(rows, dtype=kind)[order_of(pivots, rows)], -1, -2)


def lu(a: Any, pivot: bool) -> tuple[Any, Any, Any]:
    """L, U, P."""
    packed, pivots, _ = lu_factor(a, pivot)
    rows, columns = a.shape[-2:]
    count = min(rows, columns)
    lower = np.tril(packed[..., :count], -1) + np.eye(rows, count, dtype=a.dtype)
    return lower, np.triu(packed[..., :count, :]), permutation(pivots, rows, a.dtype)


def lu_solve(packed: Any, pivots: Any, b: Any, adjoint: bool) -> Any:
    """X of A X = B, or of Aᵀ X = B, by the factors of A."""
    p = permutation(pivots, packed.shape[-1], packed.dtype)
    if adjoint:
        first = triangular(turned(packed), b, False, False, True)
        return p @ triangular(turned(packed), first, True, True, True)
    return triangular(packed, triangular(packed, turned(p) @ b, False, True, True), True, False, True)


# ---- orthogonal factors and values ----------------------------------------------------------------------------------


def qr(a: Any, mode: str) -> tuple[Any, Any]:
    """Q (empty if the mode is "r") and R."""
    if mode == "r":
        return np.empty((0,), a.dtype), np.linalg.qr(a, "r")
    found: Any = np.linalg.qr
    return tuple(found(a, mode))


def refuse_unfinite(a: Any) -> None:
    """LinAlgError where NaN or infinity would keep the algorithm from an end."""
    if not np.isfinite(a).all():
        raise LinAlgError("not finite")


def svd(a: Any, full: bool) -> tuple[Any, Any, Any]:
    """U, S and V transposed."""
    refuse_unfinite(a)
    u, s, vh = np.linalg.svd(a, full_matrices=full)
    return u, s, vh


def svdvals(a: Any) -> Any:
    """Singular values."""
    refuse_unfinite(a)
    return np.linalg.svd(a, compute_uv=False)


def eigh(a: Any, uplo: str) -> tuple[Any, Any]:
    """Eigenvalues from the smallest up, and eigenvectors in columns."""
    found: Any = np.linalg.eigh
    return tuple(found(a, uplo))


def eigvalsh(a: Any, uplo: str) -> Any:
    """Eigenvalues from the smallest up."""
    found: Any = np.linalg.eigvalsh
    return found(a, uplo)


def bound(a: Any, values: Any, least: Any, relative: Any) -> Any:
    """What counts as zero: the larger of `least` and of `relative` times the largest of the values."""
    largest = values.max(-1) if values.shape[-1] else np.zeros(values.shape[:-1])
    return np.maximum(least, relative * largest)[..., None]


def pinv(a: Any, least: Any, relative: Any) -> Any:
    """The pseudo-inverse, by the singular values that do not count as zero."""
    return pseudo(a, svd(a, False), least, relative)


def pseudo(a: Any, factors: tuple[Any, Any, Any], least: Any, relative: Any) -> Any:
    """The pseudo-inverse of U S Vᵀ."""
    u, s, vh = factors
    kept = np.abs(s) > bound(a, np.abs(s), least, relative)
    inverted = np.where(kept, 1 / np.where(kept, s, 1), 0).astype(a.dtype)
    return turned(vh) * inverted[..., None, :] @ turned(u)


def rank(a: Any, least: Any, relative: Any) -> Any:
    """How many singular values do not count as zero."""
    values = svdvals(a)
    return np.asarray((values > bound(a, values, least, relative)).sum(-1), np.int64)


def lstsq(a: Any, b: Any, relative: float) -> tuple[Any, Any]:
    """The shortest X of least |A X - B|, and A's rank."""
    return pinv(a, 0.0, relative) @ b, rank(a, 0.0, relative)
