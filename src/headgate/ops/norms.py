"""Norms and distances: vector_norm, norm in its several spellings, dist, and what is normalized by them."""
import math

import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply
    from headgate.core.arrays import is_float, shape_of
    from headgate.core.modes import grad_enabled, set_grad
    from headgate.core.operators import slots
    from headgate.core.records import OUT, Node, Op, Tensor, X, Y
    from headgate.kernels.reference import map2
    from headgate.kernels.reference import norm as norm_of
    from headgate.ops.arguments import number
    from headgate.ops.keep import filled, zeros_of
    from headgate.ops.reducing import called, dims_of, flag, given, restored, write_results

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, declare, overload
from headgate.core.entry import PUBLIC
from headgate.core.family import broadcast_error
from headgate.core.options import kind_of
from headgate.kernels import make_loop

INFINITY = math.inf


def pull_norm(x: Tensor, y: Tensor, g: Tensor, p: float, axes: object) -> Tensor:
    """The gradient of a norm y of x; y and g have the reduced dims back. PyTorch's subgradients: 0 where y is 0."""
    if p == 0:
        return zeros_of(x)
    if p == 1:
        return x.sgn() * g
    if p == 2:
        return filled(x / y, y != 0) * g
    if p == INFINITY or p == -INFINITY:
        size: Tensor = x.abs()
        mask: Tensor = (size == y) | (size != size)
        count = mask.sum() if axes is None else mask.sum(axes, True)
        return x.sgn() * ((g / count) * mask)
    if p < 1:
        return x.sgn() * filled(x.abs().pow(p - 1), x != 0) * g * y.pow(1 - p)
    slope: Tensor = filled(g / y.pow(p - 1), y != 0)
    if p < 2:
        return x.sgn() * x.abs().pow(p - 1) * slope
    return x * x.abs().pow(p - 2) * slope


@cython.cclass
class VectorNorm(Op):
    """The p-norm over dims. attrs: (p, axes or None, keepdim)."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if not is_float(x):
            raise RuntimeError(errors.NORM_DTYPE.format(dtype=errors.TYPE_NAMES[dtypes.of(x).name]))
        return norm_of(x, attrs[0], attrs[1], attrs[2])

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        p, axes, keepdim = n.attrs
        x: Tensor = n.read(X)
        y: Tensor = n.read(OUT)
        shape: tuple = shape_of(x._array)
        if p == 0:
            return None  # a number of elements has no gradient
        return pull_norm(x, restored(y, axes, keepdim, shape), restored(g, axes, keepdim, shape), p, axes)


@cython.cclass
class Dist(Op):
    """The p-norm of the difference of two tensors. attrs: p."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        for one in (x, y):
            if not is_float(one):
                kind = errors.TYPE_NAMES[dtypes.of(one).name]
                raise RuntimeError(f"norm(): input dtype should be either floating point or complex. Got {kind} "
                                   f"instead.")
        try:
            return norm_of(map2(DIFFERENCE, x, y) if x.dtype == y.dtype else x - y, attrs, None, False)
        except ValueError:
            raise RuntimeError(broadcast_error(x, y)) from None

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        d: Tensor = n.read(X) - n.read(Y)
        return pull_norm(d, n.read(OUT), g if i == 0 else -g, n.attrs, None)


DIFFERENCE = make_loop("sub")
VECTOR_NORM, DIST = VectorNorm(), Dist()
NORM = overload(VectorNorm(), "norm", 1, reads=[1 | (1 << OUT)])


def converted(x: Tensor, dtype: object, name: str) -> Tensor:
    """The tensor in the element type asked for."""
    kind: dtypes.dtype
    if dtype is None:
        return x
    kind = kind_of(dtype, name)
    return x if kind is dtypes.of(x._array) else slots.cast.call2(x, kind.num, None)


def vector_norm(
    x: object, ord: object = 2, dim: object = None, keepdim: object = False, *, dtype: object = None,
    out: object = None,
) -> object:
    """sum(|x|^ord)^(1/ord) over `dim` (an int or several; all by default). ord: any number, inf, -inf, 0 (counts).

    Floats only. RuntimeError for an infinite or negative order over nothing.
    """
    t: Tensor = converted(given(x, "linalg_vector_norm"), dtype, "linalg_vector_norm")
    if not is_float(t._array):
        raise RuntimeError(errors.NORM_DTYPE.format(dtype=errors.TYPE_NAMES[dtypes.of(t._array).name]))
    axes = dims_of(dim, t, "linalg_vector_norm")
    return called(VECTOR_NORM, t, (float(ord), axes, flag(keepdim, "linalg_vector_norm")), out)


def matrix_norm(
    A: object, ord: object = "fro", dim: object = (-2, -1), keepdim: object = False, *, dtype: object = None,
    out: object = None,
) -> object:
    """Norms of matrices: "fro", "nuc", inf, -inf, 1, -1, 2, -2 over two dims.

    "nuc" is the sum of the singular values, 2 and -2 the largest and the smallest of them.
    """
    x: Tensor = converted(given(A, "linalg_matrix_norm"), dtype, "linalg_matrix_norm")
    if isinstance(ord, str) and ord not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if not is_float(x._array):
        kind = errors.TYPE_NAMES[dtypes.of(x._array).name]
        raise RuntimeError(f"linalg.matrix_norm: Expected a floating point or complex tensor as input. Got {kind}")
    if not isinstance(dim, (tuple, list)) or len(dim) != 2:
        raise RuntimeError("linalg.matrix_norm: dim must be a 2-tuple.")
    if x._array.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if ord == "fro":
        return vector_norm(x, 2, dim, keepdim, out=out)
    if ord in (1, -1, INFINITY, -INFINITY):
        result = extreme_sum(x, ord, dims_of(dim, x, "linalg_matrix_norm"), keepdim)
        return result if out is None else write_results("norm", (result,), (out,))[0]
    if ord not in ("nuc", 2, -2):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    result = spectral(x, ord, dims_of(dim, x, "linalg_matrix_norm"), keepdim)
    return result if out is None else write_results("norm", (result,), (out,))[0]


def spectral(x: object, ord: object, dims: object, keepdim: object) -> object:
    """The sum of the singular values, the largest or the smallest."""
    values = PUBLIC["linalg.svdvals"](x.movedim(dims, (-2, -1)))
    if ord == "nuc":
        result = values.sum(-1, keepdim)
    else:
        result = values.amax(-1, keepdim) if ord == 2 else values.amin(-1, keepdim)
    return result.unsqueeze(-1).movedim((-2, -1), dims) if keepdim else result


def extreme_sum(x: Tensor, order: object, axes: object, keepdim: object) -> object:
    """The largest, or smallest, sum of magnitudes of the columns (1, -1) or rows (inf, -inf)."""
    first, second = axes
    if order == INFINITY or order == -INFINITY:
        first, second = second, first
    sums = vector_norm(x, 1, first, keepdim)
    if not keepdim and second > first:
        second -= 1
    return sums.amax(second, keepdim) if order > 0 else sums.amin(second, keepdim)


def linalg_norm(
    A: object, ord: object = None, dim: object = None, keepdim: object = False, *, out: object = None,
    dtype: object = None,
) -> object:
    """A vector's or a matrix's norm, by the number of dims: see `vector_norm` and `matrix_norm`.

    Without `ord`, the square root of the sum of squares over `dim` (all by default).
    """
    x: Tensor = given(A, "linalg_norm")
    if ord is None:
        return vector_norm(x, 2, dim, keepdim, dtype=dtype, out=out)
    if dim is None and x._array.ndim not in (1, 2):
        raise RuntimeError("linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
                           f"{x._array.ndim}D.")
    if isinstance(ord, str) or (x._array.ndim == 2 if dim is None else isinstance(dim, (tuple,
        list)) and len(dim) == 2):
        return matrix_norm(x, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype, out=out)
    return vector_norm(x, ord, dim, keepdim, dtype=dtype, out=out)


def norm(
    input: object, p: object = "fro", dim: object = None, keepdim: object = False, out: object = None,
    dtype: object = None,
) -> object:
    """The p-norm of all elements, or over `dim`; "fro" is 2, "nuc" the sum of singular values."""
    x: Tensor = given(input, "norm")
    if isinstance(p, str) and p != "fro":
        return matrix_norm(x, p, (-2, -1) if dim is None else dim, keepdim, dtype=dtype, out=out)
    return vector_norm(x, 2 if p == "fro" or p is None else p, dim, keepdim, dtype=dtype, out=out)


def dist(input: object, other: object, p: object = 2) -> object:
    """The p-norm of input - other, broadcast."""
    return apply(DIST, (given(input, "dist"), given(other, "dist")), float(p))


def normalize(input: object, p: object = 2.0, dim: object = 1, eps: object = 1e-12, out: object = None) -> object:
    """input over its p-norm along `dim`, or over eps where that is smaller."""
    x: Tensor = given(input, "normalize")
    size = norm(x, p, dim, True).clamp_min(eps).expand_as(x)
    result = x / size
    return result if out is None else write_results("norm", (result,), (out,))[0]


def lifted(size: Tensor, least: object) -> object:
    """A norm where it is at least so much, else that; as in PyTorch the gradient goes through the norm all the same."""
    recording: bool = grad_enabled()
    set_grad(False)
    try:
        missing = (least - size).clamp_min(0)
    finally:
        set_grad(recording)
    return size + missing


def cosine_similarity(x1: object, x2: object, dim: object = 1, eps: object = 1e-8) -> object:
    """The cosine of the angle between two tensors along `dim`: (x1 / |x1|) . (x2 / |x2|), sizes at least eps."""
    x: Tensor = given(x1, "cosine_similarity")
    y: Tensor = given(x2, "cosine_similarity")
    least = number(eps, "cosine_similarity", "eps", 4, "float")
    kind: dtypes.dtype = dtypes.result_pair(dtypes.of(x._array), x._array.ndim, dtypes.of(y._array), y._array.ndim)
    if kind.category != 2:
        raise RuntimeError("expected common dtype to be floating point, yet common dtype is "
                           + errors.TYPE_NAMES[kind.name])
    x, y = [one if is_float(one._array) else cython.cast(object, one).to(kind) for one in (x, y)]
    if shape_of(x._array) != shape_of(y._array):
        try:
            shape = np.broadcast_shapes(shape_of(x._array), shape_of(y._array))
        except ValueError:
            raise RuntimeError(broadcast_error(x._array, y._array)) from None
        x, y = x.expand(shape), y.expand(shape)
    first, second = [lifted(vector_norm(one, 2, dim, True), least) for one in (x, y)]
    return ((x / first) * (y / second)).sum(dim)


def pairwise_distance(x1: object, x2: object, p: object = 2.0, eps: object = 1e-6, keepdim: object = False) -> object:
    """The p-norm along the last dim of x1 - x2 + eps."""
    x: Tensor = given(x1, "pairwise_distance") - x2 + number(eps, "pairwise_distance", "eps", 4, "float")
    axes = dims_of(-1, x, "pairwise_distance")
    order = number(p, "pairwise_distance", "p", 3, "float")
    return called(NORM, x, (order, axes, flag(keepdim, "pairwise_distance")), None)


def orders(make: object) -> object:
    """Samples of orders and dims."""
    return [((make(3, 4),), {}), ((make(3, 4), 1), {}), ((make(3, 4), 3, 1), {}), ((make(2, 3, 4), 2.5, (0, -1), True),
        {}),
            ((make(3, 4), math.inf), {"dim": 0}), ((make(),), {}), ((make(3, 4), 0.5), {})]


declare(VECTOR_NORM, "linalg.vector_norm", node="LinalgVectorNormBackward", overload=None, reads=[1 | (1 << OUT)],
        function=vector_norm, method=False, inplace=False, samples=orders, dtypes="f")
composite("linalg.matrix_norm", matrix_norm, method=False, out=True, dtypes="f", samples=lambda make: [
    ((make(3, 4),), {}), ((make(2, 3, 4), 1), {}), ((make(3, 4), -math.inf), {"keepdim": True})])
composite("linalg.norm", linalg_norm, method=False, out=True, dtypes="f", samples=lambda make: [
    ((make(3, 4),), {}), ((make(3), 3), {}), ((make(3, 4), 1), {}), ((make(3, 4),), {"dim": 1})])
composite("norm", norm, out=True, dtypes="f", samples=lambda make: [
    ((make(3, 4),), {}), ((make(3, 4), 1), {}), ((make(3, 4), "fro", 1), {}), ((make(2, 3, 4), 3, (0, 1), True), {})])
declare(DIST, "dist", overload=None, reads=[3 | (1 << OUT), 3 | (1 << OUT)], function=dist, inplace=False, out=False,
        dtypes="f", samples=lambda make: [((make(3, 4), make(3, 4)), {}), ((make(3, 4), make(4), 1), {})])
composite("nn.functional.normalize", normalize, method=False, out=True, dtypes="f", samples=lambda make: [
    ((make(3, 4),), {}), ((make(3, 4),), {"p": 1, "dim": 0})])
composite("nn.functional.cosine_similarity", cosine_similarity, method=False, dtypes="f", aliases=("cosine_similarity",
    ),
          samples=lambda make: [((make(3, 4), make(3, 4)), {}), ((make(3, 4), make(4)), {"dim": -1})])
composite("nn.functional.pairwise_distance", pairwise_distance, method=False, dtypes="f", aliases=("pairwise_distance",
    ),
          samples=lambda make: [((make(3, 4), make(3, 4)), {}), ((make(3, 4), make(3, 4)), {"p": 1, "keepdim": True})])
