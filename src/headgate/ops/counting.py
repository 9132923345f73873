"""Distinct values, counts and places among sorted ones (unique, bincount, searchsorted, isin ...); embedding.

None but embedding has a gradient. What each refuses, and how it says so, is PyTorch's.
"""
from math import isfinite

import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate.core.apply import apply, requires, wrap
    from headgate.core.arrays import count_of, is_float, shape_of
    from headgate.core.dims import wrap_dim
    from headgate.core.inplace import write
    from headgate.core.modes import grad_enabled
    from headgate.core.records import Node, Op, Tensor
    from headgate.core.writes import check_writable, note_write
    from headgate.kernels.reference import among, count_parts, extent, map2, marked, zeros
    from headgate.kernels.reference import count as count_kernel
    from headgate.kernels.reference import index_add as index_add_kernel
    from headgate.kernels.reference import search as search_kernel
    from headgate.kernels.reference import sort as sort_kernel
    from headgate.kernels.reference import take as take_kernel
    from headgate.ops.arguments import number
    from headgate.ops.change import is_number, kind_name, need_int, need_tensor
    from headgate.ops.scatter import long_index
    from headgate.ops.sorting import GIVEN

    ndarray = np.ndarray

from headgate import errors
from headgate.core.declare import composite, constants, declare, overload
from headgate.core.entry import publish
from headgate.kernels import make_loop

DIFFERENT = make_loop("ne")

# ---- distinct values ------------------------------------------------------------------------------------------------


@cython.cclass
class Unique(Op):
    """Distinct values. PyTorch has no gradient for it, and says so in backward. attrs: what `distinct` takes."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run1(self, x: ndarray, attrs: object, out: ndarray) -> object:
        found = distinct(x, attrs[0], attrs[1], attrs[2])
        return found[0] if len(found) == 1 else found

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        consecutive, dim, _ = n.attrs
        name = "unique_consecutive" if consecutive else "_unique2" if dim is None else "unique_dim"
        raise NotImplementedError(f"the derivative for '{name}' is not implemented.")


def distinct(x: ndarray, consecutive: object, dim: object, wanted: cython.int) -> tuple:
    """The distinct elements, or slices along a dim; if bit 0 of `wanted` is set the inverse, if bit 1 is the counts.

    If `consecutive`, only neighbours are compared.
    """
    whole: cython.bint = dim is None
    if whole and consecutive:
        first, values = runs(cython.cast(object, x).reshape(-1))
        return (values,) + run_lengths(first, None, wanted, shape_of(x))
    kind: object = cython.cast(object, x).dtype
    if kind.itemsize == 2 and is_float(x):
        x = cython.cast(object, x).astype(np.float32)  # which sorts the NaN of bfloat16 too
    rows: object = cython.cast(object, x).reshape(-1) if whole else np.moveaxis(x, dim, 0)
    count = rows.shape[0]
    flat = rows if whole else rows.reshape(count, -1)
    order: object = None
    if consecutive:
        ordered = flat
    elif whole and not wanted & 1:
        ordered = np.sort(flat)
    elif whole:
        ordered, order = sort_kernel(flat, -1, False, True)
    else:
        order = np.lexsort(np.flip(flat.T, 0)) if flat.shape[1] else np.arange(count)
        ordered = flat[order]
    first = np.ones(count, bool)
    different = ordered[1:] != ordered[:max(count - 1, 0)]
    first[1:] = different if whole else different.any(1)
    values = ordered[first]
    if not whole:
        values = np.moveaxis(values.reshape((values.shape[0],) + rows.shape[1:]), 0, dim)
    return (np.ascontiguousarray(values, kind),) + run_lengths(first, order, wanted, shape_of(x) if whole else (count,))


def runs(x: ndarray) -> tuple:
    """Where each run of equal elements of a vector begins, as marks, and its elements."""
    count: cython.Py_ssize_t = x.shape[0]
    first: ndarray = np.ones(count, bool)
    if count > 1:
        first[1:] = map2(DIFFERENT, x[1:], x[: count - 1])
    return first, marked(x, first)


def run_lengths(first: object, order: object, wanted: cython.int, shape: tuple) -> tuple:
    """What `distinct` gives beside the values, from the marks of the first of each run and the sort that made them."""
    found: tuple = ()
    if wanted & 1:
        numbers = np.cumsum(first, dtype=np.int64) - 1
        inverse = numbers if order is None else np.empty_like(numbers)
        if order is not None:
            inverse[order] = numbers
        found = (inverse.reshape(shape),)
    if wanted & 2:
        found += (np.diff(np.append(np.flatnonzero(first), len(first))).astype(np.int64),)
    return found


def asked(x: Tensor, consecutive: object, axis: object, return_inverse: object, return_counts: object) -> object:
    """The values, and of the inverse and the counts what was asked for."""
    wanted = (1 if return_inverse else 0) | (2 if return_counts else 0)
    return apply(UNIQUE, (x,), (consecutive, axis if x._array.ndim else None, wanted))


def unique(
    input: object, sorted: object = True, return_inverse: object = False, return_counts: object = False,
    dim: object = None,
) -> object:
    """The distinct elements of `input` in order, or its distinct slices along `dim`.

    With `return_inverse` also where each element went, with `return_counts` how often each occurs. Every NaN is
    distinct. The result is in order whatever `sorted` says.
    """
    x: Tensor = need_tensor(input, "unique", "input", 1)
    axis = None if dim is None else wrap_dim(need_int(dim, "unique", "dim", 5), x._array.ndim)
    return asked(x, False, axis, return_inverse, return_counts)


def unique_consecutive(
    input: object, return_inverse: object = False, return_counts: object = False, dim: object = None,
) -> object:
    """`input` with runs of equal elements (or slices along `dim`) reduced to one each; other results as `unique`."""
    x: Tensor = need_tensor(input, "unique_consecutive", "input", 1)
    axis = None if dim is None else wrap_dim(need_int(dim, "unique_consecutive", "dim", 4), x._array.ndim)
    return asked(x, True, axis, return_inverse, return_counts)


# ---- places among sorted values -------------------------------------------------------------------------------------


def places(edges: ndarray, values: ndarray, side: object, kind: object) -> ndarray:
    """Where values would be put into sorted edges, row by row where the edges have several dims."""
    found: ndarray
    if edges.ndim == 1:
        return np.asarray(search_kernel(edges, values, side == "right"), kind)
    found = np.empty(shape_of(values), kind)
    rows: object = cython.cast(object, edges).reshape(-1, edges.shape[edges.ndim - 1])
    each: object = cython.cast(object, values).reshape(rows.shape[0], -1)
    target: object = cython.cast(object, found).reshape(rows.shape[0], -1)
    for row in range(rows.shape[0]):
        target[row] = places(rows[row], each[row], side, kind)
    return found


def searchsorted(
    sorted_sequence: object, input: object, *, out_int32: object = False, right: object = False, side: object = None,
    sorter: object = None, out: object = None,
) -> object:
    """Where the values of `input` (a tensor or a number) would go in the sorted last dim of `sorted_sequence`.

    The first place that keeps the order, the last one with `right` or `side="right"`. `sorter` gives the order where
    the sequence is not sorted. int64, or int32 with `out_int32`.
    """
    s: Tensor = need_tensor(sorted_sequence, "searchsorted", "sorted_sequence", 1)
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError("torch.searchsorted(): side and right can't be set to opposites, got side of left while "
                           "right was True")
    if not isinstance(input, Tensor):
        if not is_number(input):
            raise TypeError(errors.ARGUMENT.format(
                function="searchsorted", name="input", position=2, expected="Tensor", type=type(input).__name__))
        values: ndarray = np.asarray(input, cython.cast(object, s._array).dtype if is_float(s._array) else None)
    else:
        values = cython.cast(Tensor, input)._array
    edges: ndarray = s._array
    if edges.ndim != 1 and (values.ndim != edges.ndim or
                            shape_of(values)[:values.ndim - 1] != shape_of(edges)[:edges.ndim - 1]):
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            "tensor and input value tensor must match, but we got boundaries tensor "
            f"{list(shape_of(edges))} and input value tensor {list(shape_of(values))}")
    if sorter is not None:
        order: Tensor = need_tensor(sorter, "searchsorted", "sorter", 6)
        if shape_of(order._array) != shape_of(edges):
            raise RuntimeError("torch.searchsorted(): boundary and sorter must have the same size, but got boundary "
                               f"tensor {list(shape_of(edges))}and got sorter tensor {list(shape_of(order._array))}")
        edges = np.take_along_axis(edges, order._array, -1)
    kind = np.int32 if out_int32 else np.int64
    found: ndarray = places(edges, values, "right" if right or side == "right" else "left", kind)
    return wrap(found) if out is None else write(GIVEN, (s,), found, out)


def bucketize(
    input: object, boundaries: object, *, out_int32: object = False, right: object = False, out: object = None,
) -> object:
    """The bucket of each value of `input` (a tensor or a number) between sorted `boundaries`, a vector."""
    edges: Tensor = need_tensor(boundaries, "bucketize", "boundaries", 2)
    if edges._array.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({edges._array.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


# ---- counts ---------------------------------------------------------------------------------------------------------


def bincount(input: object, weights: object = None, minlength: object = 0) -> object:
    """How often each of 0, 1, 2 ... occurs in a vector of integers, or the sum of its `weights`."""
    x: Tensor = need_tensor(input, "bincount", "input", 1)
    kind = cython.cast(object, x._array).dtype
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if kind.kind not in "iu":
        raise NotImplementedError(errors.NOT_FOR_DTYPE.format(kernel="bincount_cpu", dtype=kind_name(x._array)))
    if x._array.ndim != 1 or (weights is not None and x._array.size and cython.cast(object, x._array).min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        try:
            return wrap(count_kernel(x._array, minlength))
        except ValueError:
            raise RuntimeError("bincount only supports 1-d non-negative integral inputs.") from None
    w: Tensor = need_tensor(weights, "bincount", "weights", 2)
    if shape_of(w._array) != shape_of(x._array):
        raise RuntimeError("weights should be 1-d and have the same length as input")
    summed = np.bincount(x._array, w._array, minlength=minlength)
    return wrap(summed.astype(np.float32) if cython.cast(object, w._array).dtype.char == "f" else summed)


def histc(input: object, bins: object = 100, min: object = 0, max: object = 0, *, out: object = None) -> object:
    """How many elements of `input` (floats) lie in each of `bins` equal parts of [min, max] (its range).

    Of float16 where bins times the range passes 65504, PyTorch's product overflows and its first part counts all.
    """
    x: Tensor = need_tensor(input, "histc", "input", 1)
    low, high = float(min), float(max)
    if not is_float(x._array):
        raise NotImplementedError(errors.NOT_FOR_DTYPE.format(kernel="histogram_cpu", dtype=kind_name(x._array)))
    if bins < 1:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    if low == high and x._array.size:
        low, high = extent(x._array)
    if not (isfinite(low) and isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{low:g}, {high:g}] is not finite")
    if low == high:
        low, high = low - 1, high + 1
    if low > high:
        raise RuntimeError("torch.histc: max must be larger than min")
    counts: object = count_parts(cython.cast(object, x._array).reshape(-1), int(bins), low, high)
    counts = counts.astype(cython.cast(object, x._array).dtype)
    return wrap(counts) if out is None else write(GIVEN, (x,), counts, out)


def isin(
    elements: object, test_elements: object, *, assume_unique: object = False, invert: object = False,
    out: object = None,
) -> object:
    """Whether each of `elements` is among `test_elements` (one of the two may be a number); NaN is in nothing."""
    arrays = []
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError("isin() received an invalid combination of arguments - got "
                        f"({type(elements).__name__}, {type(test_elements).__name__}), but expected one of:")
    for value, name, position in ((elements, "elements", 1), (test_elements, "test_elements", 2)):
        if isinstance(value, Tensor):
            arrays.append(cython.cast(Tensor, value)._array)
        elif is_number(value):
            arrays.append(np.asarray(value))
        else:
            raise TypeError(errors.ARGUMENT.format(
                function="isin", name=name, position=position, expected="Tensor", type=type(value).__name__))
        if cython.cast(object, arrays[len(arrays) - 1]).dtype.char == "?":
            raise RuntimeError("Unsupported input type encountered for isin(): Bool")
    found: ndarray = among(arrays[0], arrays[1], bool(invert))
    return wrap(found) if out is None else write(GIVEN, (need_tensor(elements, "isin", "elements", 1),), found, out)


def one_hot(tensor: object, num_classes: object = -1) -> object:
    """For each class number in an int64 tensor a vector of `num_classes` zeros (by default one more than the largest)
    with a one at that place: int64, one more dim."""
    x: Tensor = need_tensor(tensor, "one_hot", "input", 1)
    array: object = x._array
    num_classes = need_int(num_classes, "one_hot", "num_classes", 2)
    if cython.cast(object, x._array).dtype.char not in "lq":
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if array.size == 0 and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    array = np.ascontiguousarray(array)
    lowest, highest = bounds(array)
    if lowest < 0:
        raise RuntimeError("Class values must be non-negative.")
    count = highest + 1 if num_classes == -1 else num_classes
    if array.size and highest >= count:
        raise RuntimeError("Class values must be smaller than num_classes.")
    found: ndarray = zeros(shape_of(x._array) + (count,), np.dtype(np.int64))
    mark_places(found, array, count)
    return wrap(found)


def bounds(x: ndarray) -> tuple:
    """The smallest and the largest of contiguous int64 numbers; zeros for none."""
    i: cython.Py_ssize_t
    if not count_of(x):
        return 0, 0
    if not cython.compiled:
        return int(x.min()), int(x.max())
    data: cython.p_longlong = cython.cast(cython.p_longlong, PyArray_DATA(x))  # noqa: F821
    low: cython.longlong = data[0]
    high: cython.longlong = data[0]
    for i in range(count_of(x)):
        low = data[i] if data[i] < low else low
        high = data[i] if data[i] > high else high
    return low, high


def mark_places(target: ndarray, places: ndarray, width: cython.Py_ssize_t) -> None:
    """A one in each row of `target` (int64, `width` columns, contiguous) at the place that belongs to the row."""
    i: cython.Py_ssize_t
    if not cython.compiled:
        target.reshape(-1)[np.arange(places.size) * width + places.reshape(-1)] = 1
        return
    data: cython.p_longlong = cython.cast(cython.p_longlong, PyArray_DATA(target))  # noqa: F821
    place: cython.p_longlong = cython.cast(cython.p_longlong, PyArray_DATA(places))  # noqa: F821
    for i in range(count_of(places)):
        data[i * width + place[i]] = 1


# ---- embedding ------------------------------------------------------------------------------------------------------


@cython.cclass
class Embedding(Op):
    """Rows of a table. Inputs: indices, weight; attrs: (padding_idx, whether rows used often count less).

    The padding row gets no gradient; -1 for none.
    """

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        return take_kernel(y, long_index(x), 0)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        return apply(EMBEDDING_BACK, (g, n.tensor(0)), (n.shape(1), n.attrs))


@cython.cclass
class EmbeddingBack(Op):
    """The gradient of embedding. Inputs: gradient, indices; attrs: (the table's shape, padding_idx)."""

    @cython.cfunc
    def run2(self, x: object, y: object, attrs: object, out: ndarray) -> object:
        whole: ndarray = np.zeros(attrs[0], x.dtype)
        index_add_kernel(whole, 0, long_index(y).reshape(-1), x.reshape((y.size,) + attrs[0][1:]), 1)
        padding, by_count = attrs[1]
        if padding >= 0:
            cython.cast(object, whole)[padding] = 0
        if by_count:
            counts: object = count_kernel(long_index(y), attrs[0][0])
            whole = (whole / np.maximum(counts, 1)[:, None]).astype(x.dtype)
        return whole

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        index: Tensor = n.tensor(1)
        rows = apply(EMBEDDING, (index, g), (-1, False))
        padding, by_count = n.attrs[1]
        if padding >= 0:
            keep: ndarray = np.not_equal(index._array, padding)[..., None]
            rows = rows * wrap(cython.cast(object, keep).astype(cython.cast(object, g._array).dtype))
        if by_count:
            counts: object = count_kernel(long_index(index._array), n.attrs[0][0])
            rows = rows / wrap(counts[index._array][..., None].astype(cython.cast(object, g._array).dtype))
        return rows


NO_ROWS = "Dimension specified as 0 but tensor has no dimensions"
INDEX_TYPE = (
    "Expected tensor for argument #{place} 'indices' to have one of the following scalar types: Long, Int; but got "
    "torch.{type}Tensor instead (while checking arguments for {function})"
)


def check_table(table: Tensor, index: Tensor):
    """RuntimeError for what has no rows to shorten."""
    if table._array.ndim != 2:
        raise RuntimeError(f"Expected 2-dimensional tensor, but got {table._array.ndim}-dimensional tensor for "
                           "argument #1 'self' (while checking arguments for embedding_renorm_)")
    if cython.cast(object, index._array).dtype.char not in "lqi":
        raise RuntimeError(INDEX_TYPE.format(place=2, type=kind_name(index._array), function="embedding_renorm_"))


def embedding(
    input: object, weight: object, padding_idx: object = None, max_norm: object = None, norm_type: object = 2.0,
    scale_grad_by_freq: object = False, sparse: object = False,
) -> object:
    """The rows of `weight` (a matrix) at `input` (integers of any shape).

    The row `padding_idx` gets no gradient. With `max_norm`, rows that are used and longer are first shortened in
    `weight` itself. Differs from PyTorch: `sparse` is refused with NotImplementedError.
    """
    refuse_sparse(sparse)
    if not isinstance(input, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function="embedding", name="indices", position=2, expected="Tensor", type=type(input).__name__))
    index: Tensor = input
    table: Tensor = need_tensor(weight, "embedding", "weight", 1)
    rows: cython.Py_ssize_t = table._array.shape[0] if table._array.ndim else 0
    padding = -1
    if padding_idx == 0:  # not compared with the rows
        padding = 0
    elif padding_idx is not None:
        if table._array.ndim == 0:
            raise IndexError(NO_ROWS)
        assert -rows <= padding_idx < rows, "Padding_idx must be within num_embeddings"
        padding = padding_idx % rows
    if max_norm is not None:
        limit = number(max_norm, "embedding_renorm_", "max_norm", 3, "float")
        order = number(norm_type, "embedding_renorm_", "norm_type", 4, "float")
        check_table(table, index)
        shorten(table, index, limit, order)
    if table._array.ndim != 2:
        if table._array.ndim == 0 and grad_enabled() and requires(table):
            raise IndexError(NO_ROWS)
        raise RuntimeError("'weight' must be 2-D")
    if cython.cast(object, index._array).dtype.char not in "lqi":
        raise RuntimeError(INDEX_TYPE.format(place=1, type=kind_name(index._array), function="embedding"))
    if rows == 0 and count_of(index._array) != 0:
        raise RuntimeError("index_select(): self indexing axis dim should be positive")
    return apply(EMBEDDING, (index, table), (padding, bool(scale_grad_by_freq)))


def refuse_sparse(sparse: object) -> None:
    """NotImplementedError for a wish that Headgate does not fulfil."""
    if sparse:
        raise NotImplementedError("gradients of embeddings are dense here: there are no sparse tensors (sparse=False)")


def embedding_renorm_(input: object, indices: object, max_norm: object, norm_type: object) -> object:
    """Shorten the rows of `input` at `indices` that are longer than `max_norm` to it, in place; `input`."""
    table: Tensor = need_tensor(input, "embedding_renorm_", "input", 1)
    index: Tensor = need_tensor(indices, "embedding_renorm_", "indices", 2)
    check_table(table, index)
    check_writable(table, table.requires_grad and grad_enabled())
    shorten(table, index, float(max_norm), float(norm_type))
    return input


def shorten(table: Tensor, index: Tensor, limit: cython.double, order: cython.double):
    """Scale the rows that are used and longer than `limit` down to it, in place, without history."""
    used = np.unique(index._array)
    values: object = cython.cast(object, table._array)[used]
    sizes = np.abs(values)
    lengths = sizes.max(1, initial=0) if order == np.inf else (sizes ** order).sum(1) ** (1.0 / order)
    scale = np.where(lengths > limit, limit / (lengths + 1e-7), 1.0).astype(values.dtype)
    check_writable(table, False)
    cython.cast(object, table._array)[used] = values * scale[:, None]
    note_write(table, "embedding_renorm_")


def torch_embedding(
    weight: object, indices: object, padding_idx: object = -1, scale_grad_by_freq: object = False,
    sparse: object = False,
) -> object:
    """The rows of `weight` at `indices`: `nn.functional.embedding` with the arguments in another order."""
    return embedding(indices, weight, None if padding_idx < 0 else padding_idx, None, 2.0, scale_grad_by_freq, sparse)


# ---- declarations ---------------------------------------------------------------------------------------------------

UNIQUE = Unique()
EMBEDDING = Embedding()
constants(1 << 0, EMBEDDING)
EMBEDDING_BACK = overload(EmbeddingBack(), "embedding_dense_backward", None, reads=[1 << 1])
declare(UNIQUE, "unique", node="NotImplemented", function=unique, inplace=False, differentiable=False, out=False)
overload(UNIQUE, "unique", None, node="NotImplemented")  # differentiable, until backward says that it is not
composite("unique_consecutive", unique_consecutive, differentiable=False)
for _name, _function in (("searchsorted", searchsorted), ("bucketize", bucketize), ("isin", isin)):
    composite(_name, _function, differentiable=False, method=False)
composite("bincount", bincount, differentiable=False)
composite("histc", histc, differentiable=False)
composite("nn.functional.one_hot", one_hot, differentiable=False, method=False)
publish("embedding", torch_embedding)
publish("embedding_renorm_", embedding_renorm_)
declare(EMBEDDING, "nn.functional.embedding", overload=None, function=embedding, inplace=False, method=False, out=False,
        reads=[0, 1 << 0], shapes=1 << 1,
        samples=lambda make: [((make(2, 3, low=0, high=4, dtype="int64"), make(4, 3)), {}),
                              ((make(2, 3, low=0, high=4, dtype="int64"), make(4, 3)), {"padding_idx": 1})])
