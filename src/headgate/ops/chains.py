"""Chains and powers of matrices, traces and cross products."""
import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply1, apply2, wrap
    from headgate.core.arrays import count_of, is_contiguous, is_float, shape_of, swap_view
    from headgate.core.operators import slots
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import contiguous, map2, reduce
    from headgate.ops.linalg import MM
    from headgate.ops.reducing import given, one_dim, write_results
    from headgate.ops.view import UNSQUEEZE, reshaped

    ndarray = np.ndarray

from headgate.core.declare import composite, declare
from headgate.core.entry import PUBLIC
from headgate.core.family import broadcast_error, refused_error
from headgate.kernels import make_loop


def best_splits(sizes: list) -> dict:
    """For each part (i, k) of a chain of matrices the place to split it with the fewest multiplications."""
    count = len(sizes) - 1
    cost: dict = {(i, i): 0 for i in range(count)}
    splits: dict = {}
    for length in range(1, count):
        for i in range(count - length):
            k = i + length
            for at in range(i, k):
                total = cost[i, at] + cost[at + 1, k] + sizes[i] * sizes[at + 1] * sizes[k + 1]
                if (i, k) not in cost or total < cost[i, k]:
                    cost[i, k], splits[i, k] = total, at
    return splits


def chain_of(tensors: list, splits: dict, i: object, k: object) -> Tensor:
    """The product of a part of a chain."""
    if i == k:
        return tensors[i]
    at = splits[i, k]
    return apply2(MM, chain_of(tensors, splits, i, at), chain_of(tensors, splits, at + 1, k), None)


def multi_dot(tensors: object, *, out: object = None) -> object:
    """The product of a chain of matrices, in the order with the fewest multiplications; the ends may be vectors."""
    parts: list = [given(one, "multi_dot") for one in tensors]
    if len(parts) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(parts)}")
    first: Tensor = parts[0]
    last: Tensor = parts[len(parts) - 1]
    shape: tuple = ()
    for k, one in enumerate(parts):
        if one.ndim != 2 and (one.ndim != 1 or 0 < k < len(parts) - 1):
            wanted = "2D" if 0 < k < len(parts) - 1 else "1D or 2D"
            raise RuntimeError(f"multi_dot(): tensor {k} must be {wanted} but got {one.ndim}D")
    if first._array.ndim == 1:
        parts[0] = apply1(UNSQUEEZE, first, 0)
    else:
        shape += (first._array.shape[0],)
    if last._array.ndim == 1:
        parts[len(parts) - 1] = apply1(UNSQUEEZE, last, 1)
    else:
        shape += (last._array.shape[1],)
    sizes = [one.shape[0] for one in parts] + [parts[len(parts) - 1].shape[1]]
    result = reshaped(chain_of(parts, best_splits(sizes), 0, len(parts) - 1), shape)
    return result if out is None else write_results("multi_dot", (result,), (out,))[0]


def chain_matmul(*matrices: object, out: object = None) -> object:
    """`linalg.multi_dot` of the arguments."""
    if len(matrices) == 1:
        return given(matrices[0], "chain_matmul")
    return multi_dot(list(matrices), out=out)


def matrix_power(input: object, n: object, *, out: object = None) -> object:
    """The product of n times the same matrix (or batch of matrices), by squaring; n < 0 takes the inverse."""
    x: Tensor = given(input, "linalg_matrix_power")
    if x._array.ndim < 2:
        raise RuntimeError("linalg.matrix_power: The input tensor A must have at least 2 dimensions.")
    if x._array.shape[x._array.ndim - 2] != x._array.shape[x._array.ndim - 1]:
        raise RuntimeError("linalg.matrix_power: A must be batches of square matrices, but they are "
                           f"{x._array.shape[x._array.ndim - 2]} by {x._array.shape[x._array.ndim - 1]} matrices")
    if n < 0:
        x, n = PUBLIC["linalg.inv"](x), -n
    if n == 0:
        eye = np.eye(x._array.shape[x._array.ndim - 1], dtype=cython.cast(object, x._array).dtype)
        return wrap(np.array(np.broadcast_to(eye, shape_of(x._array))))
    if n == 1:
        return slots.clone.call1(x, None)
    result: object = None
    square: Tensor = x
    while n > 0:
        if n % 2:
            result = square if result is None else result @ square
        n //= 2
        if n:
            square = square @ square
    return result if out is None else write_results("matrix_power", (result,), (out,))[0]


@cython.cclass
class Trace(Op):
    """The sum of a matrix's diagonal."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        if x.ndim != 2:
            raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {x.ndim}")
        return reduce("sum", cython.cast(object, x).diagonal(), None, False, None)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        shape: tuple = n.shape(0)
        return g * wrap(np.eye(shape[0], shape[1], dtype=cython.cast(object, g._array).dtype))


@cython.cclass
class Cross(Op):
    """The cross product along a dim of length 3. attrs: the dim, counted from the end."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        if dtypes.of(x).category == 0:
            raise refused_error("cross", dtypes.of(x))
        if not is_float(x):
            return np.cross(x, y, axis=attrs)
        found: ndarray
        if cython.compiled and x.shape == y.shape:
            last: cython.int = x.ndim - 1
            axis: cython.int = last + 1 + attrs
            if axis != last:
                x, y = swap_view(x, axis, last), swap_view(y, axis, last)
            found = crossed(x if is_contiguous(x) else contiguous(x), y if is_contiguous(y) else contiguous(y))
            if found is not None:
                return found if axis == last else contiguous(swap_view(found, axis, last))
            if axis != last:
                x, y = swap_view(x, axis, last), swap_view(y, axis, last)
        x, y = np.broadcast_arrays(x, y)
        x, y = contiguous(np.moveaxis(x, attrs, 0)), contiguous(np.moveaxis(y, attrs, 0))
        result = np.empty(x.shape, x.dtype)
        for i in range(3):  # each from the other two components, in turn
            j, k = (i + 1) % 3, (i + 2) % 3
            part: ndarray = np.asarray(result[i, ...])
            map2(PRODUCT, np.asarray(x[j]), np.asarray(y[k]), part)
            map2(DIFFERENCE, part, map2(PRODUCT, np.asarray(x[k]), np.asarray(y[j])), part)
        return contiguous(np.moveaxis(result, 0, attrs))

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return apply2(CROSS, n.read(1), g, n.attrs)
        return apply2(CROSS, g, n.read(0), n.attrs)


def crossed(x: ndarray, y: ndarray) -> ndarray:
    """The cross products of vectors that lie one after another; None for types other than float32 and float64."""
    i: cython.Py_ssize_t
    number: cython.int = PyArray_TYPE(x)  # noqa: F821
    result: ndarray = fresh_like(x)  # noqa: F821
    if PyArray_TYPE(y) != number or number not in (11, 12):  # noqa: F821
        return None
    if number == 11:
        a: cython.p_float = cython.cast(cython.p_float, PyArray_DATA(x))  # noqa: F821
        b: cython.p_float = cython.cast(cython.p_float, PyArray_DATA(y))  # noqa: F821
        z: cython.p_float = cython.cast(cython.p_float, PyArray_DATA(result))  # noqa: F821
        for i in range(0, count_of(x), 3):
            z[i] = a[i + 1] * b[i + 2] - a[i + 2] * b[i + 1]
            z[i + 1] = a[i + 2] * b[i] - a[i] * b[i + 2]
            z[i + 2] = a[i] * b[i + 1] - a[i + 1] * b[i]
        return result
    c: cython.p_double = cython.cast(cython.p_double, PyArray_DATA(x))  # noqa: F821
    d: cython.p_double = cython.cast(cython.p_double, PyArray_DATA(y))  # noqa: F821
    w: cython.p_double = cython.cast(cython.p_double, PyArray_DATA(result))  # noqa: F821
    for i in range(0, count_of(x), 3):
        w[i] = c[i + 1] * d[i + 2] - c[i + 2] * d[i + 1]
        w[i + 1] = c[i + 2] * d[i] - c[i] * d[i + 2]
        w[i + 2] = c[i] * d[i + 1] - c[i + 1] * d[i]
    return result


PRODUCT, DIFFERENCE = make_loop("mul"), make_loop("sub")
TRACE, CROSS = Trace(), Cross()


def trace(input: object) -> object:
    """The sum of a matrix's diagonal."""
    return apply1(TRACE, given(input, "trace"), None)


def linalg_cross(input: object, other: object, *, dim: object = -1, out: object = None) -> object:
    """The cross product of vectors of 3 along `dim`, other dims broadcast."""
    x: Tensor = given(input, "linalg_cross")
    y: Tensor = given(other, "linalg_cross")
    if x._array.ndim != y._array.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    axis: cython.int = one_dim(dim, x, "linalg_cross")
    if x._array.ndim == 0:
        raise RuntimeError("linalg.cross: inputs must have at least one dimension.")
    if x._array.shape[axis] != 3 or y._array.shape[axis] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {x._array.shape[axis]} and "
                           f"{y._array.shape[axis]}")
    if shape_of(x._array) != shape_of(y._array):
        try:
            np.broadcast(x._array, y._array)
        except ValueError:
            raise RuntimeError(broadcast_error(x._array, y._array)) from None
    result = apply2(CROSS, x, y, axis - x._array.ndim)
    return result if out is None else write_results("cross", (result,), (out,))[0]


def cross(input: object, other: object, dim: object = None, *, out: object = None) -> object:
    """`linalg.cross`; without `dim` the first dim of length 3."""
    if dim is None:
        shape = shape_of(given(input, "cross")._array)
        if 3 not in shape:
            raise RuntimeError("no dimension of size 3 in input")
        dim = shape.index(3)
    return linalg_cross(input, other, dim=dim, out=out)


declare(TRACE, "trace", overload=None, shapes=1 << 0, function=trace, inplace=False, out=False, dtypes="fi",
        samples=lambda make: [((make(3, 3),), {}), ((make(2, 3),), {})])
declare(CROSS, "linalg.cross", node="LinalgCrossBackward", overload=None, reads=[1 << 1, 1 << 0], function=linalg_cross,
        method=False, inplace=False, dtypes="fi", samples=lambda make: [((make(2, 3), make(2, 3)), {})])
composite("cross", cross, out=True, dtypes="fi", samples=lambda make: [((make(3, 2), make(3, 2)), {"dim": 0})])
composite("linalg.multi_dot", multi_dot, method=False, out=True, dtypes="f", samples=lambda make: [
    (([make(2, 3), make(3, 4), make(4, 2)],), {}), (([make(3), make(3, 4), make(4)],), {})])
composite("chain_matmul", chain_matmul, method=False, out=True, dtypes="f",
          samples=lambda make: [((make(2, 3), make(3, 4), make(4, 2)), {})])
composite("matrix_power", matrix_power, out=True, dtypes="f", aliases=("linalg.matrix_power",),
          samples=lambda make: [((make(3, 3), 3), {}), ((make(2, 3, 3), 2), {})])
