# cython: wraparound=True
"""The exponential of a matrix, and products of Householder reflections.

Values come from NumPy, in double precision where that is at hand; gradients of every order are written in Tensors.
"""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply1, apply2
    from headgate.core.arrays import is_float
    from headgate.core.records import OUT, Node, Op, Tensor, X, Y
    from headgate.ops.inverse import given_as
    from headgate.ops.linalg import transposed
    from headgate.ops.reducing import write_results
    from headgate.ops.solve import check_square

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, declare
from headgate.core.entry import PUBLIC
from headgate.core.family import refused_error
from headgate.ops.solve import FLOATING

SMALL = 0.5  # norm up to which the series is summed
TERMS = 18  # 0.5^19 / 19! is below half a unit in the last place of a double


def exponential(a: object) -> object:
    """exp of each matrix of an array: a power series of a / 2ⁿ, squared n times."""
    wide = np.asarray(a, np.float64)
    if 0 in wide.shape:
        return np.zeros_like(a)
    largest = np.abs(wide).sum(-2).max()
    if not np.isfinite(largest):
        return np.full_like(a, np.nan)
    times = max(0, int(np.ceil(np.log2(largest / SMALL)))) if largest > SMALL else 0
    scaled = wide / 2.0**times
    one = np.broadcast_to(np.eye(wide.shape[-1]), wide.shape)
    result = one
    for k in range(TERMS, 0, -1):  # Horner's scheme
        result = one + scaled @ result / k
    for _ in range(times):
        result = result @ result
    return result.astype(a.dtype)


@cython.cclass
class MatrixExp(Op):
    """exp A = 1 + A + A² / 2 + ..."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return exponential(x)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        """The upper right block of exp [[Aᵀ, g], [0, Aᵀ]] (Mathias, 1996)."""
        turned: object = transposed(n.read(X))
        size = turned.shape[-1]
        cat = PUBLIC["cat"]
        upper = cat([turned, g], -1)
        lower = cat([PUBLIC["zeros_like"](turned), turned], -1)
        whole: Tensor = cat([upper, lower], -2)
        return cython.cast(object, apply1(MATRIX_EXP, whole, None))[..., :size, size:]


def matrix_exp_of(x: Tensor, name: str) -> object:
    """The exponential of a tensor that is checked here."""
    check_square(x, name)
    if not is_float(x._array):
        raise RuntimeError(FLOATING.format(name=name, type=errors.TYPE_NAMES[dtypes.of(x._array).name]))
    return apply1(MATRIX_EXP, x, None)


def linalg_matrix_exp(A: object) -> object:
    """The exponential of square matrices, 1 + A + A² / 2 + ... RuntimeError for what is not square."""
    return matrix_exp_of(given_as(A, "linalg_matrix_exp", "A"), "linalg.matrix_exp")


def matrix_exp(input: object) -> object:
    """`linalg.matrix_exp`."""
    return matrix_exp_of(given_as(input, "matrix_exp", "input"), "linalg.matrix_exp")


def householder_product(A: object, tau: object, *, out: object = None) -> object:
    """The first columns of H₁ H₂ ... Hₖ, Hᵢ = 1 - tauᵢ vᵢ vᵢᵀ, vᵢ the column i of A below its diagonal, where it is 1.

    A is (*, m, n) with m >= n >= k, tau (*, k). RuntimeError for other shapes and for types that differ.
    """
    x: object = given_as(A, "linalg_householder_product", "input")
    scales: object = given_as(tau, "linalg_householder_product", "tau")
    name: str = "torch.linalg.householder_product"
    if x.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if x.shape[-2] < x.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if x.shape[-1] < scales.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if x.ndim - scales.ndim != 1:
        raise RuntimeError(f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to "
                           f"{scales.ndim} and input.ndim is equal to {x.ndim}")
    if x.shape[:-2] != scales.shape[:-1]:
        raise RuntimeError(f"{name}: Expected batch of tau to have shape {list(x.shape[:-2])}, but got "
                           f"{list(scales.shape[:-1])}")
    if x.dtype is not scales.dtype:
        raise RuntimeError(f"{name}: tau dtype {scales.dtype} does not match input dtype {x.dtype}")
    if x.dtype.name not in ("float32", "float64"):
        raise refused_error("orgqr_cpu", x.dtype)
    result: object = apply2(HOUSEHOLDER_PRODUCT, x, scales, None)
    return result if out is None else write_results("linalg_householder_product", (result,), (out,))[0]


def columns_of(x: object) -> object:
    """The vectors of the reflections, each below the diagonal with a 1 on it."""
    return x.tril(-1) + PUBLIC["eye"](x.shape[-2], x.shape[-1], dtype=x.dtype)


def partial_products(x: object, scales: object) -> list:
    """The first columns of Hᵢ ... Hₖ for i from the first to k + 1; those of the last are the identity's."""
    vectors = columns_of(x)
    products = [PUBLIC["eye"](x.shape[-2], x.shape[-1], dtype=x.dtype).expand(x.shape)]
    for i in range(scales.shape[-1] - 1, -1, -1):
        products.append(mirrored(products[-1], vectors[..., i : i + 1], scales[..., i, None, None]))
    return products[::-1]


def mirrored(matrix: object, v: object, scale: object) -> object:
    """H times a matrix."""
    return matrix - scale * (v @ (v.mT @ matrix))


@cython.cclass
class HouseholderProduct(Op):
    """The first columns of a product of reflections. Inputs: A, tau."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        result = np.zeros(x.shape, x.dtype)
        result[..., np.arange(x.shape[-1]), np.arange(x.shape[-1])] = 1
        vectors = np.tril(x, -1) + result
        for i in range(y.shape[-1] - 1, -1, -1):
            v = vectors[..., i : i + 1]
            result = result - y[..., i, None, None] * (v @ (np.swapaxes(v, -1, -2) @ result))
        return result

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        """H = 1 - t v vᵀ times R, with gradient G: of t -vᵀ G Rᵀ v, of v -t (G Rᵀ + R Gᵀ) v, of R H G."""
        x: object = n.read(X)
        scales: object = n.read(Y)
        products = partial_products(x, scales)
        vectors, slope = columns_of(x), cython.cast(object, g)
        found: list = []
        for k in range(scales.shape[-1]):
            v, scale, below = vectors[..., k : k + 1], scales[..., k, None, None], products[k + 1]
            forth = slope @ (below.mT @ v)
            found.append(-scale * (forth + below @ (slope.mT @ v)) if i == 0 else -(v.mT @ forth).squeeze(-1))
            slope = mirrored(slope, v, scale)
        zeros = PUBLIC["zeros_like"]
        if i == 1:
            return PUBLIC["cat"](found, -1) if found else zeros(scales)
        found.append(zeros(x[..., len(found) :]))
        return PUBLIC["cat"](found, -1).tril(-1)


def orgqr(input: object, input2: object, *, out: object = None) -> object:
    """`linalg.householder_product`."""
    return householder_product(input, input2, out=out)


def compared(x: object) -> object:
    """What the table compares with: PyTorch's own result, but for half precision, where that is nan."""
    if not hasattr(x, "matrix_exp"):
        raise TypeError("not a tensor")
    return x.double().matrix_exp().to(x.dtype) if x.element_size() == 2 else x.matrix_exp()


MATRIX_EXP, HOUSEHOLDER_PRODUCT = MatrixExp(), HouseholderProduct()
declare(MATRIX_EXP, "linalg.matrix_exp", node="LinalgMatrixExpBackward", overload=0, reads=[1 << X],
        function=linalg_matrix_exp, method=False, inplace=False, out=False, dtypes="f", reference=compared,
        samples=lambda make: [
            ((make(3, 3),), {}), ((make(2, 2, 2, low=-6.0, high=6.0),), {}), ((make(1, 1),), {})])
composite("matrix_exp", matrix_exp, dtypes="f", reference=compared, samples=lambda make: [((make(3, 3),), {})])
declare(HOUSEHOLDER_PRODUCT, "linalg.householder_product", node="LinalgHouseholderProductBackward", overload=0,
        reads=[3 | 1 << OUT] * 2, looks=3 | 1 << OUT, function=householder_product, method=False, inplace=False,
        dtypes="f", samples=lambda make: [
            ((make(4, 3), make(3)), {}), ((make(2, 3, 3), make(2, 2)), {})])
composite("orgqr", orgqr, out=True, dtypes="f", samples=lambda make: [((make(4, 3), make(3)), {})])
