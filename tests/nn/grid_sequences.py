"""Option grids of recurrent layers and cells, attention, the Transformer and embeddings, with masks and packed input.

A table and nothing else; how it is run is in `grid_run`.
"""

from __future__ import annotations

from typing import Any

from nn.grid_run import Draw, Layer, Made, index, normal

FACTORY: dict[str, list[Any]] = {"device": [..., "cpu"], "dtype": [..., Made(lambda m: m.float32, "float32")]}
SWITCH = [False, True]
NOT_A_NUMBER = ["a", None]


def packed(library: Any, kind: str) -> Any:
    """Three sequences of different lengths, not sorted."""
    values = normal(3, 5, 4).tensor(library, 3, kind)
    return library.nn.utils.rnn.pack_padded_sequence(values, [3, 5, 2], batch_first=True, enforce_sorted=False)


def short_offsets(options: dict[str, Any], operands: list[Any]) -> bool:
    """A last offset that is not the end, where it has to be: PyTorch's kernels differ among themselves."""
    ends = {"offsets to the end": (6,), "offsets of nothing": (0,)}
    return bool(options.get("include_last_offset")) and any(
        isinstance(one, Made) and operands[0].shape != ends.get(one.text) for one in operands[1:]
    )


def recurrent(mode: str, **more: Any) -> Layer:
    states: list[list[Any]] = [
        [normal(5, 3, 4)],
        [normal(5, 4)],
        [normal(0, 3, 4)],
        [normal(5, 0, 4)],
        [normal(1, 1, 4)],
        [Made(packed, "packed", typed=True)],
    ]
    state: Any = normal(1, 3, 3)
    single: Any = normal(1, 3)
    two: Any = normal(2, 3, 3)
    if mode == "LSTM":
        state, single, two = (state, normal(1, 3, 3)), (single, normal(1, 3)), (two, normal(2, 3, 3))
    calls = [*states, [normal(5, 3, 4), state], [normal(5, 4), single], [normal(3, 5, 4), two], [normal(5, 3, 4), None]]
    return Layer(
        {
            "input_size": [4],
            "hidden_size": [3],
            "num_layers": [1, 2],
            "bias": [True, False],
            "batch_first": SWITCH,
            "dropout": [0.0, 0.5],
            "bidirectional": SWITCH,
            **more,
            **FACTORY,
        },
        calls,
        {
            "input_size": [3, 0, -1, "a"],
            "hidden_size": [0, -1, "a"],
            "num_layers": [0, -1],
            "dropout": [-0.1, 1.1, "a"],
            **({"nonlinearity": ["what", None]} if mode == "RNN" else {}),
            "proj_size": [-1, 3, 9, 1],
        },
        count=14,
    )


def cell(lstm: bool, **more: Any) -> Layer:
    state: Any = (normal(2, 3), normal(2, 3)) if lstm else normal(2, 3)
    single: Any = (normal(3), normal(3)) if lstm else normal(3)
    wrong: Any = (normal(2, 4), normal(2, 4)) if lstm else normal(2, 4)
    short: Any = (normal(1, 3), normal(1, 3)) if lstm else normal(1, 3)
    return Layer(
        {"input_size": [4], "hidden_size": [3, 1], "bias": [True, False], **more, **FACTORY},
        [
            [normal(2, 4)],
            [normal(4)],
            [normal(2, 4), state],
            [normal(4), single],
            [normal(0, 4)],
            [normal(2, 4), wrong],
            [normal(2, 4), short],
            [normal(4), state],
            [normal(2, 4), None],
            [normal(2, 3, 4)],
        ],
        {
            "input_size": [3, 0, -1, "a"],
            "hidden_size": [0, -1, "a"],
            **({"nonlinearity": ["what", None]} if more else {}),
        },
    )


RECURRENT: dict[str, Layer] = {
    "RNN": recurrent("RNN", nonlinearity=["tanh", "relu"]),
    "GRU": recurrent("GRU"),
    "LSTM": recurrent("LSTM", proj_size=[0, 2]),
    "RNNCell": cell(False, nonlinearity=["tanh", "relu"]),
    "GRUCell": cell(False),
    "LSTMCell": cell(True),
}

# -- attention --------------------------------------------------------------------------------------------------------

Q, K, V = normal(4, 3, 6), normal(5, 3, 6), normal(5, 3, 6)
KEYS = Draw("bool", (3, 5))
MASKS: list[dict[str, Any]] = [
    {"attn_mask": normal(4, 5, free=True)},
    {"attn_mask": Draw("bool", (4, 5))},
    {"attn_mask": normal(4, 5)},
    {"attn_mask": normal(6, 4, 5, free=True)},
    {"key_padding_mask": KEYS},
    {"key_padding_mask": normal(3, 5, free=True)},
    {"key_padding_mask": KEYS, "attn_mask": Draw("bool", (4, 5))},
    {"need_weights": False},
    {"average_attn_weights": False},
    {"need_weights": False, "attn_mask": Draw("bool", (4, 5))},
    {"key_padding_mask": KEYS, "need_weights": False},
    {"attn_mask": normal(4, 4, free=True)},
    {"is_causal": True},
    {"attn_mask": normal(4, 5, free=True), "is_causal": True},
    {"attn_mask": normal(4, 5, free=True), "is_causal": True, "need_weights": False},
    {"key_padding_mask": Draw("bool", (4, 5))},
    {"attn_mask": Draw("index", (4, 5))},
]


def attention() -> Layer:
    calls: list[list[Any]] = [
        [Q, K, V],
        [normal(4, 6), normal(5, 6), normal(5, 6)],
        [normal(4, 0, 6), normal(5, 0, 6), normal(5, 0, 6)],
        [normal(3, 4, 6), normal(3, 5, 6), normal(3, 5, 6)],
        [Q, normal(5, 3, 4), normal(5, 3, 2)],
        [Q, K, normal(4, 3, 6)],
    ]
    calls += [[Q, K, V, named] for named in MASKS]
    calls += [[normal(3, 4, 6), normal(3, 5, 6), normal(3, 5, 6), named] for named in MASKS[:5]]
    calls += [
        [normal(4, 6), normal(5, 6), normal(5, 6), {"attn_mask": Draw("bool", (4, 5))}],
        [normal(4, 6), normal(5, 6), normal(5, 6), {"key_padding_mask": Draw("bool", (5,))}],
    ]
    return Layer(
        {
            "embed_dim": [6],
            "num_heads": [2, 1, 3],
            "dropout": [0.0, 0.4],
            "bias": [True, False],
            "add_bias_kv": SWITCH,
            "add_zero_attn": SWITCH,
            "kdim": [None, 4, 6],
            "vdim": [None, 2, 6],
            "batch_first": SWITCH,
            **FACTORY,
        },
        calls,
        {"embed_dim": [5, 0, -2, "a"], "num_heads": [4, 0, -1], "dropout": ["a", 1.5, -0.5]},
        count=12,
    )


SQUARE = [[0.0 if k <= row else float("-inf") for k in range(4)] for row in range(4)]


def causal(library: Any, kind: str) -> Any:
    return library.tensor(SQUARE, dtype=getattr(library, kind))


def gelu(library: Any) -> Any:
    return library.nn.functional.gelu


def norm(library: Any) -> Any:
    return library.nn.LayerNorm(6)


TRANSFORMER: dict[str, list[Any]] = {
    "d_model": [6],
    "nhead": [2, 3],
    "dim_feedforward": [8],
    "dropout": [0.0, 0.3],
    "activation": ["relu", "gelu", Made(gelu, "F.gelu")],
    "layer_norm_eps": [1e-5, 0.1],
    "batch_first": SWITCH,
    "norm_first": SWITCH,
    "bias": [True, False],
    **FACTORY,
}
BAD_TRANSFORMER: dict[str, list[Any]] = {
    "d_model": [5, 0],
    "nhead": [4, 0],
    "activation": ["what", None],
    "dropout": [-1.0],
    "dim_feedforward": [-1],
}
TARGET, SOURCE = normal(4, 3, 6), normal(5, 3, 6)


def encoder_layer(library: Any) -> Any:
    return library.nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True)


def decoder_layer(library: Any) -> Any:
    return library.nn.TransformerDecoderLayer(6, 2, 8, dropout=0.0)


ENCODER_MASKS: list[dict[str, Any]] = [
    {"src_key_padding_mask": Draw("bool", (3, 4))},
    {"src_key_padding_mask": normal(3, 4, free=True)},
    {"src_key_padding_mask": Draw("bool", (4, 3))},
    {"is_causal": True},
]
TRANSFORMERS: dict[str, Layer] = {
    "MultiheadAttention": attention(),
    "TransformerEncoderLayer": Layer(
        TRANSFORMER,
        [
            [TARGET],
            [normal(4, 6)],
            [normal(4, 0, 6)],
            *([TARGET, one] for one in ENCODER_MASKS),
            [TARGET, {"src_mask": Made(causal, "causal", typed=True), "is_causal": True}],
            [TARGET, {"src_mask": normal(4, 4, free=True)}],
            [TARGET, {"src_mask": Draw("bool", (4, 4))}],
            [TARGET, {"src_mask": normal(4, 5, free=True)}],
        ],
        BAD_TRANSFORMER,
        count=6,
    ),
    "TransformerDecoderLayer": Layer(
        TRANSFORMER,
        [
            [TARGET, SOURCE],
            [normal(4, 6), normal(5, 6)],
            [TARGET, SOURCE, {"tgt_mask": normal(4, 4, free=True)}],
            [TARGET, SOURCE, {"memory_mask": Draw("bool", (4, 5))}],
            [TARGET, SOURCE, {"tgt_key_padding_mask": KEYS}],
            [TARGET, SOURCE, {"memory_key_padding_mask": KEYS}],
            [TARGET, SOURCE, {"tgt_key_padding_mask": Draw("bool", (3, 4)), "tgt_mask": Draw("bool", (4, 4))}],
            [TARGET, SOURCE, {"tgt_mask": Made(causal, "causal", typed=True), "tgt_is_causal": True}],
            [TARGET, SOURCE, {"memory_mask": normal(4, 5, free=True), "memory_is_causal": True}],
            [TARGET, normal(5, 3, 4)],
            [TARGET, normal(5, 2, 6)],
        ],
        BAD_TRANSFORMER,
        count=6,
    ),
    "TransformerEncoder": Layer(
        {
            "encoder_layer": [Made(encoder_layer, "layer")],
            "num_layers": [2, 1, 0],
            "norm": [None, Made(norm, "norm")],
            "enable_nested_tensor": [False, True],
            "mask_check": [True, False],
        },
        [
            [normal(3, 4, 6)],
            [normal(4, 6)],
            [normal(3, 4, 6), {"mask": Made(causal, "causal", typed=True)}],
            [normal(3, 4, 6), {"mask": Made(causal, "causal", typed=True), "is_causal": True}],
            [normal(3, 4, 6), {"mask": normal(4, 4, free=True)}],
            [normal(3, 4, 6), {"mask": Draw("bool", (4, 4))}],
            [normal(3, 4, 6), {"is_causal": True}],
        ],
        {"num_layers": [-1, "a"], "encoder_layer": [None, 3]},
        count=4,
    ),
    "TransformerDecoder": Layer(
        {"decoder_layer": [Made(decoder_layer, "layer")], "num_layers": [2, 1, 0], "norm": [None, Made(norm, "norm")]},
        [
            [TARGET, SOURCE],
            [TARGET, SOURCE, {"tgt_mask": Made(causal, "causal", typed=True)}],
            [TARGET, SOURCE, {"tgt_mask": Made(causal, "causal", typed=True), "tgt_is_causal": True}],
            [TARGET, SOURCE, {"memory_key_padding_mask": KEYS}],
            [TARGET, SOURCE, {"tgt_key_padding_mask": KEYS}],
            [TARGET, SOURCE, {"memory_mask": normal(4, 5, free=True), "memory_is_causal": True}],
        ],
        {"num_layers": [-1, "a"]},
        count=4,
    ),
    "Transformer": Layer(
        {
            **TRANSFORMER,
            "num_encoder_layers": [1, 2, 0],
            "num_decoder_layers": [1, 0],
            "custom_encoder": [..., Made(lambda m: m.nn.TransformerEncoder(encoder_layer(m), 1), "encoder")],
            "custom_decoder": [..., Made(lambda m: m.nn.TransformerDecoder(decoder_layer(m), 1), "decoder")],
        },
        [
            [SOURCE, TARGET],
            [normal(5, 6), normal(4, 6)],
            [SOURCE, TARGET, {"tgt_mask": Made(causal, "causal", typed=True)}],
            [SOURCE, TARGET, {"src_mask": normal(5, 5, free=True), "memory_mask": Draw("bool", (4, 5))}],
            [SOURCE, TARGET, {"src_key_padding_mask": KEYS, "memory_key_padding_mask": KEYS}],
            [SOURCE, normal(4, 2, 6)],
            [SOURCE, normal(4, 3, 5)],
        ],
        BAD_TRANSFORMER,
        count=4,
    ),
}

# -- embeddings -------------------------------------------------------------------------------------------------------

TABLE = normal(7, 4, free=True)
EMBEDDINGS: dict[str, Layer] = {
    "Embedding": Layer(
        {
            "num_embeddings": [7],
            "embedding_dim": [4],
            "padding_idx": [None, 0, -1, 6],
            "max_norm": [None, 1.0, 0.3],
            "norm_type": [2.0, 1.0, 3, float("inf")],
            "scale_grad_by_freq": SWITCH,
            "sparse": [False],
            "_weight": [..., TABLE],
            "_freeze": SWITCH,
            **FACTORY,
        },
        [[index(7, 3)], [index(7, 2, 3)], [index(7)], [index(7, 0)], [Draw("index", (5,), 0, 7, dtype="int32")]],
        {
            "num_embeddings": [0, -1, "a"],
            "embedding_dim": [0, -1, "a"],
            "padding_idx": [7, -8, "a"],
            "max_norm": ["a", -1.0],
            "_weight": [normal(6, 4, free=True)],
            "norm_type": ["a"],
        },
    ),
    "EmbeddingBag": Layer(
        {
            "num_embeddings": [7],
            "embedding_dim": [4],
            "mode": ["mean", "sum", "max"],
            "padding_idx": [None, 0, -1, 6],
            "max_norm": [None, 1.0],
            "norm_type": [2.0, 1.0, 3],
            "scale_grad_by_freq": SWITCH,
            "sparse": [False],
            "_weight": [..., TABLE],
            "include_last_offset": SWITCH,
            **FACTORY,
        },
        [
            [index(7, 2, 3)],
            [index(7, 6), Made(lambda m: m.tensor([0, 2, 2, 5]), "offsets")],
            [index(7, 6), Made(lambda m: m.tensor([0, 2, 6]), "offsets to the end")],
            [index(7, 2, 3), {"per_sample_weights": normal(2, 3)}],
            [index(7, 6), Made(lambda m: m.tensor([0, 2, 2, 5]), "offsets"), normal(6)],
            [index(7, 6)],
            [index(7, 2, 3), Made(lambda m: m.tensor([0, 2]), "offsets")],
            [index(7, 6), Made(lambda m: m.tensor([1, 2]), "offsets from 1")],
            [index(7, 6), Made(lambda m: m.tensor([0, 9]), "offsets beyond")],
            [index(7, 2, 3), {"per_sample_weights": normal(2, 4)}],
            [index(7, 0, 3)],
            [index(7, 0), Made(lambda m: m.tensor([0, 0]), "offsets of nothing")],
        ],
        {
            "num_embeddings": [0, -1, "a"],
            "embedding_dim": [0, -1],
            "padding_idx": [7, -8],
            "mode": ["what", None],
            "max_norm": ["a"],
            "_weight": [normal(6, 4, free=True)],
        },
        skip=short_offsets,
    ),
}
