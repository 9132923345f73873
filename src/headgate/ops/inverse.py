# cython: wraparound=True
"""Inverses, general systems and determinants of square matrices.

Values come from `kernels.lapack`; gradients of every order are written in Tensors. Only float32 and float64 are
decomposed, as in PyTorch.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply1, apply2, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.records import OUT, Node, Op, Tensor, X
    from headgate.kernels.reference_lapack import det as det_kernel
    from headgate.kernels.reference_lapack import inverse as inverse_kernel
    from headgate.kernels.reference_lapack import slogdet as slogdet_kernel
    from headgate.kernels.reference_lapack import solve as solve_kernel
    from headgate.ops.arguments import other
    from headgate.ops.linalg import transposed
    from headgate.ops.reducing import given, write_results
    from headgate.ops.solve import (
        batch_of,
        check_kind,
        check_square,
        matrices_of,
        slope_of,
        together,
        type_name,
    )

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, declare, overload
from headgate.core.entry import PUBLIC, install, publish
from headgate.core.records import Tensor as _tensor_type
from headgate.core.results import result_type
from headgate.ops.solve import DIMENSIONS, KINDS_DIFFER, SHAPES, LinAlgError, regular

SINGULAR = (
    "linalg.inv: {batch}The diagonal element {place} is zero, the inversion could not be completed because the input "
    "matrix is singular."
)
UNSOLVED = "torch.linalg.solve: {batch}The solver failed because the input matrix is singular."


@cython.cclass
class Inverse(Op):
    """The inverse."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        try:
            return inverse_kernel(x)
        except np.linalg.LinAlgError:
            raise LinAlgError(first_singular(x, SINGULAR)) from None

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        inverted: Tensor = transposed(n.read(OUT))
        return -(inverted @ g @ inverted)


def first_singular(a: object, text: str) -> str:
    """The text for the first singular matrix of a batch, with the first zero on the diagonal of its U."""
    number: object
    for number, one in enumerate(matrices_of(a)):
        if np.linalg.slogdet(one)[0] == 0:
            return text.format(batch=batch_of(number, a.shape), place=zero_pivot(np.array(one)))
    return text.format(batch="", place=a.shape[-1])


def zero_pivot(a: object) -> object:
    """The number of the first pivot that is zero in elimination with row exchange."""
    for step in range(a.shape[0]):
        best = step + int(np.argmax(np.abs(a[step:, step])))
        if a[best, step] == 0:
            return step + 1
        a[[step, best]] = a[[best, step]]
        a[step + 1 :] -= np.outer(a[step + 1 :, step] / a[step, step], a[step])
    return a.shape[0]


@cython.cclass
class Solve(Op):
    """X of A X = B, or of X A = B. attrs: (left, whether B holds vectors)."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        left, vector = attrs
        try:
            return solve_kernel(x, y, left, vector)
        except np.linalg.LinAlgError:
            raise LinAlgError(first_singular(x, UNSOLVED)) from None

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        left, vector = n.attrs
        back: Tensor = apply2(SOLVE, transposed(n.read(X)), g, n.attrs)
        if i == 1:
            return back
        result: Tensor = n.read(OUT)
        if vector:
            back, result = cython.cast(object, back).unsqueeze(-1), cython.cast(object, result).unsqueeze(-1)
        return slope_of(back, result, left)


def inv(A: object, *, out: object = None) -> object:
    """The inverse of square matrices. LinAlgError, a RuntimeError, for a singular one. float32 and float64."""
    return inverse_of(given_as(A, "linalg_inv", "A"), "linalg_inv", out)


def given_as(value: object, function: str, name: str) -> Tensor:
    """The first argument as a Tensor, with its own name in the error."""
    if not isinstance(value, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=function, name=name, position=1, expected="Tensor", type=type(value).__name__))
    return value


def inverse_of(x: Tensor, name: str, out: object) -> object:
    """The inverse of a tensor that is checked here."""
    check_square(x, "linalg.inv")
    check_kind(x, "linalg.inv", "")
    result = apply1(INVERSE, x, None)
    return result if out is None else write_results(name, (result,), (out,))[0]


def inverse(input: object, *, out: object = None) -> object:
    """`linalg.inv`."""
    return inverse_of(given(input, "inverse"), "inverse", out)


def solve(A: object, B: object, *, left: object = True, out: object = None) -> object:
    """X of A X = B (of X A = B if not `left`) for square A; B may be a vector, or a batch of vectors of A's batch.

    LinAlgError, a RuntimeError, for a singular A.
    """
    x: Tensor = given_as(A, "linalg_solve", "A")
    y: Tensor = other(B, "linalg_solve", "B")
    name: str = "linalg.solve"
    check_kind(x, name, "lu_cpu")
    check_square(x, name)
    if dtypes.of(x._array) is not dtypes.of(y._array):
        raise RuntimeError(KINDS_DIFFER.format(name=name, a=type_name(x), b=type_name(y)))
    vector: cython.bint = y._array.ndim == 1 or (
        x._array.ndim - 1 == y._array.ndim and shape_of(y._array) == shape_of(x._array)[: x._array.ndim - 1])
    if y._array.ndim + vector < 2:
        raise RuntimeError(DIMENSIONS.format(name=name, which="B"))
    wide: tuple = shape_of(y._array) + ((1,) if vector else ())
    if wide[len(wide) - (2 if left else 1)] != x.shape[-1]:
        raise RuntimeError(SHAPES.format(
            name=name, equation="AX = B" if left else "XA = B", a=x.shape[-2], b=x.shape[-1], c=wide[-2], d=wide[-1]))
    if vector:
        if shape_of(y._array) != shape_of(x._array)[: x._array.ndim - 1]:
            y = cython.cast(object, y).expand(x.shape[:-1])
        left = True
    else:
        x, y = together(x, y)
    result: object = apply2(SOLVE, x, y, (bool(left), bool(vector)))
    return result if out is None else write_results("linalg_solve", (result,), (out,))[0]


# ---- determinants ---------------------------------------------------------------------------------------------------


@cython.cclass
class Det(Op):
    """The determinant."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return det_kernel(x)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x: Tensor = n.read(X)
        value: object = n.read(OUT)
        slope: object = cython.cast(object, g)[..., None, None]
        try:
            return slope * value[..., None, None] * transposed(apply1(INVERSE, x, None))
        except LinAlgError:
            return slope * wrap(cofactors(x._array))


def cofactors(a: object) -> object:
    """The gradient of the determinant, from singular values: it exists where the inverse does not."""
    left, values, right = np.linalg.svd(a)
    count = values.shape[-1]
    others = [np.prod(np.delete(values, k, axis=-1), axis=-1) for k in range(count)]
    sign = np.linalg.det(left) * np.linalg.det(right)
    scaled = left * (sign[..., None] * np.stack(others, -1))[..., None, :]
    return np.asarray(scaled @ right, a.dtype)


@cython.cclass
class LogAbsDet(Op):
    """log |det A|."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return slogdet_kernel(x)[1]

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return cython.cast(object, g)[..., None, None] * transposed(apply1(INVERSE, n.read(X), None))


SLOGDET, LINALG_SLOGDET = result_type("slogdet", "sign logabsdet"), result_type("linalg_slogdet", "sign logabsdet")


def linalg_det(A: object, *, out: object = None) -> object:
    """The determinant of square matrices. float32 and float64.

    Differs from PyTorch: the gradient at a singular matrix is right (the cofactors), but has no graph of its own.
    """
    return det_of(given_as(A, "linalg_det", "A"), "linalg_det", out)


def det_of(x: Tensor, name: str, out: object) -> object:
    """The determinant of a tensor that is checked here."""
    check_square(x, "linalg.det")
    check_kind(x, "linalg.det", "lu_cpu")
    result = apply1(DET, x, None)
    return result if out is None else write_results(name, (result,), (out,))[0]


def det(input: object) -> object:
    """`linalg.det`."""
    return det_of(given(input, "det"), "det", None)


def signed(x: Tensor, name: str) -> tuple:
    """Sign and logarithm of the determinant."""
    check_square(x, name)
    check_kind(x, name, "")
    return wrap(slogdet_kernel(x._array)[0]), apply1(LOG_ABS_DET, x, None)


def linalg_slogdet(A: object, *, out: object = None) -> object:
    """(sign, logabsdet) of the determinant of square matrices: (0, -inf) for a singular one. The sign has no history.
    """
    pair: tuple = signed(given_as(A, "linalg_slogdet", "A"), "linalg.slogdet")
    return LINALG_SLOGDET(pair if out is None else write_results("linalg_slogdet", pair, out))


def slogdet(input: object, *, out: object = None) -> object:
    """`linalg.slogdet`."""
    pair: tuple = signed(given(input, "slogdet"), "linalg.slogdet")
    return SLOGDET(pair if out is None else write_results("slogdet", pair, out))


def logdet(input: object) -> object:
    """The logarithm of the determinant: nan where it is negative, -inf where it is zero."""
    sign, value = signed(given(input, "logdet"), "logdet")
    return PUBLIC["where"](sign == -1.0, float("nan"), value)


INVERSE, SOLVE, DET, LOG_ABS_DET = Inverse(), Solve(), Det(), LogAbsDet()

# PyTorch's sign is a result of the node too, with a gradient of zero; here it has no history.
overload(LOG_ABS_DET, "linalg_slogdet", 0, reads=[1 << X])
publish("linalg.slogdet", linalg_slogdet)
install(_tensor_type, "slogdet", publish("slogdet", slogdet))
declare(INVERSE, "linalg.inv", node="LinalgInvExBackward", overload=0, reads=[1 << OUT], function=inv, method=False,
        inplace=False, dtypes="f", samples=lambda make: [((regular(make, 3, 3),), {}), ((regular(make, 2, 2, 2),), {})])
declare(SOLVE, "linalg.solve", node="LinalgSolveExBackward", overload=0,
        reads=[(1 << X) | (1 << OUT)] * 2, looks=1 << X | 1 << OUT, function=solve, method=False, inplace=False,
        dtypes="f",
        samples=lambda make: [
            ((regular(make, 3, 3), make(3, 2)), {}), ((regular(make, 3, 3), make(3)), {}),
            ((regular(make, 2, 3, 3), make(2, 3)), {}), ((regular(make, 3, 3), make(2, 4, 3)), {"left": False})])
declare(DET, "linalg.det", node="LinalgDetBackward", overload=0, reads=[(1 << X) | (1 << OUT)], function=linalg_det,
        method=False, inplace=False, dtypes="f",
        samples=lambda make: [((regular(make, 3, 3),), {}), ((regular(make, 2, 2, 2),), {})])
composite("det", det, dtypes="f", samples=lambda make: [((regular(make, 3, 3),), {})])
composite("logdet", logdet, dtypes="f", samples=lambda make: [((regular(make, 2, 3, 3),), {})])
composite("inverse", inverse, out=True, dtypes="f", samples=lambda make: [((regular(make, 3, 3),), {})])
