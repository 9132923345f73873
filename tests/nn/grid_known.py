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
    ("CrossMapLRN2d", "", "PyTorch's gradient writes with out= and fails, or takes the wrong channels"),
    ("PixelShuffle", r"\b0[,\]].*invalid gradient", EMPTY),
    ("F.pixel_shuffle", r"\b0[,\]].*invalid gradient", EMPTY),
    ("*ixel?*nshuffle", r"<normal \[[^>]*\b0[,\]]", EMPTY),
    ("*hannel?*huffle", r"<normal \[[^>]*\b0[,\]].*ZeroDivisionError", EMPTY),
    ("*mooth*oss", r"<bool.*PyTorch \('second', 'RuntimeError', 'Subtraction", MIXED),
    ("InstanceNorm?d", r"float32.*mixed dtype.*PyTorch None", MIXED),
    ("F.instance_norm", r"mixed dtype.*PyTorch None", MIXED),
    ("*onv*", r"<bool.*PyTorch \('forward', 'NotImplementedError'", BOOLS),
    ("TransformerEncoder", r"<bool.*PyTorch \('forward', 'NotImplementedError'", BOOLS),
    ("LocalResponseNorm", r"<bool.*avg_pool3d_out_frame", BOOLS),
    ("F.local_response_norm", r"<bool", BOOLS),
    ("*onv*", r"<normal \[0,[^>]*>.*(PyTorch None|PyTorch \('\w+', 'IndexError', 'select)", EMPTY),
    ("*onv?ranspose*", r"'out_channels': 0", EMPTY),
    ("F.conv_transpose?d", "cannot reshape array of size 0", EMPTY),
    ("*NLLLoss*", "grad_input must be contiguous", BUG),
    ("F.nll_loss", "grad_input must be contiguous", BUG),
    (
        "*irwise*istance",
        r"'p': 0\b.*first\[\d\]: a tensor",
        "a norm of order 0 has no gradient in PyTorch, zeros in Headgate",
    ),
    ("CircularPad3d", r"'padding': \(1, -1, 1, -1, 1, -1\)", MEMORY),
    ("MultiMarginLoss", r"\[0, 6\]", MEMORY),
    ("F.multi_margin_loss", r"\[0, 6\]", MEMORY),
    ("MultiLabelMarginLoss", r"\[0, 6\]", MEMORY),
    ("F.multilabel_margin_loss", r"\[0, 6\]", MEMORY),
    ("MaxPool3d", "Unsupported memory format", BUG),
    ("F.max_pool3d*", "Unsupported memory format", BUG),
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
    ("Embedding", r"second.*cannot reshape tensor of 0 elements", EMPTY),
    ("F.embedding", r"second.*cannot reshape tensor of 0 elements", EMPTY),
    ("*", r"\b0[,\]].*second\[\d+\]: off by nan: \[(nan[ ,]*)+\], PyTorch \[", EMPTY),
    ("*daptive*ool*", r"to have non-zero size|\b0[,\]].*off by nan", EMPTY),
    ("*daptive*ool*", r"'output_size': None.*Not implemented", ORDER),
    ("*roup?orm", r"\b0[,\]].*off by nan", EMPTY),
    ("F.group_norm", r"None, <normal \[4\]>.*(shape '\[0\]' is invalid|does not have a device)", BUG),
    ("F.group_norm", r"eps.*(TypeError).*PyTorch .*(ZeroDivisionError)", ORDER),
    ("AvgPool3d", "smaller than kernel size", BUG),
    ("F.avg_pool3d", "smaller than kernel size", BUG),
    (
        "F.avg_pool?d",
        r"<index.*divisor_override.*result|divisor_override.*<index.*result",
        "whole numbers: PyTorch cuts, Headgate rounds down; averages of whole numbers have no use in training",
    ),
    ("MaxUnpool?d", r"'(kernel_size|stride)': (0|-1)|<normal \[\]>|transposed|must contain non-negative", ORDER),
    ("F.max_unpool?d", r"'(kernel_size|stride)': (0|-1)|<normal \[\]>|transposed|must contain non-negative", ORDER),
    ("*ractional*", r"'kernel_size': (0|-1|'a')|'output_ratio': -|\b0[,\]]|IndexError", ORDER),
    (
        "LPPool?d",
        r"'norm_type': inf|'kernel_size': 'a'",
        "a power of infinity: PyTorch's pool does not see its own 1 / p",
    ),
    (
        "F.lp_pool?d",
        r"'norm_type': inf|'kernel_size': 'a'",
        "a power of infinity: PyTorch's pool does not see its own 1 / p",
    ),
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
    ("Upsample", "'mode': None", ORDER),
    ("F.interpolate", "'mode': None|'scale_factor': 'a'", ORDER),
    ("F.upsample*", "'mode': None|'scale_factor': 'a'", ORDER),
    (
        "F.batch_norm",
        r"<normal \[1, 4\]( free)?>|<positive \[1, 4\]|Expected a proper Tensor|<normal \[\]>|<normal free",
        BUG,
    ),
    ("F.conv?d", r"weight should have at least three dimensions", ORDER),
    ("F.conv_tbc", r"'pad': -1|view size is not compatible|\b0[,\]]", BUG),
    ("F.grid_sample", r"\b0[,\]]", EMPTY),
    ("F.grid_sample", r"(bool|index).*NotImplementedError", BOOLS),
    ("F.layer_norm", "Expected a proper Tensor", BUG),
    ("F.bilinear", "weight has three", ORDER),
    ("F.linear", "mat2 must be a matrix", ORDER),
    ("F.log_softmax", r"float32.*off by \de?", "single precision on the way"),
    ("F.*softm??", r"'dtype': float32.*off by [\d.]+e-0[78]", "single precision on the way"),
    ("F.native_channel_shuffle", "is not implemented", "PyTorch has no gradient"),
    ("F.normalize", "'p': 'a'", ORDER),
    ("F.one_hot", "'num_classes': 'a'", ORDER),
    ("F.pad", "'mode': None", ORDER),
    ("PoissonNLLLoss", r"<(index|bool).*off by [\d.]+e-0[78]", "single precision on the way"),
    ("F.poisson_nll_loss", r"<(index|bool).*off by [\d.]+e-0[78]", "single precision on the way"),
    ("M*MarginLoss", "expected scalar type Float but found Double", MIXED),
    ("Flatten", "'end_dim': None", ORDER),
]
