"""Where what is kept for backward is not as in PyTorch, or PyTorch cannot be asked, and why. A table."""

from __future__ import annotations

from dataclasses import dataclass

#: (pattern of names, of the call, which require grad): backward of PyTorch ends the process there.
CRASHES = [("GroupNorm|F.group_norm", r"\[2, 4, 5, 6\] last", "last")]


@dataclass(frozen=True)
class Known:
    """One difference: of one op or layer, one kind, and those of its calls and tensors that the patterns match.

    kind: "raises" where PyTorch does not, "silent" where PyTorch raises, "words" where both raise but begin
    differently, "fails" where the plain backward does, "twice" of a second backward, "mute" where neither raises and
    the write guard does not tell of a wrong gradient.
    """

    name: str
    kind: str
    changed: str
    call: str
    why: str


SPLIT = "an error in both; Headgate names the product that kept the weight's part, PyTorch the view that it is"
KNOWN = [
    Known("Transformer", "words", r"(en|de)coder\.layers\.0\.self_attn\.in_proj_weight", "", SPLIT),
    Known("TransformerDecoderLayer", "words", r"self_attn\.in_proj_weight", "", SPLIT),
    Known("TransformerEncoder", "words", r"layers\.[01]\.self_attn\.in_proj_weight", "", SPLIT),
    Known("TransformerEncoderLayer", "words", r"self_attn\.in_proj_weight", "", SPLIT),
]
