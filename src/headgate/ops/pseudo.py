"""Pseudo-inverses, least squares, ranks and condition numbers, made of singular values.

Gradients of every order are written in Tensors. Only float32 and float64 are decomposed, as in PyTorch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from headgate import errors
from headgate.core.apply import wrap
from headgate.core.declare import composite
from headgate.core.entry import PUBLIC, install, publish
from headgate.core.options import no_combination
from headgate.core.results import result_type
from headgate.core.typed import Tensor
from headgate.kernels import lapack
from headgate.kernels.reference_lapack import bound, pseudo
from headgate.ops.decompose import check_matrix, svdvals, total, turned, unless_bad
from headgate.ops.margins import tensor
from headgate.ops.rules import OUTPUT, applied, ruled, written

X = 0
ONLY_FLOATS = "This function doesn't handle types other than float and double"
DRIVERS = ("gels", "gelsy", "gelsd", "gelss")
EPSILONS = {"f": float(np.finfo(np.float32).eps), "d": float(np.finfo(np.float64).eps)}
NoneType = type(None)
LSTSQ = result_type("linalg_lstsq", "solution residuals rank singular_values")


def bounds(a: Any, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """The two bounds below which values count as zero: an absolute one, and one beside the largest of them."""
    default = EPSILONS[a.dtype.char] * max(a.shape[-2:])
    if isinstance(atol, (NoneType, float, int)):
        absolute: Any = 0.0 if atol is None else float(atol)
        return absolute, rtol if rtol is not None else 0.0 if absolute > 0 else default
    absolute = np.asarray(atol, np.float64)
    return absolute, np.where(absolute > 0, 0.0, default) if rtol is None else np.asarray(rtol, np.float64)


def number(value: Any) -> Any:
    """A tolerance as an array or number."""
    return value.detach().numpy() if isinstance(value, Tensor) else value


def pinv_values(a: Any, attrs: tuple[Any, ...]) -> Any:
    """The pseudo-inverse."""
    atol, rtol, hermitian = attrs
    if 0 in a.shape[-2:]:
        return np.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
    if hermitian:
        values, vectors = lapack.eigh(a, "L")
        return pseudo(a, (vectors, values, np.swapaxes(vectors, -1, -2)), *bounds(a, atol, rtol))
    return unless_bad(lapack.pinv, a, *bounds(a, atol, rtol))


def pinv_slope(g: Any, p: Any, a: Any) -> Any:
    """The gradient of A from that of its pseudo-inverse P (Golub and Pereyra 1973)."""
    g, pt = turned(g), turned(p)
    if a.shape[-2] <= a.shape[-1]:
        k = g @ p
        kp = k @ pt
        return -turned(p @ k) + kp - (a @ p) @ kp + (pt @ p) @ (g - k @ a)
    k = p @ g
    pk = pt @ k
    return -turned(k @ p) + (g - a @ k) @ p @ pt + pk - (pk @ p) @ a


PINV_OP = ruled("linalg_pinv", pinv_values,
                lambda saved, grads, attrs, need: [pinv_slope(grads[0], saved[1], saved[0])], (X, OUTPUT))


def pinv(
    input: Any, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None, out: Any = None,
) -> Any:
    """The pseudo-inverse, by singular values (eigenvalues, where `hermitian`) above the larger of two bounds.

    atol; rtol times the largest, by default the precision times the longer side. `rcond`: rtol's old name. RuntimeError
    for what is no matrix of float32 or float64.
    """
    if not isinstance(input, Tensor):
        raise no_combination("linalg_pinv", (input,))
    kind = errors.TYPE_NAMES[input.dtype.name]
    if input.ndim < 2 or input.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"linalg.pinv({kind}{{{list(input.shape)}}}): expected a tensor with 2 or more dimensions "
                           "of float, double, cfloat or cdouble types")
    relative = rcond if rtol is None else rtol
    result = applied(PINV_OP, (input,), (number(atol), number(relative), bool(hermitian)))
    return written("linalg_pinv", (result,), None if out is None else (out,))[0]


def pinverse(input: Any, rcond: float = 1e-15) -> Any:
    """`linalg.pinv` under its old name."""
    return pinv(tensor(input, "pinverse"), rcond)


def rank_of(a: Any, limits: tuple[Any, Any], hermitian: Any = False) -> Any:
    """How many singular values, or absolute eigenvalues of symmetric matrices, are above both bounds."""
    if hermitian:
        values = np.abs(lapack.eigvalsh(a, "L"))
        return np.asarray((values > bound(a, values, *limits)).sum(-1), np.int64)
    return unless_bad(lapack.rank, a, *limits)


def matrix_rank(
    input: Any, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None, out: Any = None,
) -> Any:
    """How many singular values (absolute eigenvalues, where `hermitian`) are above the larger of two bounds.

    atol, or `tol`, its old name; rtol times the largest, by default the precision times the longer side.
    """
    if not isinstance(input, Tensor):
        raise no_combination("linalg_matrix_rank", (input,))
    check_matrix(input, "torch.linalg.matrix_rank", "input")
    if input.dtype.name not in ("float32", "float64"):
        raise RuntimeError(ONLY_FLOATS)
    a = input.detach().numpy()
    if tol is not None:
        atol, rtol = tol, 0.0
    if a.size == 0:
        count = np.zeros(a.shape[:-2], np.int64)
    else:
        count = rank_of(a, bounds(a, number(atol), number(rtol)), hermitian)
    return written("linalg_matrix_rank", (wrap(count),), None if out is None else (out,))[0]


def cond(input: Any, p: Any = None, *, out: Any = None) -> Any:
    """The condition number by a norm: None or 2, -2 (of singular values), "fro", "nuc", inf, -inf, 1, -1.

    inf for singular matrices.
    """
    x = tensor(input, "linalg_cond")
    if x.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if p is None or p in (2, -2):
        values = svdvals(x)
        first, last = values[..., :1], values[..., -1:]
        result = (last / first if p == -2 else first / last).squeeze(-1)
    elif p in ("fro", "nuc", 1, -1, math.inf, -math.inf):
        check_matrix(x, "linalg.cond", square=True)
        inverse, info = PUBLIC["linalg.inv_ex"](x)
        norm, bad = PUBLIC["linalg.matrix_norm"], info != 0
        result = norm(x, p) * norm(inverse.masked_fill(bad[..., None, None], 0), p).masked_fill(bad, math.inf)
        if p != "nuc":
            result = PUBLIC["nan_to_num"](result, math.inf, math.inf, -math.inf)
    else:
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p}")
    return written("linalg_cond", (result,), None if out is None else (out,))[0]


# ---- least squares --------------------------------------------------------------------------------------------------


def lstsq_values(a: Any, b: Any, attrs: tuple[Any, ...]) -> Any:
    """X of least |A X - B|, the residuals where there are any, and the rank of A but for "gels"."""
    rcond, driver, vector = attrs
    full = b[..., None] if vector else b
    residuals: Any = np.zeros(0, a.dtype)
    if driver == "gelsy" and 0 not in a.shape:
        solution, rank = unless_bad(lapack.lstsq, a, full, rcond)
        return (solution[..., 0] if vector else solution), residuals, rank
    solution = pinv_values(a, (None, 0.0 if driver == "gels" else rcond, False)) @ full
    if a.shape[-2] > a.shape[-1] and driver != "gelsy":
        residuals = ((a @ solution - full) ** 2).sum(-2)
        if vector:
            residuals = residuals[..., 0]
    rank = np.zeros(0, np.int64) if driver == "gels" else rank_of(a, (0.0, rcond))
    return (solution[..., 0] if vector else solution), residuals, rank


def lstsq_gradient(saved: list[Any], grads: list[Any], attrs: tuple[Any, ...], need: int) -> list[Any]:
    """The gradients of A and B through the pseudo-inverse."""
    a, b = saved
    rcond, _, vector = attrs
    g, g_residuals = grads
    full = b.unsqueeze(-1) if vector else b
    inverse = pinv(a, rcond)
    found: list[list[Any]] = [[], []]
    if g is not None:
        g = g.unsqueeze(-1) if vector else g
        found[0].append(pinv_slope(g @ turned(full), inverse, a))
        found[1].append(turned(inverse) @ g)
    if g_residuals is not None and g_residuals.numel():
        rest = a @ (inverse @ full) - full
        weight = 2 * rest * (g_residuals.unsqueeze(-1) if vector else g_residuals).unsqueeze(-2)
        found[0].append(weight @ turned(inverse @ full))
        found[1].append(-weight)
    result = [total(one) for one in found]
    if vector and result[1] is not None:
        result[1] = result[1].squeeze(-1)
    return result


LSTSQ_OP = ruled("linalg_lstsq", lstsq_values, lstsq_gradient, (X, 1))


def check_lstsq(x: Any, y: Any, driver: str) -> bool:
    """Whether `y` holds vectors. RuntimeError for what does not fit, in PyTorch's words."""
    name = "torch.linalg.lstsq"
    if x.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if y.ndim < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    if x.dtype.name not in ("float32", "float64"):
        raise RuntimeError(ONLY_FLOATS)
    if x.dtype is not y.dtype:
        kinds = [errors.TYPE_NAMES[one.dtype.name] for one in (x, y)]
        raise RuntimeError(f"{name}: Expected input and other to have the same dtype, but got input's dtype {kinds[0]} "
                           f"and other's dtype {kinds[1]}")
    if not 0 <= x.ndim - y.ndim <= 1:
        raise RuntimeError(f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - "
                           "other.dim()) <= 1")
    vector = x.ndim - 1 == y.ndim
    dim = -1 if vector else -2
    if x.shape[-2] != y.shape[dim]:
        raise RuntimeError(f"{name}: input.size(-2) should match other.size({dim})")
    if driver not in DRIVERS:
        raise RuntimeError(f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    return vector


def lstsq(input: Any, B: Any, rcond: Any = None, *, driver: str | None = None, out: Any = None) -> Any:
    """(solution, residuals, rank, singular_values) of least |A X - B|, the shortest X where there are several.

    B: as many rows as A, or a vector. rcond: singular values below it times the largest count as zero, by default the
    precision times the longer side. driver: "gelsy" (default: no residuals), "gels" (for full rank), "gelsd", "gelss"
    say which of the rest is given; the solution is one.
    """
    x, y = tensor(input, "linalg_lstsq"), tensor(B, "linalg_lstsq", "b", 2)
    way = "gelsy" if driver is None else driver
    vector = check_lstsq(x, y, way)
    rows, columns = x.shape[-2:]
    kind = "f" if x.dtype.itemsize == 4 else "d"
    limit = EPSILONS[kind] * max(rows, columns) if rcond is None else float(number(rcond))
    if x.shape[:-2] != (y.shape[:-1] if vector else y.shape[:-2]):
        lead = PUBLIC["broadcast_shapes"](x.shape[:-2], y.shape[:-1] if vector else y.shape[:-2])
        x, y = x.expand(*lead, *x.shape[-2:]), y.expand(*lead, *y.shape[-1 if vector else -2:])
    solution, residuals, rank = applied(LSTSQ_OP, (x, y), (limit, way, vector))
    values = np.zeros(0, kind) if way in ("gels", "gelsy") else unless_bad(lapack.svdvals, x.detach().numpy())
    if way != "gels" and rows > columns and bool((rank < columns).any()):
        residuals = wrap(np.zeros(0, kind))
    return LSTSQ(written("linalg_lstsq", (solution, residuals, rank, wrap(values)), out))


publish("linalg.lstsq", lstsq)
publish("linalg.matrix_rank", matrix_rank)
install(Tensor, "pinverse", publish("pinverse", pinverse))
composite("linalg.pinv", pinv, method=False, out=True, dtypes="f", samples=lambda make: [
    ((make(3, 4),), {}), ((make(2, 4, 3),), {}), ((make(3, 3),), {"rtol": 1e-3})])
composite("linalg.cond", cond, method=False, out=True, dtypes="f", samples=lambda make: [
    ((make(3, 4),), {}), ((make(2, 3, 3), -2), {})])  # by other norms PyTorch has no gradient, for a fault of its own
