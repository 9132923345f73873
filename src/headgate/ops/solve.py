# cython: wraparound=True
"""Cholesky factors, and systems of triangular matrices and of such factors. General systems are in `inverse`.

Factors come from `kernels.lapack`; gradients of every order are written in Tensors. Only float32 and float64 are
decomposed, as in PyTorch.
"""
import warnings

import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply1, apply2
    from headgate.core.arrays import is_float, shape_of
    from headgate.core.records import OUT, Node, Op, Tensor, X, Y
    from headgate.kernels.reference_lapack import cholesky as cholesky_kernel
    from headgate.kernels.reference_lapack import cholesky_inverse as inverse_kernel
    from headgate.kernels.reference_lapack import cholesky_solve as solve_kernel
    from headgate.kernels.reference_lapack import triangular
    from headgate.ops.arguments import other
    from headgate.ops.linalg import transposed
    from headgate.ops.reducing import given, write_results

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import declare, overload
from headgate.core.entry import PUBLIC, install, publish
from headgate.core.family import refused_error
from headgate.core.records import Tensor as _tensor_type

NOT_POSITIVE = (
    "{name}: {batch}The factorization could not be completed because the input is not positive-definite (the leading "
    "minor of order {order} is not positive-definite)."
)
DIMENSIONS = "{name}: The input tensor {which} must have at least 2 dimensions."
SQUARE = "{name}A must be batches of square matrices, but they are {rows} by {columns} matrices"
FLOATING = "{name}: Expected a floating point or complex tensor as input. Got {type}"
LOW = "{name}: Low precision dtypes not supported. Got {type}"
SHAPES = "{name}: Incompatible shapes of A and B for the equation {equation} ({a}x{b} and {c}x{d})"
KINDS_DIFFER = "{name}: Expected A and B to have the same dtype, but found A of type {a} and B of type {b} instead"
CHOLESKY_SIZES = (
    "Incompatible matrix sizes for cholesky_solve: each A matrix is {n} by {n} but each b matrix is {rows} by {columns}"
)
CHOLESKY_KINDS = "Expected b and A to have the same dtype, but found b of type {b} and A of type {a} instead."
DEPRECATED = (
    "torch.cholesky is deprecated in favor of torch.linalg.cholesky and will be removed in a future PyTorch release."
)


class LinAlgError(RuntimeError):
    """A decomposition that does not exist: a singular matrix, or one that is not positive-definite."""


# ---- checks ---------------------------------------------------------------------------------------------------------


def check_square(x: Tensor, name: str):
    """RuntimeError unless `x` is a square matrix or a batch of such."""
    a: object = x._array
    if a.ndim < 2:
        raise RuntimeError(DIMENSIONS.format(name=name, which="A"))
    if a.shape[-1] != a.shape[-2]:
        raise RuntimeError(SQUARE.format(name=name + ": ", rows=a.shape[-2], columns=a.shape[-1]))


def check_kind(x: Tensor, name: str, kernel: str):
    """RuntimeError for what is no float, NotImplementedError or RuntimeError for half precision."""
    kind = dtypes.of(x._array)
    if not is_float(x._array) and name:
        raise RuntimeError(FLOATING.format(name=name, type=errors.TYPE_NAMES[kind.name]))
    if kind.name not in ("float32", "float64"):
        if not kernel:
            raise RuntimeError(LOW.format(name=name, type=errors.TYPE_NAMES[kind.name]))
        raise refused_error(kernel, kind)


def batch_of(number: object, shape: tuple) -> str:
    """The words for an element of a batch; none for a single matrix."""
    return f"(Batch element {number}): " if len(shape) > 2 else ""


def matrices_of(a: object) -> object:
    """The matrices of a batch one after the other."""
    return a.reshape((-1,) + a.shape[-2:])


def together(x: Tensor, y: Tensor) -> tuple:
    """Two batches of matrices with their leading dims expanded to a common shape."""
    first: object = x
    second: object = y
    a, b = shape_of(x._array), shape_of(y._array)
    if a[: len(a) - 2] == b[: len(b) - 2]:
        return x, y
    lead: tuple = tuple(PUBLIC["broadcast_shapes"](first.shape[:-2], second.shape[:-2]))
    if tuple(first.shape[:-2]) != tuple(lead):
        first = first.expand(*lead, *first.shape[-2:])
    if tuple(second.shape[:-2]) != tuple(lead):
        second = second.expand(*lead, *second.shape[-2:])
    return first, second


# ---- Cholesky -------------------------------------------------------------------------------------------------------


@cython.cclass
class Cholesky(Op):
    """The lower factor L of A = L Lᵀ. attrs: the function's name, for errors."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        try:
            return cholesky_kernel(x)
        except np.linalg.LinAlgError:
            raise LinAlgError(not_positive(x, attrs)) from None

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        factor: Tensor = n.read(OUT)
        lower: object = (transposed(factor) @ g).tril()
        phi: Tensor = (lower + transposed(lower.tril(-1))) * 0.5
        half: Tensor = apply2(TRIANGULAR, transposed(factor), phi, (True, False, True))  # L⁻ᵀ Φ
        return transposed(apply2(TRIANGULAR, transposed(factor), transposed(half), (True, False, True)))


def not_positive(a: object, name: str) -> str:
    """The text for the first matrix of a batch that has no Cholesky factor."""
    number: object
    for number, one in enumerate(matrices_of(a)):
        for order in range(1, one.shape[0] + 1):
            try:
                cholesky_kernel(one[:order, :order])
            except np.linalg.LinAlgError:
                return NOT_POSITIVE.format(name=name, batch=batch_of(number, a.shape), order=order)
    return NOT_POSITIVE.format(name=name, batch="", order=a.shape[-1])


def cholesky_of(x: Tensor, upper: object, name: str) -> Tensor:
    """The factor of a checked input."""
    factor: Tensor = apply1(CHOLESKY, x, name)
    return transposed(factor) if upper else factor


def linalg_cholesky(input: object, *, upper: object = False, out: object = None) -> object:
    """L with A = L Lᵀ for symmetric positive-definite matrices (only the lower triangle is read); U = Lᵀ if `upper`.

    LinAlgError, a RuntimeError, if there is none. float32 and float64.
    """
    x: Tensor = given(input, "linalg_cholesky")
    check_square(x, "linalg.cholesky")
    check_kind(x, "linalg.cholesky", "cholesky_cpu")
    result = cholesky_of(x, upper, "linalg.cholesky")
    return result if out is None else write_results("linalg_cholesky", (result,), (out,))[0]


def cholesky(input: object, upper: object = False, *, out: object = None) -> object:
    """`linalg.cholesky` under its old name, of which PyTorch warns."""
    x: Tensor = given(input, "cholesky")
    warnings.warn(DEPRECATED, UserWarning, stacklevel=2)
    check_square(x, "cholesky")
    check_kind(x, "", "cholesky_cpu")
    result = cholesky_of(x, upper, "cholesky")
    return result if out is None else write_results("cholesky", (result,), (out,))[0]


# ---- triangular systems ---------------------------------------------------------------------------------------------


@cython.cclass
class Triangular(Op):
    """X of A X = B, or of X A = B, for a triangular A. attrs: (upper, unitriangular, left)."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        upper, unit, left = attrs
        return triangular(x, y, upper, unit, left)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        upper, unit, left = n.attrs
        back: Tensor = apply2(TRIANGULAR, transposed(n.read(X)), g, (not upper, unit, left))
        if i == 1:
            return back
        result: object = slope_of(back, n.read(OUT), left)
        return result.triu(int(unit)) if upper else result.tril(-int(unit))


def slope_of(back: Tensor, result: Tensor, left: object) -> object:
    """The gradient of the matrix of a system, from that of the right side and the solution."""
    return -(back @ transposed(result)) if left else -(transposed(result) @ back)


def solve_triangular(
    input: object, B: object, *, upper: object, left: object = True, unitriangular: object = False, out: object = None,
) -> object:
    """X of A X = B (of X A = B if not `left`) for triangular matrices A, batches broadcast.

    Only the triangle that `upper` names is read, without its diagonal, taken as ones, if `unitriangular`.
    """
    x: Tensor = given(input, "linalg_solve_triangular")
    y: Tensor = other(B, "linalg_solve_triangular", "B")
    name: str = "linalg.solve_triangular"
    check_square(x, name)
    if y._array.ndim < 2:
        raise RuntimeError(DIMENSIONS.format(name=name, which="B"))
    rows = shape_of(y._array)[y._array.ndim - (2 if left else 1)]
    if rows != shape_of(x._array)[x._array.ndim - 1]:
        raise RuntimeError(SHAPES.format(
            name=name, equation="AX = B" if left else "XA = B", a=x.shape[-2], b=x.shape[-1], c=y.shape[-2],
            d=y.shape[-1]))
    if dtypes.of(x._array) is not dtypes.of(y._array):
        raise RuntimeError(KINDS_DIFFER.format(name=name, a=type_name(x), b=type_name(y)))
    check_kind(x, "", "triangular_solve_cpu")
    x, y = together(x, y)
    result = apply2(TRIANGULAR, x, y, (bool(upper), bool(unitriangular), bool(left)))
    return result if out is None else write_results("linalg_solve_triangular", (result,), (out,))[0]


def type_name(x: Tensor) -> str:
    """The element type in PyTorch's words."""
    return errors.TYPE_NAMES[dtypes.of(x._array).name]


@cython.cclass
class CholeskySolve(Op):
    """X of L Lᵀ X = B. Inputs: B and L. attrs: whether L is the upper factor."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return solve_kernel(x, y, attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        factor: Tensor = n.read(Y)
        back: Tensor = apply2(CHOLESKY_SOLVE, g, factor, n.attrs)
        if i == 0:
            return back
        product: Tensor = back @ transposed(n.read(OUT))
        both: object = product + transposed(product)
        return -(factor @ both) if n.attrs else -(both @ factor)


@cython.cclass
class CholeskyInverse(Op):
    """(L Lᵀ)⁻¹. attrs: whether L is the upper factor."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return inverse_kernel(x, attrs)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        factor: Tensor = n.read(X)
        found: Tensor = n.read(OUT)
        both: object = found @ (g + transposed(g)) @ found
        return -(factor @ both) if n.attrs else -(both @ factor)


def cholesky_solve(input: object, L: object, upper: object = False, *, out: object = None) -> object:
    """X of A X = input, where A is given by its Cholesky factor L (Lᵀ if `upper`)."""
    y: Tensor = given(input, "cholesky_solve")
    x: Tensor = other(L, "cholesky_solve", "input2")
    if y._array.ndim < 2:
        raise RuntimeError(f"b should have at least 2 dimensions, but has {y._array.ndim} dimensions instead")
    if x._array.ndim < 2:
        raise RuntimeError(f"u should have at least 2 dimensions, but has {x._array.ndim} dimensions instead")
    if x.shape[-1] != x.shape[-2]:
        raise RuntimeError(SQUARE.format(name="", rows=x.shape[-2], columns=x.shape[-1]))
    if x.shape[-1] != y.shape[-2]:
        raise RuntimeError(CHOLESKY_SIZES.format(n=x.shape[-1], rows=y.shape[-2], columns=y.shape[-1]))
    if dtypes.of(x._array) is not dtypes.of(y._array):
        raise RuntimeError(CHOLESKY_KINDS.format(a=type_name(x), b=type_name(y)))
    check_kind(x, "", "cholesky_solve_cpu")
    y, x = together(y, x)
    result = apply2(CHOLESKY_SOLVE, y, x, bool(upper))
    return result if out is None else write_results("cholesky_solve", (result,), (out,))[0]


def cholesky_inverse(input: object, upper: object = False, *, out: object = None) -> object:
    """The inverse of the matrix whose Cholesky factor is `input` (its transpose if `upper`)."""
    x: Tensor = given(input, "cholesky_inverse")
    check_square(x, "cholesky_inverse")
    check_kind(x, "", "cholesky_inverse")
    result = apply1(CHOLESKY_INVERSE, x, bool(upper))
    return result if out is None else write_results("cholesky_inverse", (result,), (out,))[0]


CHOLESKY, TRIANGULAR, CHOLESKY_SOLVE, CHOLESKY_INVERSE = (
    Cholesky(), Triangular(), CholeskySolve(), CholeskyInverse())


def regular(make: object, *shape: int) -> object:
    """A sample matrix that is far from singular; of integers, any."""
    x = make(*shape)
    return (x * 0.25 + shape[-1] * PUBLIC["eye"](shape[-1], dtype=x.dtype)) if x.dtype.is_floating_point else x


# Only its lower triangle is read, and its gradient is symmetric, as PyTorch's: numerical checks differ, so it has tests
# of its own and no place in the table.
overload(CHOLESKY, "linalg_cholesky_ex", 0, reads=[1 << OUT])
CHOLESKY.name = "linalg_cholesky"
publish("linalg.cholesky", linalg_cholesky)
install(_tensor_type, "cholesky", publish("cholesky", cholesky))
declare(TRIANGULAR, "linalg.solve_triangular", node="LinalgSolveTriangularBackward", overload=0,
        reads=[(1 << X) | (1 << OUT)] * 2, looks=1 << X | 1 << OUT, function=solve_triangular, method=False,
        inplace=False,
        dtypes="f", samples=lambda make: [
            ((regular(make, 3, 3), make(3, 2)), {"upper": False}),
            ((regular(make, 2, 3, 3), make(3, 1)), {"upper": True}),
            ((regular(make, 3, 3), make(2, 2, 3)), {"upper": True, "left": False, "unitriangular": True}),
            ((regular(make, 3, 3), make(2, 3)), {"upper": False, "left": False})])
# Their gradient is not cut to the triangle that is read, as PyTorch's is not: no place in the table either.
overload(CHOLESKY_SOLVE, "cholesky_solve", 0, reads=[1 << Y, (1 << Y) | (1 << OUT)])
overload(CHOLESKY_INVERSE, "cholesky_inverse", 0, reads=[(1 << X) | (1 << OUT)])
for _function in (cholesky_solve, cholesky_inverse):
    install(_tensor_type, _function.__name__, publish(_function.__name__, _function))
PUBLIC["linalg.LinAlgError"] = LinAlgError
