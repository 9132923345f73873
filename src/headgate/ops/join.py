"""Joining tensors: cat, stack, the h/v/d forms, block_diag, and the grids that are built of them."""
import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import apply, apply1, see_all, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.inplace import write
    from headgate.core.operators import slots
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import copy_into, joined, zeros
    from headgate.ops.arguments import place, whole
    from headgate.ops.view import SELECT, SLICE, UNSQUEEZE, VIEW, reshaped

    ndarray = np.ndarray

from headgate import dtypes, errors
from headgate.core.declare import composite, declare
from headgate.core.entry import PUBLIC

EMPTY_LIST = "{name} expects a non-empty TensorList"
LIST_TYPE = "{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type}"
INDEXING = 'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {given}'
BLOCK_DIMS = "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {at} has {dims} dimensions"
VECTOR = "Expect a 1D vector, but got shape {shape}"


def result_type(arrays: tuple) -> object:
    """The dtype of the joined arrays; None if all have it already."""
    first = arrays[0].dtype
    for a in arrays:
        if a.dtype != first:
            return dtypes.result_type([(dtypes.of(b), b.ndim) for b in arrays]).numpy
    return None


def skipped(shape: tuple) -> bool:
    """Whether cat passes over a tensor: a vector without elements fits any shape, for PyTorch's old times' sake."""
    return len(shape) == 1 and shape[0] == 0


@cython.cclass
class Cat(Op):
    """Tensors one after another along a dim. attrs: the dim."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        kind = result_type(inputs)
        kept: list = [a for a in inputs if not skipped(a.shape)]
        if not kept:
            return np.empty(0, kind or inputs[0].dtype)
        return joined(kept, attrs, kind)

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        g: Tensor = grads[0]
        start: cython.Py_ssize_t = 0
        results: list = []
        i: cython.int
        if g is None:
            return [None] * n.inputs
        for i in range(n.inputs):
            shape: tuple = n.shape(i)
            wanted: cython.bint = i > 61 or (need >> i) & 1 != 0
            if skipped(shape):
                results.append(wrap(np.zeros(0, cython.cast(object, g._array).dtype)) if wanted else None)
                continue
            results.append(apply1(SLICE, g, (n.attrs, start, start + shape[n.attrs], 1)) if wanted else None)
            start += shape[n.attrs]
        return results


@cython.cclass
class Stack(Op):
    """Tensors of one shape along a new dim. attrs: the dim."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        return joined(inputs, attrs, result_type(inputs), True)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply1(SELECT, g, (n.attrs, i))


@cython.cclass
class BlockDiag(Op):
    """Matrices along the diagonal of one that is zero elsewhere."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        blocks: list = [np.atleast_2d(a) for a in inputs]
        whole_shape = (sum([b.shape[0] for b in blocks]), sum([b.shape[1] for b in blocks]))
        result: ndarray = zeros(whole_shape, result_type(inputs) or inputs[0].dtype)
        row = column = 0
        for b in blocks:
            copy_into(cython.cast(object, result)[row:row + b.shape[0], column:column + b.shape[1]], b)
            row += b.shape[0]
            column += b.shape[1]
        return result

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        k: cython.int
        row: cython.Py_ssize_t = 0
        column: cython.Py_ssize_t = 0
        for k in range(i):
            rows, columns = as_matrix(n.shape(k))
            row += rows
            column += columns
        rows, columns = as_matrix(n.shape(i))
        g = apply1(SLICE, g, (0, row, row + rows, 1))
        return reshaped(apply1(SLICE, g, (1, column, column + columns, 1)), n.shape(i))


def as_matrix(shape: tuple) -> tuple:
    """The shape with at least two dims."""
    return (1,) * (2 - len(shape)) + shape


def tensors_of(tensors: object, name: str) -> tuple:
    """The list as a tuple of Tensors; TypeError for anything else."""
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(LIST_TYPE.format(name=name, type=type(tensors).__name__))
    for index, one in enumerate(tensors):
        if not isinstance(one, Tensor):
            raise TypeError(errors.CAT_ELEMENT.format(index=index, type=type(one).__name__))
    return tuple(tensors)


def join(op: Op, inputs: tuple, dim: object, out: object) -> object:
    """Call a joining op, into `out` if given."""
    if out is not None:
        return write(op, inputs, dim, out)
    return apply(op, inputs, dim)


def cat(tensors: object, dim: object = 0, *, axis: object = None, out: object = None) -> object:
    """Tensors one after another along a dim, of which alone their sizes may differ; their promoted dtype.

    ValueError for an empty list, RuntimeError for sizes that do not match. A vector without elements is passed over.
    """
    inputs: tuple = tensors_of(tensors, "cat")
    if not inputs:
        raise ValueError(errors.CAT_NONE)
    see_all(CAT, inputs)
    return join(CAT, inputs, check_cat(inputs, dim if axis is None else axis), out)


def check_cat(inputs: tuple, dim: object) -> cython.int:
    """The dim counted from the front, after PyTorch's checks of shapes."""
    at: cython.int = 0
    i: cython.int
    first: tuple = ()
    found: cython.bint = False
    for number, one in enumerate(inputs):
        shape: tuple = shape_of(cython.cast(Tensor, one)._array)
        if not shape:
            raise RuntimeError(errors.CAT_ZERO_DIM.format(index=number))
        if skipped(shape):
            continue
        if not found:
            first = shape
            found = True
            at = place(dim, len(shape), "cat", "dim", 2)
            continue
        if len(shape) != len(first):
            raise RuntimeError(errors.CAT_DIMS.format(first=len(first), other=len(shape)))
        for i in range(len(shape)):
            if i != at and shape[i] != first[i]:
                raise RuntimeError(errors.CAT_SIZES.format(dim=at, expected=first[i], got=shape[i], number=number))
    return at if found else place(dim, 1, "cat", "dim", 2)


def stack(tensors: object, dim: object = 0, *, out: object = None) -> object:
    """Tensors of one shape along a new dim; their promoted dtype. RuntimeError for shapes that differ."""
    inputs: tuple = tensors_of(tensors, "stack")
    if not inputs:
        raise RuntimeError(errors.STACK_NONE)
    see_all(STACK, inputs)
    first: tuple = shape_of(cython.cast(Tensor, inputs[0])._array)
    for index, one in enumerate(inputs):
        shape = shape_of(cython.cast(Tensor, one)._array)
        if shape != first:
            raise RuntimeError(errors.STACK_SIZES.format(first=list(first), other=list(shape), index=index))
    return join(STACK, inputs, place(dim, len(first) + 1, "stack", "dim", 2), out)


def listed(tensors: object, name: str) -> tuple:
    """Like tensors_of, at least one."""
    inputs: tuple = tensors_of(tensors, name)
    if not inputs:
        raise RuntimeError(EMPTY_LIST.format(name=name))
    return inputs


def hstack(tensors: object, *, out: object = None) -> object:
    """`cat` along dim 1, of vectors along dim 0."""
    inputs: tuple = tuple([at_least(one, 1) for one in listed(tensors, "hstack")])
    return join(CAT, inputs, check_cat(inputs, 0 if cython.cast(Tensor, inputs[0])._array.ndim == 1 else 1), out)


def vstack(tensors: object, *, out: object = None) -> object:
    """`cat` along dim 0, vectors as rows."""
    inputs: tuple = tuple([at_least(one, 2) for one in listed(tensors, "vstack")])
    return join(CAT, inputs, check_cat(inputs, 0), out)


def dstack(tensors: object, *, out: object = None) -> object:
    """`cat` along dim 2, of tensors with at least three dims as `atleast_3d` gives them."""
    inputs: tuple = tuple([at_least(one, 3) for one in listed(tensors, "dstack")])
    return join(CAT, inputs, check_cat(inputs, 2), out)


def column_stack(tensors: object, *, out: object = None) -> object:
    """`cat` along dim 1, vectors and numbers as columns."""
    columns: list = []
    for one in listed(tensors, "column_stack"):
        x: Tensor = one
        columns.append(reshaped(x, (cython.cast(object, x._array).size, 1)) if x._array.ndim <= 1 else x)
    inputs: tuple = tuple(columns)
    return join(CAT, inputs, check_cat(inputs, 1), out)


def at_least(x: Tensor, dims: cython.int) -> Tensor:
    """`x` with at least one, two or three dims."""
    count: cython.int = x._array.ndim
    if count >= dims:
        return x
    if count == 0:
        return apply1(VIEW, x, (1,) * dims)
    if count == 1:
        x = apply1(UNSQUEEZE, x, 0)
    if dims == 3:
        x = apply1(UNSQUEEZE, x, 2)
    return x


def each_at_least(tensors: tuple, dims: cython.int, name: str) -> object:
    """One tensor, or a tuple of them, with at least that many dims."""
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return at_least(tensors[0], dims)
    items = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    return tuple([at_least(one, dims) for one in tensors_of(tuple(items), name)])


def atleast_1d(*tensors: object) -> object:
    """A tensor, or several as a tuple, with at least one dim; views."""
    return each_at_least(tensors, 1, "atleast_1d")


def atleast_2d(*tensors: object) -> object:
    """A tensor, or several as a tuple, with at least two dims; vectors become rows. Views."""
    return each_at_least(tensors, 2, "atleast_2d")


def atleast_3d(*tensors: object) -> object:
    """A tensor, or several as a tuple, with at least three dims: (1, n, 1) of vectors, (n, m, 1) of matrices. Views."""
    return each_at_least(tensors, 3, "atleast_3d")


def block_diag(*tensors: object) -> object:
    """Matrices (vectors as rows, numbers as 1 x 1) along the diagonal of one matrix that is zero elsewhere."""
    inputs: tuple = tensors_of(tensors, "block_diag")
    for at, one in enumerate(inputs):
        if one.ndim > 2:
            raise RuntimeError(BLOCK_DIMS.format(at=at, dims=one.ndim))
    if not inputs:
        return wrap(np.zeros((1, 0), dtypes.default_dtype().numpy))
    return apply(BLOCK_DIAG, inputs, None)


def meshgrid(*tensors: object, indexing: object = None) -> object:
    """Vectors spread over a common grid: the k-th along dim k ("ij"), the first two exchanged ("xy").

    A tuple of expanded views. RuntimeError for tensors of more than one dim and of different dtypes.
    """
    items = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    return grid(tensors_of(tuple(items), "meshgrid"), indexing or "ij")


def grid(inputs: tuple, indexing: object) -> object:
    """meshgrid of checked tensors."""
    if not inputs:
        raise RuntimeError(EMPTY_LIST.format(name="meshgrid"))
    kinds = [dtypes.of(cython.cast(Tensor, one)._array) for one in inputs]
    for one, kind in zip(inputs, kinds):
        if one.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {one!r}")
        if kind is not kinds[0]:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if indexing not in ("ij", "xy"):
        raise RuntimeError(INDEXING.format(given=indexing))
    swap: cython.bint = indexing == "xy" and len(inputs) > 1
    order = list(inputs)
    if swap:
        order[0], order[1] = order[1], order[0]
    count = len(order)
    shape = tuple([cython.cast(Tensor, one)._array.size for one in order])
    grids: list = []
    for at, one in enumerate(order):
        line: Tensor = apply1(VIEW, one, (1,) * at + (shape[at],) + (1,) * (count - at - 1))
        grids.append(slots.expand.call2(line, shape, None))
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors: object) -> object:
    """All combinations of one element from each vector, as the rows of a matrix; of one vector, itself."""
    items = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    inputs: tuple = tensors_of(tuple(items), "cartesian_prod")
    check_vectors(inputs)
    if len(inputs) == 1:
        return inputs[0]
    lines = tuple([reshaped(one, (cython.cast(object, cython.cast(Tensor, one)._array).size,))
                   for one in grid(inputs, "ij")])
    return apply(STACK, lines, 1)


def check_vectors(inputs: tuple):
    """RuntimeError unless every tensor has one dim."""
    for one in inputs:
        if one.ndim != 1:
            raise RuntimeError(VECTOR.format(shape=list(shape_of(cython.cast(Tensor, one)._array))))


def combinations(input: object, r: object = 2, with_replacement: object = False) -> object:
    """All choices of `r` elements of a vector in their order, as the rows of a matrix."""
    x: Tensor = tensors_of((input,), "combinations")[0]
    many: cython.Py_ssize_t = whole(r, "combinations", "r", 2)
    check_vectors((x,))
    if many < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {many}")
    if many == 0:
        return wrap(np.empty(0, cython.cast(object, x._array).dtype))
    size: cython.Py_ssize_t = cython.cast(object, x._array).size
    rows = np.indices((size,) * many)
    kept = np.ones((size,) * many, bool)
    for k in range(many - 1):
        kept &= rows[k] <= rows[k + 1] if with_replacement else rows[k] < rows[k + 1]
    pick = PUBLIC["masked_select"]
    mask: Tensor = wrap(kept)
    along = [[size if k == j else 1 for j in range(many)] for k in range(many)]
    return apply(STACK, tuple([pick(reshaped(x, tuple(shape)).expand(kept.shape), mask) for shape in along]), 1)


CAT, STACK, BLOCK_DIAG = Cat(), Stack(), BlockDiag()
declare(CAT, "cat", function=cat, shapes=-1, method=False, inplace=False, aliases=("concat", "concatenate"),
        samples=lambda make: [
            (([make(2, 3), make(4, 3)],), {}), (((make(2, 3), make(2, 1)), 1), {}),
            (([make(2), make(0)],), {"dim": -1}),
            (([make(3, 2).transpose(0, 1), make(2, 3)],), {}), (([make(0, 3), make(2, 3)],), {}),
        ])
declare(STACK, "stack", function=stack, method=False, inplace=False, samples=lambda make: [
    (([make(2, 3), make(2, 3)],), {}), (((make(2, 3), make(2, 3)), -1), {}), (([make(), make()],), {}),
    (([make(3, 2).transpose(0, 1), make(2, 3)], 1), {}),
])
declare(BLOCK_DIAG, "block_diag", function=block_diag, shapes=-1, method=False, inplace=False, out=False,
        samples=lambda make: [((make(2, 3), make(), make(2)), {}), ((make(0, 3), make(2, 1)), {})])
composite("hstack", hstack, method=False, out=True, samples=lambda make: [
    (([make(2), make(3)],), {}), (([make(2, 3), make(2, 1)],), {}), (([make(), make()],), {}),
])
composite("vstack", vstack, method=False, out=True, aliases=("row_stack",), samples=lambda make: [
    (([make(3), make(2, 3)],), {}), (([make(), make()],), {}),
])
composite("dstack", dstack, method=False, out=True, samples=lambda make: [
    (([make(3), make(3)],), {}), (([make(2, 3), make(2, 3, 2)],), {}),
])
composite("column_stack", column_stack, method=False, out=True, samples=lambda make: [
    (([make(3), make(3, 2)],), {}), (([make(), make()],), {}),
])
composite("atleast_1d", atleast_1d, method=False, samples=lambda make: [((make(),), {}), ((make(), make(2, 3)), {})])
composite("atleast_2d", atleast_2d, method=False, samples=lambda make: [((make(),), {}), ((make(3), make(2, 3)), {})])
composite("atleast_3d", atleast_3d, method=False, samples=lambda make: [
    ((make(),), {}), ((make(3), make(2, 3)), {}),
])
composite("meshgrid", meshgrid, method=False, samples=lambda make: [
    ((make(3), make(2)), {"indexing": "ij"}), ((make(3), make(2), make(2)), {"indexing": "xy"}),
    ((make(), make(2)), {"indexing": "ij"}),
])
composite("cartesian_prod", cartesian_prod, method=False, samples=lambda make: [
    ((make(2), make(3)), {}),
])
composite("combinations", combinations, method=False, samples=lambda make: [
    ((make(4),), {}), ((make(4), 3), {}), ((make(3),), {"with_replacement": True}),
])
