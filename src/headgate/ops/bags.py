"""embedding_bag: rows of a table summed, averaged or maximised over bags of indices.

The values are computed array by array; gradients are written in Tensors, so every order exists.
"""
import warnings

import cython
import numpy as np

if cython.compiled:
    import_array()  # noqa: F821  (NumPy's C interface, from the .pxd)

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply, wrap
    from headgate.core.arrays import shape_of
    from headgate.core.records import Node, Op, Tensor
    from headgate.kernels.reference import index_add as index_add_kernel
    from headgate.kernels.reference import take as take_kernel
    from headgate.ops.arguments import given, number, other
    from headgate.ops.change import kind_name
    from headgate.ops.counting import EMBEDDING_BACK, shorten
    from headgate.ops.scatter import long_index

    ndarray = np.ndarray

from headgate.core.declare import constants, describe
from headgate.core.entry import PUBLIC, publish
from headgate.core.family import refused_error
from headgate.ops.counting import refuse_sparse

TOTAL, AVERAGE, LARGEST = 0, 1, 2
MODES = {"sum": TOTAL, "mean": AVERAGE, "max": LARGEST}
SWAPPED = (
    "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, input, ...)` is "
    "deprecated, and should now be `embedding_bag(input, weight, ...)`."
)
UNORDERED = (
    "Expected i < index_size to be true, but got false.  (Could this error message be improved?  If so, please report "
    "an enhancement request to PyTorch.)"
)


class Bags:
    """Which bag each index belongs to, and what a call needs for backward.

    owner: the bag of each index. counted: whether the index counts (it is not the padding, and in a bag). sizes: how
    many of a bag's indices count. best: for each bag and column the place of the largest among the indices, or -1.
    """

    def __init__(self, mode: int, index: object, starts: object, last: bool, padding: int) -> None:
        self.mode, self.padding = mode, padding
        count = len(index)
        ends = starts[1:] if last else np.append(starts[1:], count)
        starts = starts[:len(starts) - 1] if last else starts
        if (ends < starts).any():
            raise RuntimeError(UNORDERED)
        self.number = len(starts)
        self.owner = np.zeros(count, np.int64)
        self.counted = np.zeros(count, bool)
        if self.number:
            self.owner[starts[0]:ends[self.number - 1]] = np.repeat(np.arange(self.number), ends - starts)
            self.counted[starts[0]:ends[self.number - 1]] = True
        self.counted &= index != padding
        self.sizes = np.bincount(self.owner[self.counted], minlength=self.number)
        self.best: object = None
        self.starts, self.ends = starts, ends

    def factors(self, dtype: object) -> object:
        """By what each index's row counts, apart from weights: 0, 1, or 1 / the size of its bag."""
        found = self.counted.astype(dtype)
        return found / self.sizes[self.owner].clip(1).astype(dtype) if self.mode == AVERAGE else found


def often(index: object) -> object:
    """How often each index occurs, as PyTorch counts it: the n-th distinct one like the n-th of the sorted indices."""
    ordered = np.sort(index)
    distinct, places = np.unique(index, return_inverse=True)
    return np.bincount(index)[ordered[:len(distinct)]][places]


def largest(rows: object, bags: object) -> object:
    """The largest of each bag, 0 for an empty one; the bags remember where it was."""
    found = np.zeros((bags.number, rows.shape[1]), rows.dtype)
    bags.best = np.full(found.shape, -1, np.int64)
    for k in np.flatnonzero(bags.sizes):
        places = bags.starts[k] + np.flatnonzero(bags.counted[bags.starts[k]:bags.ends[k]])
        bags.best[k] = places[rows[places].argmax(0)]
        found[k] = np.take_along_axis(rows, bags.best[k][None], 0)[0]
    return found


@cython.cclass
class EmbeddingBag(Op):
    """Rows of a table, reduced by bags. Inputs: weight, indices, weights of the indices or None, offsets; attrs:
    (bags, whether rows used often count less, ...)."""

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        bags = attrs[0]
        index: ndarray = long_index(inputs[1])
        rows: object = take_kernel(inputs[0], index, 0)
        if bags.mode == LARGEST:
            return largest(rows, bags)
        if inputs[2] is not None:
            rows = rows * inputs[2][:, None]
        if not bags.counted.all():
            rows = np.where(bags.counted[:, None], rows, rows.dtype.type(0))
        whole: object = index_add_kernel(np.zeros((bags.number, rows.shape[1]), rows.dtype), 0, bags.owner, rows, 1)
        return whole / bags.sizes.clip(1)[:, None].astype(rows.dtype) if bags.mode == AVERAGE else whole

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        if n.attrs[0].mode == LARGEST:
            return 10
        return 10 | ((4 if n.attrs[2] else 0) if n.needs & 1 else 0) | (1 if n.needs & 4 else 0)

    @cython.cfunc
    def pull(self, n: Node, g: Tensor, i: cython.int) -> object:
        bags, by_count, weighted, shape = n.attrs
        index: Tensor = n.tensor(1)
        kind = cython.cast(object, g._array).dtype
        if bags.mode == LARGEST:
            return from_largest(g, index._array, bags, shape)
        rows = cython.cast(object, g).index_select(0, wrap(bags.owner))
        if i == 2:
            products = rows * PUBLIC["embedding"](n.read(0), index)
            return products.sum(1) * wrap(bags.counted.astype(kind))
        factors: object = bags.factors(kind)
        if by_count:
            factors = factors / often(long_index(index._array)).astype(kind)
        rows = rows * wrap(factors[:, None])
        if weighted:
            rows = rows * n.read(2).unsqueeze(1)
        return apply(EMBEDDING_BACK, (rows, index), (shape, (-1, False)))


def from_largest(g: Tensor, index: ndarray, bags: object, shape: tuple) -> object:
    """The gradient of a maximum: each number goes to the row it came from."""
    array: object = g._array
    kept = bags.best >= 0
    rows: object = long_index(index)
    places = np.where(kept, rows[bags.best] if rows.shape[0] else 0, 0)
    zeros = wrap(np.zeros(shape, array.dtype))
    return zeros.scatter_add(0, wrap(places), g * wrap(kept.astype(array.dtype)))


BAG = EmbeddingBag()
constants(1 << 1 | 1 << 3, BAG)
describe(BAG, "embedding_bag", (), 0, "EmbeddingBagBackward", None, True, 1 << 3)


# ---- the functions --------------------------------------------------------------------------------------------------


def check_index(index: Tensor, rows: object, name: str) -> None:
    """RuntimeError unless they are int64 or int32 (and below `rows`, if that is given)."""
    array: object = index._array
    if array.dtype.char not in "lqi":
        raise RuntimeError(f"Expected tensor for argument #1 '{name}' to have one of the following scalar types: Long, "
                           f"Int; but got torch.{kind_name(array)}Tensor instead (while checking arguments for "
                           "embedding_bag)")
    if rows is not None:
        wrong = np.flatnonzero((array < 0) | (array >= rows))
        if len(wrong):
            raise RuntimeError(f"Index {wrong[0]} of input takes value {array[wrong[0]]} which is not in the valid "
                               f"range [0, {rows})")


def check_offsets(starts: object, count: object, last: bool) -> None:
    """RuntimeError for offsets that do not begin at 0 or lie outside."""
    if last and len(starts) < 1:
        raise RuntimeError("include_last_offset: number of offset should be at least 1")
    if len(starts) and starts[0] != 0:
        raise RuntimeError("offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
                           f"position 0. However, got {starts[0]}")
    if len(starts) and starts[len(starts) - 1] > count:
        raise RuntimeError(f"offsets[-1] can not be greater than input's length {count} but got offsets[-1] of "
                           f"{starts[len(starts) - 1]}")


def check_weights(weight: Tensor, weights: object) -> None:
    """RuntimeError for weights of another type than the table."""
    if weights is None or weights.dtype is cython.cast(object, weight).dtype:
        return
    mine, theirs = kind_name(weight._array), kind_name(cython.cast(Tensor, weights)._array)
    raise RuntimeError("Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 "
                       f"'per_sample_weights'; but type torch.{mine}Tensor does not equal torch.{theirs}Tensor (while "
                       "checking arguments for embedding_bag)")


def bag_up(weight: object, indices: object, offsets: object, by_count: object, mode: int, sparse: object,
           weights: object, last: object, padding: object) -> tuple:
    """(the reduced rows, their bags)."""
    table: Tensor = given(weight, "embedding_bag")
    index: Tensor = other(indices, "embedding_bag", "indices")
    starts: Tensor = other(offsets, "embedding_bag", "offsets")
    refuse_sparse(sparse)
    rows = shape_of(table._array)[0]
    if cython.cast(object, index._array).dtype != cython.cast(object, starts._array).dtype:
        common = dtypes.promote(dtypes.of(index._array), dtypes.of(starts._array))
        index, starts = cython.cast(object, index).to(common), cython.cast(object, starts).to(common)
    check_index(index, None, "indices")
    check_index(starts, None, "offsets")
    if padding is not None and not -rows <= padding < rows:
        raise RuntimeError(f"padding_idx must be within the number of embeddings, {-rows} through {rows - 1}, but got "
                           f"{padding}")
    array: object = index._array
    check_offsets(starts._array, array.shape[0], bool(last))
    check_weights(table, weights)
    check_index(index, rows, "indices")
    bags = Bags(mode, array, cython.cast(object, starts._array).astype(np.int64), bool(last),
                -1 if padding is None else padding % rows)
    attrs = (bags, bool(by_count), weights is not None, shape_of(table._array))
    return apply(BAG, (table, index, weights, starts), attrs), bags


def embedding_bag(
    weight: object, indices: object, offsets: object, scale_grad_by_freq: object = False, mode: object = 0,
    sparse: object = False, per_sample_weights: object = None, include_last_offset: object = False,
    padding_idx: object = None,
) -> tuple:
    """(rows of `weight` reduced by bags, the bag of each index, sizes of bags, indices of the largest).

    mode: 0 sum, 1 mean, 2 max. Sizes are 0 for a sum, as in PyTorch.
    """
    y, bags = bag_up(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights,
                     include_last_offset, padding_idx)
    sizes = wrap(np.array(bags.sizes))
    owner = wrap(np.array(bags.owner))
    if mode == TOTAL:
        return y, owner, wrap(np.zeros(bags.number, np.int64)), wrap(np.zeros(bags.number, np.int64))
    if mode == AVERAGE:
        return y, owner, sizes, wrap(np.array(bags.sizes))
    best = np.where(bags.best >= 0, indices.numpy()[bags.best] if len(bags.owner) else 0, 0)
    return y, owner, sizes, wrap(best)


def of_matrix(x: Tensor, offsets: object) -> object:
    """The offsets of a matrix of indices: each row is a bag. ValueError if there are others."""
    if offsets is not None:
        raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed "
                         f"length sequences. However, found offsets of type {type(offsets)}")
    shape: tuple = shape_of(x._array)
    if shape[1] == 0:
        raise RuntimeError("step must be nonzero")
    kind: object = cython.cast(object, x._array).dtype
    if kind.char == "?":
        raise refused_error("arange_cpu", dtypes.of(x._array))
    return wrap(np.arange(0, shape[0] * shape[1], shape[1]).astype(kind))


def check_bag(x: Tensor, table: Tensor, offsets: object, weights: object) -> None:
    """What the functional form checks of the shapes, with PyTorch's errors."""
    if weights is not None and weights.shape != cython.cast(object, x).shape:
        raise ValueError(f"embedding_bag: If per_sample_weights ({weights.shape}) is not None, then it must have the "
                         f"same shape as the input ({x.shape})")
    if table._array.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {table._array.ndim}")
    if x._array.ndim not in (1, 2):
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {x._array.ndim}")
    if x._array.ndim == 1 and (offsets is None or offsets.ndim != 1):
        raise ValueError("offsets has to be a 1D Tensor" + (" but got None" if offsets is None else ""))


def check_mode(mode: object, by_count: object, sparse: object) -> None:
    """ValueError for another mode than the three, or one that does not go with the rest."""
    if mode not in MODES:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and by_count:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")


def functional_embedding_bag(
    input: object, weight: object, offsets: object = None, max_norm: object = None, norm_type: object = 2,
    scale_grad_by_freq: object = False, mode: object = "mean", sparse: object = False,
    per_sample_weights: object = None, include_last_offset: object = False, padding_idx: object = None,
) -> object:
    """Rows of `weight` at `input`, reduced ("sum", "mean", "max") by bags: rows of a matrix of indices, or the parts of
    a vector that begin at `offsets`.

    per_sample_weights: factors of the rows, for "sum" alone. The row `padding_idx` counts nothing. With `max_norm`,
    rows in use that are longer are first shortened in `weight` itself. Differs from PyTorch: second gradients exist;
    `sparse` is refused with NotImplementedError.
    """
    x: Tensor = given(input, "embedding_bag")
    table: Tensor = other(weight, "embedding_bag", "weight")
    if cython.cast(object, table._array).dtype == np.int64 and cython.cast(object, x._array).dtype.kind == "f":
        warnings.warn(SWAPPED, stacklevel=2)
        x, table = table, x
    check_bag(x, table, offsets, per_sample_weights)
    index: object = x
    if x._array.ndim == 2:
        offsets = of_matrix(x, offsets)
        include_last_offset = False
        index = index.reshape(-1)
        per_sample_weights = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    check_mode(mode, scale_grad_by_freq, sparse)
    if max_norm is not None:
        limit = number(max_norm, "embedding_renorm_", "max_norm", 3, "float")
        order = number(norm_type, "embedding_renorm_", "norm_type", 4, "float")
        check_index(index, None, "indices")
        shorten(table, index, limit, order)
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got "
            f"mode='{mode}'). Please open a feature request on GitHub.")
    return bag_up(table, index, offsets, scale_grad_by_freq, MODES[mode], sparse, per_sample_weights,
                  include_last_offset, padding_idx)[0]


publish("embedding_bag", embedding_bag)
publish("nn.functional.embedding_bag", functional_embedding_bag)
