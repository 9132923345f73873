"""Transformer: encoder and decoder layers, stacks of them, and both together.

Attention is in `attention`. PyTorch's fast road for evaluation is not copied, but what it leaves at padded places is.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from typing import Any

from headgate import errors
from headgate.core.modes import STATE, grad_enabled
from headgate.core.typed import Tensor
from headgate.nn import functional as F
from headgate.nn.attention import SWITCHES
from headgate.nn.init import xavier_uniform_
from headgate.nn.modules.activation import GELU, ReLU
from headgate.nn.modules.attention import MultiheadAttention
from headgate.nn.modules.container import ModuleList
from headgate.nn.modules.dropout import Dropout
from headgate.nn.modules.linear import Linear
from headgate.nn.modules.module import Module
from headgate.nn.modules.normalization import LayerNorm
from headgate.ops.creation import full
from headgate.ops.heads import canonical_mask, type_or_none
from headgate.ops.triangle import triu

Activation = str | Callable[[Tensor], Tensor]
NOT_NESTED = "enable_nested_tensor is True, but self.use_nested_tensor is False because encoder_layer{reason}"


def subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
    """(sz, sz): 0 on and below the diagonal, -inf above."""
    result: Tensor = triu(full((sz, sz), -math.inf, dtype=dtype, device=device), diagonal=1)
    return result


def steps_of(x: Tensor, batch_first: bool) -> int:
    """The number of steps of a sequence or a batch of them."""
    return int(x.shape[0 if x.ndim == 2 or not batch_first else 1])


def is_causal_mask(mask: Tensor | None, is_causal: bool | None, size: int) -> bool:
    """The hint if there is one, else whether the mask is the causal one."""
    if is_causal is not None or mask is None:
        return is_causal is True
    if tuple(mask.shape) != (size, size):
        return False
    return bool((mask == subsequent_mask(size, dtype=mask.dtype if mask.is_floating_point() else None)).all())


def clones(module: Module, count: int) -> ModuleList:
    """Copies of a layer, each with parameters of its own."""
    return ModuleList([copy.deepcopy(module) for _ in range(count)])


def activation_function(activation: Any) -> Any:
    """A function named "relu" or "gelu"; RuntimeError for another name. What is no string stays as it is."""
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return getattr(F, activation)


class Transformer(Module):
    """An encoder and a decoder: src (S, N, E) and tgt (T, N, E), or with batch_first (N, S, E), to (T, N, E).

    Weights with two dims and more begin as xavier_uniform_ draws them, in PyTorch's order. RuntimeError where batches
    or E differ. (Vaswani et al. 2017.)
    """

    def __init__(
        self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6,
        dim_feedforward: int = 2048, dropout: float = 0.1, activation: Activation = F.relu,
        custom_encoder: Any = None, custom_decoder: Any = None, layer_norm_eps: float = 1e-5,
        batch_first: bool = False, norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__()
        options = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)
        kind = {"device": device, "dtype": dtype}
        if custom_encoder is not None:
            self.encoder = custom_encoder
        else:
            layer = TransformerEncoderLayer(*options, **kind)
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **kind)
            self.encoder = TransformerEncoder(layer, num_encoder_layers, norm)
        if custom_decoder is not None:
            self.decoder = custom_decoder
        else:
            other = TransformerDecoderLayer(*options, **kind)
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **kind)
            self.decoder = TransformerDecoder(other, num_decoder_layers, norm)
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self, src: Tensor, tgt: Tensor, src_mask: Tensor | None = None, tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None, tgt_is_causal: bool | None = None, memory_is_causal: bool = False,
    ) -> Tensor:
        rows = 0 if self.batch_first else 1
        if src.size(rows) != tgt.size(rows) and src.ndim == 3:
            raise RuntimeError("the batch number of src and tgt must be equal")
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        result: Tensor = self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal)
        return result

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """(sz, sz): 0 where a step may look (itself and before), -inf elsewhere."""
        return subsequent_mask(sz, device, dtype)

    def _reset_parameters(self) -> None:
        """Draw the weights anew."""
        for parameter in self.parameters():
            if parameter.ndim > 1:
                xavier_uniform_(parameter)


class TransformerEncoder(Module):
    """A stack of copies of an encoder layer, and a norm behind it.

    In evaluation without gradients, padded places are 0 before the norm, as PyTorch's fast road leaves them.
    """

    __constants__ = ["norm"]

    def __init__(
        self, encoder_layer: Any, num_layers: int, norm: Module | None = None, enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = clones(encoder_layer, num_layers)
        self.num_layers, self.norm, self.enable_nested_tensor = num_layers, norm, enable_nested_tensor
        self.mask_check = mask_check
        reason = why_slow(encoder_layer)
        self.use_nested_tensor = enable_nested_tensor and not reason
        if enable_nested_tensor and reason:
            warnings.warn(NOT_NESTED.format(reason=reason), stacklevel=2)

    def forward(
        self, src: Tensor, mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        padding = canonical_mask(src_key_padding_mask, "src_key_padding_mask", type_or_none(mask), "mask", src.dtype)
        mask = canonical_mask(mask, "mask", None, "", src.dtype, False)
        first: Any = self.layers[0]
        causal = is_causal_mask(mask, is_causal, steps_of(src, first.self_attn.batch_first))
        drops = self._drops_padding(first, src, mask, padding)
        output = src
        for layer in self.layers:
            output = layer(output, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        if drops:
            output = output.masked_fill((padding != 0).unsqueeze(-1), 0.0)  # type: ignore[union-attr]
        return output if self.norm is None else self.norm(output)  # type: ignore[no-any-return]

    def _drops_padding(self, first: Any, src: Tensor, mask: Tensor | None, padding: Tensor | None) -> bool:
        """Whether PyTorch would leave padded places out of a nested tensor, and fill them with 0 in the end.

        RuntimeError for a mask of another shape."""
        if not SWITCHES["fastpath"] or not self.use_nested_tensor or first.training or src.ndim != 3:
            return False
        if padding is None:
            return False
        fits = tuple(padding.shape) == tuple(src.shape[:2])
        if not fits and self.mask_check:  # looked at before anything else is
            raise RuntimeError("Mask size should match input size")
        if mask is not None or not without_gradient(src, first):
            return False
        if not fits:
            raise RuntimeError("Mask size should match input size")
        hidden = padding != 0
        return not self.mask_check or not bool((hidden[:, :-1] & hidden[:, 1:].logical_not()).any())


def without_gradient(x: Tensor, layer: Module) -> bool:
    """Whether nothing that comes of x and the layer's parameters has a gradient."""
    return not grad_enabled() or not (x.requires_grad or any(one.requires_grad for one in layer.parameters()))


def on_fast_road(layer: Any, x: Tensor) -> bool:
    """Whether PyTorch would take its fast road through an encoder layer, whose errors are of another class."""
    if x.ndim != 3 or layer.training or not SWITCHES["fastpath"] or why_slow(layer, stacked=False):
        return False
    return without_gradient(x, layer) and not any(
        one._forward_hooks or one._forward_pre_hooks for one in layer.modules())


def check_fast(layer: Any, x: Tensor, padding: Tensor | None) -> None:
    """RuntimeError for what the fast road refuses: whole numbers, a padding mask of another shape."""
    if not x.is_floating_point() and x.numel() and on_fast_road(layer, x):
        raise RuntimeError(errors.MM_DTYPE.format(first=x.dtype.name, second=layer.linear1.weight.dtype.name))
    if padding is not None and tuple(padding.shape) != tuple(x.shape[:2]) and on_fast_road(layer, x):
        raise RuntimeError(f"mask shape should be (B, L), {tuple(x.shape[:2])}, but is {tuple(padding.shape)}")


def why_slow(layer: Any, stacked: bool = True) -> str:
    """Why PyTorch's fast road does not take an encoder layer, or a stack of them; empty if it does."""
    if not isinstance(layer, TransformerEncoderLayer):
        return " was not TransformerEncoderLayer"
    reasons = (
        (stacked and layer.norm_first, ".norm_first was True"),
        (not layer.self_attn.batch_first,
         ".self_attn.batch_first was not True(use batch_first for better inference performance)"),
        (not layer.self_attn._qkv_same_embed_dim, ".self_attn._qkv_same_embed_dim was not True"),
        (layer.self_attn.in_proj_bias is None, ".self_attn was passed bias=False"),
        (not layer.activation_relu_or_gelu, ".activation_relu_or_gelu was not True"),
        (layer.norm1.eps != layer.norm2.eps, ".norm1.eps was not equal to encoder_layer.norm2.eps"),
        (layer.self_attn.num_heads % 2 == 1, ".self_attn.num_heads is odd"),
    )
    return next((text for condition, text in reasons if condition), "")


class TransformerDecoder(Module):
    """A stack of copies of a decoder layer, and a norm behind it."""

    __constants__ = ["norm"]

    def __init__(self, decoder_layer: Any, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = clones(decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None, memory_is_causal: bool = False,
    ) -> Tensor:
        first: Any = self.layers[0]
        causal = is_causal_mask(tgt_mask, tgt_is_causal, steps_of(tgt, first.self_attn.batch_first))
        output = tgt
        for layer in self.layers:
            output = layer(
                output, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=causal,
                memory_is_causal=memory_is_causal)
        return output if self.norm is None else self.norm(output)  # type: ignore[no-any-return]


class TransformerEncoderLayer(Module):
    """Self-attention and a feed-forward network, each with dropout, a residual and a layer norm.

    x = norm1(x + attention(x)); x = norm2(x + linear2(activation(linear1(x)))), or with norm_first each norm before its
    block. activation: "relu", "gelu" or a function. (Vaswani et al. 2017; norm_first: Xiong et al. 2020.)
    """

    __constants__ = ["norm_first"]

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = F.relu, layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__()
        kind: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **kind)
        self.linear1 = Linear(d_model, dim_feedforward, **kind)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **kind)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **kind)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **kind)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        activation = activation_function(activation)
        if activation is F.relu or isinstance(activation, ReLU):  # type: ignore[attr-defined]
            self.activation_relu_or_gelu = 1
        else:
            gelu = activation is F.gelu or isinstance(activation, GELU)  # type: ignore[attr-defined]
            self.activation_relu_or_gelu = 2 if gelu else 0
        self.activation = activation

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if not hasattr(self, "activation"):
            self.activation = F.relu  # type: ignore[attr-defined]

    def forward(
        self, src: Tensor, src_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        padding = canonical_mask(
            src_key_padding_mask, "src_key_padding_mask", type_or_none(src_mask), "src_mask", src.dtype)
        mask = canonical_mask(src_mask, "src_mask", None, "", src.dtype, False)
        check_fast(self, src, padding)
        x = src
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), mask, padding, is_causal)
            x = x + self._ff_block(self.norm2(x))
        else:
            x = self.norm1(x + self._sa_block(x, mask, padding, is_causal))
            x = self.norm2(x + self._ff_block(x))
        return x.to(STATE.casting.dtype) if self._ends_narrow(src) else x

    def _ends_narrow(self, src: Tensor) -> bool:
        """Whether PyTorch's fast road would be taken within autocast, which leaves the result in the narrow type."""
        if STATE.casting is None or self.training or src.ndim != 3 or not SWITCHES["fastpath"]:
            return False
        if grad_enabled() and (src.requires_grad or any(one.requires_grad for one in self.parameters())):
            return False
        return src.itemsize <= 4 and (self.norm_first or not why_slow(self))

    def _sa_block(self, x: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool = False) -> Tensor:
        found = self.self_attn(
            x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal)
        return self.dropout1(found[0])  # type: ignore[no-any-return]

    def _ff_block(self, x: Tensor) -> Tensor:
        x = self.linear2(self.dropout(self.activation(self.linear1(x))))  # type: ignore[operator]
        return self.dropout2(x)  # type: ignore[no-any-return]


class TransformerDecoderLayer(Module):
    """Self-attention, attention to the encoder's memory and a feed-forward network, each with dropout, a residual and a
    layer norm, behind it or with norm_first before it. Arguments as for TransformerEncoderLayer."""

    __constants__ = ["norm_first"]

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = F.relu, layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:
        super().__init__()
        kind: dict[str, Any] = {"bias": bias, "device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **kind)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout=dropout, batch_first=batch_first, **kind)
        self.linear1 = Linear(d_model, dim_feedforward, **kind)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **kind)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, **kind)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, **kind)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, **kind)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = activation_function(activation)

    def __setstate__(self, state: dict[str, Any]) -> None:
        state.setdefault("activation", F.relu)  # type: ignore[attr-defined]
        super().__setstate__(state)

    def forward(
        self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False, memory_is_causal: bool = False,
    ) -> Tensor:
        mine = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory_mask, memory_key_padding_mask, memory_is_causal)
        x = tgt
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *mine)
            x = x + self._mha_block(self.norm2(x), memory, *other)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(x + self._sa_block(x, *mine))
        x = self.norm2(x + self._mha_block(x, memory, *other))
        return self.norm3(x + self._ff_block(x))  # type: ignore[no-any-return]

    def _sa_block(self, x: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool = False) -> Tensor:
        found = self.self_attn(
            x, x, x, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal)
        return self.dropout1(found[0])  # type: ignore[no-any-return]

    def _mha_block(
        self, x: Tensor, memory: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool = False
    ) -> Tensor:
        found = self.multihead_attn(
            x, memory, memory, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal)
        return self.dropout2(found[0])  # type: ignore[no-any-return]

    def _ff_block(self, x: Tensor) -> Tensor:
        x = self.linear2(self.dropout(self.activation(self.linear1(x))))
        return self.dropout3(x)  # type: ignore[no-any-return]
