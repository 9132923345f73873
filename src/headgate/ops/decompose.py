"""Decompositions: singular values, QR, symmetric eigenvalues.

Values come from `kernels.lapack`; gradients of every order are written in Tensors. Only float32 and float64 are
decomposed, as in PyTorch. What is made of them is in `pseudo`, LU in `factors`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from headgate import errors
from headgate.core.apply import wrap
from headgate.core.declare import composite
from headgate.core.entry import PUBLIC, install, publish
from headgate.core.family import refused_error
from headgate.core.modes import grad_enabled
from headgate.core.results import result_type
from headgate.core.typed import Tensor
from headgate.kernels import lapack
from headgate.ops.margins import tensor
from headgate.ops.rules import OUTPUT, applied, ruled, written
from headgate.ops.solve import DIMENSIONS, FLOATING, SQUARE, LinAlgError

UNFINITE = "linalg.svd: {batch}The algorithm failed to converge because the input matrix contained non-finite values."
QR_MODES = ("reduced", "complete", "r")
QR_NO_Q = (
    "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, "
    "mode='reduced') if you are going to differentiate through linalg.qr."
)
QR_TALL = "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
QR_OLD = (
    "torch.qr is deprecated in favor of torch.linalg.qr and will be removed in a future PyTorch release.\nThe boolean "
    "parameter 'some' has been replaced with a string parameter 'mode'.\nQ, R = torch.qr(A, some)\nshould be replaced "
    "with\nQ, R = torch.linalg.qr(A, 'reduced' if some else 'complete')"
)

SVD, QR, EIGH = (result_type(f"linalg_{name}", fields) for name, fields in (
    ("svd", "U S Vh"), ("qr", "Q R"), ("eigh", "eigenvalues eigenvectors")))
OLD_SVD, OLD_QR = result_type("svd", "U S V"), result_type("qr", "Q R")


# ---- checks ---------------------------------------------------------------------------------------------------------


def check_matrix(x: Any, name: str, which: str = "A", square: bool = False) -> None:
    """RuntimeError unless `x` is a matrix, or a batch of such."""
    if x.ndim < 2:
        raise RuntimeError(DIMENSIONS.format(name=name, which=which))
    if square:
        rows, columns = x.shape[-2:]
        if rows != columns:
            raise RuntimeError(SQUARE.format(name=name + ": ", rows=rows, columns=columns))


def check_kind(x: Any, name: str, kernel: str) -> None:
    """RuntimeError for whole numbers, where it is named; NotImplementedError for what the kernel does not take."""
    kind = x.dtype
    if kind.name in ("float32", "float64"):
        return
    if name and not kind.is_floating_point:
        raise RuntimeError(FLOATING.format(name=name, type=errors.TYPE_NAMES[kind.name]))
    raise refused_error(kernel, kind)


def turned(x: Any) -> Any:
    """The transposes of a batch of matrices."""
    return x.transpose(-1, -2)


def first_bad(a: Any) -> str:
    """The words for the first matrix of a batch that is not finite; none for a single one."""
    if a.ndim == 2:
        return ""
    flat = a.reshape((-1, a.shape[-2] * a.shape[-1]))
    return f"(Batch element {int(np.argmin(np.isfinite(flat).all(1)))}): "


def recorded(*inputs: Any) -> bool:
    """Whether what is made of these tensors gets a history."""
    return grad_enabled() and True in [one.requires_grad for one in inputs]


def total(parts: list[Any]) -> Any:
    """The sum of what is there; None for nothing."""
    found = [one for one in parts if one is not None]
    return sum(found[1:], found[0]) if found else None


# ---- singular values ------------------------------------------------------------------------------------------------


def unless_bad(kernel: Any, a: Any, *options: Any) -> Any:
    """What a kernel gives of these matrices; LinAlgError in PyTorch's words if they are not finite."""
    try:
        return kernel(a, *options)
    except np.linalg.LinAlgError:
        if np.isfinite(a).all():
            raise
        raise LinAlgError(UNFINITE.format(batch=first_bad(a))) from None


def svd_values(a: Any, full: bool | None) -> Any:
    """U, S and V transposed; S alone for None, which nobody differentiates."""
    return unless_bad(lapack.svdvals, a) if full is None else unless_bad(lapack.svd, a, full)


def skew(x: Any) -> Any:
    """X - Xᵀ."""
    return x - turned(x)


def svd_gradient(saved: list[Any], grads: list[Any], full: bool, need: int) -> list[Any]:
    """The gradient of A = U S Vᵀ from those of the three, as PyTorch's: singular vectors only where they are unique."""
    u, s, vh = saved
    g_u, g_s, g_vh = grads
    rows, columns, k = u.shape[-2], vh.shape[-1], s.shape[-1]
    if g_u is None and g_vh is None:
        return [(u[..., :k] * g_s.unsqueeze(-2)) @ vh[..., :k, :]]
    if full:  # only the first vectors are differentiated
        u, vh = u[..., :k], vh[..., :k, :]
        g_u, g_vh = None if g_u is None else g_u[..., :k], None if g_vh is None else g_vh[..., :k, :]
    v, g_v = turned(vh), None if g_vh is None else turned(g_vh)
    squares = s * s
    apart = squares.unsqueeze(-2) - squares.unsqueeze(-1)
    apart = apart.masked_fill(wrap(np.eye(k, dtype=bool)), 1)
    inner = total([
        None if g_u is None else skew(turned(u) @ g_u) / apart * s.unsqueeze(-2),
        None if g_v is None else s.unsqueeze(-1) * (skew(vh @ g_v) / apart),
        None if g_s is None else g_s.diag_embed()])
    if rows > k and g_u is not None:
        left = u @ inner + (g_u - u @ (turned(u) @ g_u)) / s.unsqueeze(-2)
        result = left @ vh
    else:
        result = u @ inner @ vh
    if columns > k and g_v is not None:
        result = result + (u / s.unsqueeze(-2)) @ turned(g_v - v @ (vh @ g_v))
    return [result]


SVD_OP = ruled("linalg_svd", svd_values, svd_gradient, (OUTPUT, OUTPUT + 1, OUTPUT + 2))


def linalg_svd(A: Any, full_matrices: bool = True, *, driver: Any = None, out: Any = None) -> Any:
    """(U, S, Vh) with A = U diag(S) Vh: U and Vh orthogonal, S from the largest down; thin without `full_matrices`.

    Gradients of U and Vh are right only where what is made of them does not depend on their signs. LinAlgError, a
    RuntimeError, for matrices that are not finite; RuntimeError for `driver`, which PyTorch has on CUDA alone.
    """
    x = svd_input(A, "linalg_svd", driver)
    return SVD(written("linalg_svd", applied(SVD_OP, (x,), bool(full_matrices)), out))


def svd_input(A: Any, function: str, driver: Any = None) -> Any:
    """The checked argument."""
    x = tensor(A, function, "A")
    check_matrix(x, "linalg.svd")
    if driver is not None:
        raise RuntimeError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
                           "cuSOLVER backend.")
    check_kind(x, "linalg.svd", "linalg_svd_cpu")
    return x


def svdvals(A: Any, *, driver: Any = None, out: Any = None) -> Any:
    """The singular values, from the largest down."""
    x = svd_input(A, "linalg_svdvals", driver)
    values = applied(SVD_OP, (x,), False)[1] if recorded(x) else applied(SVD_OP, (x,), None)
    return written("linalg_svdvals", (values,), None if out is None else (out,))[0]


def svd(input: Any, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> Any:
    """(U, S, V) with A = U diag(S) Vᵀ, `linalg.svd` in its old form; zeros for U and V without `compute_uv`."""
    x = svd_input(input, "svd")
    u, s, vh = applied(SVD_OP, (x,), not some and bool(compute_uv))
    if not compute_uv:
        zeros = PUBLIC["zeros"]
        lead, rows, columns = tuple(x.shape[:-2]), x.shape[-2], x.shape[-1]
        u, vh = (zeros((*lead, size, size), dtype=x.dtype) for size in (rows, columns))
    return OLD_SVD(written("svd", (u, s, vh if not compute_uv else turned(vh)), out))


# ---- QR -------------------------------------------------------------------------------------------------------------


def qr_gradient(saved: list[Any], grads: list[Any], mode: str, need: int) -> list[Any]:
    """The gradient of A = Q R from those of both."""
    q, r = saved
    g_q, g_r = grads
    if mode == "r":
        raise RuntimeError(QR_NO_Q)
    rows, columns = q.shape[-2], r.shape[-1]
    if mode == "complete" and rows > columns:
        raise RuntimeError(QR_TALL)
    if rows >= columns:
        return [square_qr(q, r, g_q, g_r)]
    wide = None if g_r is None else g_r[..., rows:]
    first = None if g_r is None else g_r[..., :rows]
    if wide is not None:  # the columns behind the square part are Q times theirs of R
        g_q = total([g_q, (q @ r[..., rows:]) @ turned(wide)])
    front = square_qr(q, r[..., :rows], g_q, first)
    back = PUBLIC["zeros_like"](r[..., rows:]) if wide is None else q @ wide
    return [PUBLIC["cat"]([front, back], -1)]


def square_qr(q: Any, r: Any, g_q: Any, g_r: Any) -> Any:
    """The gradient where R is square: (gQ + Q sym(R gRᵀ - gQᵀ Q)) R⁻ᵀ."""
    inner = total([None if g_r is None else r @ turned(g_r), None if g_q is None else -(turned(g_q) @ q)])
    lower = inner.tril(-1)
    both = inner.tril() + turned(lower)
    sides = total([g_q, q @ both])
    return turned(PUBLIC["linalg.solve_triangular"](r, turned(sides), upper=True))


QR_OP = ruled("linalg_qr", lapack.qr, qr_gradient, (OUTPUT, OUTPUT + 1))


def linalg_qr(A: Any, mode: str = "reduced", *, out: Any = None) -> Any:
    """(Q, R) with A = Q R: Q orthogonal, R upper triangular. mode: "reduced", "complete" (Q square), "r" (Q empty)."""
    x = tensor(A, "linalg_qr", "A")
    check_matrix(x, "linalg.qr")
    if mode not in QR_MODES:
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or "
                           "'complete'")
    check_kind(x, "linalg.qr", "geqrf_cpu")
    return QR(written("linalg_qr", applied(QR_OP, (x,), mode), out))


def qr(input: Any, some: bool = True, *, out: Any = None) -> Any:
    """`linalg.qr` in its old form, of which PyTorch warns: complete unless `some`."""
    warnings.warn(QR_OLD, UserWarning, stacklevel=2)
    found = linalg_qr(tensor(input, "qr"), "reduced" if some else "complete")
    return OLD_QR(written("qr", tuple(found), out))


# ---- symmetric eigenvalues ------------------------------------------------------------------------------------------


def eigh_values(a: Any, attrs: tuple[str, bool]) -> Any:
    """Eigenvalues from the smallest up, and eigenvectors in columns, but for `alone`, which nobody differentiates."""
    uplo, alone = attrs
    try:
        return lapack.eigvalsh(a, uplo) if alone else lapack.eigh(a, uplo)
    except np.linalg.LinAlgError:
        raise LinAlgError("linalg.eigh: The algorithm failed to converge because the input matrix is ill-conditioned "
                          "or has too many repeated eigenvalues.") from None


def symmetric(x: Any) -> Any:
    """The mean of a matrix and its transpose: what PyTorch gives although one triangle is read."""
    return (x + turned(x)) * 0.5


def eigh_gradient(saved: list[Any], grads: list[Any], attrs: tuple[str, bool], need: int) -> list[Any]:
    """The gradient of A = V L Vᵀ from those of both: vectors only where they are unique."""
    values, vectors = saved
    g_values, g_vectors = grads
    if g_vectors is None:
        return [symmetric((vectors * g_values.unsqueeze(-2)) @ turned(vectors))]
    apart = values.unsqueeze(-2) - values.unsqueeze(-1)
    apart = apart.masked_fill(wrap(np.eye(apart.shape[-1], dtype=bool)), 1)
    inner = turned(vectors) @ g_vectors
    inner = (inner - inner.diagonal(dim1=-2, dim2=-1).diag_embed()) / apart
    inner = total([inner, None if g_values is None else g_values.diag_embed()])
    return [symmetric(vectors @ inner @ turned(vectors))]


EIGH_OP = ruled("linalg_eigh", eigh_values, eigh_gradient, (OUTPUT, OUTPUT + 1))


def eigh_input(A: Any, UPLO: str, function: str) -> tuple[Any, str]:
    """The checked arguments."""
    x = tensor(A, function)
    check_matrix(x, "linalg.eigh", square=True)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    check_kind(x, "", "linalg_eigh_cpu")
    return x, UPLO.upper()


def eigh(input: Any, UPLO: str = "L", *, out: Any = None) -> Any:
    """(eigenvalues from the smallest up, eigenvectors in columns) of symmetric matrices.

    Only the triangle that UPLO names ("L" or "U") is read. LinAlgError where the algorithm does not converge.
    """
    x, uplo = eigh_input(input, UPLO, "linalg_eigh")
    return EIGH(written("linalg_eigh", applied(EIGH_OP, (x,), (uplo, False)), out))


def eigvalsh(input: Any, UPLO: str = "L", *, out: Any = None) -> Any:
    """The eigenvalues of symmetric matrices, from the smallest up."""
    x, uplo = eigh_input(input, UPLO, "linalg_eigvalsh")
    values = applied(EIGH_OP, (x,), (uplo, False))[0] if recorded(x) else applied(EIGH_OP, (x,), (uplo, True))
    return written("linalg_eigvalsh", (values,), None if out is None else (out,))[0]


# Their vectors have signs of their own and gradients that depend on those, and symmetric matrices are read from one
# triangle: they have tests of their own and no place in the table.
publish("linalg.svd", linalg_svd)
publish("linalg.qr", linalg_qr)
publish("linalg.eigh", eigh)
publish("linalg.eigvalsh", eigvalsh)
for _function in (svd, qr):
    install(Tensor, _function.__name__, publish(_function.__name__, _function))
composite("linalg.svdvals", svdvals, method=False, out=True, dtypes="f", samples=lambda make: [
    ((make(3, 4),), {}), ((make(2, 4, 3),), {})])
