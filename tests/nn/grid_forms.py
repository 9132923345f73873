"""Option grids of the functions of nn.functional: what their layers are varied in, and what only the functions have.

A table and nothing else; how it is run is in `grid_run`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nn.grid_layers import ACTIVATIONS, DROPOUTS, LINEAR, NORMS, PLANE, ROWS
from nn.grid_losses import CLASS_LOSSES, LOSSES
from nn.grid_run import Draw, Layer, Made, index, normal
from nn.grid_sequences import short_offsets
from nn.grid_spatial import POOLS, RESAMPLING

SWITCH = [False, True]
OF_LAYERS = {**ACTIVATIONS, **DROPOUTS, **LINEAR, **LOSSES, **CLASS_LOSSES, **POOLS, **RESAMPLING, **NORMS}
KIND: dict[str, list[Any]] = {
    "dtype": [..., None, Made(lambda m: m.float32, "float32"), Made(lambda m: m.float64, "float64")]
}


def like(name: str, *without: str, **more: Any) -> Layer:
    """What the layer of that name is varied in."""
    layer = OF_LAYERS[name]
    leave = {*without, *more}
    return replace(
        layer,
        functional=True,
        derived=True,
        vary={**{key: one for key, one in layer.vary.items() if key not in leave}, **more},
        bad={key: one for key, one in layer.bad.items() if key not in leave},
        count=max(6, layer.count // 2),
    )


def form(calls: list[list[Any]], bad: dict[str, list[Any]] | None = None, skip: Any = None, **vary: Any) -> Layer:
    return Layer(vary, calls, bad or {}, functional=True, skip=skip)


TRAINING = {"training": [True, False]}
WEIGHTED = {"weight": [..., None, Draw("positive", (6,), free=True), Draw("positive", (4, 6), free=True)]}

SIMPLE = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "selu": "SELU",
    "silu": "SiLU",
    "mish": "Mish",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "logsigmoid": "LogSigmoid",
    "softsign": "Softsign",
    "tanhshrink": "Tanhshrink",
    "threshold": "Threshold",
    "elu": "ELU",
    "celu": "CELU",
    "leaky_relu": "LeakyReLU",
    "gelu": "GELU",
    "hardshrink": "Hardshrink",
    "softshrink": "Softshrink",
    "softplus": "Softplus",
    "glu": "GLU",
    "cosine_similarity": "CosineSimilarity",
    "pairwise_distance": "PairwiseDistance",
    "channel_shuffle": "ChannelShuffle",
    "native_channel_shuffle": "ChannelShuffle",
    "pixel_shuffle": "PixelShuffle",
    "pixel_unshuffle": "PixelUnshuffle",
    "local_response_norm": "LocalResponseNorm",
    "smooth_l1_loss": "SmoothL1Loss",
    "kl_div": "KLDivLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "poisson_nll_loss": "PoissonNLLLoss",
    "gaussian_nll_loss": "GaussianNLLLoss",
    "hinge_embedding_loss": "HingeEmbeddingLoss",
    "soft_margin_loss": "SoftMarginLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "cosine_embedding_loss": "CosineEmbeddingLoss",
    "margin_ranking_loss": "MarginRankingLoss",
    "triplet_margin_loss": "TripletMarginLoss",
    "triplet_margin_with_distance_loss": "TripletMarginWithDistanceLoss",
    "nll_loss": "NLLLoss",
    "cross_entropy": "CrossEntropyLoss",
    "multi_margin_loss": "MultiMarginLoss",
    "multilabel_margin_loss": "MultiLabelMarginLoss",
    "ctc_loss": "CTCLoss",
    "fold": "Fold",
    "unfold": "Unfold",
    **{f"avg_pool{n}d": f"AvgPool{n}d" for n in (1, 2, 3)},
    **{f"max_pool{n}d": f"MaxPool{n}d" for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": f"MaxPool{n}d" for n in (1, 2, 3)},
    **{f"lp_pool{n}d": f"LPPool{n}d" for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": f"AdaptiveAvgPool{n}d" for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": f"AdaptiveMaxPool{n}d" for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d_with_indices": f"AdaptiveMaxPool{n}d" for n in (1, 2, 3)},
    **{f"fractional_max_pool{n}d": f"FractionalMaxPool{n}d" for n in (2, 3)},
    **{f"fractional_max_pool{n}d_with_indices": f"FractionalMaxPool{n}d" for n in (2, 3)},
    **{f"max_unpool{n}d": f"MaxUnpool{n}d" for n in (1, 2, 3)},
}
OF_LAYER: dict[str, Layer] = {
    **{f"F.{name}": like(layer) for name, layer in SIMPLE.items()},
    "F.hardtanh": like("Hardtanh", "min_value", "max_value"),
    "F.rrelu": like("RReLU", **TRAINING),
    **{
        f"F.{name}": like(layer, **KIND)
        for name, layer in {"softmax": "Softmax", "softmin": "Softmin", "log_softmax": "LogSoftmax"}.items()
    },
    **{
        f"F.{name}": like(layer, **TRAINING)
        for name, layer in {
            "dropout": "Dropout",
            "dropout1d": "Dropout1d",
            "dropout2d": "Dropout2d",
            "dropout3d": "Dropout3d",
            "alpha_dropout": "AlphaDropout",
            "feature_alpha_dropout": "FeatureAlphaDropout",
        }.items()
    },
    "F.l1_loss": like("L1Loss", **WEIGHTED),
    "F.mse_loss": like("MSELoss", **WEIGHTED),
    "F.huber_loss": like("HuberLoss", **WEIGHTED),
    "F.interpolate": like("Upsample", antialias=SWITCH),
    "F.upsample": like("Upsample", "recompute_scale_factor"),
    "F.upsample_nearest": like("UpsamplingNearest2d"),
    "F.upsample_bilinear": like("UpsamplingBilinear2d"),
}
WRITING: dict[str, Layer] = {
    f"F.{name}_": replace(like(layer, "inplace"), writes=True)
    for name, layer in {
        "relu": "ReLU",
        "selu": "SELU",
        "elu": "ELU",
        "celu": "CELU",
        "leaky_relu": "LeakyReLU",
        "threshold": "Threshold",
    }.items()
}
WRITING["F.hardtanh_"] = replace(like("Hardtanh", "inplace", "min_value", "max_value"), writes=True)
WRITING["F.rrelu_"] = replace(like("RReLU", "inplace", **TRAINING), writes=True)


def wide(n: int, *sizes: int) -> tuple[int, ...]:
    return tuple(sizes[k % len(sizes)] for k in range(n))


def convolution(n: int) -> Layer:
    x, lines = normal(2, 4, *wide(n, 6, 5)), normal(4, *wide(n, 6, 5))
    return form(
        [
            [x, normal(6, 4, *wide(n, 3, 2))],
            [x, normal(6, 4, *wide(n, 3, 2)), normal(6)],
            [lines, normal(6, 4, *wide(n, 3)), normal(6)],
            [x, normal(6, 2, *wide(n, 3)), None],
            [normal(0, 4, *wide(n, 6)), normal(6, 4, *wide(n, 3))],
        ],
        {"stride": [0, -1, "a"], "padding": [-1, "what"], "dilation": [0], "groups": [0, 3, -1]},
        stride=[1, 2, wide(n, 1, 2)],
        padding=[0, 1, "same", "valid", wide(n, 0, 2)],
        dilation=[1, 2, wide(n, 2, 1)],
        groups=[1, 2],
    )


def transposed(n: int) -> Layer:
    x, lines = normal(2, 4, *wide(n, 4, 3)), normal(4, *wide(n, 4, 3))
    return form(
        [
            [x, normal(4, 6, *wide(n, 3, 2))],
            [x, normal(4, 6, *wide(n, 3, 2)), normal(6)],
            [lines, normal(4, 6, *wide(n, 3)), normal(6)],
            [x, normal(4, 3, *wide(n, 3)), normal(6)],
            [normal(0, 4, *wide(n, 4)), normal(4, 6, *wide(n, 3))],
        ],
        {
            "stride": [0, -1, "a"],
            "padding": [-1, "same"],
            "dilation": [0],
            "groups": [0, 3, -1],
            "output_padding": [7, -1],
        },
        stride=[1, 2, wide(n, 1, 2)],
        padding=[0, 1, wide(n, 0, 2)],
        output_padding=[0, 1, wide(n, 1, 0)],
        groups=[1, 2],
        dilation=[1, 2, wide(n, 2, 1)],
    )


def statistics(count: int = 4) -> list[Any]:
    return [normal(count, free=True), Draw("positive", (count,), free=True)]


LENGTHS: dict[str, list[Any]] = {"p": [2.0, 1.0, 3, 0.5, float("inf")]}
MOVING: dict[str, list[Any]] = {"momentum": [0.1, 0.5, 1], "eps": [1e-5, 0.1]}
IMAGE = normal(2, 3, 4, 5)
OWN: dict[str, Layer] = {
    "F.linear": form(
        [
            [ROWS, normal(3, 6)],
            [ROWS, normal(3, 6), normal(3)],
            [normal(6), normal(3, 6), normal(3)],
            [normal(6), normal(6)],
            [PLANE, normal(3, 6), None],
            [ROWS, normal(6), normal()],
            [normal(0, 6), normal(3, 6)],
        ]
    ),
    "F.bilinear": form(
        [[normal(3, 6), normal(3, 4), normal(2, 6, 4)], [normal(3, 6), normal(3, 4), normal(2, 6, 4), normal(2)]]
    ),
    **{f"F.conv{n}d": convolution(n) for n in (1, 2, 3)},
    **{f"F.conv_transpose{n}d": transposed(n) for n in (1, 2, 3)},
    "F.conv_tbc": form(
        [[normal(6, 2, 4), normal(3, 4, 5), normal(5)], [normal(6, 0, 4), normal(3, 4, 5), normal(5)]],
        {"pad": [-1, "a"]},
        pad=[0, 1, 2],
    ),
    "F.prelu": form(
        [
            [ROWS, normal(6)],
            [ROWS, normal(1)],
            [PLANE, normal(4)],
            [normal(), normal()],
            [normal(3), normal(1)],
            [normal(0, 6), normal(6)],
        ]
    ),
    "F.batch_norm": form(
        [
            [PLANE, *statistics()],
            [PLANE, *statistics(), normal(4), normal(4)],
            [PLANE, None, None],
            [ROWS, *statistics(6), normal(6)],
            [PLANE, None, None, None, normal(4)],
            [normal(1, 4), None, None],
            [normal(0, 4, 3), *statistics()],
        ],
        {"eps": ["a", -1.0], "momentum": ["a"]},
        **TRAINING,
        **MOVING,
    ),
    "F.instance_norm": form(
        [
            [PLANE],
            [PLANE, *statistics(), normal(4), normal(4)],
            [PLANE, None, None, normal(4)],
            [normal(2, 4, 6), *statistics()],
            [normal(2, 4, 1)],
            [normal(0, 4, 3)],
        ],
        {"eps": ["a"]},
        use_input_stats=[True, False],
        **MOVING,
    ),
    "F.layer_norm": form(
        [
            [ROWS, (6,)],
            [ROWS, (6,), normal(6), normal(6)],
            [PLANE, (5, 6), normal(5, 6)],
            [ROWS, [4, 6]],
            [PLANE, (6,), None, normal(6)],
            [ROWS, (5,)],
            [ROWS, 6],
            [ROWS, ()],
            [normal(0, 6), (6,)],
        ],
        {"eps": ["a", None]},
        eps=[1e-5, 0.1],
    ),
    "F.rms_norm": form(
        [
            [ROWS, (6,)],
            [ROWS, (6,), normal(6)],
            [PLANE, (5, 6), normal(5, 6)],
            [ROWS, [4, 6]],
            [ROWS, (5,)],
            [ROWS, 6],
            [ROWS, ()],
            [normal(0, 6), (6,)],
        ],
        {"eps": ["a"]},
        eps=[None, 1e-5, 0.1],
    ),
    "F.group_norm": form(
        [
            [PLANE, 2],
            [PLANE, 4, normal(4), normal(4)],
            [normal(2, 4), 2, normal(4)],
            [PLANE, 1, None, normal(4)],
            [PLANE, 3],
            [PLANE, 0],
            [PLANE, 2, normal(3)],
            [normal(0, 4, 3), 2],
        ],
        {"eps": ["a", None]},
        eps=[1e-5, 0.1],
    ),
    "F.normalize": form(
        [[ROWS], [PLANE], [normal(3, 0)], [normal(6)]],
        {"p": ["a"], "dim": [9, "a"]},
        **LENGTHS,
        dim=[1, 0, -1, (0, 1)],
        eps=[1e-12, 0.5],
        out=[None],
    ),
    "F.pdist": form(
        [[ROWS], [normal(1, 3)], [normal(3, 0)]],
        {"p": ["a", -1.0]},
        p=[2, 1.0, 3, 0.5, 0, float("inf")],
        skip=lambda options, operands: 0 in operands[0].shape,
    ),  # PyTorch divides by 0 and dies
    "F.one_hot": form(
        [[index(4, 3)], [index(4, 2, 3)], [index(4)], [index(4, 0)]],
        {"num_classes": [2, 0, "a", -2]},
        num_classes=[-1, 4, 9],
    ),
    "F.gumbel_softmax": form(
        [[ROWS], [PLANE], [normal(6)], [normal(0, 6)]],
        {"tau": ["a", 0], "dim": [9, "a"]},
        tau=[1, 0.5, 3.0],
        hard=SWITCH,
        eps=[..., 1e-10],
        dim=[-1, 0, 1],
    ),
    "F.affine_grid": form(
        [[normal(2, 2, 3)], [normal(2, 3, 4)], [normal(0, 2, 3)]],
        size=[[2, 3, 4, 5], (2, 3, 4, 5, 3), [2, 1, 1, 1], [2, 3, 0, 4], [0, 3, 4, 5], [2, 3, 4]],
        align_corners=[False, True, None],
    ),
    "F.grid_sample": form(
        [
            [IMAGE, normal(2, 3, 4, 2)],
            [normal(2, 2, 3, 4, 3), normal(2, 2, 3, 2, 3)],
            [normal(0, 3, 4, 5), normal(0, 3, 4, 2)],
        ],
        {"mode": ["what"], "padding_mode": ["what"]},
        mode=["bilinear", "nearest", "bicubic"],
        padding_mode=["zeros", "border", "reflection"],
        align_corners=[False, True, None],
    ),
    "F.embedding": form(
        [
            [index(7, 3), normal(7, 4)],
            [index(7, 2, 3), normal(7, 4)],
            [index(7), normal(7, 4)],
            [index(7, 0), normal(7, 4)],
        ],
        {"padding_idx": [7, -8, "a"]},
        padding_idx=[None, 0, -1],
        max_norm=[None, 1.0],
        norm_type=[2.0, 1.0],
        scale_grad_by_freq=SWITCH,
        sparse=[False],
    ),
    "F.embedding_bag": form(
        [
            [index(7, 2, 3), normal(7, 4)],
            [index(7, 6), normal(7, 4), Made(lambda m: m.tensor([0, 2, 6]), "offsets to the end")],
            [index(7, 2, 3), normal(7, 4), {"per_sample_weights": normal(2, 3)}],
        ],
        {"mode": ["what"], "padding_idx": [7, -8]},
        short_offsets,
        max_norm=[None, 1.0],
        norm_type=[2.0, 1.0],
        scale_grad_by_freq=SWITCH,
        mode=["mean", "sum", "max"],
        sparse=[False],
        include_last_offset=SWITCH,
        padding_idx=[None, 0, -1],
    ),
    "F.pad": form(
        [[normal(2, 4, 6)], [PLANE], [normal(4, 6)], [normal(2, 4, 3, 4, 3)], [normal(5)], [normal(0, 4, 6)]],
        {"pad": ["a", 3, None], "mode": ["what", None]},
        pad=[(1, 1), (2, 0), (0, 1, 1, 0), (1, 0, 0, 1, 1, 1), (-1, 1), (-1, -1, 0, 1), (3,), (0, 0), (9, 9), ()],
        mode=["constant", "reflect", "replicate", "circular"],
        value=[None, 1.5, 0, -2],
    ),
}



def uneven(options: dict[str, Any], operands: list[Any]) -> bool:
    """Keys and values that differ in number: PyTorch's fused kernel reads and writes past its memory; heads shared
    among none: it divides by zero and dies."""
    q, k, v = (one.shape for one in operands[:3])
    shared = options.get("enable_gqa") and len(q) > 2 and len(k) > 2 and len(v) > 2
    if shared and q[-3] != 0 and 0 in (k[-3], v[-3]):
        return True
    return len(k) > 1 and len(v) > 1 and k[-2] != v[-2]


Q, K, V = normal(3, 4, 6), normal(3, 5, 6), normal(3, 5, 6)
SEVERAL = [normal(2, 4, 3, 4), normal(2, 4, 5, 4), normal(2, 4, 5, 4)]
HEADS: dict[str, Layer] = {
    "F.scaled_dot_product_attention": form(
        [
            [Q, K, V],
            SEVERAL,
            [normal(4, 6), normal(5, 6), normal(5, 6)],
            [Q, K, normal(3, 5, 2)],
            [normal(2, 4, 3, 4), normal(2, 2, 5, 4), normal(2, 2, 5, 4)],
            [normal(2, 0, 3, 4), normal(2, 0, 5, 4), normal(2, 0, 5, 4)],
        ],
        {
            "attn_mask": [normal(4, 4, free=True), Draw("index", (4, 5)), 3],
            "dropout_p": [-1.0, 2.0, "a"],
            "scale": ["a"],
        },
        uneven,
        attn_mask=[None, normal(4, 5, free=True), Draw("bool", (4, 5)), normal(3, 5, free=True), Draw("bool", (3, 5))],
        dropout_p=[0.0, 0.4],
        is_causal=SWITCH,
        scale=[None, 0.3],
        enable_gqa=SWITCH,
    ),
    "F.multi_head_attention_forward": form(
        [
            [normal(4, 3, 6), normal(5, 3, 6), normal(5, 3, 6), 6, 2, normal(18, 6), normal(18), None, None],
            [normal(4, 6), normal(5, 6), normal(5, 6), 6, 2, normal(18, 6), normal(18), None, None],
            [
                normal(4, 3, 6),
                normal(5, 3, 6),
                normal(5, 3, 6),
                6,
                3,
                normal(18, 6),
                None,
                normal(1, 1, 6),
                normal(1, 1, 6),
            ],
            [
                normal(4, 3, 6),
                normal(5, 3, 6),
                normal(5, 3, 6),
                6,
                2,
                None,
                normal(18),
                None,
                None,
                {
                    "use_separate_proj_weight": True,
                    "q_proj_weight": normal(6, 6),
                    "k_proj_weight": normal(6, 6),
                    "v_proj_weight": normal(6, 6),
                },
            ],
            [
                normal(4, 3, 6),
                normal(5, 3, 6),
                normal(5, 3, 6),
                6,
                2,
                normal(18, 6),
                normal(18),
                None,
                None,
                {"static_k": normal(6, 5, 3), "static_v": normal(6, 5, 3)},
            ],
        ],
        {"dropout_p": ["a"]},
        add_zero_attn=SWITCH,
        dropout_p=[0.0, 0.4],
        out_proj_weight=[normal(6, 6, free=True)],
        out_proj_bias=[normal(6, free=True), None],
        **TRAINING,
        key_padding_mask=[None, Draw("bool", (3, 5))],
        need_weights=[True, False],
        attn_mask=[None, normal(4, 5, free=True), Draw("bool", (4, 5))],
        average_attn_weights=[True, False],
        is_causal=SWITCH,
    ),
}
# in single precision its sums of products come in another order
HEADS["F.multi_head_attention_forward"] = replace(HEADS["F.multi_head_attention_forward"], loose=10)
