"""Attention, its layer and transformers beside PyTorch: masks, dropout, options, gradients of two orders, errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from beside import LIBRARIES, compare, outcome, same

import headgate
from headgate.kernels import reference_attention

RANDOM = np.random.default_rng(9)


def arrays(*shapes: tuple[int, ...]) -> list[Any]:
    return [RANDOM.normal(size=shape) for shape in shapes]


def both(given: list[Any], call: Any, kind: str = "float64", second: bool = True) -> None:
    """The result and gradients of two orders of a function of tensors, in both libraries."""
    found = []
    for library in LIBRARIES:
        library.manual_seed(4)
        values = [library.from_numpy(one.copy()).to(getattr(library, kind)).requires_grad_() for one in given]
        result = call(library, *values)
        results = [one for one in (result if isinstance(result, tuple) else (result,)) if one is not None]
        total = sum((one * one * one).sum() for one in results)
        grads = library.autograd.grad(total, values, create_graph=second, allow_unused=True)
        twice = library.autograd.grad(sum((g * g).sum() for g in grads if g is not None), values) if second else ()
        plain = [library.from_numpy(one.copy()).to(getattr(library, kind)).requires_grad_() for one in given]
        library.manual_seed(4)
        again = call(library, *plain)
        again = again if isinstance(again, tuple) else (again,)
        sum((one * one * one).sum() for one in again if one is not None).backward()
        found.append([*results, *grads, *twice, *(one.grad for one in plain), library.rand(2)])
    loose = 1e-8 if kind == "float64" else 1e-4
    same(*found, rtol=loose, atol=loose / 10)


MASKS: dict[str, Any] = {
    "none": None, "bool": RANDOM.random((4, 5)) < 0.7, "blind": np.arange(20).reshape(4, 5) >= 5,
    "float": RANDOM.normal(size=(4, 5)), "heads": RANDOM.normal(size=(2, 3, 4, 5)),
    "batch": RANDOM.normal(size=(2, 1, 1, 5)),
    "hidden": np.where(RANDOM.random((4, 5)) < 0.3, -np.inf, 0.0),
}


def mask_of(library: Any, name: str, kind: Any) -> Any:
    """A mask as a tensor, numbers in the type of the queries."""
    if MASKS[name] is None:
        return None
    mask = library.from_numpy(MASKS[name])
    return mask.to(kind) if mask.is_floating_point() else mask


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_attention(mask: str, causal: bool, dropout: float) -> None:
    if causal and mask != "none":
        pytest.skip("one mask at a time")

    def call(library: Any, q: Any, k: Any, v: Any) -> Any:
        given = mask_of(library, mask, q.dtype)
        return library.nn.functional.scaled_dot_product_attention(q, k, v, given, dropout, causal, scale=0.6)

    # PyTorch's fused form, for four dims and no dropout, has no second gradient
    given = arrays((2, 3, 4, 6), (2, 3, 5, 6), (2, 3, 5, 2))
    both(given, call, second=dropout > 0)
    both(given, call, "float32", second=False)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", ["none", "float", "hidden"])
@pytest.mark.parametrize("dims", [2, 3])
def test_attention_of_few_dims(causal: bool, mask: str, dims: int) -> None:
    if causal and mask != "none":
        pytest.skip("one mask at a time")

    def call(library: Any, q: Any, k: Any, v: Any) -> Any:
        given = mask_of(library, mask, q.dtype)
        return library.nn.functional.scaled_dot_product_attention(q, k, v, given, is_causal=causal)

    lead = (3,) if dims == 3 else ()
    both(arrays((*lead, 4, 6), (*lead, 5, 6), (*lead, 5, 2)), call)


def test_mask_with_gradient_groups_and_broadcast() -> None:
    def attend(library: Any, *args: Any, **options: Any) -> Any:
        return library.nn.functional.scaled_dot_product_attention(*args, **options)

    both(arrays((2, 3, 4, 6), (2, 3, 5, 6), (2, 3, 5, 2), (4, 5)), attend)
    both(arrays((2, 6, 4, 3), (2, 3, 5, 3), (2, 2, 5, 3)), lambda library, q, k, v: attend(
        library, q, k, v, enable_gqa=True), second=False)
    both(arrays((2, 3, 4, 6), (1, 3, 5, 6), (2, 1, 5, 2)), attend)
    both(arrays((2, 2, 3, 4, 6), (2, 2, 3, 5, 6), (2, 2, 3, 5, 2)), attend)
    both(arrays((2, 3, 4, 2), (2, 3, 5, 2), (2, 3, 5, 2)), lambda library, q, k, v: attend(
        library, q, k, v, scale=-0.5), second=False)


def test_layout_of_the_result() -> None:
    """As in PyTorch, the result's axes lie in the order of the queries' axes."""
    given = RANDOM.normal(size=(2, 5, 3, 4))
    strides = []
    for library in LIBRARIES:
        q = library.from_numpy(given).transpose(1, 2)
        attend = library.nn.functional.scaled_dot_product_attention
        other = library.from_numpy(given).permute(2, 1, 0, 3)
        strides.append([attend(q, q, q).stride(), attend(q.contiguous(), q, q).stride(),
                        attend(other, other, other.contiguous()).stride()])
    assert strides[0] == strides[1]


BAD: list[Any] = [
    lambda lib, f, q: f(q[0, 0, 0], q, q), lambda lib, f, q: f(q, q.double(), q), lambda lib, f, q: f(1, q, q),
    lambda lib, f, q: f(q, q, q, lib.ones(5, 5).long()), lambda lib, f, q: f(q, q, q, lib.ones(5, 5).double()),
    lambda lib, f, q: f(q, q, q, dropout_p=1.5), lambda lib, f, q: f(q[0], q[0], q[0], lib.ones(5, 5), is_causal=True),
    lambda lib, f, q: f(q, q[:, :2], q[:, :2]), lambda lib, f, q: f(lib.zeros(2, 4, 5, 4), q, q, enable_gqa=True),
    lambda lib, f, q: f(q, q, q, lib.ones(5)), lambda lib, f, q: f(q, q, q, is_causal="yes"),
    lambda lib, f, q: f(q, q, q, enable_gqa="yes"), lambda lib, f, q: f(q, q, q, scale="a"),
    lambda lib, f, q: f(q[0, 0], q[0, 0], q[0, 0], enable_gqa=True),
    lambda lib, f, q: f(q[0, 0], q[0, 0], q[0, 0], lib.ones(5, 5), is_causal=True, enable_gqa=True),
    lambda lib, f, q: f(q, q, q[..., :2], lib.ones(5, 5), is_causal=True),
    lambda lib, f, q: f(q.mT.contiguous().mT, q, q, lib.ones(5, 5), is_causal=True),
    lambda lib, f, q: f(q[0, :, :1], q[0], q[0], lib.ones(5, 5)),
]


NOTHING: list[Any] = [
    ((2, 0, 3, 4), (2, 0, 5, 4), (2, 0, 5, 4)), ((2, 2, 0, 4), (2, 2, 5, 4), (2, 2, 5, 4)),
    ((3, 4, 6), (3, 5, 6), (0, 5, 6)), ((3, 4, 6), (3, 0, 6), (3, 0, 6)), ((3, 4, 6), (3, 5, 6), (3, 5, 0)),
]


@pytest.mark.parametrize("options", [{}, {"dropout_p": 2.0}, {"enable_gqa": True}, {"is_causal": True}])
@pytest.mark.parametrize("shapes", NOTHING)
def test_nothing_to_attend_to(shapes: Any, options: dict[str, Any]) -> None:
    """Zeros, before anything else is looked at, and nothing is drawn."""
    both([np.ones(shape) for shape in shapes], lambda library, q, k, v: (
        library.nn.functional.scaled_dot_product_attention(q, k, v, library.ones(7, 7), **options), library.rand(2)))


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_attention(case: int) -> None:
    theirs, mine = (
        outcome(lambda lib=lib: BAD[case](lib, lib.nn.functional.scaled_dot_product_attention, lib.zeros(2, 3, 5, 4)))
        for lib in LIBRARIES
    )
    assert theirs == mine
    assert isinstance(theirs, tuple) and isinstance(theirs[0], str), "PyTorch takes it"


def test_choice_of_backends() -> None:
    from headgate.nn.attention import SDPBackend, sdpa_kernel

    theirs = torch.nn.attention.SDPBackend
    assert {name: int(one.value) for name, one in theirs.__members__.items()} == {
        one.name: one.value for one in SDPBackend}
    q = headgate.ones(1, 1, 2, 2)
    with sdpa_kernel(SDPBackend.MATH), sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH], set_priority=True):
        headgate.nn.functional.scaled_dot_product_attention(q, q, q)
    with pytest.raises(AssertionError, match="Backend must be"), sdpa_kernel("math"):
        pass


@pytest.mark.parametrize(("batch", "heads", "queries", "keys", "width", "wide"), [
    (1, 1, 1, 1, 1, 1), (2, 3, 5, 7, 4, 6), (1, 2, 200, 150, 16, 17), (2, 2, 64, 64, 32, 32)])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_kernel_beside_its_numpy_form(
    batch: int, heads: int, queries: int, keys: int, width: int, wide: int, causal: bool, masked: bool
) -> None:
    attention = pytest.importorskip("headgate.kernels.attention", exc_type=ImportError)
    q, k, v, g = arrays((batch, queries, heads, width), (batch, heads, keys, width), (batch, heads, keys, wide),
                        (batch, heads, queries, wide))
    q = q.swapaxes(1, 2)
    mask = np.where(RANDOM.random((batch, 1, queries, keys)) < 0.4, -np.inf, 0.5) if masked else None
    mine = attention.forward(q, k, v, mask, causal, 0.3)
    other = reference_attention.forward(q, k, v, mask, causal, 0.3)
    for one, two in zip(mine, other):
        np.testing.assert_allclose(one, two, rtol=1e-11, atol=1e-12)
    for one, two in zip(attention.backward(g, q, k, v, mask, *mine, causal, 0.3),
                        reference_attention.backward(g, q, k, v, mask, *other, causal, 0.3)):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-11)


# ---- the layer ------------------------------------------------------------------------------------------------------


def padding(library: Any, rows: int, steps: int) -> Any:
    return library.arange(steps).expand(rows, steps) >= library.arange(steps - rows + 1, steps + 1).unsqueeze(1)


HEADS: list[dict[str, Any]] = [
    {}, {"bias": False}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"batch_first": True}, {"dropout": 0.3},
    {"kdim": 3, "vdim": 5}, {"add_bias_kv": True, "add_zero_attn": True, "kdim": 3, "vdim": 5, "bias": False},
]
CALLS: list[dict[str, Any]] = [
    {}, {"need_weights": False}, {"average_attn_weights": False}, {"padding": True}, {"padding": True, "mask": "bool"},
    {"mask": "float", "need_weights": False}, {"mask": "heads"}, {"causal": True, "need_weights": False},
]


@pytest.mark.filterwarnings("ignore:Support for mismatched")
@pytest.mark.parametrize("options", HEADS, ids=str)
@pytest.mark.parametrize("how", CALLS, ids=str)
@pytest.mark.parametrize("shared", ["self", "memory", "three"])
def test_multihead(options: dict[str, Any], how: dict[str, Any], shared: str) -> None:
    target, source, rows, width, heads = (4, 4, 3, 6, 2) if shared == "self" or how.get("causal") else (4, 5, 3, 6, 2)
    if options.get("kdim") and shared != "three":
        pytest.skip("keys of another width are no queries")
    shape = (rows, target) if options.get("batch_first") else (target, rows)
    other = (rows, source) if options.get("batch_first") else (source, rows)
    x, y, z = arrays((*shape, width), (*other, options.get("kdim", width)), (*other, options.get("vdim", width)))

    def make(nn: Any) -> Any:
        library = torch if nn is torch.nn else headgate

        class Attend(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.attention = nn.MultiheadAttention(width, heads, **options)

            def forward(self, x: Any, *others: Any) -> Any:
                keys = {name: how[name] for name in ("need_weights", "average_attn_weights") if name in how}
                if how.get("padding"):
                    keys["key_padding_mask"] = padding(library, rows, source)
                mask = how.get("mask")
                if mask == "bool":
                    keys["attn_mask"] = library.ones(target, source).triu(2) > 0
                if mask == "float":
                    keys["attn_mask"] = library.ones(target, source, dtype=x.dtype).triu(1)
                if mask == "heads":
                    keys["attn_mask"] = library.arange(rows * heads * target * source).view(-1, target, source).to(
                        x.dtype).sin()
                if how.get("causal"):
                    keys["attn_mask"] = nn.Transformer.generate_square_subsequent_mask(target).to(x.dtype)
                    keys["is_causal"] = True
                key, value = (x, x) if not others else (others[0], others[-1])
                result, weights = self.attention(x, key, value, **keys)
                return result if weights is None else (result, weights)

        return Attend()

    given = {"self": [x], "memory": [x, y], "three": [x, y, z]}[shared]
    fused = how.get("need_weights") is False and "dropout" not in options  # no second gradient in PyTorch
    compare(make, *given, second=not fused)


@pytest.mark.parametrize("need_weights", [True, False])
def test_multihead_unbatched(need_weights: bool) -> None:
    def make(nn: Any) -> Any:
        class Attend(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.attention = nn.MultiheadAttention(6, 3)

            def forward(self, x: Any, y: Any) -> Any:
                result, weights = self.attention(x, y, y, need_weights=need_weights)
                return result if weights is None else (result, weights)

        return Attend()

    compare(make, *arrays((4, 6), (5, 6)), second=need_weights)


BAD_HEADS: list[Any] = [
    lambda lib: lib.nn.MultiheadAttention(0, 1), lambda lib: lib.nn.MultiheadAttention(5, 2),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(4)] * 3),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(lib.zeros(3, 2, 4), lib.zeros(3, 4), lib.zeros(3, 4)),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 2, 6)] * 3),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 2, 4)] * 3, lib.zeros(3).bool()),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 2, 4)] * 3, lib.zeros(3, 3).bool()),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 2, 4)] * 3, lib.zeros(2, 4).bool()),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 2, 4)] * 3, attn_mask=lib.zeros(3)),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 2, 4)] * 3, attn_mask=lib.zeros(3, 4)),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 2, 4)] * 3, attn_mask=lib.zeros(3, 3, 3)),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 2, 4)] * 3, attn_mask=lib.zeros(3, 3).long()),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(*[lib.zeros(3, 2, 4)] * 3, is_causal=True),
    lambda lib: lib.nn.MultiheadAttention(4, 2)(lib.zeros(3, 2, 4), lib.zeros(3, 2, 4), lib.zeros(4, 2, 4)),
    lambda lib: lib.nn.TransformerEncoderLayer(4, 2, 8, activation="tanh"),
    lambda lib: lib.nn.Transformer(4, 2, 1, 1, 8)(lib.zeros(3, 2, 4), lib.zeros(3, 3, 4)),
    lambda lib: lib.nn.Transformer(4, 2, 1, 1, 8)(lib.zeros(3, 2, 4), lib.zeros(3, 2, 5)),
]


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("case", range(len(BAD_HEADS)))
def test_bad_heads(case: int) -> None:
    theirs, mine = (outcome(lambda lib=lib: BAD_HEADS[case](lib)) for lib in LIBRARIES)
    assert theirs == mine
    assert isinstance(theirs, tuple) and isinstance(theirs[0], str), "PyTorch takes it"


# ---- transformers ---------------------------------------------------------------------------------------------------

WIDTH, STEPS, ROWS = 6, 4, 3
LAYERS: list[dict[str, Any]] = [
    {}, {"norm_first": True}, {"activation": "gelu"}, {"bias": False}, {"dropout": 0.0, "layer_norm_eps": 0.1},
]


def module(nn: Any, layer: Any, call: Any) -> Any:
    class Call(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, *args: Any) -> Any:
            return call(self.layer, *args)

    return Call()


@pytest.mark.filterwarnings("ignore:Support for mismatched")
@pytest.mark.parametrize("options", LAYERS, ids=str)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("batch_first", [False, True])
def test_layers(options: dict[str, Any], masked: bool, train: bool, batch_first: bool) -> None:
    shape = (ROWS, STEPS, WIDTH) if batch_first else (STEPS, ROWS, WIDTH)
    x, memory = arrays(shape, shape)
    second = train and options.get("dropout") != 0.0

    def mask(layer: Any, x: Any) -> Any:
        library = torch if isinstance(x, torch.Tensor) else headgate
        return library.nn.Transformer.generate_square_subsequent_mask(STEPS, dtype=x.dtype)

    def hidden(x: Any) -> Any:
        return padding(torch if isinstance(x, torch.Tensor) else headgate, ROWS, STEPS)

    def encode(layer: Any, x: Any) -> Any:
        return layer(x, src_mask=mask(layer, x), src_key_padding_mask=hidden(x)) if masked else layer(x)

    def decode(layer: Any, x: Any, memory: Any) -> Any:
        if not masked:
            return layer(x, memory)
        return layer(x, memory, tgt_mask=mask(layer, x), memory_key_padding_mask=hidden(x), tgt_is_causal=True)

    def encoder(nn: Any) -> Any:
        return module(nn, nn.TransformerEncoderLayer(WIDTH, 2, 5, batch_first=batch_first, **options), encode)

    def decoder(nn: Any) -> Any:
        return module(nn, nn.TransformerDecoderLayer(WIDTH, 2, 5, batch_first=batch_first, **options), decode)

    compare(encoder, x, train=train, second=second, rtol=1e-7, atol=1e-9)
    compare(decoder, x, memory, train=train, second=second, rtol=1e-7, atol=1e-9)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor", "ignore:The PyTorch API of nested")
@pytest.mark.parametrize("causal", [None, True])
def test_whole_transformer(causal: bool | None) -> None:
    def call(layer: Any, src: Any, tgt: Any) -> Any:
        library = torch if isinstance(src, torch.Tensor) else headgate
        mask = library.nn.Transformer.generate_square_subsequent_mask(STEPS, dtype=src.dtype)
        return layer(src, tgt, tgt_mask=mask, tgt_is_causal=causal, src_key_padding_mask=padding(library, ROWS, 5))

    src, tgt = arrays((ROWS, 5, WIDTH), (ROWS, STEPS, WIDTH))
    for kind, loose in (("float64", 1e-7), ("float32", 1e-3)):
        compare(lambda nn: module(nn, nn.Transformer(WIDTH, 2, 2, 2, 8, 0.2, batch_first=True), call), src, tgt,
                kind=kind, second=False, rtol=loose, atol=loose / 100)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor", "ignore:The PyTorch API of nested")
@pytest.mark.parametrize("lead", [True, False])
@pytest.mark.parametrize("fast", [True, False])
def test_padded_places_without_gradients(lead: bool, fast: bool) -> None:
    """What PyTorch's fast road leaves at padded places: 0 before the last norm, where padding is at the end."""
    x = RANDOM.normal(size=(ROWS, STEPS, WIDTH)).astype(np.float32)
    found = []
    for library in LIBRARIES:
        library.manual_seed(2)
        layer = library.nn.TransformerEncoderLayer(WIDTH, 2, 8, batch_first=True)
        encoder = library.nn.TransformerEncoder(layer, 2, library.nn.LayerNorm(WIDTH)).eval()
        hidden = padding(library, ROWS, STEPS)
        library.backends.mha.set_fastpath_enabled(fast)
        try:
            with library.no_grad():
                found.append(encoder(library.from_numpy(x), src_key_padding_mask=hidden if lead else hidden.flip(1)))
        finally:
            library.backends.mha.set_fastpath_enabled(True)
    valid = np.ones((ROWS, STEPS), bool) if lead else ~np.asarray(padding(headgate, ROWS, STEPS).flip(1))
    same(*[library[torch.from_numpy(valid)] if index == 0 else library[headgate.from_numpy(valid)]
           for index, library in enumerate(found)], rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*sdp_kernel")
def test_switches() -> None:
    for library in LIBRARIES:
        cuda = library.backends.cuda
        with cuda.sdp_kernel(enable_flash=False):
            assert not cuda.flash_sdp_enabled() and cuda.math_sdp_enabled()
        assert cuda.flash_sdp_enabled()
        cuda.enable_math_sdp(False)
        assert not cuda.math_sdp_enabled()
        cuda.enable_math_sdp(True)


def test_masks_are_the_same() -> None:
    for size in (0, 1, 4):
        theirs = torch.nn.Transformer.generate_square_subsequent_mask(size)
        mine = headgate.nn.Transformer.generate_square_subsequent_mask(size)
        same([theirs], [mine], 0, 0)
    assert math.isinf(float(mine[0, 1]))
