"""LU factors and what is solved with them; factorizations that tell by a number whether they failed; and more of
`linalg` made of other ops: dot products of vectors, Vandermonde matrices, systems of tensors.

Gradients of every order are written in Tensors. Only float32 and float64 are factored, as in PyTorch.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from headgate import errors
from headgate.core.apply import wrap
from headgate.core.declare import composite
from headgate.core.dims import wrap_dim
from headgate.core.entry import PUBLIC, install, publish
from headgate.core.results import result_type
from headgate.core.typed import Tensor
from headgate.kernels import lapack
from headgate.ops.decompose import check_kind, check_matrix, recorded, turned
from headgate.ops.margins import tensor
from headgate.ops.rules import OUTPUT, applied, ruled, written
from headgate.ops.solve import FLOATING, KINDS_DIFFER, SHAPES, LinAlgError, regular

LU, LU_FACTOR, LU_FACTOR_EX, INV_EX, CHOLESKY_EX, SOLVE_EX = (
    result_type(f"linalg_{name}", fields) for name, fields in (
        ("lu", "P L U"), ("lu_factor", "LU pivots"), ("lu_factor_ex", "LU pivots info"), ("inv_ex", "inverse info"),
        ("cholesky_ex", "L info"), ("solve_ex", "result info")))
SOLVED = ("float32", "float64")
UNPACKED = result_type("lu_unpack", "P L U")
ZERO_PIVOT = (
    "torch.linalg.lu_factor: {batch}U[{place},{place}] is zero and using it on lu_solve would result in a division by "
    "zero. If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or "
    "linalg.lu_factor_ex(A, pivot)"
)
LU_SOLVE_OLD = (
    "torch.lu_solve is deprecated in favor of torch.linalg.lu_solveand will be removed in a future PyTorch release.\n"
    "Note that torch.linalg.lu_solve has its arguments reversed.\nX = torch.lu_solve(B, LU, pivots)\nshould be "
    "replaced with\nX = torch.linalg.lu_solve(LU, pivots, B)"
)


# ---- LU -------------------------------------------------------------------------------------------------------------


def lower_of(packed: Any, count: int) -> Any:
    """L, with ones on its diagonal."""
    rows = packed.shape[-2]
    return packed[..., :count].tril(-1) + PUBLIC["eye"](rows, count, dtype=packed.dtype)


def permuted(pivots: Any, packed: Any) -> Any:
    """P with A = P L U, by the exchanges of its rows."""
    return wrap(lapack.permutation(pivots.detach().numpy(), packed.shape[-2], packed.detach().numpy().dtype))


def square_slope(lower: Any, upper: Any, g_lower: Any, g_upper: Any) -> Any:
    """The gradient of Pᵀ A for square factors: L⁻ᵀ (tril(Lᵀ gL, -1) + triu(gU Uᵀ)) U⁻ᵀ."""
    solve = PUBLIC["linalg.solve_triangular"]
    phi = (turned(lower) @ g_lower).tril(-1) + (g_upper @ turned(upper)).triu()
    left = solve(turned(lower), phi, upper=True, unitriangular=True)
    return solve(turned(upper), left, upper=False, left=False)


def lu_slope(lower: Any, upper: Any, g_lower: Any, g_upper: Any) -> Any:
    """The gradient of Pᵀ A, for factors of any shape: what is beyond the square part follows from it."""
    solve = PUBLIC["linalg.solve_triangular"]
    count = min(lower.shape[-2], upper.shape[-1])
    if upper.shape[-1] > count:
        first, rest = upper[..., :count], upper[..., count:]
        back = solve(turned(lower), g_upper[..., count:], upper=True, unitriangular=True)
        front = square_slope(lower, first, g_lower - back @ turned(rest), g_upper[..., :count])
        return PUBLIC["cat"]([front, back], -1)
    if lower.shape[-2] > count:
        first, rest = lower[..., :count, :], lower[..., count:, :]
        back = solve(turned(upper), g_lower[..., count:, :], upper=False, left=False)
        front = square_slope(first, upper, g_lower[..., :count, :], g_upper - turned(rest) @ back)
        return PUBLIC["cat"]([front, back], -2)
    return square_slope(lower, upper, g_lower, g_upper)


def factor_gradient(saved: list[Any], grads: list[Any], pivot: bool, need: int) -> list[Any]:
    """The gradient of A from that of both factors in one."""
    packed, pivots = saved
    g, count = grads[0], pivots.shape[-1]
    lower, upper = lower_of(packed, count), packed[..., :count, :].triu()
    slope = lu_slope(lower, upper, g[..., :count].tril(-1), g[..., :count, :].triu())
    return [permuted(pivots, packed) @ slope]


def lu_gradient(saved: list[Any], grads: list[Any], pivot: bool, need: int) -> list[Any]:
    """The gradient of A from those of both factors."""
    lower, upper, p = saved
    zeros = PUBLIC["zeros_like"]
    g_lower, g_upper = (zeros(one) if g is None else g for g, one in zip(grads, (lower, upper)))
    return [p.detach() @ lu_slope(lower, upper, g_lower.tril(-1), g_upper.triu())]


FACTOR_OP = ruled("linalg_lu_factor_ex", lapack.lu_factor, factor_gradient, (OUTPUT, OUTPUT + 1))
LU_OP = ruled("linalg_lu", lapack.lu, lu_gradient, (OUTPUT, OUTPUT + 1, OUTPUT + 2))


SOLVE_OP = ruled("linalg_lu_solve", lapack.lu_solve, factor_gradient, ())  # of what is not differentiated


def lu_input(A: Any, function: str, name: str) -> Any:
    """The checked argument."""
    x = tensor(A, function, "A")
    if x.ndim < 2:
        raise RuntimeError(f"{name}: Expected tensor with 2 or more dimensions. Got size: {list(x.shape)} instead")
    check_kind(x, "", "lu_cpu")
    return x


def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """(LU, pivots, info) of A = P L U: both factors in one matrix, int32 exchanges of rows from 1, and the number of
    the first pivot that is zero, 0 for none."""
    packed, pivots, info = applied(FACTOR_OP, (lu_input(A, "linalg_lu_factor_ex", "torch.lu_factor"),), bool(pivot))
    if check_errors:
        refuse_zero(info.numpy())
    return LU_FACTOR_EX(written("linalg_lu_factor_ex", (packed, pivots, info), out))


def refuse_zero(info: Any) -> None:
    """RuntimeError where a pivot is zero."""
    if np.count_nonzero(info):
        number = int(np.argmax(info.reshape(-1) != 0))
        batch = f"(Batch element {number}): " if info.ndim else ""
        raise RuntimeError(ZERO_PIVOT.format(batch=batch, place=int(info.reshape(-1)[number])))


def lu_factor(A: Any, *, pivot: bool = True, out: Any = None) -> Any:
    """(LU, pivots) of A = P L U, for `lu_solve`: both factors in one matrix, int32 exchanges of rows from 1.

    RuntimeError where a pivot is zero.
    """
    packed, pivots, info = applied(FACTOR_OP, (lu_input(A, "linalg_lu_factor", "torch.lu_factor"),), bool(pivot))
    refuse_zero(info.numpy())
    return LU_FACTOR(written("linalg_lu_factor", (packed, pivots), out))


def lu(A: Any, *, pivot: bool = True, out: Any = None) -> Any:
    """(P, L, U) with A = P L U: rows exchanged, ones on the diagonal of L."""
    lower, upper, p = applied(LU_OP, (lu_input(A, "linalg_lu", "linalg.lu"),), bool(pivot))
    p = p.detach() if pivot else wrap(np.zeros(0, p.detach().numpy().dtype))
    return LU(written("linalg_lu", (p, lower, upper), out))


def lu_unpack(
    LU_data: Any, LU_pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None,
) -> Any:
    """(P, L, U) of what `lu_factor` gave; empty where not asked for. RuntimeError for pivots that are not int32."""
    x, pivots = tensor(LU_data, "lu_unpack", "LU_data"), tensor(LU_pivots, "lu_unpack", "LU_pivots", 2)
    if unpack_pivots and pivots.dtype.name != "int32":
        raise RuntimeError("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
                           "Note: this function is intended to be used with the output produced by "
                           "torch.linalg.lu_factor")
    empty = PUBLIC["empty"]
    p = lower = upper = empty((0,), dtype=x.dtype)
    if unpack_data:
        count = min(x.shape[-2:])
        lower, upper = lower_of(x, count), x[..., :count, :].triu()
    if unpack_pivots:
        p = permuted(pivots, x)
    return UNPACKED(written("lu_unpack", (p, lower, upper), out))


def linalg_lu_solve(
    LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False, out: Any = None,
) -> Any:
    """X of A X = B (X A = B if not `left`; Aᵀ for A where `adjoint`), with what `lu_factor` gave of A."""
    x, y = tensor(LU, "linalg_lu_solve", "LU"), tensor(B, "linalg_lu_solve", "B", 3)
    tensor(pivots, "linalg_lu_solve", "pivots", 2)
    if x.dtype is not y.dtype:
        kinds = [errors.TYPE_NAMES[one.dtype.name] for one in (x, y)]
        text = KINDS_DIFFER.format(name="linalg.lu_solve", a=kinds[0], b=kinds[1])
        raise RuntimeError(text.replace("Expected A", "Expected LU").replace("found A", "found LU"))
    if pivots.dtype.name != "int32":
        raise RuntimeError("linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32")
    check_matrix(x, "linalg.lu_solve", "LU", square=True)
    check_matrix(y, "linalg.lu_solve", "B")
    if y.shape[-2 if left else -1] != x.shape[-1]:
        raise RuntimeError(SHAPES.format(name="linalg.lu_solve", equation="AX = B" if left else "XA = B", a=x.shape[-2],
                                         b=x.shape[-1], c=y.shape[-2], d=y.shape[-1]))
    if not left:  # X A = B is Aᵀ Xᵀ = Bᵀ
        found = turned(linalg_lu_solve(x, pivots, turned(y), adjoint=not adjoint))
    else:
        plain = x.shape[:-2] == y.shape[:-2] and x.dtype.name in SOLVED and not recorded(x, y)
        found = applied(SOLVE_OP, (x, pivots, y), bool(adjoint)) if plain else both_solved(x, pivots, y, adjoint)
    return written("linalg_lu_solve", (found,), None if out is None else (out,))[0]


def both_solved(packed: Any, pivots: Any, y: Any, adjoint: bool) -> Any:
    """Two triangular systems, and the exchanges before or after."""
    solve, p = PUBLIC["linalg.solve_triangular"], permuted(pivots, packed)
    if adjoint:
        first = solve(turned(packed), y, upper=False)
        return p @ solve(turned(packed), first, upper=True, unitriangular=True)
    first = solve(packed, turned(p) @ y, upper=False, unitriangular=True)
    return solve(packed, first, upper=True)


def lu_solve(input: Any, LU_data: Any, LU_pivots: Any, *, out: Any = None) -> Any:
    """`linalg.lu_solve` in its old form, of which PyTorch warns: the right side comes first."""
    warnings.warn(LU_SOLVE_OLD, UserWarning, stacklevel=2)
    return linalg_lu_solve(LU_data, LU_pivots, tensor(input, "lu_solve"), out=out)


# ---- failure as a number --------------------------------------------------------------------------------------------


def zero_pivots(a: Any) -> Any:
    """The number of the first zero pivot of each matrix, 0 for none."""
    return np.asarray(lapack.lu_factor(a, True)[2])


def inv_ex(A: Any, *, check_errors: bool = False, out: Any = None) -> Any:
    """(inverse, info): info is the number of the first zero pivot, 0 for none; then the inverse is not one."""
    x = tensor(A, "linalg_inv_ex", "A")
    inv = PUBLIC["linalg.inv"]
    try:
        result, info = inv(x), np.zeros(tuple(x.shape[:-2]), np.int32)
    except LinAlgError as error:
        if check_errors:
            raise LinAlgError(str(error).replace("linalg.inv:", "linalg.inv_ex:")) from None
        info = zero_pivots(x.detach().numpy())
        result = sound(inv, (x,), info, math.inf)
    return INV_EX(written("linalg_inv_ex", (result, wrap(info)), out))


def sound(function: Any, inputs: tuple[Any, ...], info: Any, filler: float) -> Any:
    """The function of those matrices of a batch that it takes, and a filler for the others."""
    one = inputs[-1]
    if info.ndim == 0:
        return PUBLIC["full_like"](one.detach(), filler)
    flat = [x.reshape(-1, *x.shape[info.ndim:]) for x in inputs]
    found = [PUBLIC["full_like"](flat[-1][k].detach(), filler) if bad else function(*[x[k] for x in flat])
             for k, bad in enumerate(info.reshape(-1))]
    return PUBLIC["stack"](found).reshape(one.shape)


def cholesky_ex(input: Any, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> Any:
    """(L, info): info is the order of the first leading minor that is not positive-definite, 0 for none; then L is not
    a factor."""
    x = tensor(input, "linalg_cholesky_ex")
    cholesky = PUBLIC["linalg.cholesky"]
    info = np.zeros(tuple(x.shape[:-2]), np.int32)
    try:
        result = cholesky(x, upper=upper)
    except LinAlgError as error:
        if check_errors:
            raise LinAlgError(str(error).replace("linalg.cholesky:", "linalg.cholesky_ex:")) from None
        flat = info.reshape(-1)
        for number, one in enumerate(x.detach().reshape(-1, *x.shape[-2:])):
            flat[number] = minor_of(one, cholesky)
        result = sound(lambda one: cholesky(one, upper=upper), (x,), info, math.nan)
    return CHOLESKY_EX(written("linalg_cholesky_ex", (result, wrap(info)), out))


def minor_of(one: Any, cholesky: Any) -> int:
    """The order of the first leading minor that has no factor, 0 for none."""
    for order in range(1, one.shape[-1] + 1):
        try:
            cholesky(one[:order, :order])
        except LinAlgError:
            return order
    return 0


def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False, out: Any = None) -> Any:
    """(X, info): info is the number of the first zero pivot of A, 0 for none; then X is not a solution."""
    x, y = tensor(A, "linalg_solve_ex", "A"), tensor(B, "linalg_solve_ex", "B", 2)
    solve = PUBLIC["linalg.solve"]
    try:
        result, info = solve(x, y, left=left), np.zeros(tuple(x.shape[:-2]), np.int32)
    except LinAlgError as error:
        if check_errors:
            raise LinAlgError(str(error).replace("linalg.solve:", "linalg.solve_ex:")) from None
        info = zero_pivots(x.detach().numpy())
        result = sound(lambda one, other: solve(one, other, left=left), (x, y), info, math.nan)
    return SOLVE_EX(written("linalg_solve_ex", (result, wrap(info)), out))


# ---- made of other ops ----------------------------------------------------------------------------------------------


def vecdot(x: Any, y: Any, *, dim: int = -1, out: Any = None) -> Any:
    """The dot products of vectors along a dim, broadcast. RuntimeError for different types."""
    x, y = tensor(x, "linalg_vecdot", "x"), tensor(y, "linalg_vecdot", "y", 2)
    if not x.dtype.is_floating_point:
        raise RuntimeError(FLOATING.format(name="linalg.vecdot", type=errors.TYPE_NAMES[x.dtype.name]))
    if x.dtype is not y.dtype:
        kinds = [errors.TYPE_NAMES[one.dtype.name] for one in (x, y)]
        raise RuntimeError("linalg.vecdot: Expected x and y to have the same dtype, but found x of type "
                           f"{kinds[0]} and y of type {kinds[1]} instead")
    result = (x * y).sum(dim, dtype=x.dtype)
    return written("linalg_vecdot", (result,), None if out is None else (out,))[0]


def linalg_vander(x: Any, *, N: int | None = None) -> Any:
    """Rows of powers 0, 1, ... N - 1 (by default as many as there are numbers) of the numbers in the last dim."""
    x = tensor(x, "linalg_vander", "x")
    if x.dtype.name in ("float16", "bfloat16", "bool"):
        raise RuntimeError("linalg.vander supports floating point, complex, and integer tensors, but got "
                           f"{errors.TYPE_NAMES[x.dtype.name]}")
    if x.ndim == 0:
        x = x.unsqueeze(-1)
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    return powers_of(x, count)


def powers_of(x: Any, count: int) -> Any:
    """Rows of powers from 0 on."""
    powers = x.unsqueeze(-1).expand(*x.shape, count - 1).cumprod(-1)
    return PUBLIC["cat"]([PUBLIC["ones"]((*x.shape, 1), dtype=powers.dtype), powers], -1)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Rows of powers of the numbers of a vector, from N - 1 down to 0, or up if `increasing`."""
    x = tensor(x, "vander", "x")
    if x.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError("N must be non-negative.")
    if count < 2:
        return PUBLIC["ones"]((x.shape[0], count), dtype=PUBLIC["promote_types"](x.dtype, PUBLIC["arange"](0).dtype)
                              if not x.dtype.is_floating_point else x.dtype)
    found = powers_of(x if x.dtype.is_floating_point else x.long(), count)
    return found if increasing else found.flip((1,))


def tensorinv(input: Any, ind: int = 2, *, out: Any = None) -> Any:
    """The inverse of a tensor as a map from its dims behind `ind` to those before. RuntimeError where it is none."""
    x = tensor(input, "linalg_tensorinv")
    if ind <= 0:
        raise RuntimeError("Expected a strictly positive integer for 'ind', but got " + str(ind))
    first, last = tuple(x.shape[:ind]), tuple(x.shape[ind:])
    if math.prod(first) != math.prod(last):
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), "
                           f"but got {math.prod(last)} != {math.prod(first)}")
    result = PUBLIC["linalg.inv"](x.reshape(math.prod(last), math.prod(first))).reshape(*last, *first)
    return written("linalg_tensorinv", (result,), None if out is None else (out,))[0]


def tensorsolve(input: Any, other: Any, dims: Any = None, *, out: Any = None) -> Any:
    """X with tensordot(A, X) = B over all dims of X. dims: dims of A that are moved to its end first."""
    x, y = tensor(input, "linalg_tensorsolve"), tensor(other, "linalg_tensorsolve", "other", 2)
    if dims is not None:
        dims = [wrap_dim(dim, x.ndim) for dim in dims]
        x = x.movedim(tuple(dims), tuple(range(-len(dims), 0)))
    rest = tuple(x.shape[y.ndim:])
    if math.prod(rest) != math.prod(x.shape[:y.ndim]):
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
                           f"prod(self.shape[:other.ndim]), but got {math.prod(rest)} != "
                           f"{math.prod(x.shape[:y.ndim])}")
    flat = x.reshape(math.prod(rest), math.prod(rest))
    result = PUBLIC["linalg.solve"](flat, y.flatten()).reshape(rest)
    return written("linalg_tensorsolve", (result,), None if out is None else (out,))[0]


def linalg_diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """A view of the diagonals of matrices."""
    return tensor(A, "linalg_diagonal", "A").diagonal(offset, dim1, dim2)


for _name, _function in (("lu_factor_ex", lu_factor_ex), ("lu_factor", lu_factor), ("lu", lu), ("inv_ex", inv_ex),
                         ("lu_solve", linalg_lu_solve), ("cholesky_ex", cholesky_ex), ("solve_ex", solve_ex)):
    publish(f"linalg.{_name}", _function)
publish("lu_unpack", lu_unpack)
publish("linalg.tensorinv", tensorinv)
publish("vander", vander)  # tested on its own: PyTorch writes over what its gradient needs
install(Tensor, "lu_solve", publish("lu_solve", lu_solve))
composite("linalg.vecdot", vecdot, method=False, out=True, dtypes="f", samples=lambda make: [
    ((make(3, 4), make(3, 4)), {}), ((make(3, 4), make(4)), {}), ((make(3, 4), make(3, 4)), {"dim": 0})])
composite("linalg.vander", linalg_vander, method=False, dtypes="fi", samples=lambda make: [
    ((make(3),), {}), ((make(2, 3),), {"N": 4})])
composite("linalg.tensorsolve", tensorsolve, method=False, out=True, dtypes="f", samples=lambda make: [
    ((regular(make, 6, 6).reshape(2, 3, 6), make(2, 3)), {}),
    ((regular(make, 6, 6).reshape(2, 3, 6), make(6)), {"dims": (0, 1)})])
composite("linalg.diagonal", linalg_diagonal, method=False, samples=lambda make: [
    ((make(3, 4),), {}), ((make(2, 3, 4),), {"offset": 1, "dim1": 0, "dim2": 2})])
