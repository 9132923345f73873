"""Scaled dot-product attention: a fused op where there is no dropout, and the same made of ordinary ops.

The fused op keeps each row's logarithm of its sum and no scores. Multi-head attention is in `ops.heads`.
"""
import math

import cython
import numpy as np

if not cython.compiled:
    from headgate import dtypes
    from headgate.core.apply import apply, requires, wrap
    from headgate.core.arrays import count_of, is_float, shape_of
    from headgate.core.modes import grad_enabled
    from headgate.core.operators import slots
    from headgate.core.records import OUT, Node, Op, Tensor
    from headgate.kernels.reference_attention import backward as kernel_backward
    from headgate.kernels.reference_attention import forward as kernel_forward
    from headgate.ops.arguments import number
    from headgate.ops.through import through_ops

    ndarray = np.ndarray

    def PyArray_TYPE(a: np.ndarray) -> int:
        return a.dtype.num

from headgate import errors
from headgate.core.declare import composite, constants, overload
from headgate.core.entry import PUBLIC
from headgate.ops.whole import whole, whole_op

NAME = "scaled_dot_product_attention"
FEW_DIMS = (
    "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: {} key.dim: {} and "
    "value.dim: {} instead."
)
OTHER_TYPES = (
    "Expected query, key, and value to have the same dtype, but got query.dtype: {} key.dtype: {} and value.dtype: {} "
    "instead."
)
MASK_TYPE = (
    "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {} and  "
    "query.dtype: {} instead."
)
BOTH_MASKS = "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"


@cython.cclass
class Attention(Op):
    """softmax(q k^T scale + mask) v; also the logarithm of each row's sum. Inputs: q, k, v of two to four dims, and a
    mask that broadcasts, or None. attrs: (causal, scale, whether there is a mask)."""

    def __init__(self):
        super().__init__()
        self.together = True

    @cython.cfunc
    def run(self, inputs: tuple, attrs: object, out: ndarray) -> object:
        q, k, v, mask = inputs
        found, logs = kernel_forward(four(q), four(k), four(v), four(mask), attrs[0], attrs[1])
        return cython.cast(object, found).reshape(q.shape[: q.ndim - 1] + (v.shape[v.ndim - 1],)), logs

    @cython.cfunc
    def needed(self, n: Node) -> cython.longlong:
        return 15 | (3 << OUT) if n.needs else 0

    @cython.cfunc
    def pull_all(self, n: Node, grads: list, need: cython.longlong) -> list:
        q: Tensor = n.read(0)
        k: Tensor = n.read(1)
        v: Tensor = n.read(2)
        causal, scale, masked = n.attrs
        mask: Tensor = n.read(3) if masked else None
        g: Tensor = grads[0]
        if g is None:
            return [None] * 4
        if grad_enabled():
            return through_ops([q, k, v, mask], grads[:1], need, lambda given: (by_ops(
                given[0], given[1], given[2], given[3], 0.0, causal, scale),))
        found: list = kernel_backward(
            four(g._array), four(q._array), four(k._array), four(v._array), None if mask is None else four(mask._array),
            four(n.array(OUT)), n.array(OUT + 1), causal, scale)
        like = (q, k, v)
        return [wrap(cython.cast(object, found[i]).reshape(like[i].shape)) if (need >> i) & 1 else None
                for i in range(3)] + [None]


def four(x: ndarray) -> object:
    """The array with four dims: heads of length 1 between a batch and its rows."""
    if x is None or x.ndim == 4:
        return x
    return cython.cast(object, x)[:, None] if x.ndim == 3 else cython.cast(object, x)[None, None]


ATTENTION = overload(Attention(), NAME, None, node="ScaledDotProductFlashAttentionForCpuBackward")
GROUPS = whole_op(NAME, "ScaledDotProductFlashAttentionForCpuBackward", keeps_result=True)
PRODUCT = whole_op("_unsafe_view", "UnsafeViewBackward", copies=True)
constants(1 << 3, ATTENTION)


def by_ops(
    q: object, k: object, v: object, mask: object, dropout: float, causal: bool, scale: float
) -> object:
    """The same made of ordinary ops, with dropout of the weights in PyTorch's masks."""
    root = math.sqrt(abs(scale))
    scores = (q * root) @ (k * (root if scale >= 0 else -root)).transpose(-2, -1)
    if causal:
        seen = PUBLIC["ones"](scores.shape[scores.ndim - 2], scores.shape[scores.ndim - 1]).tril() != 0
        scores = scores.masked_fill(seen.logical_not(), -math.inf)
    if mask is not None:
        masked = scores + mask
        if masked.shape != scores.shape:  # PyTorch adds in place
            raise RuntimeError(errors.INPLACE_SHAPE.format(output=list(scores.shape), shape=list(masked.shape)))
        scores = masked
    weights = safe_softmax(scores)
    if dropout > 0:
        weights = PUBLIC["nn.functional.dropout"](weights, dropout, True)
    return weights @ v


def safe_softmax(scores: object) -> object:
    """softmax along the last dim, with 0 for rows of -inf."""
    blind = (scores == -math.inf).all(-1, True)
    if scores.shape[scores.ndim - 1] == 0 or not bool(blind.any()):
        return PUBLIC["softmax"](scores, -1)
    return PUBLIC["softmax"](scores.masked_fill(blind, 0.0), -1).masked_fill(blind, 0.0)


def check_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor):
    """Refuse what PyTorch refuses at once."""
    arrays = (q._array, k._array, v._array)
    if PyArray_TYPE(q._array) != PyArray_TYPE(k._array) or PyArray_TYPE(q._array) != PyArray_TYPE(v._array):
        raise RuntimeError(OTHER_TYPES.format(*[errors.C_NAMES[dtypes.of(one).name] for one in arrays]))
    if q._array.ndim < 2 or k._array.ndim < 2 or v._array.ndim < 2:
        raise RuntimeError(FEW_DIMS.format(*[len(shape_of(one)) for one in arrays]))
    if mask is None:
        return
    kind: dtypes.dtype = dtypes.of(mask._array)
    if kind.category != 0 and kind.name != "float32" and PyArray_TYPE(mask._array) != PyArray_TYPE(q._array):
        raise RuntimeError(MASK_TYPE.format(errors.C_NAMES[kind.name], errors.C_NAMES[dtypes.of(q._array).name]))
    if mask._array.ndim < 2:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-max(mask._array.ndim, 1)}, "
                         f"{max(mask._array.ndim, 1) - 1}], but got -2)")


def added_mask(mask: Tensor, q: Tensor) -> object:
    """A mask as numbers to add: 0 and -inf in place of a bool."""
    if dtypes.of(mask._array).category != 0:
        return mask
    numbers = np.where(mask._array, 0.0, -math.inf).astype(dtypes.of(q._array).numpy)
    return wrap(numbers)


def nothing(q: Tensor, k: Tensor, v: Tensor) -> object:
    """The result where there is nothing to attend to or with, before anything else is checked; else None."""
    rank: cython.int = q._array.ndim
    if q._array.shape[rank - 2] and k._array.shape[k._array.ndim - 2] and count_of(v._array):
        return None
    shape: tuple = shape_of(q._array)[:rank - 1] + shape_of(v._array)[v._array.ndim - 1:]
    found: object = wrap(np.zeros(shape, cython.cast(object, q._array).dtype))
    for x in (q, k, v):
        found = found + cython.cast(object, x)[:0].sum()
    return found


def fits(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> bool:
    """Whether the fused op takes these: floats, two to four dims, equal leading ones, and a mask without gradient."""
    a: tuple = shape_of(q._array)
    b: tuple = shape_of(k._array)
    c: tuple = shape_of(v._array)
    rank: cython.int = len(a)
    if not is_float(q._array) or rank > 4 or len(b) != rank or len(c) != rank or 0 in a or 0 in b or 0 in c:
        return False
    if a[:rank - 2] != b[:rank - 2] or b[:rank - 1] != c[:rank - 1] or a[rank - 1] != b[rank - 1]:
        return False
    if mask is None:
        return True
    if (grad_enabled() and requires(mask)) or PyArray_TYPE(mask._array) != PyArray_TYPE(q._array):
        return False
    whole = a[:rank - 1] + (b[rank - 2],)
    shape = shape_of(mask._array)
    return len(shape) <= rank and all([one == 1 or one == other for one, other in zip(shape[::-1], whole[::-1])])


def straight(q: Tensor, k: Tensor, v: Tensor) -> bool:
    """Whether rows lie as in PyTorch's fused kernel: in four dims, without gaps, as many of keys as of values."""
    for x in (q, k, v):
        array: object = cython.cast(Tensor, x)._array
        if array.ndim != 4 or array.strides[3] != array.itemsize:
            return False
    return shape_of(k._array)[1] == shape_of(v._array)[1]


def apart(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, attrs: tuple) -> object:
    """The fused op where PyTorch computes by ordinary ops: those keep scaled copies of q and k, of the values only what
    the gradients of q and k read, and nothing of the mask and the result, which may all be written before backward."""
    if not grad_enabled() or not (requires(q) or requires(k) or requires(v)):
        return apply(ATTENTION, (q, k, v, mask), attrs)[0]
    if not requires(q) and not requires(k):
        v = slots.clone.call1(v, None)
    beside: object = None if mask is None else slots.clone.call1(mask, None)
    return whole(PRODUCT, apply(
        ATTENTION, (slots.clone.call1(q, None), slots.clone.call1(k, None), v, beside), attrs)[0])


def grouped(q: object, k: object, v: object) -> tuple:
    """Keys and values repeated for groups of query heads."""
    heads, keys, values = q.size(-3), k.size(-3), v.size(-3)  # IndexError where there are no heads
    if keys == 0 or values == 0 or heads % keys or heads % values:
        raise RuntimeError("Number of heads in key and value must divide the number of heads in query")
    repeat = PUBLIC["repeat_interleave"]
    return repeat(k, heads // keys, -3), repeat(v, heads // values, -3)


def argument(x: object, name: str, position: cython.int) -> Tensor:
    """A tensor argument; TypeError for anything else."""
    if not isinstance(x, Tensor):
        raise TypeError(errors.ARGUMENT.format(
            function=NAME, name=name, position=position, expected="Tensor", type=type(x).__name__))
    return cython.cast(Tensor, x)


def scaled_dot_product_attention(
    query: object, key: object, value: object, attn_mask: object = None, dropout_p: object = 0.0,
    is_causal: object = False, scale: object = None, enable_gqa: object = False,
) -> object:
    """softmax(q k^T scale + mask) v, with dropout of the weights: (..., L, D), (..., S, D), (..., S, E) to (..., L, E).

    attn_mask broadcasts to (..., L, S): bool (True: may be seen) or numbers to add. is_causal: query i sees keys up to
    i. scale: 1/sqrt(D) by default. enable_gqa repeats key and value heads. A row that sees nothing gives 0. Floats of
    one type; RuntimeError for others. Dropout has PyTorch's masks. (Vaswani et al. 2017; Dao et al. 2022.)
    """
    q: Tensor = argument(query, "query", 1)
    k: Tensor = argument(key, "key", 2)
    v: Tensor = argument(value, "value", 3)
    mask: Tensor = None if attn_mask is None else argument(attn_mask, "attn_mask", 4)
    for name, flag in (("is_causal", is_causal), ("enable_gqa", enable_gqa)):
        if not isinstance(flag, bool):
            raise TypeError(f"{NAME}(): argument '{name}' must be bool, not {type(flag).__name__}")
    chance: float = number(dropout_p, NAME, "dropout_p", 5, "float")
    if scale is not None:
        scale = number(scale, NAME, "scale", 7, "float")
    check_attention(q, k, v, mask)
    empty: object = nothing(q, k, v)
    if empty is not None:
        return empty
    if chance > 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {chance:g}")
    both: cython.bint = mask is not None and is_causal  # PyTorch's fused kernel takes that, its formula does not
    if both and (chance > 0 or requires(mask) or not straight(q, k, v)):
        raise RuntimeError(BOTH_MASKS)
    if enable_gqa:
        k, v = grouped(q, k, v)
    if mask is not None:
        mask = added_mask(mask, q)
    width = shape_of(q._array)[q._array.ndim - 1]
    factor: float = float(scale) if scale is not None else 1 / math.sqrt(width) if width else math.inf
    if chance <= 0 and fits(q, k, v, mask):
        alone: bool = q._array.ndim == 4 and shape_of(v._array)[3] == width
        attrs: tuple = (is_causal, factor, mask is not None)
        if alone and chance < 0:
            raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {chance:g}")
        if both and not alone:
            raise RuntimeError(BOTH_MASKS)
        if not alone:
            return apart(q, k, v, mask, attrs)
        result: object = apply(ATTENTION, (q, k, v, mask), attrs)[0]
        return result if k is key and v is value else whole(GROUPS, result, key, value)
    if both:
        raise RuntimeError(BOTH_MASKS)
    return by_ops(q, k, v, mask, chance, is_causal, factor)


def samples(make: object) -> list:
    """Samples with every form of mask."""
    few = {"low": -1, "high": 1}
    return [
        ((make(2, 3, 4, 2, **few), make(2, 3, 5, 2, **few), make(2, 3, 5, 3, **few)), {}),
        ((make(2, 4, 3, **few), make(2, 4, 3, **few), make(2, 4, 3, **few)), {"is_causal": True}),
        ((make(4, 3, **few), make(5, 3, **few), make(5, 2, **few), make(4, 5, **few)), {"scale": 0.7}),
    ]


composite("nn.functional." + NAME, scaled_dot_product_attention, method=False, samples=samples, dtypes="f")
