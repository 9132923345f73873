"""Where the grid finds another outcome than PyTorch's: which layers, words of the case and the difference, and why.

Every entry names a case that it explains, by layer, seed and place, and a test runs that case: an entry whose
difference is gone fails there. PyTorch says "derivative ... is not implemented" for the second gradients of what `ONCE`
names; Headgate has them, and other tests hold them against differences of the first. The cases of `MEMORY` are not run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ONCE = {
    "*ardsigmoid": "hardsigmoid_backward",
    "MultiMarginLoss": "margin losses",
    "MultiLabelMarginLoss": "margin losses",
    "F.multi_margin_loss": "margin losses",
    "F.multilabel_margin_loss": "margin losses",
    "CTCLoss": "ctc_loss",
    "F.ctc_loss": "ctc_loss",
    "EmbeddingBag": "_embedding_bag_backward",
    "F.embedding_bag": "_embedding_bag_backward",
    "MultiheadAttention": "fused attention",
    "Transformer*": "fused attention",
    "F.*attention*": "fused attention",
    "F.pdist": "pdist",
}

EMPTY = (
    "PyTorch skips its checks where there is nothing to compute, or has a bug of its own for tensors without elements"
)
BUG = "a fault of PyTorch's own, not imitated"


@dataclass(frozen=True)
class Known:
    """One difference. `layers` and `words` are patterns; `example`: the name, seed and place of a case it explains."""

    layers: str
    words: str
    why: str
    example: tuple[str, int, int]

    def explains(self, name: str, case: object, difference: str) -> bool:
        return bool(
            re.fullmatch(self.layers, name) and re.search(self.words, f"{case} || {difference}", re.DOTALL)
        )


#: Layers, words of the case: there PyTorch gives what happened to be in memory, and no outcome is right or wrong.
MEMORY = [
    ("CircularPad.d", r"'padding': \((1, -1(, )?)+\).* on \[<normal \[[^>]*\b1[,\]]"),
    (r"MultiMarginLoss|F\.multi_margin_loss", r"on \[<[^>]*\[0, \d+\]"),
    (r"MultiLabelMarginLoss|F\.multilabel_margin_loss", r"on \[<[^>]*\[0, 6\]"),
]

SHUFFLES = r"Pixel(Uns|S)huffle|F\.pixel_(un)?shuffle"

KNOWN = [
    Known(
        "CrossMapLRN2d",
        r"PyTorch \('backward', 'RuntimeError', (\"mul\(\): functions with out|'start)|first\[0\]: off by",
        "PyTorch's gradient writes with out= and fails, or takes the wrong channels",
        ("CrossMapLRN2d", 0, 0),
    ),
    Known(
        SHUFFLES,
        r"<normal \[[^>]*\b0[,\]].*(invalid gradient|PyTorch \('backward'.*is not divisible|result\[0\]: shape)",
        "PyTorch gives an input without elements back as it is, and has a wrong shape for the gradient",
        ("PixelShuffle", 0, 46),
    ),
    Known(
        r"SmoothL1Loss|F\.smooth_l1_loss",
        r"<bool.*PyTorch \('second', 'RuntimeError', 'Subtraction",
        "PyTorch's second gradient subtracts bools, which its loss and its first gradient do not",
        ("SmoothL1Loss", 0, 83),
    ),
    Known(
        r"NLLLoss(2d)?|F\.nll_loss",
        "grad_input must be contiguous",
        BUG,
        ("F.nll_loss", 0, 6),
    ),
    Known(
        r"Embedding|F\.embedding",
        r"'scale_grad_by_freq': True.*<index [^>]*\[\d, \d[^>]*>.*second\[1\]: off by",
        "PyTorch's second gradient does not divide by how often a row is used",
        ("F.embedding", 1, 285),
    ),
    Known(
        r"Embedding|F\.embedding",
        r"PyTorch \('second', 'RuntimeError', .cannot reshape tensor of 0 elements",
        EMPTY,
        ("F.embedding", 0, 3),
    ),
    Known(
        r"MaxPool3d|F\.max_pool3d(_with_indices)?|PixelShuffle|F\.pixel_shuffle",
        r" last>.*PyTorch \('forward', 'RuntimeError', 'Unsupported memory format",
        BUG,
        ("F.pixel_shuffle", 4, 73),
    ),
    Known(
        r"GroupNorm|F\.group_norm",
        r"\b0[,\]].*second\[\d\]: off by nan",
        "PyTorch multiplies sums over nothing by a deviation of nothing",
        ("GroupNorm", 0, 77),
    ),
    Known(
        "GroupNorm",
        r"float32.*result\[0\]: off by [\d.]+e-0[56]: \[0\. 0\.",
        "a group of one number is 0; PyTorch has what is lost in x / deviation - mean / deviation",
        ("GroupNorm", 4, 750),
    ),
    Known(
        r"F\.group_norm",
        r"None, <normal [^>]*>\].*(shape '\[0\]' is invalid|does not have a device)",
        BUG,
        ("F.group_norm", 0, 3),
    ),
    Known(
        r"MaxUnpool[23]d|F\.max_unpool[23]d",
        r"<index [^>]*(transposed|last)>.*PyTorch \('backward', 'RuntimeError', .view size is",
        BUG,
        ("MaxUnpool2d", 0, 78),
    ),
    Known(
        r"FractionalMaxPool[23]d|F\.fractional_max_pool[23]d(_with_indices)?",
        r"'kernel_size': (0|-1).*PyTorch \('backward', 'RuntimeError', .index >= 0",
        BUG,
        ("F.fractional_max_pool3d", 0, 24),
    ),
    Known(
        r"CTCLoss|F\.ctc_loss",
        r"<index [^>]*\[6\] strided>.*off by",
        "PyTorch reads targets of all rows behind one another as if they were contiguous",
        ("CTCLoss", 1, 298),
    ),
    Known(
        r"F\.batch_norm",
        r"strided.*first\[\d\]: off by",
        "PyTorch's gradient reads parameters as if they were contiguous",
        ("F.batch_norm", 4, 318),
    ),
    Known(
        r"F\.(batch|layer|group|instance)_norm",
        r"PyTorch \('second', 'RuntimeError', .Expected a proper Tensor",
        BUG,
        ("F.layer_norm", 4, 13),
    ),
    Known(
        r"F\.conv_tbc",
        r"transposed>.*PyTorch \('forward', 'RuntimeError', .view size is not compatible",
        BUG,
        ("F.conv_tbc", 0, 16),
    ),
    Known(
        r"F\.conv_tbc",
        r"<normal \[0,.*first\[\d\]: requires_grad True",
        EMPTY,
        ("F.conv_tbc", 0, 66),
    ),
    Known(
        r"F\.grid_sample",
        r"\b0[,\]].*PyTorch \('second', 'RuntimeError', .(scatter|cannot reshape)",
        EMPTY,
        ("F.grid_sample", 4, 227),
    ),
    Known(
        r"F\.(log_)?softm(ax|in)",
        r"'dtype': float32.*(first|second)\[0\]: off by [\d.]+e-0[789]",
        "gradients of single precision, whose sums PyTorch takes in another order",
        ("F.log_softmax", 0, 19),
    ),
    Known(
        r"F\.native_channel_shuffle",
        "derivative for aten::native_channel_shuffle is not implemented",
        "PyTorch has no gradient",
        ("F.native_channel_shuffle", 0, 0),
    ),
    Known(
        "TransformerEncoderLayer",
        r"<index [^>]*\[4, 0, 6\].*mixed dtype",
        "PyTorch's fast road looks at no types where there is nothing to compute",
        ("TransformerEncoderLayer", 4, 758),
    ),
]


def unread(name: str, case: object) -> bool:
    """Whether PyTorch's outcome is what happened to be in memory."""
    return any(re.fullmatch(layers, name) and re.search(words, str(case)) for layers, words in MEMORY)
