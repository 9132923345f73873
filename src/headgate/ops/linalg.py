"""Products of vectors and matrices: matmul and what it is made of, and their relatives that add.

PyTorch's decomposition is kept, so the nodes are the same. Contractions by letters are in `contraction`, inverses and
determinants in `solving`.
"""
import math

import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply1, apply2, edge_of, requires
    from headgate.core.arrays import count_of, select_view, shape_of
    from headgate.core.inplace import write
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import slots
    from headgate.core.records import Node, Op, Tensor, X, Y
    from headgate.kernels.reference import matmul as product
    from headgate.ops.reducing import given
    from headgate.ops.view import EXPAND, SQUEEZE_DIM, TRANSPOSE, UNSAFE_VIEW, UNSQUEEZE, T, reshaped

    ndarray = np.ndarray

    def PyArray_TYPE(a: np.ndarray) -> int:
        return a.dtype.num

from headgate import errors
from headgate.core.declare import composite, declare, overload
from headgate.core.family import broadcast_error, refused_error

SMALL = 400  # products below which PyTorch multiplies batches of matrices by a loop of its own

def c_name(x: ndarray) -> str:
    """The element type in C's words (float, long int)."""
    return errors.C_NAMES[dtypes.of(x).name]


def type_name(x: ndarray) -> str:
    """The element type in PyTorch's words (Float, Long)."""
    return errors.TYPE_NAMES[dtypes.of(x).name]


def no_bools(x: ndarray, y: ndarray, kernel: str):
    """Bools are not multiplied by matrices, unless there is nothing to multiply."""
    if dtypes.of(x).category == 0 and count_of(x) > 0 and count_of(y) > 0:
        raise refused_error(kernel, dtypes.of(x))


def leading(x: ndarray, last: cython.int) -> tuple:
    """The shape without its last dims."""
    shape: tuple = shape_of(x)
    return shape[: len(shape) - last]


def transposed(x: Tensor) -> Tensor:
    """The matrix, or each matrix of a batch, transposed."""
    count: cython.int = x._array.ndim
    if count == 2:
        return apply1(T, x, None)
    return apply1(TRANSPOSE, x, (count - 2, count - 1))


@cython.cclass
class Product(Op):
    """The products: two operands whose shapes fit, of one type."""

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        if not isinstance(x, Tensor) or not isinstance(y, Tensor):
            return NotImplemented
        if out is not None:
            return write(self, (x, y), None, out)
        return apply2(self, cython.cast(Tensor, x), cython.cast(Tensor, y), None)


def product_of(op: Op, input: object, other: object, out: object, second: str) -> object:
    """Call a product as a function."""
    x: Tensor = given(input, op.name)
    if not isinstance(other, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=op.name, name=second, position=2, expected="Tensor", type=type(other).__name__))
    return op.call2(x, other, out)


@cython.cclass
class Mm(Product):
    """The product of two matrices."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        check_matrices(x, y)
        return product(x, y)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return apply2(MM, g, apply1(T, n.read(Y), None), None)
        return apply2(MM, apply1(T, n.read(X), None), g, None)


def check_matrices(x: ndarray, y: ndarray):
    """Refuse what is no pair of matrices that fit."""
    if x.ndim != 2:
        raise RuntimeError(errors.MM_SELF)
    if y.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    if x.shape[1] != y.shape[0]:
        raise RuntimeError(errors.MM_SHAPES.format(n=x.shape[0], k=x.shape[1], k2=y.shape[0], m=y.shape[1]))
    if PyArray_TYPE(x) != PyArray_TYPE(y):
        raise RuntimeError(errors.MM_DTYPE.format(first=c_name(x), second=c_name(y)))
    if PyArray_TYPE(x) == 0:
        no_bools(x, y, "addmm_impl_cpu_")


@cython.cclass
class Bmm(Product):
    """The products of two batches of matrices."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        check_batches(x, y, "batch1", "batch2")
        return product(x, y)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return apply2(BMM, g, transposed(n.read(Y)), None)
        return apply2(BMM, transposed(n.read(X)), g, None)


def check_batches(x: ndarray, y: ndarray, first: str, second: str):
    """Refuse what is no pair of batches of matrices that fit."""
    if x.ndim != 3:
        raise RuntimeError(errors.BMM_DIMS.format(name=first))
    if y.ndim != 3:
        raise RuntimeError(errors.BMM_DIMS.format(name=second))
    if x.shape[0] != y.shape[0] or x.shape[2] != y.shape[1]:
        raise RuntimeError(errors.BMM_SHAPES.format(batch=x.shape[0], k=x.shape[2], batch2=y.shape[0], k2=y.shape[1]))
    if PyArray_TYPE(x) != PyArray_TYPE(y):
        raise RuntimeError(errors.BMM_DTYPE.format(first=type_name(x), second=type_name(y)))
    if PyArray_TYPE(x) == 0:
        no_bools(x, y, "bmm")


@cython.cclass
class Mv(Product):
    """The product of a matrix and a vector."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        check_vector(x, y, 1)
        return product(x, y)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        if i == 0:
            return apply1(UNSQUEEZE, g, 1) * n.read(Y)
        return apply2(MV, apply1(T, n.read(X), None), g, None)


def check_vector(x: ndarray, y: ndarray, added: cython.int):
    """Refuse what is no matrix and vector that fit; `added` is the number of dims of what is added."""
    if x.ndim != 2 or y.ndim != 1 or added > 1:
        raise RuntimeError(errors.MV_DIMS.format(input=added, matrix=x.ndim, vector=y.ndim))
    if x.shape[1] != y.shape[0]:
        raise RuntimeError(errors.MV_SHAPES.format(n=x.shape[0], k=x.shape[1], size=y.shape[0]))
    if PyArray_TYPE(x) != PyArray_TYPE(y):
        raise RuntimeError(errors.MV_DTYPE.format(vector=type_name(y), matrix=type_name(x)))
    if PyArray_TYPE(x) == 0:
        no_bools(x, y, "addmv_impl_cpu")


@cython.cclass
class Dot(Product):
    """The product of two vectors."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        check_dot(x, y)
        return product(x, y)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return g * n.read(1 - i)


def check_dot(x: ndarray, y: ndarray):
    """Refuse what is no pair of vectors of one length and type."""
    if x.ndim != 1 or y.ndim != 1:
        raise RuntimeError(errors.DOT_DIMS.format(first=x.ndim, second=y.ndim))
    if PyArray_TYPE(x) != PyArray_TYPE(y):
        raise RuntimeError(errors.DOT_DTYPE.format(first=type_name(x), second=type_name(y)))
    if x.shape[0] != y.shape[0]:
        raise RuntimeError(errors.DOT_SIZES.format(a=x.shape[0], b=y.shape[0]))
    if PyArray_TYPE(x) == 0:
        no_bools(x, y, "dot")


# ---- matmul ---------------------------------------------------------------------------------------------------------


@cython.cclass
class SqueezeFresh(Op):
    """A fresh result without one dim of length 1. attrs: the dim."""

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        return select_view(x, attrs, 0)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(UNSQUEEZE, g, n.attrs)


@cython.cclass
class MatMul(Product):
    """The matrix product of operands of any rank, by PyTorch's rule; recorded as the products it is made of."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        check_product(x, y)
        return product(x, y)

    @cython.cfunc
    def call2(self, x: object, y: object, out: object) -> object:
        if not isinstance(x, Tensor) or not isinstance(y, Tensor):
            return NotImplemented
        if out is not None:
            return write(self, (x, y), None, out)
        return multiplied(cython.cast(Tensor, x), cython.cast(Tensor, y))


def check_product(x: ndarray, y: ndarray):
    """Refuse operands that do not fit, each pair of ranks with the words of the product it leads to."""
    nx: cython.int = x.ndim
    ny: cython.int = y.ndim
    k: cython.Py_ssize_t
    if nx == 0 or ny == 0:
        raise RuntimeError(errors.MATMUL_DIMS.format(first=nx, second=ny))
    if nx == 2 and ny == 2:
        check_matrices(x, y)
    elif nx == 1 and ny == 1:
        check_dot(x, y)
    elif nx == 2 and ny == 1:
        check_vector(x, y, 1)
    else:
        k = y.shape[ny - 2] if ny > 1 else y.shape[0]
        if x.shape[nx - 1] != k or PyArray_TYPE(x) != PyArray_TYPE(y) or PyArray_TYPE(x) == 0:
            refuse_product(x, y, k)
        if nx > 2 and ny > 2:
            check_leading(x, y)


def joins_freely(x: ndarray) -> bool:
    """Whether a batch of matrices is one matrix without a copy: where PyTorch multiplies it as one."""
    i: cython.int
    for i in range(x.ndim - 2):
        if x.strides[i] != x.strides[i + 1] * x.shape[i + 1]:
            return 0 in shape_of(x)
    return True


def turned(x: ndarray) -> ndarray:
    """Each matrix of a batch transposed."""
    return np.swapaxes(x, -1, -2)


def refuse_types(x: ndarray, y: ndarray, k: cython.Py_ssize_t):
    """The errors for batches of matrices of bools or two types; small ones PyTorch asks for bools first."""
    places = (x.shape[x.ndim - 2] if x.ndim > 1 else 1) * (y.shape[y.ndim - 1] if y.ndim > 1 else 1)
    mixed: cython.bint = PyArray_TYPE(x) != PyArray_TYPE(y)
    if not mixed or (PyArray_TYPE(x) == 0 and places * k < SMALL):
        no_bools(x, y, "bmm")
    if mixed:
        raise RuntimeError(errors.BMM_DTYPE.format(first=type_name(x), second=type_name(y)))


def refuse_product(x: ndarray, y: ndarray, k: cython.Py_ssize_t):
    """The errors for products with a batch."""
    nx: cython.int = x.ndim
    ny: cython.int = y.ndim
    if nx > 2 and ny > 2:
        check_leading(x, y)
        batch = count_of_batch(x, y)
        if x.shape[nx - 1] != k:
            raise RuntimeError(errors.BMM_SHAPES.format(batch=batch, k=x.shape[nx - 1], batch2=batch, k2=k))
        refuse_types(x, y, k)
    if nx == 1 and ny > 2 and joins_freely(turned(y)):
        large: ndarray = turned(y)
        check_vector(cython.cast(object, large).reshape(math.prod(leading(large, 1)), k), x, 1)
    if ny > 2 or (nx > 2 and not joins_freely(x)):
        if x.shape[nx - 1] != k:
            batch = math.prod(leading(y, 2) if ny > 2 else leading(x, 2))
            raise RuntimeError(errors.BMM_SHAPES.format(batch=batch, k=x.shape[nx - 1], batch2=batch, k2=k))
        refuse_types(x, y, k)
    rows = math.prod(leading(x, 1))
    if ny == 1:
        check_vector(cython.cast(object, x).reshape(rows, x.shape[nx - 1]), y, 1)
    if x.shape[nx - 1] != k:
        columns = y.shape[ny - 1]
        raise RuntimeError(errors.MM_SHAPES.format(n=rows, k=x.shape[nx - 1], k2=k, m=columns))
    if PyArray_TYPE(x) != PyArray_TYPE(y):
        raise RuntimeError(errors.MM_DTYPE.format(first=c_name(x), second=c_name(y)))
    no_bools(x, y, "addmm_impl_cpu_")


def common(first: tuple, second: tuple) -> tuple:
    """The shape to which two broadcast; ValueError if they do not."""
    return first if first == second else np.broadcast_shapes(first, second)


def check_leading(x: ndarray, y: ndarray):
    """Refuse batch dims that do not broadcast."""
    try:
        common(leading(x, 2), leading(y, 2))
    except ValueError:
        raise RuntimeError(broadcast_error(
            np.broadcast_to(np.zeros(()), leading(x, 2)), np.broadcast_to(np.zeros(()), leading(y, 2)))) from None


def count_of_batch(x: ndarray, y: ndarray) -> int:
    """How many matrix products there are."""
    count = 1
    for one in common(leading(x, 2), leading(y, 2)):
        count *= one
    return count


def multiplied(x: Tensor, y: Tensor) -> Tensor:
    """x @ y, recorded as PyTorch records it."""
    nx: cython.int = x._array.ndim
    ny: cython.int = y._array.ndim
    if nx == 2:
        if ny == 2:
            return apply2(MM, x, y, None)
        if ny == 1:
            return apply2(MV, x, y, None)
    elif nx == 1 and ny == 1:
        return apply2(DOT, x, y, None)
    recorded: cython.bint = grad_enabled() or refused(x._array, y._array) or is_turned(x, y)
    if not recorded or not (requires(x) or requires(y)):
        return written_once(apply2(MATMUL, x, y, None)) if nx == 1 and ny == 2 else apply2(MATMUL, x, y, None)
    if nx == 0 or ny == 0:
        raise RuntimeError(errors.MATMUL_DIMS.format(first=nx, second=ny))
    if nx == 3 and ny == 3 and x._array.shape[0] != y._array.shape[0]:
        if x._array.shape[0] == 1 and requires(x):
            x = apply1(SQUEEZE_DIM, x, (0,))
        elif y._array.shape[0] == 1 and requires(y):
            y = apply1(SQUEEZE_DIM, y, (0,))
    if nx == 1 and ny == 2:
        return written_once(apply1(SQUEEZE_FRESH, apply2(MM, apply1(UNSQUEEZE, x, 0), y, None), 0))
    if folds(x, y):
        return folded(x, y)
    return batched(x, y)


def is_turned(x: Tensor, y: Tensor) -> bool:
    """Whether PyTorch gives a turned view of a product although nothing is recorded: the matrix wants gradients."""
    count: cython.int = y._array.ndim
    if x._array.ndim != 2 or count < 3 or not x.requires_grad:
        return False
    return x._array.shape[0] == 1 or y._array.shape[count - 1] == 1


def written_once(x: Tensor) -> Tensor:
    """A vector times a matrix, which PyTorch makes by squeeze_ of a product of matrices: its version tells of it."""
    x._counter.count = x._history = 1
    return x


def refused(x: ndarray, y: ndarray) -> bool:
    """Whether dims or types do not go together; which error says so depends on how PyTorch splits the product."""
    if PyArray_TYPE(x) != PyArray_TYPE(y) or PyArray_TYPE(x) == 0:
        return True
    return x.ndim > 0 and y.ndim > 0 and x.shape[x.ndim - 1] != y.shape[max(y.ndim - 2, 0)]


def folds(x: Tensor, y: Tensor) -> bool:
    """Whether a batch times one matrix is recorded as one product of matrices (PyTorch's rule)."""
    first: cython.bint = x._array.ndim >= y._array.ndim
    large: ndarray = x._array if first else y._array
    small: Tensor = y if first else x
    if large.ndim < 3 or small._array.ndim > 2:
        return False
    if requires(small):
        return True
    if x._array.ndim == 2:
        return False
    return joins_freely(large if first else turned(large))


def folded(x: Tensor, y: Tensor) -> Tensor:
    """One product of matrices in place of a batch of them."""
    first: cython.bint = x._array.ndim >= y._array.ndim
    large: Tensor = x if first else transposed(y)
    small: Tensor = y if first else apply1(T, x, None) if x._array.ndim == 2 else x
    shape: tuple = leading(large._array, 1)
    rows = 1
    for one in shape:
        rows *= one
    flat: Tensor = reshaped(large, (rows, large._array.shape[large._array.ndim - 1]))
    if small._array.ndim == 1:
        return apply1(UNSAFE_VIEW, apply2(MV, flat, small, None), shape)
    result: Tensor = apply1(UNSAFE_VIEW, apply2(MM, flat, small, None), shape + (small._array.shape[1],))
    if not first:
        result = transposed(result)
        if not cython.cast(object, result._array).flags.c_contiguous:
            return slots.clone.call1(result, None)
    return result


def expanded(x: Tensor, batch: tuple, rows: object, columns: object, count: object) -> Tensor:
    """The operand with the common batch dims, as a batch of matrices."""
    shape: tuple = batch + (rows, columns)
    if shape_of(x._array) != shape:
        x = apply1(EXPAND, x, shape)
    return x if len(shape) == 3 else reshaped(x, (count, rows, columns))


def batched(x: Tensor, y: Tensor) -> Tensor:
    """A batch of products of matrices."""
    check_leading(x._array, y._array)
    for one in (x, y):  # PyTorch expands the operands before it looks at their sizes
        if requires(one) and grad_enabled():
            edge_of(one)
    vector: cython.bint = x._array.ndim == 1
    column: cython.bint = y._array.ndim == 1
    if vector:
        x = apply1(UNSQUEEZE, x, 0)
    if column:
        y = apply1(UNSQUEEZE, y, 1)
    mine: tuple = shape_of(x._array)
    other: tuple = shape_of(y._array)
    batch: tuple = common(leading(x._array, 2), leading(y._array, 2))
    count = 1
    for one in batch:
        count *= one
    n, k = mine[len(mine) - 2], mine[len(mine) - 1]
    j, p = other[len(other) - 2], other[len(other) - 1]
    result: Tensor = apply2(BMM, expanded(x, batch, n, k, count), expanded(y, batch, j, p, count), None)
    return apply1(UNSAFE_VIEW, result, batch + (() if vector else (n,)) + (() if column else (p,)))


MM, BMM, MV, DOT, MATMUL = Mm(), Bmm(), Mv(), Dot(), MatMul()
VDOT = overload(Dot(), "vdot", None, reads=[1 << 1, 1 << 0])
SQUEEZE_FRESH = overload(SqueezeFresh(), "squeeze", 4)


def matmul(input: object, other: object, *, out: object = None) -> object:
    """The matrix product: vectors give their dot product, matrices their product, more dims are batches (broadcast).

    Both of one type. RuntimeError for shapes or types that do not fit.
    """
    return product_of(MATMUL, input, other, out, "other")


def mm(input: object, mat2: object, *, out: object = None) -> object:
    """The product of two matrices (n, k) and (k, m), of one type."""
    return product_of(MM, input, mat2, out, "mat2")


def bmm(input: object, mat2: object, *, out: object = None) -> object:
    """The products of two batches of matrices (b, n, k) and (b, k, m), of one type."""
    return product_of(BMM, input, mat2, out, "mat2")


def mv(input: object, vec: object, *, out: object = None) -> object:
    """The product of a matrix (n, k) and a vector (k), of one type."""
    return product_of(MV, input, vec, out, "vec")


def dot(input: object, tensor: object, *, out: object = None) -> object:
    """The sum of the products of two vectors of one length and type."""
    return product_of(DOT, input, tensor, out, "tensor")


def vdot(input: object, other: object, *, out: object = None) -> object:
    """As `dot`; complex numbers, where the first would be conjugated, do not exist here."""
    return product_of(VDOT, input, other, out, "other")


SWAPPED = [1 << 1, 1 << 0]
declare(MM, "mm", overload=None, reads=SWAPPED, function=mm, inplace=False, dtypes="fi", samples=lambda make: [
    ((make(2, 3), make(3, 4)), {}), ((make(0, 3), make(3, 2)), {}), ((make(2, 0), make(0, 2)), {}),
    ((make(3, 2).t(), make(4, 3).t()), {})])
declare(BMM, "bmm", overload=None, reads=SWAPPED, function=bmm, inplace=False, dtypes="fi", samples=lambda make: [
    ((make(2, 2, 3), make(2, 3, 4)), {}), ((make(0, 2, 3), make(0, 3, 4)), {})])
declare(MV, "mv", overload=None, reads=SWAPPED, looks=1 << 0, function=mv, inplace=False, dtypes="fi",
        samples=lambda make: [
    ((make(2, 3), make(3)), {}), ((make(2, 0), make(0)), {})])
declare(DOT, "dot", overload=None, reads=SWAPPED, looks=1 << 0, function=dot, inplace=False, dtypes="fi",
        samples=lambda make: [
    ((make(3), make(3)), {}), ((make(0), make(0)), {})])
composite("vdot", vdot, dtypes="fi", out=True, samples=lambda make: [((make(3), make(3)), {})])
declare(MATMUL, "matmul", function=matmul, inplace=False, dtypes="fi", operator="matmul", aliases=("linalg.matmul",),
        differentiable=True, samples=lambda make: [
    ((make(3), make(3)), {}), ((make(2, 3), make(3)), {}), ((make(3), make(3, 2)), {}), ((make(2, 3), make(3, 4)), {}),
    ((make(2, 2, 3), make(3, 4)), {}), ((make(2, 2, 3), make(3)), {}), ((make(3), make(2, 3, 4)), {}),
    ((make(2, 3), make(2, 3, 4)), {}), ((make(2, 1, 2, 3), make(3, 3, 2)), {}), ((make(2, 2, 3), make(2, 3, 0)), {})])
