"""glu, cdist and pdist: a gate, and the distances between all pairs of rows. Gradients are written in Tensors."""
import cython
import numpy as np

if not cython.compiled:
    from headgate.core.apply import apply, apply1, wrap
    from headgate.core.arrays import is_contiguous, is_float, shape_of, slice_view
    from headgate.core.records import OUT, Node, Op, Tensor
    from headgate.kernels.reference import map1, map2
    from headgate.ops.arguments import given, other, place

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import declare, describe
from headgate.core.entry import PUBLIC, publish
from headgate.core.family import refused_error
from headgate.kernels import make_loop
from headgate.ops.whole import whole, whole_op

MODES = {"use_mm_for_euclid_dist_if_necessary": 0, "use_mm_for_euclid_dist": 1, "donot_use_mm_for_euclid_dist": 2}
MANY = 25  # rows from which on PyTorch takes the product of matrices for distances by default
FEW = 1 << 12  # differences that one plain loop takes sooner than NumPy's passes
PIECE = 1 << 20  # elements of differences at a time


@cython.cclass
class Glu(Op):
    """The first half of x along a dim times the sigmoid of the second. attrs: the dim."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if not is_float(x) or dtypes.of(x).category > 2:
            raise refused_error("glu_cpu", dtypes.of(x))
        half = x.shape[attrs] // 2
        first: ndarray = slice_view(x, attrs, 0, half, 1)
        gate = map1(SIGMOID, slice_view(x, attrs, half, half, 1))
        return map2(PRODUCT, first, gate, gate)

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return self.run1(inputs[0], attrs, out)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        first, second = n.read(0).chunk(2, n.attrs)
        gate = second.sigmoid()
        slope = g * gate
        return PUBLIC["cat"]((slope, slope * first * (1 - gate)), n.attrs)


GLU = Glu()
SIGMOID, PRODUCT = make_loop("sigmoid"), make_loop("mul")


def glu(input: object, dim: object = -1) -> object:
    """a * sigmoid(b), a and b the halves of the input along `dim`; Dauphin, Fan, Auli, Grangier 2017.

    RuntimeError for a dim of odd size and for scalars.
    """
    x: Tensor = given(input, "glu")
    if x._array.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    axis: cython.int = place(dim, x._array.ndim, "glu", "dim", 2)
    size = shape_of(x._array)[axis]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {axis} is size {size}")
    return apply1(GLU, x, axis)


# ---- distances ------------------------------------------------------------------------------------------------------


def differences(x: object, y: object, p: object) -> object:
    """The p-norms of all differences of rows of x (P, M) and y (R, M)."""
    found = np.empty((len(x), len(y)), x.dtype)
    step = max(1, PIECE // max(1, y.shape[0] * y.shape[1]))
    for first in range(0, len(x), step):
        d = np.abs(x[first:first + step, None] - y[None])
        part = found[first:first + step]
        if p == 0:
            part[...] = (d != 0).sum(2)
        elif p == np.inf:
            part[...] = d.max(2, initial=0)
        elif p == 1:
            part[...] = d.sum(2)
        elif p == 2:
            part[...] = np.sqrt(np.einsum("prm,prm->pr", d, d))
        else:
            part[...] = (d ** p).sum(2) ** (1 / p)
    return found


def by_product(x: object, y: object) -> object:
    """Euclidean distances by one product of matrices: quicker, and less exact for rows that are near."""
    squares = (x * x).sum(1)[:, None] + (y * y).sum(1)[None] - 2 * (x @ y.T)
    return np.sqrt(np.maximum(squares, 0))


def few_distances(x: ndarray, y: ndarray, p: cython.double) -> ndarray:
    """Norms of the differences of few rows; None for many, for gaps, other types and other norms than 0, 1, 2, inf."""
    if not cython.compiled or not (is_contiguous(x) and is_contiguous(y)):
        return None
    number: cython.int = PyArray_TYPE(x)  # noqa: F821
    width: cython.Py_ssize_t = PyArray_DIMS(x)[1]  # noqa: F821
    rows: cython.Py_ssize_t = PyArray_DIMS(x)[0]  # noqa: F821
    columns: cython.Py_ssize_t = PyArray_DIMS(y)[0]  # noqa: F821
    i: cython.Py_ssize_t
    j: cython.Py_ssize_t
    k: cython.Py_ssize_t
    d: cython.double
    total: cython.double
    kind: cython.int = 2 if p == 2 else 1 if p == 1 else 0 if p == 0 else 3 if p > 1e300 else -1
    if number not in (11, 12) or kind < 0 or rows * columns * width > FEW:
        return None
    result: ndarray = np.empty((rows, columns), cython.cast(object, x).dtype)
    a: cython.p_float = cython.cast(cython.p_float, PyArray_DATA(x))  # noqa: F821
    b: cython.p_float = cython.cast(cython.p_float, PyArray_DATA(y))  # noqa: F821
    z: cython.p_float = cython.cast(cython.p_float, PyArray_DATA(result))  # noqa: F821
    e: cython.p_double = cython.cast(cython.p_double, PyArray_DATA(x))  # noqa: F821
    f: cython.p_double = cython.cast(cython.p_double, PyArray_DATA(y))  # noqa: F821
    w: cython.p_double = cython.cast(cython.p_double, PyArray_DATA(result))  # noqa: F821
    for i in range(rows):
        for j in range(columns):
            total = 0
            for k in range(width):
                if number == 11:
                    d = fabs(a[i * width + k] - b[j * width + k])  # noqa: F821
                else:
                    d = fabs(e[i * width + k] - f[j * width + k])  # noqa: F821
                if kind == 2:
                    total += d * d
                elif kind == 1:
                    total += d
                elif kind == 0:
                    total += d != 0
                elif d > total or d != d:
                    total = d
            if kind == 2:
                total = sqrt(total)  # noqa: F821
            if number == 11:
                z[i * columns + j] = total
            else:
                w[i * columns + j] = total
    return result


@cython.cclass
class Cdist(Op):
    """Distances of all pairs of rows, batch by batch. Inputs of equal batch shape; attrs: (p, whether by product)."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        batch = x.shape[:x.ndim - 2]
        if not batch:
            few = None if attrs[1] else few_distances(x, y, attrs[0])
            if few is not None:
                return few
            with np.errstate(all="ignore"):
                return by_product(x, y) if attrs[1] else differences(x, y, attrs[0])
        found = np.empty(batch + (x.shape[x.ndim - 2], y.shape[y.ndim - 2]), x.dtype)
        with np.errstate(all="ignore"):
            for at in np.ndindex(batch):
                found[at] = by_product(x[at], y[at]) if attrs[1] else differences(x[at], y[at], attrs[0])
        return found

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        x, y = (n.read(0), n.read(1)) if i == 0 else (n.read(1), n.read(0))
        distance: object = n.read(OUT)
        up: object = g
        if i == 1:
            distance, up = distance.transpose(-2, -1), up.transpose(-2, -1)
        p = n.attrs[0]
        if p == 0:
            return x * 0
        near = (distance == 0).detach()
        if p == 2:
            share = (up / distance.masked_fill(near, 1)).masked_fill(near, 0)
            return share.sum(-1, True) * x - share.matmul(y)
        d = x.unsqueeze(-2) - y.unsqueeze(-3)
        if p == 1:
            slope = d.sign()
        elif p == np.inf:
            slope = d.sign() * (d.abs() == distance.unsqueeze(-1)).detach()
        else:
            still = (d == 0).detach()
            size = d.abs().masked_fill(still, 1).pow(p - 1)
            slope = (d.sign() * size / distance.masked_fill(near, 1).pow(p - 1).unsqueeze(-1)).masked_fill(still, 0)
        return (slope * up.masked_fill(near, 0).unsqueeze(-1)).sum(-2)


CDIST = Cdist()
PDIST = whole_op("_pdist_forward", "PdistBackward", keeps_result=True)


def check_pair(x: Tensor, y: Tensor, p: object) -> None:
    """The checks of cdist, with PyTorch's errors."""
    for name, t in (("X1", x), ("X2", y)):
        kind = dtypes.of(cython.cast(Tensor, t)._array)
        if not kind.is_floating_point:
            raise RuntimeError(f"cdist only supports floating-point dtypes, {name} got: {errors.C_NAMES[kind.name]}")
    for name, t in (("X1", x), ("X2", y)):
        if t.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {t.ndim}D")
    first: tuple = shape_of(x._array)
    second: tuple = shape_of(y._array)
    if first[len(first) - 1] != second[len(second) - 1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {first[len(first) - 1]} X2: "
                           f"{second[len(second) - 1]}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    mine, theirs = dtypes.of(x._array), dtypes.of(y._array)
    if mine is not theirs:
        raise RuntimeError(f"expected scalar type {errors.TYPE_NAMES[mine.name]} but found "
                           f"{errors.TYPE_NAMES[theirs.name]}")


def cdist(
    x1: object, x2: object, p: object = 2.0, compute_mode: object = "use_mm_for_euclid_dist_if_necessary",
) -> object:
    """The p-norm of each row of x1 (*, P, M) minus each row of x2 (*, R, M): (*, P, R).

    compute_mode: whether Euclidean distances come from a product of matrices (by default from 26 rows on).
    RuntimeError for shapes or types that do not fit. A pair at distance 0 gets no gradient.
    """
    x: Tensor = other(x1, "cdist", "x1")
    y: Tensor = other(x2, "cdist", "x2")
    if compute_mode not in MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    check_pair(x, y, p)
    mode = MODES[compute_mode]
    first: tuple = shape_of(x._array)
    second: tuple = shape_of(y._array)
    alone: cython.bint = len(first) == 2 and len(second) == 2
    batch = () if alone else np.broadcast_shapes(first[:len(first) - 2], second[:len(second) - 2])
    product = p == 2 and (mode == 1 or mode == 0 and (first[len(first) - 2] > MANY or second[len(second) - 2] > MANY))
    wide: Tensor = cython.cast(object, x).expand(batch + first[len(first) - 2:]) if len(batch) else x
    other_wide: Tensor = cython.cast(object, y).expand(batch + second[len(second) - 2:]) if len(batch) else y
    return apply(CDIST, (wide, other_wide), (float(p), product))


def pdist(input: object, p: object = 2) -> object:
    """The p-norms of the differences of all pairs of rows of a matrix (N, M), pair by pair: N (N - 1) / 2."""
    x: Tensor = given(input, "pdist")
    if x._array.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {x._array.ndim}D")
    if not is_float(x._array):
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    rows = shape_of(x._array)[0]
    upper = np.flatnonzero(np.triu(np.ones((rows, rows), bool), 1))
    found: object = cython.cast(object, apply(CDIST, (x, x), (float(p), False))).reshape(-1)
    return whole(PDIST, found.index_select(0, wrap(upper)), x)


def halves(make: object) -> list:
    """Inputs with dims of even size."""
    return [((make(3, 4),), {}), ((make(4, 3), 0), {}), ((make(2, 2, 3), 1), {})]


describe(CDIST, "cdist", (3 | 1 << OUT, 3 | 1 << OUT), 0, "CdistBackward", None, True)
declare(GLU, "nn.functional.glu", overload=None, reads=[1], function=glu, method=False, inplace=False, out=False,
        samples=halves, dtypes="f")
publish("cdist", cdist)
publish("pdist", pdist)
PUBLIC["nn.functional.pdist"] = PUBLIC["pdist"]
