"""Where the grid finds another outcome than PyTorch's: which layers, words of the case and the difference, and why.

PyTorch says "derivative ... is not implemented" for the second gradients of what `ONCE` names; Headgate has them, and
other tests hold them against differences of the first.
"""

from __future__ import annotations

ONCE = {
    "*ardsigmoid": "hardsigmoid_backward",
    "*ulti*argin*oss": "margin losses",
    "*multi*margin_loss": "margin losses",
    "CTCLoss": "ctc_loss",
    "*ctc_loss": "ctc_loss",
    "EmbeddingBag": "_embedding_bag_backward",
    "F.embedding_bag": "_embedding_bag_backward",
    "MultiheadAttention": "fused attention",
    "Transformer*": "fused attention",
    "F.*attention*": "fused attention",
    "F.grid_sample": "grid_sampler",
    "F.native_channel_shuffle": "it has no first one either",
    "F.conv_tbc": "conv_tbc_backward",
    "F.pdist": "pdist",
    "*ractional*ool*": "fractional pools",
}

EMPTY = (
    "PyTorch skips its checks where there is nothing to compute, or has a bug of its own for tensors without elements"
)
MIXED = "PyTorch mixes element types here by chance of its kernels; Headgate computes, or refuses, in the common type"
ORDER = "two things are wrong with the call, and PyTorch finds another one first"
BOOLS = "PyTorch names the kernel that has no bools; Headgate says that the types differ"
BUG = "a fault of PyTorch's own, not imitated"
MEMORY = "PyTorch gives what happened to be in memory"

KNOWN: list[tuple[str, str, str]] = [
    (
        "CrossMapLRN2d",
        r"PyTorch \('backward', 'RuntimeError', (\"mul\(\): functions with out|'start)|first\[0\]: off by",
        "PyTorch's gradient writes with out= and fails, or takes the wrong channels",
    ),
    (
        "*ixel*huffle",
        r"<normal \[[^>]*\b0[,\]].*(invalid gradient|PyTorch \('backward'.*is not divisible|result\[0\]: shape)",
        "PyTorch gives an input without elements back as it is, and has a wrong shape for the gradient",
    ),
    ("*mooth*oss", r"<bool.*PyTorch \('second', 'RuntimeError', 'Subtraction", MIXED),
    ("TransformerEncoder", r"<bool.*PyTorch \('forward', 'NotImplementedError'", BOOLS),
    (
        "*onv*ranspose?d",
        r"float32.*Output size is too small.*PyTorch None",
        "results without elements: PyTorch's kernels of double precision refuse them, only the fused ones do not",
    ),
    ("*NLLLoss*", "grad_input must be contiguous", BUG),
    ("F.nll_loss", "grad_input must be contiguous", BUG),
    (
        "*irwise*istance",
        r"'p': 0\b.*first\[\d\]: a tensor",
        "a norm of order 0 has no gradient in PyTorch, zeros in Headgate",
    ),
    ("CircularPad?d", r"'padding': \((1, -1(, )?)+\).* on \[<normal \[[^>]*\b1[,\]].*result\[0\]: off by", MEMORY),
    ("MultiMarginLoss", r"\[0, \d+\]", MEMORY),
    ("F.multi_margin_loss", r"\[0, \d+\]", MEMORY),
    ("MultiLabelMarginLoss", r"\[0, 6\]", MEMORY),
    ("F.multilabel_margin_loss", r"\[0, 6\]", MEMORY),
    (
        "Embedding",
        r"'scale_grad_by_freq': True.*<index [^>]*\[\d, \d[^>]*>.*second\[1\]: off by",
        "PyTorch's second gradient does not divide by how often a row is used",
    ),
    (
        "F.embedding",
        r"'scale_grad_by_freq': True.*<index [^>]*\[\d, \d[^>]*>.*second\[1\]: off by",
        "PyTorch's second gradient does not divide by how often a row is used",
    ),
    ("*ool3d*", r" last>.*PyTorch \('forward', 'RuntimeError', 'Unsupported memory format", BUG),
    ("*ixel*huffle", r" last>.*PyTorch \('forward', 'RuntimeError', 'Unsupported memory format", BUG),
    ("Embedding", r"second.*cannot reshape tensor of 0 elements", EMPTY),
    ("F.embedding", r"second.*cannot reshape tensor of 0 elements", EMPTY),
    ("*", r"\b0[,\]].*second\[\d+\]: off by nan: \[(nan[ ,]*)+\], PyTorch \[", EMPTY),
    (
        "*roup*orm",
        r"\b0[,\]].*second\[\d\]: off by nan",
        "PyTorch multiplies sums over nothing by a deviation of nothing",
    ),
    ("F.group_norm", r"None, <normal [^>]*>\].*(shape '\[0\]' is invalid|does not have a device)", BUG),
    ("*ax*npool?d", r"<index [^>]*(transposed|last)>.*PyTorch \('backward', 'RuntimeError', .view size is", BUG),
    ("*ractional*", r"'kernel_size': (0|-1).*PyTorch \('backward', 'RuntimeError', .index >= 0", BUG),
    ("Co*mbedding*oss", "'margin': ('a'|None)", ORDER),
    ("F.cosine_embedding_loss", "'margin': ('a'|None)", ORDER),
    ("*CTCLoss", r"off by", "a target that is the blank is not allowed, and has no value that is right"),
    ("F.ctc_loss", r"off by", "a target that is the blank is not allowed, and has no value that is right"),
    (
        "*mbedding?ag",
        r"'include_last_offset': True.*off by|off by.*offsets",
        "the last offset is not the end, which it has to be",
    ),
    ("*ardsigmoid", r"off by \d\.\d+e-0[89]", "PyTorch keeps 1 / 6 in single precision"),
    ("*ultihead*ttention", r"<normal \[4, 0, 6\]>", EMPTY),
    ("F.multi_head*", "not enough values to unpack", ORDER),
    (
        "F.scaled_dot*",
        r"\b0[,\]]|IndexError|dropout probability|output with shape",
        "PyTorch's fused kernel is asked without its checks",
    ),
    ("Transformer*", "Mask size should match input size|IndexError", ORDER),
    ("F.batch_norm", r"strided.*first\[\d\]: off by", "PyTorch's gradient reads parameters as if they were contiguous"),
    ("F.*_norm", r"PyTorch \('second', 'RuntimeError', .Expected a proper Tensor", BUG),
    ("F.conv_tbc", r"transposed>.*PyTorch \('forward', 'RuntimeError', .view size is not compatible", BUG),
    ("F.conv_tbc", r"<normal \[0,.*first\[\d\]: requires_grad True", EMPTY),
    ("F.grid_sample", r"\b0[,\]].*PyTorch \('second', 'RuntimeError', .(scatter|cannot reshape)", EMPTY),
    ("F.bilinear", "weight has three", ORDER),
    ("F.linear", r"<normal \[\]>\] .*mat2 must be a matrix", "PyTorch computes it in float32, not in float64"),
    ("F.log_softmax", r"float32.*off by \de?", "single precision on the way"),
    ("F.*softm??", r"'dtype': float32.*off by [\d.]+e-0[789]", "single precision on the way"),
    ("F.native_channel_shuffle", "is not implemented", "PyTorch has no gradient"),
    ("F.one_hot", "'num_classes': 'a'", ORDER),
    ("PoissonNLLLoss", r"<(index|bool).*off by [\d.]+e-0[78]", "single precision on the way"),
    ("F.poisson_nll_loss", r"<(index|bool).*off by [\d.]+e-0[78]", "single precision on the way"),
    ("M*MarginLoss", "expected scalar type Float but found Double", MIXED),
    ("Flatten", "'end_dim': None", ORDER),
]
