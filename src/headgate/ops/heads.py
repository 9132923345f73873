"""Multi-head attention as a function: projections, masks merged, heads split and joined around attention itself.

Assertions and words are PyTorch's, as are the masks of dropout. Knows tensors by their methods only.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from headgate.core.declare import composite
from headgate.core.entry import PUBLIC
from headgate.core.size import Size
from headgate.core.typed import Tensor
from headgate.ops.attention import safe_softmax  # noqa: F401  (declares scaled_dot_product_attention before)
from headgate.ops.sums import linear

NEED_MASK = (
    "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
    "`generate_square_subsequent_mask` to create this mask."
)


def require(condition: bool, text: str) -> None:
    """AssertionError with a text unless a condition holds."""
    if not condition:
        raise AssertionError(text)


def canonical_mask(
    mask: Any, mask_name: str, other_type: Any, other_name: str, target_type: Any, check_other: bool = True
) -> Any:
    """A mask as numbers to add: a bool mask's True becomes -inf, the rest 0. None stays None.

    AssertionError for integers; a warning where another mask has another type.
    """
    if mask is None:
        return None
    is_float = mask.is_floating_point()
    require(is_float or str(mask.dtype) == "torch.bool", f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both "
                      "instead.", stacklevel=3)
    if is_float:
        return mask
    return PUBLIC["zeros_like"](mask, dtype=target_type).masked_fill_(mask, -math.inf)


def type_or_none(x: Any) -> Any:
    """The element type of a tensor; None for None."""
    return None if x is None else x.dtype


def check_shapes(query: Any, key: Any, value: Any, padding: Any, mask: Any, heads: int) -> bool:
    """Whether the input is a batch (three dims). AssertionError for other numbers of dims."""
    rank = query.ndim
    require(rank in (2, 3), f"query should be unbatched 2D or batched 3D tensor but received {rank}-D query tensor")
    words = f"For {'' if rank == 3 else 'un'}batched ({rank}-D) `query`, expected"
    require(key.ndim == rank and value.ndim == rank,
            f"{words} `key` and `value` to be {rank}-D but found {key.ndim}-D and {value.ndim}-D tensors respectively")
    require(padding is None or padding.ndim == rank - 1,
            f"{words} `key_padding_mask` to be `None` or {rank - 1}-D but found "
            f"{0 if padding is None else padding.ndim}-D tensor instead")
    if mask is not None:
        require(mask.ndim in (2, 3),
                f"{words} `attn_mask` to be `None`, 2-D or 3-D but found {mask.ndim}-D tensor instead")
        expected = (heads, query.shape[0], key.shape[0])
        require(rank == 3 or mask.ndim == 2 or tuple(mask.shape) == expected,
                f"Expected `attn_mask` shape to be {expected} but got {mask.shape}")
    return bool(rank == 3)


def packed_projections(q: Any, k: Any, v: Any, weight: Any, bias: Any) -> tuple[Any, Any, Any]:
    """Queries, keys and values through the thirds of one weight (3E, E); in one product where they are the same."""
    width = q.shape[-1]
    if q is k and k is v:
        first, second, third = linear(q, weight, bias).chunk(3, -1)
        return first, second, third
    if k is v:
        parts = weight.split([width, 2 * width])
        biases = (None, None) if bias is None else bias.split([width, 2 * width])
        second, third = linear(k, parts[1], biases[1]).chunk(2, -1)
        return linear(q, parts[0], biases[0]), second, third
    first, second, third = weight.chunk(3)  # ValueError where there are fewer rows
    biases = (None, None, None) if bias is None else bias.chunk(3)
    x, y, z = biases
    return linear(q, first, x), linear(k, second, y), linear(v, third, z)


def separate_projections(inputs: tuple[Any, ...], weights: tuple[Any, ...], bias: Any) -> tuple[Any, ...]:
    """The same through three weights. AssertionError for sizes that do not fit."""
    width = inputs[0].shape[-1]
    first, second, third = (None, None, None) if bias is None else bias.chunk(3)
    biases = (first, second, third)
    for name, x, w in zip(("query", "key", "value"), inputs, weights):
        expected = (width, x.shape[-1])
        require(tuple(w.shape) == expected, f"expecting {name} weights shape of {expected}, but got {w.shape}")
    for name, b in zip(("query", "key", "value"), biases):
        require(b is None or tuple(b.shape) == (width,), f"expecting {name} bias shape of {(width,)}, but got "
                f"{None if b is None else b.shape}")
    return tuple(linear(x, w, b) for x, w, b in zip(inputs, weights, biases))


def checked_mask(mask: Any, heads: int, target: int, source: int) -> Any:
    """The attention mask with three dims. RuntimeError for other sizes. `heads`: those of all rows of the batch."""
    if mask is None:
        return None
    expected = (target, source) if mask.ndim == 2 else (heads, target, source)
    if tuple(mask.shape) != expected:
        raise RuntimeError(f"The shape of the {mask.ndim}D attn_mask is {mask.shape}, but should be {expected}.")
    return mask.unsqueeze(0) if mask.ndim == 2 else mask


def widened(mask: Any) -> Any:
    """A mask with a column of zeros more."""
    return None if mask is None else PUBLIC["cat"]([mask, mask.new_zeros((*mask.shape[:-1], 1))], -1)


def static_heads(given: Any, heads: int, width: int, name: str) -> Any:
    """Keys or values that were given instead of projected ones."""
    require(given.shape[0] == heads, f"expecting {name}.size(0) of {heads}, but got {given.shape[0]}")
    require(given.shape[2] == width, f"expecting {name}.size(2) of {width}, but got {given.shape[2]}")
    return given


def by_head(x: Any, heads: int) -> Any:
    """(rows, batch, heads * width) as (batch, heads, rows, width): a view."""
    return x.unflatten(-1, (heads, -1)).permute(1, 2, 0, 3)


def merged_masks(mask: Any, padding: Any, batch: int, heads: int, source: int) -> Any:
    """One mask to add to scores (batch, heads, target, source), or None."""
    if mask is not None:
        mask = mask.unsqueeze(0) if mask.shape[0] == 1 else mask.unflatten(0, (batch, heads))
    if padding is None:
        return mask
    require(padding.shape[0] == batch, f"Expected key_padded_mask.shape[0] to be {batch}, but got {padding.shape[0]}")
    require(padding.shape[1] == source, f"Expected key_padded_mask.shape[1] to be {source}, but got "
            f"{padding.shape[1]}")
    padding = padding.reshape(batch, 1, 1, source)
    if mask is None:
        return padding.clone() if heads > 1 else padding  # PyTorch copies it for each head
    return mask + padding


def weighted(q: Any, k: Any, v: Any, mask: Any, dropout: float) -> tuple[Any, Any]:
    """(attention, its weights): scores, softmax and dropout as ordinary ops."""
    q = q * math.sqrt(1.0 / float(q.shape[-1]))
    scores = q @ k.transpose(-2, -1)
    if mask is not None:
        scores = mask + scores
    weights = PUBLIC["softmax"](scores, -1)
    if dropout > 0:
        weights = PUBLIC["nn.functional.dropout"](weights, dropout)
    return weights @ v, weights


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Any,
    in_proj_bias: Any, bias_k: Any, bias_v: Any, add_zero_attn: bool, dropout_p: float, out_proj_weight: Any,
    out_proj_bias: Any, training: bool = True, key_padding_mask: Any = None, need_weights: bool = True,
    attn_mask: Any = None, use_separate_proj_weight: bool = False, q_proj_weight: Any = None,
    k_proj_weight: Any = None, v_proj_weight: Any = None, static_k: Any = None, static_v: Any = None,
    average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Any, Any]:
    """(attention, weights or None) of num_heads heads: query (L, N, E), key and value (S, N, ·), or without N.

    Each head attends with E/num_heads numbers; results are joined and projected. key_padding_mask (N, S) and attn_mask
    (L, S) or (N * num_heads, L, S): True, or -inf to add, hides a key. Weights (N, L, S), averaged over heads, or with
    the heads. AssertionError or RuntimeError for sizes that do not fit. (Vaswani et al. 2017.)
    """
    batched = check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = unsqueezed(query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    target, batch, width = query.shape
    key_padding_mask = canonical_mask(
        key_padding_mask, "key_padding_mask", type_or_none(attn_mask), "attn_mask", query.dtype)
    attn_mask, is_causal = settled_mask(attn_mask, is_causal, key_padding_mask, need_weights, query.dtype)
    require(width == embed_dim_to_check, f"was expecting embedding dimension of {embed_dim_to_check}, but got {width}")
    require(width // num_heads * num_heads == width, f"embed_dim {width} not divisible by num_heads {num_heads}")
    weights = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    q, k, v = projections(query, key, value, weights, in_proj_bias)
    attn_mask = checked_mask(attn_mask, batch * num_heads, target, key.shape[0])
    if static_k is None and k.shape[0] * batch * width != k.numel():
        shape = [k.shape[0], batch * num_heads, width // num_heads]
        raise RuntimeError(f"shape '{shape}' is invalid for input of size {k.numel()}")
    q, k, v, extra = heads_of(q, k, v, num_heads, (bias_k, bias_v), (static_k, static_v), add_zero_attn)
    for _ in range(extra):
        attn_mask, key_padding_mask = widened(attn_mask), widened(key_padding_mask)
    mask = merged_masks(attn_mask, key_padding_mask, batch, num_heads, k.shape[2])
    dropout = dropout_p if training else 0.0
    if need_weights:
        require(not (is_causal and mask is None), "FIXME: is_causal not implemented for need_weights")
        attended, shares = weighted(q, k, v, mask, dropout)
    else:
        attended = PUBLIC["nn.functional.scaled_dot_product_attention"](q, k, v, mask, dropout, is_causal)
        shares = None
    joined = attended.permute(2, 0, 1, 3).reshape(target * batch, width)
    result = linear(joined, out_proj_weight, out_proj_bias)
    result = result.view(target, batch, result.shape[1])
    if shares is not None and average_attn_weights:
        shares = shares.mean(1)
    if batched:
        return result, shares
    return result.squeeze(1), None if shares is None else shares.squeeze(0)


def unsqueezed(query: Any, key: Any, value: Any) -> tuple[Any, Any, Any]:
    """Single sequences as batches of one; what is the same tensor stays so."""
    q = query.unsqueeze(1)
    k = q if key is query else key.unsqueeze(1)
    return q, k, k if value is key else value.unsqueeze(1)


def settled_mask(mask: Any, causal: bool, padding: Any, need_weights: bool, kind: Any) -> tuple[Any, bool]:
    """(attention mask as numbers or None, whether attention is to mask causally itself)."""
    if causal and mask is None:
        raise RuntimeError(NEED_MASK)
    if causal and padding is None and not need_weights:
        return None, True
    return canonical_mask(mask, "attn_mask", None, "", kind, False), causal and padding is None


def projections(query: Any, key: Any, value: Any, weights: Any, bias: Any) -> tuple[Any, ...]:
    """Queries, keys and values projected by three weights, or by one that holds all."""
    if isinstance(weights, tuple):
        require(key.shape[:2] == value.shape[:2], f"key's sequence and batch dims {Size(key.shape[:2])} do not match "
                f"value's {Size(value.shape[:2])}")
        for name, weight in zip(("q", "k", "v"), weights):
            require(weight is not None, f"use_separate_proj_weight is True but {name}_proj_weight is None")
        return separate_projections((query, key, value), weights, bias)
    require(key.shape == value.shape, f"key shape {key.shape} does not match value shape {value.shape}")
    require(weights is not None, "use_separate_proj_weight is False but in_proj_weight is None")
    return packed_projections(query, key, value, weights, bias)


def heads_of(
    q: Any, k: Any, v: Any, heads: int, biases: tuple[Any, Any], static: tuple[Any, Any], zero: bool
) -> tuple[Any, Any, Any, int]:
    """(batch, heads, rows, width) of each, and how many keys were added: one from biases, one of zeros.

    static: keys and values that were given in place of the projected ones, (batch * heads, rows, width).
    """
    batch, width = q.shape[1], q.shape[2] // heads
    require(biases[0] is None or biases[1] is not None, "bias_k is set but bias_v is None")
    require(biases[1] is None or biases[0] is not None, "bias_v is set but bias_k is None")
    if biases[0] is not None:
        require(static[0] is None, "bias cannot be added to static key.")
        require(static[1] is None, "bias cannot be added to static value.")
        k, v = (PUBLIC["cat"]([x, bias.repeat(1, batch, 1)]) for x, bias in zip((k, v), biases))
    k, v = (
        by_head(x if x.shape[1] == batch else x.view(x.shape[0], batch, q.shape[2]), heads) if given is None
        else static_heads(given, batch * heads, width, name).unflatten(0, (batch, heads))
        for x, given, name in ((k, static[0], "static_k"), (v, static[1], "static_v"))
    )
    if zero:
        k, v = (PUBLIC["cat"]([x, x.new_zeros((*x.shape[:2], 1, x.shape[3]))], 2) for x in (k, v))
    return by_head(q, heads), k, v, (biases[0] is not None) + bool(zero)


def samples(make: Any) -> list[Any]:
    """Samples with and without masks and weights."""

    def some(*shape: int) -> Any:
        return make(*shape, low=-1, high=1)

    rest = (4, 2, some(12, 4), some(12), None, None, False, 0.0, some(4, 4), some(4))
    x, y, z = some(3, 2, 4), some(5, 2, 4), some(5, 2, 4)
    return [((x, y, z, *rest), {}), ((x, y, z, *rest), {"need_weights": False, "attn_mask": some(3, 5)}),
            ((some(3, 4), some(5, 4), some(5, 4), *rest), {"average_attn_weights": False})]


composite("nn.functional.multi_head_attention_forward", multi_head_attention_forward, method=False, samples=samples,
          dtypes="f")
